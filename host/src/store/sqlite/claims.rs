//! Which deliveries the deliver loop gets: fair by webhook, at a cost that follows the number of webhooks
//! with something pending and not the number of deliveries.
//!
//! The index `deliveries_due` is walked from webhook to webhook, and only the first due rows of each are
//! read. Turns go round: everybody gets a first attempt under way before anybody gets a second one, and
//! where a round has to stop for want of room, the next claim goes on behind it. So many webhooks with
//! long queues share what there is, and one with a single delivery waits for one round at the most.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::Connection;

use super::lease::{self, Fences, Seen};
use super::{events, secrets, webhooks};
use crate::model::Timestamp;
use crate::model::delivery::{Delivery, DeliveryState};
use crate::model::event::{Event, EventSeq};
use crate::model::ids::{DeliveryId, WebhookId};
use crate::model::limits::CLAIM_BYTES_MAX;
use crate::model::secret::Secret;
use crate::model::webhook::Webhook;
use crate::store::{Claim, ClaimedDelivery, DeliveryClaim, SealingKey, Snapshot};

/// The webhooks with pending deliveries, one index seek for each.
macro_rules! waiting_webhooks {
    () => {
        "WITH RECURSIVE waiting (webhook_seq) AS (
           SELECT min(webhook_seq) FROM deliveries INDEXED BY deliveries_due WHERE state = 'pending'
           UNION ALL
           SELECT (SELECT min(d.webhook_seq) FROM deliveries d INDEXED BY deliveries_due
                   WHERE d.state = 'pending' AND d.webhook_seq > waiting.webhook_seq)
           FROM waiting WHERE waiting.webhook_seq IS NOT NULL
         )"
    };
}

pub(super) const DUE_WEBHOOKS: &str = concat!(
    waiting_webhooks!(),
    "SELECT w.seq, w.id FROM waiting CROSS JOIN webhooks w ON w.seq = waiting.webhook_seq
     WHERE w.is_enabled AND EXISTS (
       SELECT 1 FROM deliveries d INDEXED BY deliveries_due
       WHERE d.state = 'pending' AND d.webhook_seq = w.seq AND d.due_at <= ?1
         AND (d.leased_until <= ?1 OR d.fence < ?2))"
);

pub(super) const DUE_DELIVERIES: &str = "SELECT seq, fence FROM deliveries INDEXED BY deliveries_due
     WHERE state = 'pending' AND webhook_seq = ?1 AND due_at <= ?2 AND (leased_until <= ?2 OR fence < ?3)
     ORDER BY due_at, seq LIMIT ?4";

/// For each webhook: when its first unleased delivery is due, and when the first lease before that ends.
/// Leases of an earlier process (`fence < ?1`) are void.
pub(super) const NEXT_DUE: &str = concat!(
    waiting_webhooks!(),
    ", free (webhook_seq, due_at) AS MATERIALIZED (
       SELECT w.seq, (SELECT d.due_at FROM deliveries d INDEXED BY deliveries_due
                      WHERE d.state = 'pending' AND d.webhook_seq = w.seq AND (d.leased_until = 0 OR d.fence < ?1)
                      ORDER BY d.due_at LIMIT 1)
       FROM waiting CROSS JOIN webhooks w ON w.seq = waiting.webhook_seq WHERE w.is_enabled
     )
     SELECT min(free.due_at),
            min((SELECT min(max(d.due_at, d.leased_until)) FROM deliveries d INDEXED BY deliveries_due
                 WHERE d.state = 'pending' AND d.webhook_seq = free.webhook_seq
                   AND d.due_at < coalesce(free.due_at, 9223372036854775807)))
     FROM free"
);

/// Behind which webhook the next claim begins. Only a hint: losing it costs nobody more than a turn.
#[derive(Debug, Default)]
pub(super) struct Turn(AtomicI64);

/// A webhook with something due.
struct DueWebhook {
    seq: i64,
    in_flight: u32,
}

/// Free deliveries that are due, as many as the claim allows, with the row each is in.
pub(super) fn find_free(
    connection: &Connection,
    claim: &DeliveryClaim,
    floor: i64,
    turn: &Turn,
    key: &SealingKey,
) -> rusqlite::Result<Vec<(Seen, ClaimedDelivery)>> {
    let last = turn.0.load(Ordering::Relaxed);
    let due = due_webhooks(connection, claim, floor, last)?;
    let mut picked = Vec::new();
    let mut statement = connection.prepare_cached(DUE_DELIVERIES)?;
    for webhook in &due {
        let share = claim.per_webhook_max - webhook.in_flight;
        let rows = statement.query_map((webhook.seq, claim.claim.now, floor, share), |row| {
            Ok(Seen { seq: row.get(0)?, fence: row.get(1)? })
        })?;
        for (row, under_way) in rows.zip(webhook.in_flight..) {
            picked.push((under_way, webhook.seq <= last, webhook.seq, row?));
        }
    }
    picked.sort_by_key(|(under_way, had_turn, webhook_seq, _)| (*under_way, *had_turn, *webhook_seq));
    picked.truncate(claim.claim.rows_max as usize);
    if let Some((.., webhook_seq, _)) = picked.last() {
        turn.0.store(*webhook_seq, Ordering::Relaxed);
    }
    load(connection, picked.into_iter().map(|(.., row)| row), claim.claim.now, key)
}

