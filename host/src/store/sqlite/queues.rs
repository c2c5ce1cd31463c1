//! What waits, for whoever watches the host. Counted by indexes, and no further than a bound.

use rusqlite::{Connection, OptionalExtension};

use super::pending::waiting_webhooks;
use crate::metrics::{Queues, WebhookCounts};
use crate::model::Timestamp;
use crate::model::limits::QUEUE_COUNT_MAX;
use crate::model::webhook::Health;

/// How many events wait for dispatch, up to `?1`.
pub(super) const EVENTS_WAITING: &str = "SELECT count(*) FROM (SELECT 1 FROM dispatch_queue LIMIT ?1)";
/// When the first of them was accepted.
pub(super) const FIRST_EVENT: &str =
    "SELECT e.accepted_at FROM dispatch_queue q CROSS JOIN events e ON e.seq = q.event_seq
     ORDER BY q.event_seq LIMIT 1";

/// How many deliveries of enabled webhooks that are not held are due at `?1`, counting `?2` of each webhook at the
/// most, and since when the first could have been attempted.
pub(super) const DUE_NOW: &str = concat!(
    waiting_webhooks!(),
    "SELECT coalesce(sum((SELECT count(*) FROM (
              SELECT 1 FROM deliveries d INDEXED BY deliveries_due
              WHERE d.state = 'pending' AND d.webhook_seq = w.seq AND d.due_at <= ?1 LIMIT ?2))), 0),
            min(max(coalesce(w.held_until, 0), (SELECT min(d.due_at) FROM deliveries d INDEXED BY deliveries_due
                 WHERE d.state = 'pending' AND d.webhook_seq = w.seq AND d.due_at <= ?1)))
     FROM waiting CROSS JOIN webhooks w ON w.seq = waiting.webhook_seq
     WHERE w.is_enabled AND coalesce(w.held_until, 0) <= ?1"
);
/// How many webhooks are there, by whether they are enabled and healthy.
const WEBHOOKS: &str = "SELECT is_enabled, health, count(*) FROM webhooks INDEXED BY webhooks_by_health
     WHERE deleted_at IS NULL GROUP BY is_enabled, health";

pub(super) fn at(connection: &Connection, now: Timestamp) -> rusqlite::Result<Queues> {
    let events_waiting: i64 =
        connection.prepare_cached(EVENTS_WAITING)?.query_one((QUEUE_COUNT_MAX,), |row| row.get(0))?;
    let first_event: Option<Timestamp> =
        connection.prepare_cached(FIRST_EVENT)?.query_one((), |row| row.get(0)).optional()?;
    let (deliveries_due, first_due): (i64, Option<Timestamp>) =
        connection.prepare_cached(DUE_NOW)?.query_one((now, QUEUE_COUNT_MAX), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Queues {
        events_waiting: events_waiting.unsigned_abs(),
        events_age: first_event.map(|since| now.since(since)).unwrap_or_default(),
        deliveries_due: deliveries_due.unsigned_abs(),
        deliveries_age: first_due.map(|since| now.since(since)).unwrap_or_default(),
        webhooks: webhooks(connection)?,
    })
}

fn webhooks(connection: &Connection) -> rusqlite::Result<WebhookCounts> {
    let mut counts = WebhookCounts::default();
    let mut statement = connection.prepare_cached(WEBHOOKS)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let count = match (row.get(0)?, row.get(1)?) {
            (true, Health::Healthy) => &mut counts.healthy,
            (true, Health::Unhealthy) => &mut counts.unhealthy,
            (false, _) => &mut counts.disabled,
        };
        *count += row.get::<_, i64>(2)?.unsigned_abs();
    }
    Ok(counts)
}
