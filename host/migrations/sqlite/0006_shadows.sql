-- Candidates that run beside the filters of webhooks.

ALTER TABLE webhooks ADD COLUMN
  -- The candidate beside its filter, if any.
  shadow_filter_id TEXT REFERENCES filters (id);

ALTER TABLE webhooks ADD COLUMN
  -- SHA-256 of the candidate's bytes.
  shadow_filter_digest BLOB REFERENCES filter_modules (digest);

ALTER TABLE webhooks ADD COLUMN
  -- The candidate's configuration, JSON.
  shadow_filter_config TEXT;

ALTER TABLE webhooks ADD COLUMN
  -- Since when the two are compared: when the candidate or the filter was last changed.
  shadow_since INTEGER
  CHECK ((shadow_since IS NULL) = (shadow_filter_id IS NULL)
    AND (shadow_since IS NULL) = (shadow_filter_digest IS NULL)
    AND (shadow_since IS NULL) = (shadow_filter_config IS NULL));

-- Whether a filter, or a module, is in use as a candidate.
CREATE INDEX webhooks_of_shadow_filter ON webhooks (shadow_filter_id) WHERE shadow_filter_id IS NOT NULL;
CREATE INDEX webhooks_of_shadow_module ON webhooks (shadow_filter_digest) WHERE shadow_filter_digest IS NOT NULL;

-- How often a webhook's candidate agreed since it is compared; no row before the first comparison.
CREATE TABLE shadow_tallies (
  -- Which webhook.
  webhook_seq INTEGER PRIMARY KEY REFERENCES webhooks (seq),
  -- How often both sent the event, or neither did.
  agreed INTEGER NOT NULL,
  -- How often the event was sent and the candidate kept it back.
  delivered_but_skips INTEGER NOT NULL,
  -- How often the event was kept back and the candidate sent it.
  skipped_but_delivers INTEGER NOT NULL,
  -- How often the candidate failed.
  errors INTEGER NOT NULL
) STRICT;

-- The newest events on which a webhook's candidate did not agree. What was decided is kept as it was then.
CREATE TABLE shadow_samples (
  -- Which webhook.
  webhook_seq INTEGER NOT NULL REFERENCES webhooks (seq),
  -- Which event.
  event_seq INTEGER NOT NULL REFERENCES events (seq),
  -- What was decided.
  outcome TEXT NOT NULL,
  -- Why, for people.
  reason TEXT,
  -- The class of the filter's failure.
  reason_class TEXT,
  -- What the candidate says.
  candidate_outcome TEXT NOT NULL,
  -- Why, for people.
  candidate_reason TEXT,
  -- The class of the candidate's failure.
  candidate_reason_class TEXT,
  PRIMARY KEY (webhook_seq, event_seq)
) STRICT, WITHOUT ROWID;
