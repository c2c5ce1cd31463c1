//! The mass of events, as a host would have left it, and whether the host left the others so.

use std::path::Path;

use rusqlite::Connection;

use crate::world::{HELD, WEBHOOKS};

/// Events of one transaction.
const TOGETHER: u32 = 100_000;

/// One in so many of a webhook's deliveries was given up.
const GIVEN_UP: u32 = 50;

/// How much a database has.
#[derive(Clone, Copy)]
pub struct Size {
    pub events: u32,
    /// Deliveries that are due, of webhooks that are held.
    pub due: u32,
}

/// Brings the database of a host that does not run and had no events to a size. Their ids are random, which is the
/// worst that a producer can do; each has two verdicts, a delivery and an attempt; they came one a millisecond, until a
/// month ago.
pub fn to(data: &Path, size: Size) {
    let database = open(data);
    // What is lost in a power cut is filled again. Without the keys' checks, since it is us who fill.
    database.execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -262144").unwrap();
    for from in (0..size.events).step_by(TOGETHER as usize) {
        database.execute_batch(&rows(from, size.events.min(from + TOGETHER))).unwrap();
    }
    if size.due > 0 {
        database.execute_batch(&held(size.due)).unwrap();
    }
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}

/// Owes so many deliveries to the webhooks behind the others, whose endpoints are left alone for a day: as many of the
/// first events to each.
fn held(due: u32) -> String {
    format!(
        "BEGIN;
         UPDATE webhooks SET health = 'UNHEALTHY', failures_in_a_row = 5, hold_reason = 'unhealthy',
                             held_until = (unixepoch() + 86400) * 1000 WHERE seq > {WEBHOOKS};
         INSERT INTO deliveries (id, event_seq, webhook_seq, snapshot_version, state, attempt_count, due_at, created_at)
           SELECT 'msg_' || printf('%06d%020d', w.seq, e.seq), e.seq, w.seq, 1, 'pending', 1, e.accepted_at, e.accepted_at
           FROM events e CROSS JOIN webhooks w WHERE e.seq <= {due} / {HELD} AND w.seq > {WEBHOOKS};
         COMMIT;"
    )
}

/// Writes the rows of the events behind one and up to another.
fn rows(from: u32, to: u32) -> String {
    let webhook = format!("1 + seq % {WEBHOOKS}");
    let other = format!("1 + (seq + {WEBHOOKS} - 1) % {WEBHOOKS}");
    let time = "(unixepoch() - 90 * 86400) * 1000 + seq";
    format!(
        "BEGIN;
         INSERT INTO events (seq, id, digest, event_type, project_id, occurred_at, accepted_at, previous_value, current_value)
           SELECT seq, lower(hex(randomblob(10))), randomblob(32), 'TODO_CREATED', 'project-' || (seq % {WEBHOOKS}), {time}, {time},
                  'null', '{{\"title\":\"' || hex(randomblob(50)) || '\"}}'
           FROM (WITH RECURSIVE n (seq) AS (SELECT {from} + 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < {to}) SELECT seq FROM n);
         CREATE TEMP TABLE new AS SELECT seq, {webhook} AS webhook, {other} AS other, accepted_at AS at FROM events
           WHERE seq > {from} AND seq <= {to};
         INSERT INTO deliveries (id, event_seq, webhook_seq, snapshot_version, state, attempt_count, due_at, created_at, finished_at)
           SELECT 'msg_' || printf('%026d', seq), seq, webhook, 1,
                  iif(seq / {WEBHOOKS} % {GIVEN_UP} = 0, 'failed', 'delivered'), 1, at, at, at FROM new;
         INSERT INTO attempts (delivery_seq, number, started_at, duration_ms, status, response)
           SELECT d.seq, 1, at, 5, 200, x'6f6b' FROM new CROSS JOIN deliveries d ON d.event_seq = new.seq;
         INSERT INTO verdicts (event_seq, webhook_seq, outcome, filter_digest, fuel, duration_us, decided_at)
           SELECT seq, webhook, 'delivered', randomblob(32), 1000, 5, at FROM new;
         INSERT INTO verdicts (event_seq, webhook_seq, outcome, reason, filter_digest, fuel, duration_us, decided_at)
           SELECT seq, other, 'filtered', 'the record is not done', randomblob(32), 1000, 5, at FROM new;
         INSERT INTO verdicts_of_webhook (webhook_seq, event_seq)
           SELECT webhook, seq FROM new UNION ALL SELECT other, seq FROM new ORDER BY 1, 2;
         DROP TABLE new;
         COMMIT;"
    )
}

/// Checks that the host has written for each of `count` events behind another one what was written for the others: a
/// delivery with its attempt, and the verdict of a filter that held it back.
pub fn check_behind(data: &Path, event: u32, count: u64) {
    let database = open(data);
    let count_of = |sql: &str| database.query_one(sql, (event,), |row| row.get::<_, i64>(0)).unwrap().unsigned_abs();
    let delivered = "SELECT count(*) FROM deliveries d CROSS JOIN attempts a ON a.delivery_seq = d.seq
                     WHERE d.event_seq > ?1 AND d.state = 'delivered'";
    let filtered =
        "SELECT count(*) FROM verdicts WHERE event_seq > ?1 AND outcome = 'filtered' AND duration_us IS NOT NULL";
    let verdicts = "SELECT count(*) FROM verdicts WHERE event_seq > ?1";
    assert_eq!([delivered, filtered, verdicts].map(count_of), [count, count, 2 * count]);
}

/// How large the database is.
pub fn megabytes(data: &Path) -> u64 {
    data.join("hooksieve.db").metadata().unwrap().len() >> 20
}

fn open(data: &Path) -> Connection {
    Connection::open(data.join("hooksieve.db")).unwrap()
}
