-- What a delivery and a verdict cost.

-- SQLite makes a table of its own for a list that a value is looked for in, each time a row is written, which took as long
-- as to write the row. Comparisons say the same. The text of the schema is changed as in 0007: no row changes.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
  SET sql = replace(sql, 'state IN (''pending'', ''delivered'', ''failed'', ''canceled'')',
                    'state = ''pending'' OR state = ''delivered'' OR state = ''failed'' OR state = ''canceled''')
  WHERE type = 'table' AND name = 'deliveries';
UPDATE sqlite_schema
  SET sql = replace(sql, 'outcome IN (''delivered'', ''filtered'', ''filter_error'', ''out_of_scope'', ''disabled'')',
                    'outcome = ''delivered'' OR outcome = ''filtered'' OR outcome = ''filter_error''
      OR outcome = ''out_of_scope'' OR outcome = ''disabled''')
  WHERE type = 'table' AND name = 'verdicts';
PRAGMA writable_schema = RESET;

-- The verdicts on every event wait to be placed by webhook, not only those on events with many. Which of an event's are
-- placed already is in memory; to place one again changes nothing.
ALTER TABLE verdicts_to_place DROP COLUMN placed_to;
