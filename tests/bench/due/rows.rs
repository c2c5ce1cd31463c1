//! Very many deliveries, without the day that it would take to have them come about.

use std::path::Path;

use hooksieve::client::Client;
use hooksieve::wire::{NewEvent, NewWebhook};
use rusqlite::Connection;

use crate::process::Process;
use crate::rig::sink::Sink;
use crate::rig::stage::PROJECT;

/// What the webhooks of the backlog subscribe to, and nobody else does.
const EVENT_TYPE: &str = "TODO_DELETED";

/// Registers the webhooks and has one event delivered to each, whose rows are the pattern of all others.
pub async fn begin(process: &Process, user: &Client, sink: &Sink, webhooks: u32) {
    for number in 0..webhooks {
        let (url, events) = (sink.url(&format!("/due/{number}")), vec![EVENT_TYPE.to_owned()]);
        user.create_webhook(&NewWebhook { url, events, ..NewWebhook::default() }).await.unwrap();
    }
    process.operator().send_event(&NewEvent::new(EVENT_TYPE, PROJECT)).await.unwrap();
}

/// Puts more events into the database of a host that does not run, each owed to every webhook of the backlog.
pub fn fill(data: &Path, events: u32) {
    let database = Connection::open(data.join("hooksieve.db")).unwrap();
    let sql = format!(
        "PRAGMA synchronous = OFF;
         BEGIN;
         CREATE TEMP TABLE pattern AS SELECT * FROM deliveries;
         INSERT INTO events (seq, id, digest, event_type, company_id, project_id, user_id, occurred_at, accepted_at,
                             previous_value, current_value)
         SELECT e.seq + n.value, 'due-' || n.value, digest, event_type, company_id, project_id, user_id, occurred_at,
                accepted_at, previous_value, '{{\"text\":\"' || hex(zeroblob(500)) || '\"}}'
         FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {events})
               SELECT value FROM n WHERE value <= {events}) n
         CROSS JOIN (SELECT * FROM events ORDER BY seq DESC LIMIT 1) e;
         INSERT INTO deliveries (id, event_seq, webhook_seq, snapshot_version, state, due_at, created_at)
         SELECT p.id || e.seq, e.seq, p.webhook_seq, p.snapshot_version, 'pending', p.due_at, p.created_at
         FROM events e CROSS JOIN pattern p WHERE e.id LIKE 'due-%';
         COMMIT;
         PRAGMA wal_checkpoint(TRUNCATE);"
    );
    database.execute_batch(&sql).unwrap();
}
