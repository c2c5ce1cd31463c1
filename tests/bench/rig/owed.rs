//! Very many deliveries that are due, without the time that it would take to have them come about.

use std::path::Path;

use rusqlite::Connection;

use super::event;

/// What the host writes for a delivery that is pending.
const NOT_FINISHED: i64 = i64::MAX;

/// Puts `events` more into the database of a host that does not run, each owed to every webhook that has a delivery there.
/// They are like the last event there, whose number is 0, and have the numbers from 1 on.
pub fn fill(data: &Path, events: u32) {
    let database = Connection::open(data.join("hooksieve.db")).unwrap();
    let (pattern, number) = (event::member(0), event::member_in_sql("n.value"));
    let sql = format!(
        "PRAGMA synchronous = OFF;
         BEGIN;
         CREATE TEMP TABLE pattern AS SELECT * FROM deliveries;
         INSERT INTO events (seq, id, digest, event_type, company_id, project_id, user_id, occurred_at, accepted_at,
                             previous_value, current_value)
         SELECT e.seq + n.value, 'owed-' || n.value, digest, event_type, company_id, project_id, user_id, occurred_at,
                accepted_at, previous_value, replace(current_value, '{pattern}', {number})
         FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {events})
               SELECT value FROM n WHERE value <= {events}) n
         CROSS JOIN (SELECT * FROM events ORDER BY seq DESC LIMIT 1) e;
         INSERT INTO deliveries (id, event_seq, webhook_seq, snapshot_version, state, due_at, created_at, finished_at)
         SELECT p.id || e.seq, e.seq, p.webhook_seq, p.snapshot_version, 'pending', p.due_at, p.created_at, {NOT_FINISHED}
         FROM events e CROSS JOIN pattern p WHERE e.id LIKE 'owed-%';
         COMMIT;
         -- All of it is synced now: the disk has nothing left to do when the host runs.
         PRAGMA synchronous = FULL;
         PRAGMA wal_checkpoint(TRUNCATE);"
    );
    database.execute_batch(&sql).unwrap();
}
