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
mod load;

use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::Connection;

use self::due::DueWebhook;
use super::lease::{self, Fences, Seen};
use crate::model::ids::DeliveryId;
use crate::store::{Claim, DeliveryClaim, SealingKey};

#[cfg(test)]
pub(super) use self::due::{DUE_NOW, DUE_WEBHOOKS, FIRST_PENDING, NEXT_DUE};
pub(super) use self::due::{due_now, next_due};
pub(super) use self::load::{Loaded, Unreadable};

pub(super) const DUE_DELIVERIES: &str = "SELECT seq, fence FROM deliveries INDEXED BY deliveries_due
     WHERE state = 'pending' AND webhook_seq = ?1 AND due_at <= ?2 AND (leased_until <= ?2 OR fence < ?3)
     ORDER BY due_at, seq LIMIT ?4";

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

/// A due delivery, and what decides on its place in the row of all.
struct Pick {
    under_way: u32,
    had_turn: bool,
    webhook: DueWebhook,
    row: Seen,
}

/// Free deliveries that are due, as many as the claim allows, with the row each is in.
pub(super) fn find_free(
    connection: &Connection,
    claim: &DeliveryClaim,
    floor: i64,
    turn: &Turn,
    key: &SealingKey,
) -> rusqlite::Result<Loaded> {
    let mut due = due::webhooks(connection, claim, floor)?;
    let mut places = Places::of(connection, claim, &due)?;
    due.retain(|webhook| webhook.in_flight < webhook.in_flight_max && places.has_any(*webhook));
    due.sort_by_key(|webhook| (webhook.in_flight, turn.had(webhook), webhook.seq));
    let mut picks = picks(connection, claim, floor, turn, &due)?;
    picks.sort_by_key(|pick| (pick.under_way, pick.had_turn, pick.webhook.seq));
    picks.retain(|pick| places.take(pick.webhook));
    for pick in &picks {
        turn.of(&pick.webhook).store(pick.webhook.seq, Ordering::Relaxed);
    }
    load::load(connection, picks.into_iter().map(|pick| pick.row), claim.claim.now, key)
}

/// What is free for each webhook, in the order in which they come, no more than there can be places for.
fn picks(
    connection: &Connection,
    claim: &DeliveryClaim,
    floor: i64,
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
        let rows = statement.query_map((webhook.seq, claim.claim.now, floor, share), |row| {
            Ok(Seen { seq: row.get(0)?, fence: row.get(1)? })
        })?;
        for (row, under_way) in rows.zip(webhook.in_flight..) {
            picks.push(Pick { under_way, had_turn: turn.had(webhook), webhook: *webhook, row: row? });
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

/// Takes those of `seen` that are still free and whose webhook is still enabled and not held meanwhile, and
/// answers with each one's new fence.
pub(super) fn take(
    connection: &Connection,
    seen: &[Seen],
    claim: &Claim,
    fences: &Fences,
) -> rusqlite::Result<Vec<Option<i64>>> {
    let mut statement = connection.prepare_cached(
        "UPDATE deliveries SET leased_until = ?3, fence = ?4
         WHERE seq = ?1 AND fence = ?2 AND state = 'pending'
           AND (SELECT is_enabled AND coalesce(held_until, 0) <= ?5 FROM webhooks WHERE webhooks.seq = webhook_seq)",
    )?;
    let mut take_one = |seen: &Seen| {
        let fence = fences.next();
        let taken = statement.execute((seen.seq, seen.fence, lease::end(claim), fence, claim.now))?;
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
