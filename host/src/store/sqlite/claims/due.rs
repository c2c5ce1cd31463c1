//! Which webhooks have something due, and when the next thing is.
//!
//! Both are asked for whenever an attempt ends, and mostly few webhooks have anything pending. So `deliveries_due` is
//! walked first, from webhook to webhook: what a step costs does not follow the number of deliveries, and a webhook
//! with very many of them that is held, since its endpoint is dead, delays nobody. If there are many webhooks,
//! the walk stops and the beginning of `deliveries_by_time` is read: what is due much later, the retries of many
//! webhooks, costs nothing. Only where that is full of what is leased or held is every webhook walked.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, Row};

use crate::model::Timestamp;
use crate::store::DeliveryClaim;

/// Webhooks that are walked before it is tried by time. Few in tests, so that they go all ways.
const WALK_WEBHOOKS_MAX: i64 = if cfg!(test) { 3 } else { 32 };
/// The bound of a walk over all webhooks.
const ALL: i64 = -1;
/// Rows that a look by time reads: more than can be leased at a time, so that leased rows do not fill it.
/// Few in tests, too.
const LOOK_ROWS_MAX: u32 = if cfg!(test) { 6 } else { 1_024 };

/// The pending deliveries due until `?2`, the earliest first, with their webhooks, and when lease and
/// hold end.
pub(in crate::store::sqlite) const FIRST_PENDING: &str =
    "SELECT w.seq, w.id, w.failures_in_a_row > 0, w.health = 'UNHEALTHY', w.is_enabled, d.due_at,
            max(leased_until(d.seq), coalesce(w.held_until, 0))
     FROM deliveries d INDEXED BY deliveries_by_time CROSS JOIN webhooks w ON w.seq = d.webhook_seq
     WHERE d.state = 'pending' AND d.due_at <= ?2 ORDER BY d.due_at LIMIT ?1";

/// The webhooks with pending deliveries, one index seek for each, so many at the most.
macro_rules! waiting_webhooks {
    ($webhooks_max:literal) => {
        concat!(
            "WITH RECURSIVE waiting (webhook_seq) AS (
           SELECT min(webhook_seq) FROM deliveries INDEXED BY deliveries_due WHERE state = 'pending'
           UNION ALL
           SELECT (SELECT min(d.webhook_seq) FROM deliveries d INDEXED BY deliveries_due
                   WHERE d.state = 'pending' AND d.webhook_seq > waiting.webhook_seq)
           FROM waiting WHERE waiting.webhook_seq IS NOT NULL LIMIT ",
            $webhooks_max,
            ")"
        )
    };
}

/// The first `?2` webhooks with something pending, each with whether a claim at `?1` could take any of it.
pub(in crate::store::sqlite) const DUE_WEBHOOKS: &str = concat!(
    waiting_webhooks!("?2"),
    "SELECT w.seq, w.id, w.failures_in_a_row > 0, w.health = 'UNHEALTHY',
            iif(w.is_enabled AND coalesce(w.held_until, 0) <= ?1, EXISTS (
              SELECT 1 FROM deliveries d INDEXED BY deliveries_due
              WHERE d.state = 'pending' AND d.webhook_seq = w.seq AND d.due_at <= ?1
                AND leased_until(d.seq) <= ?1), 0)
     FROM waiting CROSS JOIN webhooks w ON w.seq = waiting.webhook_seq"
);

/// Of the first `?1` webhooks with something pending: when the first unleased delivery is due, and when the first
/// lease before that ends, but neither before the webhook's hold does; and how many webhooks these are.
pub(in crate::store::sqlite) const NEXT_DUE: &str = concat!(
    waiting_webhooks!("?1"),
    ", free (webhook_seq, is_enabled, held_until, due_at) AS MATERIALIZED (
       SELECT w.seq, w.is_enabled, coalesce(w.held_until, 0), iif(w.is_enabled, (
                SELECT d.due_at FROM deliveries d INDEXED BY deliveries_due
                WHERE d.state = 'pending' AND d.webhook_seq = w.seq AND leased_until(d.seq) = 0
                ORDER BY d.due_at LIMIT 1), NULL)
       FROM waiting CROSS JOIN webhooks w ON w.seq = waiting.webhook_seq
     )
     SELECT min(max(free.due_at, free.held_until)),
            min(iif(free.is_enabled, (
              SELECT max(free.held_until, min(max(d.due_at, leased_until(d.seq)))) FROM deliveries d INDEXED BY deliveries_due
              WHERE d.state = 'pending' AND d.webhook_seq = free.webhook_seq
                AND d.due_at < coalesce(free.due_at, 9223372036854775807)), NULL)),
            count(*)
     FROM free"
);

/// How many deliveries of enabled webhooks that are not held are due at `?1`, counting `?2` of each webhook at the
/// most, and since when the first could have been attempted.
pub(in crate::store::sqlite) const DUE_NOW: &str = concat!(
    waiting_webhooks!("-1"),
    "SELECT coalesce(sum((SELECT count(*) FROM (
              SELECT 1 FROM deliveries d INDEXED BY deliveries_due
              WHERE d.state = 'pending' AND d.webhook_seq = w.seq AND d.due_at <= ?1 LIMIT ?2))), 0),
            min(max(coalesce(w.held_until, 0), (SELECT min(d.due_at) FROM deliveries d INDEXED BY deliveries_due
                 WHERE d.state = 'pending' AND d.webhook_seq = w.seq AND d.due_at <= ?1)))
     FROM waiting CROSS JOIN webhooks w ON w.seq = waiting.webhook_seq
     WHERE w.is_enabled AND coalesce(w.held_until, 0) <= ?1"
);

