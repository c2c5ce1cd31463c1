-- Verdicts of a webhook are found by a table that is filled in large steps, and no longer by an index. A decision for
-- ten thousand webhooks touched ten thousand pages of that index, each for ten bytes.

DROP INDEX verdicts_of_webhook;

-- The events on which something was decided for a webhook: where its lists, statistics and replays find its verdicts.
CREATE TABLE verdicts_of_webhook (
  -- For which webhook.
  webhook_seq INTEGER NOT NULL,
  -- On which event.
  event_seq INTEGER NOT NULL,
  PRIMARY KEY (webhook_seq, event_seq)
) STRICT, WITHOUT ROWID;

-- In the order of the table, so that each page is written once, however many verdicts there are.
INSERT INTO verdicts_of_webhook SELECT webhook_seq, event_seq FROM verdicts ORDER BY webhook_seq, event_seq;

-- Events with verdicts for many webhooks that are not in `verdicts_of_webhook` yet, or not all of them. Whoever looks
-- there looks here too, so there are never many.
CREATE TABLE verdicts_to_place (
  -- Which event.
  event_seq INTEGER PRIMARY KEY,
  -- Its verdicts for webhooks up to this one are there; 0 if none is. Events that are placed together have the same.
  placed_to INTEGER NOT NULL
) STRICT;

-- Webhooks whose filter failed lately. A filter that does not fail costs a look at these few rows.
CREATE INDEX webhooks_with_failing_filter ON webhooks (seq) WHERE filter_failures_in_a_row > 0;

-- What a verdict refers to is looked up before it is written, and goes after it. To have SQLite look both up again took
-- more time than to write the row. Dropping a constraint changes no row, so SQLite's documentation has it done in the
-- text of the schema (lang_altertable.html, section 7); the schema is read anew at the end.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
  SET sql = replace(replace(sql, 'event_seq INTEGER NOT NULL REFERENCES events (seq)', 'event_seq INTEGER NOT NULL'),
                    'webhook_seq INTEGER NOT NULL REFERENCES webhooks (seq)', 'webhook_seq INTEGER NOT NULL')
  WHERE type = 'table' AND name = 'verdicts';
PRAGMA writable_schema = RESET;
