//! Which deliveries the deliver loop gets: fair by webhook, however many deliveries a webhook has.
//!
//! Turns go round: everybody gets a first attempt under way before anybody gets a second one, and where a round has to
//! stop for want of room, the next claim goes on behind it. So many webhooks with long queues share what there is, and
//! one with a single delivery waits for one round at the most. No more webhooks are looked at than there are places.
//!
//! A webhook that is held gets none before its hold ends, and an UNHEALTHY one only one at a time.
//!
//! Webhooks whose last attempt failed may hold only some of the places, since each may hold its own for as
//! long as an attempt may take; they take turns among themselves.

use std::collections::HashMap;

use crate::store::DeliveryClaim;
use crate::store::sqlite::lease::Leases;
use crate::store::sqlite::pending::{Owed, Place, Queue, State};

/// A due delivery, and what decides on its place in the row of all.
#[derive(Clone, Debug)]
pub(in crate::store::sqlite) struct Pick {
    under_way: u32,
    had_turn: bool,
    is_failing: bool,
    pub(in crate::store::sqlite) webhook: i64,
    pub(in crate::store::sqlite) owed: Owed,
}

/// What a claim finds.
pub(in crate::store::sqlite) enum Picked {
    /// These, by their place.
    Deliveries(Vec<Pick>),
    /// Deliveries of these webhooks must be read before, from a place on.
    Unread(Vec<(i64, Place)>),
}

/// Free deliveries that are due, as many as the claim allows, by their place.
pub(in crate::store::sqlite) fn pick(state: &mut State, claim: &DeliveryClaim, leases: &Leases) -> Picked {
    state.pass_to(claim.claim.now);
    let mut in_flight: HashMap<i64, (u32, bool)> = HashMap::new();
    for (id, count) in &claim.in_flight {
        if let Some((seq, queue)) = state.queue_of(id) {
            in_flight.insert(seq, (*count, queue.webhook.is_failing));
        }
    }
    let held: u32 = in_flight.values().filter(|(_, is_failing)| *is_failing).map(|(count, _)| count).sum();
    let mut places = Places { all: claim.claim.rows_max, failing: claim.failing_max.saturating_sub(held) };
    let mut look = Look { claim, leases, picks: Vec::new(), unread: Vec::new() };
    for is_failing in [false, true] {
        let places_max = if is_failing { places.all.min(places.failing) } else { places.all };
        let mut served = 0;
        for (seq, queue) in state.in_turn(is_failing).filter(|(seq, _)| !in_flight.contains_key(seq)) {
            // These come first, and take all there is.
            if served == places_max {
                break;
            }
            served += u32::from(look.at(seq, queue, 0, state));
        }
        for (seq, (count, _)) in in_flight.iter().filter(|(_, (_, failing))| *failing == is_failing && places_max > 0) {
            if let Some(queue) = state.ready_queue(*seq) {
                look.at(*seq, queue, *count, state);
            }
        }
    }
    let Look { mut picks, unread, .. } = look;
    if !unread.is_empty() {
        return Picked::Unread(unread);
    }
    picks.sort_by_key(|pick| (pick.under_way, pick.had_turn, pick.webhook));
    picks.retain(|pick| places.take(pick.is_failing));
    for pick in &picks {
        let turn = if pick.is_failing { &mut state.turn_of_failing } else { &mut state.turn_of_others };
        *turn = pick.webhook;
    }
    Picked::Deliveries(picks)
}

/// A look at what is free.
struct Look<'a> {
    claim: &'a DeliveryClaim,
    leases: &'a Leases,
    picks: Vec<Pick>,
    unread: Vec<(i64, Place)>,
}

impl Look<'_> {
    /// Picks the first of a webhook that has so many under way; whether there is any.
    fn at(&mut self, webhook: i64, queue: &Queue, in_flight: u32, state: &State) -> bool {
        let (now, is_failing) = (self.claim.claim.now, queue.webhook.is_failing);
        let share = queue.webhook.in_flight_max(self.claim).saturating_sub(in_flight);
        if share == 0 {
            return false;
        }
        let free = queue.free(now, self.leases, share);
        if free.len() < share as usize
            && let Some(rest) = queue.rest(now)
        {
            self.unread.push((webhook, rest));
        }
        let turn = if is_failing { state.turn_of_failing } else { state.turn_of_others };
        let had_turn = webhook <= turn;
        let is_any = !free.is_empty();
        let picks = free.into_iter().zip(in_flight..);
        self.picks.extend(picks.map(|(owed, under_way)| Pick { under_way, had_turn, is_failing, webhook, owed }));
        is_any
    }
}

/// The places that are left.
struct Places {
    all: u32,
    failing: u32,
}

impl Places {
    /// Takes a place for a delivery of such a webhook; whether there was one.
    fn take(&mut self, is_failing: bool) -> bool {
        let has_any = self.all > 0 && (self.failing > 0 || !is_failing);
        if has_any {
            self.all -= 1;
            self.failing -= u32::from(is_failing);
        }
        has_any
    }
}
