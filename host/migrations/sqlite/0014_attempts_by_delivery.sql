-- The attempt log lies by delivery: one tree is written for an attempt, and read for a delivery's, instead of two.
CREATE TABLE attempts_by_delivery (
  -- Of which delivery.
  delivery_seq INTEGER NOT NULL REFERENCES deliveries (seq),
  -- 1 for the first.
  number INTEGER NOT NULL,
  -- When it began.
  started_at INTEGER NOT NULL,
  -- How long it took, body included, in milliseconds.
  duration_ms INTEGER NOT NULL,
  -- The HTTP status, if the endpoint answered.
  status INTEGER,
  -- Why it failed; NULL for a success.
  error TEXT,
  -- More about the failure, for people.
  error_detail TEXT,
  -- The beginning of the response body.
  response BLOB NOT NULL,
  PRIMARY KEY (delivery_seq, number)
) STRICT, WITHOUT ROWID;

INSERT INTO attempts_by_delivery
  SELECT delivery_seq, number, started_at, duration_ms, status, error, error_detail, response
  FROM attempts ORDER BY delivery_seq, number;
DROP TABLE attempts;
ALTER TABLE attempts_by_delivery RENAME TO attempts;
