//! Which deliveries the deliver loop gets: fair by webhook, however many deliveries a webhook has.
//!
//! Turns go round: everybody gets a first attempt under way before anybody gets a second one, and where a round has to
//! stop for want of room, the next claim begins with those that were not served for longest. So many webhooks with long
//! queues share what there is, and one with a single delivery waits for one round at the most. No more webhooks are looked
//! at than there are places.
//!
//! A webhook that is held gets none before its hold ends, and an UNHEALTHY one only one at a time.
//!
//! Webhooks whose last attempt failed may hold only some of the places, since each may hold its own for as
//! long as an attempt may take. Together with those that were not delivered to yet they may hold more, and not all:
//! whoever registers webhooks that hang leaves places to those that are known to answer.

use std::collections::HashMap;

use crate::model::Timestamp;
use crate::model::ids::WebhookId;
use crate::store::DeliveryClaim;
use crate::store::sqlite::lease::Leases;
use crate::store::sqlite::pending::{Class, Owed, Place, Queue, State};

/// A due delivery, and what decides on its place in the row of all.
#[derive(Clone, Debug)]
pub(super) struct Pick {
    under_way: u32,
    /// When its webhook was served.
    served: u64,
    class: Class,
    pub(super) webhook: i64,
    pub(super) owed: Owed,
    /// Whether it is time to look at what comes behind it.
    pub(super) is_look_due: bool,
}

/// What a claim finds.
pub(super) enum Picked {
    /// These, by their place.
    Deliveries(Vec<Pick>),
    /// Deliveries of these webhooks must be read before, from a place on.
    Unread(Vec<(i64, Place)>),
}

/// Free deliveries that are due, as many as the claim allows, by their place.
pub(super) fn pick(state: &mut State, claim: &DeliveryClaim, leases: &Leases) -> Picked {
    state.pass_to(claim.claim.now);
    let busy = claim.in_flight.iter().filter_map(|(id, count)| {
        let (seq, queue) = state.queue_of(id)?;
        Some((seq, (*count, queue.class())))
    });
    let busy: HashMap<i64, (u32, Class)> = busy.collect();
    let mut places = Places::of(claim, busy.values());
    let mut look = Look { claim, leases, picks: Vec::new(), unread: Vec::new() };
    for class in Class::ALL {
        // Where there is no place it must be known whether anybody waits for one.
        let places_max = places.of_class(class).min(places.all.max(1));
        let mut served = 0;
        for (seq, queue) in state.in_turn(class).filter(|(seq, _)| !busy.contains_key(seq)) {
            // These come first, and take all there is.
            if served == places_max {
                break;
            }
            served += u32::from(look.at(seq, queue, 0));
        }
        for (seq, (count, _)) in busy.iter().filter(|(_, (_, its))| *its == class && places_max > 0) {
            if let Some(queue) = state.ready_queue(*seq) {
                look.at(*seq, queue, *count);
            }
        }
    }
    let Look { mut picks, unread, .. } = look;
    if !unread.is_empty() {
        return Picked::Unread(unread);
    }
    picks.sort_by_key(|pick| (pick.under_way, pick.served, pick.webhook));
    let mut does_anybody_wait = false;
    picks.retain(|pick| {
        let is_served = places.take(pick.class);
        does_anybody_wait |= !is_served && places.of_class(pick.class) > 0;
        is_served
    });
    state.does_anybody_wait = does_anybody_wait;
    picks.iter_mut().for_each(|pick| pick.is_look_due = state.served(pick.webhook));
    Picked::Deliveries(picks)
}

/// The next delivery that is due and free of a webhook of which nothing bad is known, if it is in memory. `None` while others
/// wait for a place, as the last claim found.
pub(super) fn pick_next(state: &mut State, webhook: &WebhookId, now: Timestamp, leases: &Leases) -> Option<Pick> {
    state.pass_to(now);
    if state.does_anybody_wait {
        return None;
    }
    let (seq, queue) = state.queue_of(webhook)?;
    let (class, served) = (queue.class(), queue.served);
    if class != Class::Proven || queue.webhook.is_unhealthy || !queue.is_ready() {
        return None;
    }
    let owed = queue.free(now, leases, 1).pop()?;
    let is_look_due = state.served(seq);
    Some(Pick { under_way: 0, served, class, webhook: seq, owed, is_look_due })
}

/// A look at what is free.
struct Look<'a> {
    claim: &'a DeliveryClaim,
    leases: &'a Leases,
    picks: Vec<Pick>,
    unread: Vec<(i64, Place)>,
}

impl Look<'_> {
    /// Picks the first of a webhook that has so many under way; whether there is any, or may be once it is read.
    fn at(&mut self, webhook: i64, queue: &Queue, in_flight: u32) -> bool {
        let now = self.claim.claim.now;
        let share = queue.webhook.in_flight_max(self.claim).saturating_sub(in_flight);
        if share == 0 {
            return false;
        }
        let free = queue.free(now, self.leases, share);
        let unread = queue.rest(now).filter(|_| free.len() < share as usize);
        self.unread.extend(unread.map(|rest| (webhook, rest)));
        let is_any = !free.is_empty() || unread.is_some();
        let (class, served) = (queue.class(), queue.served);
        let picks = free.into_iter().zip(in_flight..);
        self.picks.extend(picks.map(|(owed, under_way)| Pick {
            under_way,
            served,
            class,
            webhook,
            owed,
            is_look_due: false,
        }));
        is_any
    }
}

/// The places that are left: in all, for those of which little good is known, and of these for those whose last attempt failed.
struct Places {
    all: u32,
    doubtful: u32,
    failing: u32,
}

impl Places {
    /// What these webhooks have left, with so many under way.
    fn of<'a>(claim: &DeliveryClaim, busy: impl Iterator<Item = &'a (u32, Class)>) -> Self {
        let (mut doubtful, mut failing) = (claim.doubtful_max, claim.failing_max);
        for (count, class) in busy {
            let (is_doubtful, is_failing) = (*class != Class::Proven, *class == Class::Failing);
            doubtful = doubtful.saturating_sub(if is_doubtful { *count } else { 0 });
            failing = failing.saturating_sub(if is_failing { *count } else { 0 });
        }
        Self { all: claim.claim.rows_max, doubtful, failing }
    }

    /// How many there may be for webhooks of a class, if that many are left.
    fn of_class(&self, class: Class) -> u32 {
        match class {
            Class::Proven => u32::MAX,
            Class::Unproven => self.doubtful,
            Class::Failing => self.doubtful.min(self.failing),
        }
    }

    /// Takes a place for a delivery to such a webhook; whether there was one.
    fn take(&mut self, class: Class) -> bool {
        let has_any = self.all.min(self.of_class(class)) > 0;
        if has_any {
            self.all -= 1;
            self.doubtful -= u32::from(class != Class::Proven);
            self.failing -= u32::from(class == Class::Failing);
        }
        has_any
    }
}
