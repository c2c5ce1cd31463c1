-- What was not delivered can be sent again, one delivery at a time or many by a replay.

ALTER TABLE deliveries ADD COLUMN
  -- How many of its attempts were made before its schedule last began anew.
  attempts_before INTEGER NOT NULL DEFAULT 0;

ALTER TABLE verdicts ADD COLUMN
  -- When dispatch decided, if a replay has decided anew since; NULL if none has.
  first_decided_at INTEGER;

-- A webhook's deliveries by time (an index ends with the row's `seq`). It had no time in it, so lists of a time
-- long past read all that came after.
DROP INDEX deliveries_of_webhook;
CREATE INDEX deliveries_of_webhook ON deliveries (webhook_seq, created_at);
-- Those that were given up. Few are, so a delivery that arrives costs nothing here.
CREATE INDEX deliveries_given_up ON deliveries (webhook_seq, state, created_at) WHERE state IN ('failed', 'canceled');

-- Replays: jobs that go through what was decided for a webhook, in the order of the events, and send again.
CREATE TABLE replays (
  -- The order of their beginning.
  seq INTEGER PRIMARY KEY,
  -- The public id.
  id TEXT NOT NULL UNIQUE,
  -- Of which webhook.
  webhook_seq INTEGER NOT NULL REFERENCES webhooks (seq),
  -- What is sent again.
  only TEXT NOT NULL CHECK (only IN ('failed', 'filter_error', 'filtered', 'disabled', 'all')),
  -- Events accepted at or after.
  since INTEGER NOT NULL,
  -- Events accepted before.
  until INTEGER NOT NULL,
  -- Where it stands.
  state TEXT NOT NULL CHECK (state IN ('running', 'done', 'canceled', 'failed')),
  -- The event before the first to be looked at.
  first_position INTEGER NOT NULL,
  -- The last event that was looked at. Each step begins where it is and moves it, so it is also the fence: a step
  -- that began elsewhere is not written.
  position INTEGER NOT NULL,
  -- The last event to be looked at.
  last_position INTEGER NOT NULL,
  -- How many are sent again, also those that the filter now lets through.
  replayed INTEGER NOT NULL DEFAULT 0,
  -- How many the filter let out.
  filtered INTEGER NOT NULL DEFAULT 0,
  -- On how many the filter failed.
  filter_errors INTEGER NOT NULL DEFAULT 0,
  -- How many the webhook may not have, or does not want any more.
  out_of_scope INTEGER NOT NULL DEFAULT 0,
  -- How many were on their way anyway.
  under_way INTEGER NOT NULL DEFAULT 0,
  -- When it began.
  created_at INTEGER NOT NULL,
  -- When it was done, canceled or failed.
  finished_at INTEGER,
  -- Why it failed, for people.
  failure TEXT,
  CHECK ((state = 'running') = (finished_at IS NULL))
) STRICT;

-- Those under way, one a webhook.
CREATE UNIQUE INDEX replays_running ON replays (webhook_seq) WHERE state = 'running';
-- A webhook's replays, newest first (an index ends with the row's `seq`).
CREATE INDEX replays_of_webhook ON replays (webhook_seq);
