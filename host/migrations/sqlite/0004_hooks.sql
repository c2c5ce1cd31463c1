-- Sealed headers, the end of replaced secrets, and events that test one webhook.

-- Headers can hold the endpoint's credentials, so they are sealed like signing secrets. `seal_headers` is a
-- function that the program lends to this migration: the column with the plain text goes in the transaction
-- that fills the sealed one.
ALTER TABLE webhooks ADD COLUMN
  -- Headers added to every request, a JSON object, sealed as in `webhook_secrets` but with "headers of " before
  -- the webhook's id as associated data; NULL for none.
  headers_sealed BLOB;
UPDATE webhooks SET headers_sealed = seal_headers(id, headers) WHERE headers <> '{}';
ALTER TABLE webhooks DROP COLUMN headers;

-- Secrets that sign no more, to be deleted.
CREATE INDEX webhook_secrets_by_end ON webhook_secrets (expires_at) WHERE expires_at IS NOT NULL;

ALTER TABLE events ADD COLUMN
  -- The webhook that it is for alone, if it is a test: it concerns no other webhook and shows to nobody but the
  -- webhook's owner and operators. NULL for what happened.
  test_webhook_seq INTEGER REFERENCES webhooks (seq);

-- The tests of a webhook, newest first (an index ends with the row's `seq`).
CREATE INDEX events_of_test ON events (test_webhook_seq) WHERE test_webhook_seq IS NOT NULL;
