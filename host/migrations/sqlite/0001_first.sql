-- The first schema.
--
-- Times are milliseconds since the Unix epoch. Booleans are 0 and 1. Enumerations are the names that
-- `host/src/model` gives them, as text: a dump can be read without the program, and a name costs no
-- more than ten bytes in tables whose rows have a hundred. JSON is canonical text.
--
-- `seq` is a row's place in the order of arrival and, because it is short, what other tables refer to.
-- Public ids are looked up once and never repeated in another table. A foreign key is there where the
-- store itself answers for both sides; who owns a thing is decided above it.

PRAGMA application_id = 0x484b5356; -- "HKSV": tells our database from another program's

-- What is known of the database as a whole: one row.
CREATE TABLE store_state (
  -- Always 1.
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- A known text sealed under the sealing key, by which a wrong key is noticed.
  key_check BLOB NOT NULL,
  -- Whether the last process that had the database open closed it; if not, it is checked at start.
  is_clean INTEGER NOT NULL CHECK (is_clean IN (0, 1)),
  -- How many times the database was opened. Fences begin at `opens << 40`, so that a lease of an
  -- earlier process can be told from one of this process without touching a row.
  opens INTEGER NOT NULL,
  -- When the database was last opened.
  opened_at INTEGER NOT NULL,
  -- Counts readiness checks, which write here to see whether writing works.
  checks INTEGER NOT NULL
) STRICT;

