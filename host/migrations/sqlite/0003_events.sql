-- Events can be listed, and an added event type has an example and a schema.

ALTER TABLE event_types ADD COLUMN
  -- A complete event of this type, as it would be posted, JSON.
  example TEXT;
ALTER TABLE event_types ADD COLUMN
  -- The JSON Schema of such an event, JSON.
  schema TEXT;

-- All events by the time of acceptance (an index ends with the row's `seq`).
CREATE INDEX events_by_time ON events (accepted_at);
-- A project's events by the time of acceptance. There is none by type: each index on a column with many
-- values costs a page of the log for nearly every event, and lists by type are looked for among these.
CREATE INDEX events_of_project ON events (project_id, accepted_at);
-- The projects of a user.
CREATE INDEX members_of_user ON members (user_id);
