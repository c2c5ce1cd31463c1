-- What is known of an endpoint that does not answer, and the operator as an owner of webhooks.

ALTER TABLE webhooks ADD COLUMN
  -- When the first of the failed attempts since the last success ended; NULL if the last one succeeded.
  failing_since INTEGER;

ALTER TABLE webhooks ADD COLUMN
  -- When the webhook became UNHEALTHY; NULL while it is HEALTHY.
  unhealthy_since INTEGER;

ALTER TABLE webhooks ADD COLUMN
  -- No attempt is made before this time; NULL if there is no such time. It may have passed.
  held_until INTEGER;

ALTER TABLE webhooks ADD COLUMN
  -- Why no attempt is made until then.
  hold_reason TEXT CHECK ((hold_reason IS NULL) = (held_until IS NULL) AND hold_reason IN ('unhealthy', 'retry_after'));

ALTER TABLE webhooks ADD COLUMN
  -- Failed probes since the webhook became UNHEALTHY: its place among the pauses between probes.
  failed_probes INTEGER NOT NULL DEFAULT 0;

ALTER TABLE webhooks ADD COLUMN
  -- Why it is disabled; NULL while it is enabled, and for webhooks disabled before this was kept.
  disabled_reason TEXT CHECK (disabled_reason IN ('owner', 'gone', 'failing', 'health_check'));

ALTER TABLE webhooks ADD COLUMN
  -- The class of the last failed attempt or health check since the last success.
  last_error TEXT;

ALTER TABLE webhooks ADD COLUMN
  -- The HTTP status of that failure, if the endpoint answered.
  last_error_status INTEGER;

ALTER TABLE webhooks ADD COLUMN
  -- More about that failure, for people.
  last_error_detail TEXT;

ALTER TABLE webhooks ADD COLUMN
  -- When that attempt or health check ended.
  last_failed_at INTEGER CHECK ((last_failed_at IS NULL) = (last_error IS NULL));

-- Operational events (`WEBHOOK_UNHEALTHY` and so on) belong to a project of Hooksieve's own, and the operator
-- is its only member. So they are dispatched like all others.
INSERT INTO users (id, name, updated_at) VALUES ('hooksieve:operator', 'The operator', 0);
INSERT INTO projects (id, name, company_id, updated_at) VALUES ('hooksieve:webhooks', 'Webhooks', NULL, 0);
INSERT INTO members (project_id, user_id) VALUES ('hooksieve:webhooks', 'hooksieve:operator');