-- Users the operator made known.
CREATE TABLE users (
  -- Chosen by the operator.
  id TEXT PRIMARY KEY,
  -- A name for people.
  name TEXT,
  -- When the operator last said something of them.
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Projects the operator made known.
CREATE TABLE projects (
  -- Chosen by the operator.
  id TEXT PRIMARY KEY,
  -- A name for people.
  name TEXT,
  -- The company it belongs to.
  company_id TEXT,
  -- When the operator last said something of it.
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who is a member of which project now.
CREATE TABLE members (
  -- The project.
  project_id TEXT NOT NULL REFERENCES projects (id),
  -- The user.
  user_id TEXT NOT NULL REFERENCES users (id),
  PRIMARY KEY (project_id, user_id)
) STRICT, WITHOUT ROWID;

-- API tokens, of which only the hash of the secret part is kept.
CREATE TABLE tokens (
  -- The public part.
  id TEXT PRIMARY KEY,
  -- The user it speaks for; NULL for an operator token.
  user_id TEXT,
  -- A name for people.
  name TEXT,
  -- SHA-256 of the secret part.
  secret_sha256 BLOB NOT NULL CHECK (length(secret_sha256) = 32),
  -- When it was made.
  created_at INTEGER NOT NULL,
  -- When it was revoked.
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;

-- Event types the operator added to the built-in catalogue.
CREATE TABLE event_types (
  -- Such as `INVOICE_PAID`.
  name TEXT PRIMARY KEY,
  -- What happened, for people.
  description TEXT NOT NULL,
  -- Its group in the catalogue.
  group_name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Accepted events. Rows are written once and never updated: what changes is in `dispatch_queue`.
CREATE TABLE events (
  -- The order of acceptance; never used twice, also after the newest event was deleted.
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  -- The producer's idempotency key, unique for as long as the event is kept.
  id TEXT NOT NULL UNIQUE,
  -- SHA-256 over what the producer sent: tells a repetition from a conflict.
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  -- What happened, such as `TODO_CREATED`.
  event_type TEXT NOT NULL,
  -- The company it happened in.
  company_id TEXT,
  -- The project it happened in.
  project_id TEXT NOT NULL,
  -- Who did it.
  user_id TEXT,
  -- When it happened, by the producer.
  occurred_at INTEGER NOT NULL,
  -- When it was accepted.
  accepted_at INTEGER NOT NULL,
  -- The record before, JSON.
  previous_value TEXT NOT NULL,
  -- The record after, JSON.
  current_value TEXT NOT NULL
) STRICT;

-- Events on which dispatch has not decided yet: a row comes with the event and goes with the decision,
-- so that claiming rewrites a few bytes and not the event.
CREATE TABLE dispatch_queue (
  -- The event.
  event_seq INTEGER PRIMARY KEY REFERENCES events (seq),
  -- Until when it belongs to a claimant; 0 if it belongs to nobody.
  leased_until INTEGER NOT NULL DEFAULT 0,
  -- Grows with every claim and every release; a write with an old fence is refused.
  fence INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Filters, uploaded and bundled.
CREATE TABLE filters (
  -- The order of upload.
  seq INTEGER PRIMARY KEY,
  -- The public id.
  id TEXT NOT NULL UNIQUE,
  -- Who uploaded it; NULL for a bundled filter.
  owner TEXT,
  -- The name it was uploaded under.
  name TEXT NOT NULL,
  -- SHA-256 of the uploaded bytes.
  digest BLOB NOT NULL REFERENCES filter_modules (digest),
  -- Length of the uploaded bytes.
  size_bytes INTEGER NOT NULL,
  -- The version of the filter interface that it exports.
  wit_version TEXT NOT NULL,
  -- What it says of itself: its name.
  about_name TEXT NOT NULL,
  -- What it says of itself: its version.
  about_version TEXT NOT NULL,
  -- What it says of itself: what it lets through.
  about_description TEXT NOT NULL,
  -- What it says of itself: the JSON Schema of its configuration, JSON.
  config_schema TEXT,
  -- When it was uploaded.
  created_at INTEGER NOT NULL
) STRICT;

-- A user's filters, newest first (an index ends with the row's `seq`).
CREATE INDEX filters_of_owner ON filters (owner);
-- Whether a module is still used.
CREATE INDEX filters_of_module ON filters (digest);

-- The uploaded bytes, once for each content. They stay for as long as a filter or a webhook has their
-- digest: a webhook goes on with the bytes it was given when a bundled filter is replaced.
CREATE TABLE filter_modules (
  -- SHA-256 of the bytes.
  digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
  -- The bytes as they were uploaded.
  wasm BLOB NOT NULL
) STRICT;

-- Webhooks. A deleted one stays as a tombstone without URL, headers, name, filter and secrets, so that
-- its log can be read and a change feed can tell of the deletion.
CREATE TABLE webhooks (
  -- The order of registration.
  seq INTEGER PRIMARY KEY,
  -- The public id.
  id TEXT NOT NULL UNIQUE,
  -- A second public identifier, 32 hex digits.
  uid TEXT NOT NULL,
  -- Who registered it.
  owner TEXT NOT NULL,
  -- A name for people.
  name TEXT,
  -- Where deliveries go.
  url TEXT NOT NULL,
  -- The event types it wants, a JSON array of names.
  events TEXT NOT NULL,
  -- The projects it wants, a JSON array of ids; empty means all of the owner's.
  project_ids TEXT NOT NULL,
  -- Its filter, if any.
  filter_id TEXT REFERENCES filters (id),
  -- SHA-256 of the filter's bytes.
  filter_digest BLOB REFERENCES filter_modules (digest),
  -- The filter's configuration, JSON.
  filter_config TEXT,
  -- What happens when the filter fails.
  filter_on_error TEXT CHECK (filter_on_error IN ('skip', 'deliver')),
  -- The shape of the delivered body.
  payload_format TEXT NOT NULL CHECK (payload_format IN ('full', 'compact')),
  -- Headers added to every request, a JSON object.
  headers TEXT NOT NULL,
  -- Whether events are delivered.
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  -- Whether its endpoint answers.
  health TEXT NOT NULL CHECK (health IN ('HEALTHY', 'UNHEALTHY')),
  -- Failed attempts since the last success.
  failures_in_a_row INTEGER NOT NULL,
  -- Filter failures since the filter last gave a verdict.
  filter_failures_in_a_row INTEGER NOT NULL,
  -- Grows with every change that its owner can see.
  version INTEGER NOT NULL,
  -- Its place in the order of changes of all webhooks.
  change_seq INTEGER NOT NULL UNIQUE,
  -- When it was registered.
  created_at INTEGER NOT NULL,
  -- When its owner, or its health, last changed it.
  updated_at INTEGER NOT NULL,
  -- When it was deleted.
  deleted_at INTEGER,
  -- A filter is there with all its parts or not at all.
  CHECK ((filter_id IS NULL) = (filter_digest IS NULL)
    AND (filter_id IS NULL) = (filter_config IS NULL)
    AND (filter_id IS NULL) = (filter_on_error IS NULL))
) STRICT;

-- A user's webhooks, newest first (an index ends with the row's `seq`).
CREATE INDEX webhooks_of_owner ON webhooks (owner) WHERE deleted_at IS NULL;
-- Whether a filter is in use.
CREATE INDEX webhooks_of_filter ON webhooks (filter_id) WHERE filter_id IS NOT NULL;
-- Whether a module is in use.
CREATE INDEX webhooks_of_module ON webhooks (filter_digest) WHERE filter_digest IS NOT NULL;

-- Signing secrets, several for a webhook while one replaces another.
CREATE TABLE webhook_secrets (
  -- The order of making: the newest signs first.
  seq INTEGER PRIMARY KEY,
  -- Whose secret it is.
  webhook_seq INTEGER NOT NULL REFERENCES webhooks (seq),
  -- When it was made.
  created_at INTEGER NOT NULL,
  -- When it stops signing; NULL for the current one.
  expires_at INTEGER,
  -- XChaCha20-Poly1305: 24 bytes of nonce, then text and tag; the webhook's id is associated data.
  sealed BLOB NOT NULL
) STRICT;

-- The secrets of a webhook.
CREATE INDEX webhook_secrets_of_webhook ON webhook_secrets (webhook_seq);

-- How a webhook looked when deliveries were decided, once for each version that had any.
CREATE TABLE webhook_snapshots (
  -- Of which webhook.
  webhook_seq INTEGER NOT NULL REFERENCES webhooks (seq),
  -- The webhook's version.
  version INTEGER NOT NULL,
  -- The shape of the body.
  payload_format TEXT NOT NULL CHECK (payload_format IN ('full', 'compact')),
  -- The body's `webhook` object, JSON.
  object TEXT NOT NULL,
  PRIMARY KEY (webhook_seq, version)
) STRICT, WITHOUT ROWID;

-- One event owed to one webhook.
CREATE TABLE deliveries (
  -- The order of decision.
  seq INTEGER PRIMARY KEY,
  -- The public id, which is also the message id.
  id TEXT NOT NULL UNIQUE,
  -- What is owed.
  event_seq INTEGER NOT NULL REFERENCES events (seq),
  -- To whom.
  webhook_seq INTEGER NOT NULL,
  -- The version of the webhook that its attempts send.
  snapshot_version INTEGER NOT NULL,
  -- Where it stands.
  state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed', 'canceled')),
  -- How many attempts were made.
  attempt_count INTEGER NOT NULL DEFAULT 0,
  -- When the next attempt is due, while pending.
  due_at INTEGER NOT NULL,
  -- When it was decided.
  created_at INTEGER NOT NULL,
  -- When it was delivered, failed or canceled.
  finished_at INTEGER,
  -- Until when it belongs to a claimant; 0 if it belongs to nobody.
  leased_until INTEGER NOT NULL DEFAULT 0,
  -- Grows with every claim and every release; a write with an old fence is refused.
  fence INTEGER NOT NULL DEFAULT 0,
  -- An event is owed to a webhook once. Finds the delivery of a verdict, too.
  UNIQUE (event_seq, webhook_seq),
  FOREIGN KEY (webhook_seq, snapshot_version) REFERENCES webhook_snapshots (webhook_seq, version)
) STRICT;

-- A webhook's deliveries, newest first (an index ends with the row's `seq`).
CREATE INDEX deliveries_of_webhook ON deliveries (webhook_seq);
-- What waits, by webhook and then by time. A claim steps from webhook to webhook and reads only the
-- beginning of each one's rows, so a webhook with very many costs no more than one with a few.
-- `leased_until` is not in it: claiming would rewrite it, and few rows are leased at a time.
CREATE INDEX deliveries_due ON deliveries (webhook_seq, due_at) WHERE state = 'pending';
-- What waits, by time alone: tells what is due now and next, when that is little, without a look at
-- every webhook that has a retry tomorrow.
CREATE INDEX deliveries_by_time ON deliveries (due_at) WHERE state = 'pending';

-- The attempt log: one row for each HTTP request.
CREATE TABLE attempts (
  -- The order of recording.
  seq INTEGER PRIMARY KEY,
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
  -- Finds the attempts of a delivery, in order.
  UNIQUE (delivery_seq, number)
) STRICT;

-- What was decided for one event and one webhook. Clustered by event, so that deciding on an event
-- for many webhooks appends; the delivery, if any, is the one of the same event and webhook.
CREATE TABLE verdicts (
  -- On which event.
  event_seq INTEGER NOT NULL REFERENCES events (seq),
  -- For which webhook.
  webhook_seq INTEGER NOT NULL REFERENCES webhooks (seq),
  -- What was decided.
  outcome TEXT NOT NULL
    CHECK (outcome IN ('delivered', 'filtered', 'filter_error', 'out_of_scope', 'disabled')),
  -- Why, for people.
  reason TEXT,
  -- The class of the filter's failure, such as `fuel`.
  reason_class TEXT,
  -- SHA-256 of the bytes of the filter that decided.
  filter_digest BLOB,
  -- Fuel the filter used.
  fuel INTEGER,
  -- Wall-clock time of the filter in microseconds.
  duration_us INTEGER,
  -- When it was decided.
  decided_at INTEGER NOT NULL,
  PRIMARY KEY (event_seq, webhook_seq)
) STRICT, WITHOUT ROWID;

-- A webhook's verdicts, newest event first.
CREATE INDEX verdicts_of_webhook ON verdicts (webhook_seq, event_seq);
