//! Which deliveries the deliver loop gets: fair by webhook, however many deliveries a webhook has.
//!
//! Of each webhook with something due ([`due`]) only the first due rows are read. Turns go round: everybody
//! gets a first attempt under way before anybody gets a second one, and where a round has to stop for want
//! of room, the next claim goes on behind it. So many webhooks with long queues share what there is, and
//! one with a single delivery waits for one round at the most.
//!
//! A webhook that is held gets none before its hold ends, and an UNHEALTHY one only one at a time.
//!
//! Webhooks whose last attempt failed may hold only some of the places, since each may hold its own for as
//! long as an attempt may take; they take turns among themselves.

mod due;
mod known;
mod load;

use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::Connection;

use self::due::DueWebhook;
use super::recent::RecentEvents;
use crate::store::{DeliveryClaim, SealingKey};

#[cfg(test)]
pub(super) use self::due::{DUE_NOW, DUE_WEBHOOKS, FIRST_PENDING, NEXT_DUE};
pub(super) use self::due::{due_now, next_due};
pub(super) use self::known::Known;
pub(super) use self::load::{Loaded, Unreadable};

pub(super) const DUE_DELIVERIES: &str = "SELECT seq FROM deliveries INDEXED BY deliveries_due
     WHERE state = 'pending' AND webhook_seq = ?1 AND due_at <= ?2 AND leased_until(seq) <= ?2
     ORDER BY due_at, seq LIMIT ?3";

/// Behind which webhook the next claim begins, of those whose last attempt failed and of the others. Only
/// a hint: losing it costs nobody more than a turn.
#[derive(Debug, Default)]
pub(super) struct Turn {
    failing: AtomicI64,
    others: AtomicI64,
}

impl Turn {
    fn of(&self, webhook: &DueWebhook) -> &AtomicI64 {
        if webhook.is_failing { &self.failing } else { &self.others }
    }

    fn had(&self, webhook: &DueWebhook) -> bool {
        webhook.seq <= self.of(webhook).load(Ordering::Relaxed)
    }
}

/// What claims have in memory.
pub(super) struct AtHand {
    pub(super) key: SealingKey,
    pub(super) recent: RecentEvents,
    pub(super) known: Known,
    pub(super) turn: Turn,
}

/// A due delivery, and what decides on its place in the row of all.
struct Pick {
    under_way: u32,
    had_turn: bool,
    webhook: DueWebhook,
    seq: i64,
}

/// Free deliveries that are due, as many as the claim allows, by their place. The writer had counted `changes` of webhooks
/// before the snapshot began that is read here.
pub(super) fn find_free(
    connection: &Connection,
    claim: &DeliveryClaim,
    at_hand: &AtHand,
    changes: u64,
) -> rusqlite::Result<Loaded> {
    let turn = &at_hand.turn;
    let mut due = due::webhooks(connection, claim)?;
    let mut places = Places::of(connection, claim, &due)?;
    due.retain(|webhook| webhook.in_flight < webhook.in_flight_max && places.has_any(*webhook));
    due.sort_by_key(|webhook| (webhook.in_flight, turn.had(webhook), webhook.seq));
    let mut picks = picks(connection, claim, turn, &due)?;
    picks.sort_by_key(|pick| (pick.under_way, pick.had_turn, pick.webhook.seq));
    picks.retain(|pick| places.take(pick.webhook));
    for pick in &picks {
        turn.of(&pick.webhook).store(pick.webhook.seq, Ordering::Relaxed);
    }
    let seqs = picks.into_iter().map(|pick| pick.seq);
    load::load(connection, seqs, claim.claim.now, at_hand, changes)
}

/// What is free for each webhook, in the order in which they come, no more than there can be places for.
fn picks(
    connection: &Connection,
    claim: &DeliveryClaim,
    turn: &Turn,
    due: &[DueWebhook],
) -> rusqlite::Result<Vec<Pick>> {
    let mut picks = Vec::new();
    let mut statement = connection.prepare_cached(DUE_DELIVERIES)?;
    let (mut failing, mut others) = (0, 0);
    for webhook in due {
        let before = if webhook.is_failing { &mut failing } else { &mut others };
        // Each has something due, so those that come before it take all there is.
        if *before == claim.claim.rows_max {
            continue;
        }
        *before += 1;
        let share = webhook.in_flight_max - webhook.in_flight;
        let rows = statement.query_map((webhook.seq, claim.claim.now, share), |row| row.get(0))?;
        for (row, under_way) in rows.zip(webhook.in_flight..) {
            picks.push(Pick { under_way, had_turn: turn.had(webhook), webhook: *webhook, seq: row? });
        }
    }
    Ok(picks)
}

/// The places that are left.
struct Places {
    all: u32,
    failing: u32,
}

impl Places {
    fn of(connection: &Connection, claim: &DeliveryClaim, due: &[DueWebhook]) -> rusqlite::Result<Self> {
        let all = claim.claim.rows_max;
        if !due.iter().any(|webhook| webhook.is_failing) {
            return Ok(Self { all, failing: 0 });
        }
        let mut is_failing =
            connection.prepare_cached("SELECT 1 FROM webhooks WHERE id = ?1 AND failures_in_a_row > 0")?;
        let mut failing = claim.failing_max;
        for (id, count) in &claim.in_flight {
            if is_failing.exists((id,))? {
                failing = failing.saturating_sub(*count);
            }
        }
        Ok(Self { all, failing })
    }

    fn has_any(&self, webhook: DueWebhook) -> bool {
        self.all > 0 && (self.failing > 0 || !webhook.is_failing)
    }

    /// Takes a place for a delivery of the webhook; whether there was one.
    fn take(&mut self, webhook: DueWebhook) -> bool {
        let has_any = self.has_any(webhook);
        if has_any {
            self.all -= 1;
            self.failing -= u32::from(webhook.is_failing);
        }
        has_any
    }
}