/// A webhook with something due.
#[derive(Clone, Copy)]
pub(super) struct DueWebhook {
    pub(super) seq: i64,
    /// Attempts under way.
    pub(super) in_flight: u32,
    /// Whether its last attempt failed.
    pub(super) is_failing: bool,
    /// How many attempts may be under way.
    pub(super) in_flight_max: u32,
}

/// Whether a look goes on.
#[derive(PartialEq, Eq)]
enum Look {
    Further,
    Enough,
}

/// Shows `visit` the deliveries of enabled webhooks that are due until then, the earliest first, each with
/// the time at which it is due and the time at which it is free; whether that was all that there is or that
/// `visit` wants.
fn look(
    connection: &Connection,
    until: Timestamp,
    mut visit: impl FnMut(&Row<'_>, Timestamp, Timestamp) -> rusqlite::Result<Look>,
) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(FIRST_PENDING)?;
    let mut rows = statement.query((LOOK_ROWS_MAX, until))?;
    let mut read = 0;
    while let Some(row) = rows.next()? {
        read += 1;
        let (is_enabled, due_at): (bool, Timestamp) = (row.get(4)?, row.get(5)?);
        if is_enabled && visit(row, due_at, due_at.max(row.get(6)?))? == Look::Enough {
            return Ok(true);
        }
    }
    Ok(read < LOOK_ROWS_MAX)
}

/// The webhooks with something due, in no order.
pub(super) fn webhooks(connection: &Connection, claim: &DeliveryClaim) -> rusqlite::Result<Vec<DueWebhook>> {
    let in_flight: HashMap<&[u8], u32> =
        claim.in_flight.iter().map(|(id, count)| (id.as_str().as_bytes(), *count)).collect();
    let read = |row: &Row<'_>| -> rusqlite::Result<DueWebhook> {
        // Not parsed here: one that is spoiled must not stop the others.
        let id = row.get_ref(1)?.as_bytes()?;
        let in_flight = in_flight.get(id).copied().unwrap_or(0);
        let in_flight_max = if row.get(3)? { claim.per_unhealthy_max } else { claim.per_webhook_max };
        Ok(DueWebhook { seq: row.get(0)?, in_flight, is_failing: row.get(2)?, in_flight_max })
    };
    let now = claim.claim.now;
    let walk = |webhooks_max: i64| -> rusqlite::Result<(Vec<DueWebhook>, i64)> {
        let mut statement = connection.prepare_cached(DUE_WEBHOOKS)?;
        let mut rows = statement.query((now, webhooks_max))?;
        let (mut due, mut walked) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            walked += 1;
            if row.get(4)? {
                due.push(read(row)?);
            }
        }
        Ok((due, walked))
    };
    let (due, walked) = walk(WALK_WEBHOOKS_MAX)?;
    if walked < WALK_WEBHOOKS_MAX {
        return Ok(due);
    }
    let mut due = BTreeMap::new();
    let is_all = look(connection, now, |row, _, free_at| {
        if free_at <= now {
            let webhook = read(row)?;
            due.insert(webhook.seq, webhook);
        }
        Ok(Look::Further)
    })?;
    if is_all {
        return Ok(due.into_values().collect());
    }
    Ok(walk(ALL)?.0)
}

/// When the next delivery of an enabled webhook is due and free.
pub(in crate::store::sqlite) fn next_due(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let walk = |webhooks_max: i64| {
        connection.prepare_cached(NEXT_DUE)?.query_one((webhooks_max,), |row| {
            let free: Option<Timestamp> = row.get(0)?;
            let lease_end: Option<Timestamp> = row.get(1)?;
            Ok((free.into_iter().chain(lease_end).min(), row.get::<_, i64>(2)?))
        })
    };
    let (next, walked) = walk(WALK_WEBHOOKS_MAX)?;
    if walked < WALK_WEBHOOKS_MAX {
        return Ok(next);
    }
    let mut next: Option<Timestamp> = None;
    let is_all = look(connection, Timestamp::from_millis(i64::MAX), |_, due_at, free_at| {
        // What is due later is free later.
        if next.is_some_and(|next| next <= due_at) {
            return Ok(Look::Enough);
        }
        next = Some(next.map_or(free_at, |next| next.min(free_at)));
        Ok(Look::Further)
    })?;
    if is_all { Ok(next) } else { Ok(walk(ALL)?.0) }
}

/// How many deliveries are due, counting `rows_max` of each webhook at the most, and since when.
pub(in crate::store::sqlite) fn due_now(
    connection: &Connection,
    now: Timestamp,
    rows_max: u32,
) -> rusqlite::Result<(u64, Option<Timestamp>)> {
    connection
        .prepare_cached(DUE_NOW)?
        .query_one((now, rows_max), |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?)))
}
