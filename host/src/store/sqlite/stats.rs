//! What became of the newest events for one webhook, counted.
//!
//! It takes no index of its own, which every verdict would pay for: the window begins at a place in the order of
//! events, and the webhook's verdicts are read backwards from the newest, a bounded number of them.

use rusqlite::{CachedStatement, Connection, OptionalExtension};

use super::columns::Count;
use super::shadows::judged;
use super::{verdict_places, webhooks};
use crate::model::Timestamp;
use crate::model::ids::WebhookId;
use crate::store::{Stats, StatsQuery};

/// The first event that was accepted at a time or later.
pub(super) const FIRST_SINCE: &str =
    "SELECT seq FROM events INDEXED BY events_by_time WHERE accepted_at >= ?1 ORDER BY accepted_at, seq LIMIT 1";

/// The webhook's verdict on an event, unless that is a test, with its delivery.
pub(super) const VERDICT: &str =
    "SELECT v.outcome, substr(v.reason, 1, ?3), v.reason_class, e.accepted_at, d.seq, d.state = 'delivered', d.finished_at
     FROM verdicts v CROSS JOIN events e ON e.seq = v.event_seq
     LEFT JOIN deliveries d ON d.event_seq = v.event_seq AND d.webhook_seq = v.webhook_seq
     WHERE v.event_seq = ?1 AND v.webhook_seq = ?2
       AND NOT EXISTS (SELECT 1 FROM events t INDEXED BY events_of_test WHERE t.test_webhook_seq = ?2 AND t.seq = ?1)";

pub(super) fn of_webhook(connection: &Connection, webhook: &WebhookId, query: &StatsQuery) -> rusqlite::Result<Stats> {
    let mut stats = Stats::default();
    let first: Option<i64> =
        connection.prepare_cached(FIRST_SINCE)?.query_one((query.since,), |row| row.get(0)).optional()?;
    let webhook = webhooks::any_seq_of(connection, webhook)?;
    let (Some(first), Some(webhook)) = (first, webhook) else { return Ok(stats) };
    let mut places = connection.prepare_cached(verdict_places::NEWEST_FIRST)?;
    let mut verdict = connection.prepare_cached(VERDICT)?;
    let mut attempts =
        connection.prepare_cached("SELECT error, duration_ms FROM attempts WHERE delivery_seq = ?1 ORDER BY number")?;
    let mut places = places.query((webhook, first, i64::MAX))?;
    while let Some(place) = places.next()? {
        let mut rows = verdict.query((place.get::<_, i64>(0)?, webhook, query.reason_chars_max))?;
        let Some(row) = rows.next()? else { continue };
        // One more tells that there are more.
        if stats.events == u64::from(query.events_max) || stats.attempt_ms.len() >= query.attempts_max {
            stats.is_cut = true;
            break;
        }
        stats.events += 1;
        *stats.verdicts.entry(judged(row, 0)?).or_default() += 1;
        let accepted_at: Timestamp = row.get(3)?;
        stats.oldest = Some(accepted_at);
        let Some(delivery) = row.get::<_, Option<i64>>(4)? else { continue };
        if row.get(5)? {
            let finished_at: Timestamp = row.get(6)?;
            stats.delivered_ms.push(millis(finished_at, accepted_at));
        }
        count_attempts(&mut attempts, delivery, &mut stats)?;
    }
    Ok(stats)
}

fn count_attempts(attempts: &mut CachedStatement<'_>, delivery: i64, stats: &mut Stats) -> rusqlite::Result<()> {
    let mut rows = attempts.query((delivery,))?;
    while let Some(row) = rows.next()? {
        *stats.attempts.entry(row.get(0)?).or_default() += 1;
        stats.attempt_ms.push(row.get::<_, Count>(1)?.0);
    }
    Ok(())
}

fn millis(later: Timestamp, earlier: Timestamp) -> u64 {
    u64::try_from(later.since(earlier).as_millis()).unwrap_or(u64::MAX)
}
