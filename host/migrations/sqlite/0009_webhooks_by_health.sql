-- How many webhooks are healthy, unhealthy and disabled, which is told whenever somebody reads the metrics. Written only
-- when that changes.
CREATE INDEX webhooks_by_health ON webhooks (is_enabled, health) WHERE deleted_at IS NULL;
