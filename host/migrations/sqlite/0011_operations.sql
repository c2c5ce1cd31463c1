-- Traces, endpoints that recover, and what of a deleted webhook goes when it has had its time.

ALTER TABLE events ADD COLUMN
  -- What the producer sent as `traceparent`: 16 bytes of the trace, 8 of the span, 1 of flags. NULL where it sent none,
  -- or traces were off.
  trace_parent BLOB CHECK (length(trace_parent) = 25);

ALTER TABLE webhooks ADD COLUMN
  -- Since when its endpoint answers again, while it is spared; NULL otherwise.
  recovered_at INTEGER;

-- Replays that have ended, by the time since when they have.
CREATE INDEX replays_ended ON replays (finished_at) WHERE finished_at IS NOT NULL;
-- Webhooks that were deleted, by the time since when they are.
CREATE INDEX webhooks_deleted ON webhooks (deleted_at) WHERE deleted_at IS NOT NULL;