/// The webhooks that may get something, in the order of their turns, no more than there are rows for.
fn due_webhooks(
    connection: &Connection,
    claim: &DeliveryClaim,
    floor: i64,
    last: i64,
) -> rusqlite::Result<Vec<DueWebhook>> {
    let in_flight: HashMap<&WebhookId, u32> = claim.in_flight.iter().map(|(id, count)| (id, *count)).collect();
    let mut due: Vec<DueWebhook> = connection
        .prepare_cached(DUE_WEBHOOKS)?
        .query_map((claim.claim.now, floor), |row| {
            let id: WebhookId = row.get(1)?;
            Ok(DueWebhook { seq: row.get(0)?, in_flight: in_flight.get(&id).copied().unwrap_or(0) })
        })?
        .collect::<Result<_, _>>()?;
    due.retain(|webhook| webhook.in_flight < claim.per_webhook_max);
    due.sort_by_key(|webhook| (webhook.in_flight, webhook.seq <= last, webhook.seq));
    due.truncate(claim.claim.rows_max as usize);
    Ok(due)
}

/// All that an attempt needs, until the events weigh too much to be claimed at once.
fn load(
    connection: &Connection,
    rows: impl Iterator<Item = Seen>,
    now: Timestamp,
    key: &SealingKey,
) -> rusqlite::Result<Vec<(Seen, ClaimedDelivery)>> {
    let mut loader = Loader { connection, key, now, events: HashMap::new(), webhooks: HashMap::new(), bytes: 0 };
    let mut loaded = Vec::new();
    for row in rows {
        loaded.push((row, loader.delivery(row)?));
        if loader.bytes > CLAIM_BYTES_MAX {
            break;
        }
    }
    Ok(loaded)
}

/// Reads each event and each webhook once, however many deliveries share it.
struct Loader<'a> {
    connection: &'a Connection,
    key: &'a SealingKey,
    now: Timestamp,
    events: HashMap<EventSeq, Arc<Event>>,
    webhooks: HashMap<i64, (Arc<Webhook>, Vec<Secret>)>,
    bytes: usize,
}

impl Loader<'_> {
    fn delivery(&mut self, seen: Seen) -> rusqlite::Result<ClaimedDelivery> {
        let mut statement = self.connection.prepare_cached(
            "SELECT d.id, d.event_seq, d.attempt_count, d.due_at, d.created_at, d.webhook_seq, s.version,
                    s.payload_format, s.object
             FROM deliveries d JOIN webhook_snapshots s ON s.webhook_seq = d.webhook_seq
               AND s.version = d.snapshot_version
             WHERE d.seq = ?1",
        )?;
        statement.query_one((seen.seq,), |row| {
            let event_seq = row.get(1)?;
            let event = self.event(event_seq)?;
            let (webhook, secrets) = self.webhook(row.get(5)?)?;
            let delivery = Delivery {
                id: row.get(0)?,
                event_seq,
                event_id: event.id.clone(),
                webhook_id: webhook.id.clone(),
                state: DeliveryState::Pending,
                attempt_count: row.get(2)?,
                due_at: row.get(3)?,
                created_at: row.get(4)?,
                finished_at: None,
            };
            let snapshot = Snapshot { version: row.get(6)?, format: row.get(7)?, object: row.get(8)? };
            Ok(ClaimedDelivery { delivery, fence: seen.fence, event, snapshot, webhook, secrets })
        })
    }

    fn event(&mut self, seq: EventSeq) -> rusqlite::Result<Arc<Event>> {
        if let Some(event) = self.events.get(&seq) {
            return Ok(Arc::clone(event));
        }
        let event = Arc::new(events::by_seq(self.connection, seq)?);
        self.bytes += events::weight(&event);
        self.events.insert(seq, Arc::clone(&event));
        Ok(event)
    }

    fn webhook(&mut self, seq: i64) -> rusqlite::Result<(Arc<Webhook>, Vec<Secret>)> {
        if let Some(known) = self.webhooks.get(&seq) {
            return Ok(known.clone());
        }
        let webhook = webhooks::by_seq(self.connection, seq)?;
        let secrets = secrets::signing(self.connection, self.key, seq, &webhook.id, self.now)?;
        self.webhooks.insert(seq, (Arc::clone(&webhook), secrets.clone()));
        Ok((webhook, secrets))
    }
}

/// Takes those of `seen` that are still free and whose webhook is still enabled, and answers with each
/// one's new fence.
pub(super) fn take(
    connection: &Connection,
    seen: &[Seen],
    claim: &Claim,
    fences: &Fences,
) -> rusqlite::Result<Vec<Option<i64>>> {
    let mut statement = connection.prepare_cached(
        "UPDATE deliveries SET leased_until = ?3, fence = ?4
         WHERE seq = ?1 AND fence = ?2 AND state = 'pending'
           AND (SELECT is_enabled FROM webhooks WHERE webhooks.seq = webhook_seq)",
    )?;
    let mut take_one = |seen: &Seen| {
        let fence = fences.next();
        let taken = statement.execute((seen.seq, seen.fence, lease::end(claim), fence))?;
        Ok((taken == 1).then_some(fence))
    };
    seen.iter().map(&mut take_one).collect()
}

pub(super) fn release(connection: &Connection, claims: &[(DeliveryId, i64)], fences: &Fences) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE deliveries SET leased_until = 0, fence = ?3 WHERE id = ?1 AND fence = ?2 AND state = 'pending'",
    )?;
    for (delivery, fence) in claims {
        statement.execute((delivery, fence, fences.next()))?;
    }
    Ok(())
}

pub(super) fn next_due(connection: &Connection, floor: i64) -> rusqlite::Result<Option<Timestamp>> {
    connection.prepare_cached(NEXT_DUE)?.query_one((floor,), |row| {
        let free: Option<Timestamp> = row.get(0)?;
        let lease_end: Option<Timestamp> = row.get(1)?;
        Ok(free.into_iter().chain(lease_end).min())
    })
}
