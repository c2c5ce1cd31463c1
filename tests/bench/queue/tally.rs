//! What was attempted, acknowledged and delivered, and what follows from it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use hooksieve::model::limits::{ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX, ATTEMPTS_UNWRITTEN_PER_WEBHOOK_MAX};
use tokio::sync::Notify;

use super::queues::{QUEUES, Queue};
use crate::rig::event;
use crate::rig::sink::{Arrival, Reply};

/// Attempts of a webhook that a kill can meet: those under way, and those that are not written down yet.
pub const DUPLICATES_OF_A_KILL_MAX: u32 = ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX + ATTEMPTS_UNWRITTEN_PER_WEBHOOK_MAX;

/// Keeps count.
pub struct Tally {
    state: Mutex<State>,
    change: Notify,
}

struct State {
    events: Vec<Event>,
    /// How many of them were sent.
    attempted: usize,
    /// How many of them were acknowledged.
    acknowledged: usize,
    /// Deliveries that are owed and were not taken yet.
    missing: usize,
    /// By the place of the queue, then by the number of the event.
    copies: [BTreeMap<usize, Vec<Copy>>; QUEUES.len()],
    /// Arrivals that no event was sent for, such as of an unknown path.
    stray: usize,
    /// How often the host was killed until now.
    kills: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Event {
    /// Not sent yet.
    Planned,
    /// Sent; the connection may have broken before the answer.
    Attempted,
    /// Answered with 202.
    Acknowledged,
}

/// One arrival of an event at a webhook.
struct Copy {
    message: String,
    /// How often the host had been killed.
    life: u32,
    /// Whether it was answered with success, so that the host has no reason to send it again.
    is_taken: bool,
}

impl Tally {
    pub fn new(events: usize) -> Self {
        let (events, copies) = (vec![Event::Planned; events], Default::default());
        let state = State { events, attempted: 0, acknowledged: 0, missing: 0, copies, stray: 0, kills: 0 };
        Self { state: Mutex::new(state), change: Notify::new() }
    }

    pub fn attempt(&self, number: usize) {
        let mut state = self.state();
        state.events[number] = Event::Attempted;
        state.attempted += 1;
    }

    /// An event was answered with 202.
    pub fn acknowledge(&self, number: usize) {
        let mut state = self.state();
        state.events[number] = Event::Acknowledged;
        state.acknowledged += 1;
        state.missing += (0..QUEUES.len()).filter(|&queue| state.is_missing(queue, number)).count();
        drop(state);
        self.change.notify_one();
    }

    /// The host was killed.
    pub fn kill(&self) {
        self.state().kills += 1;
    }

    /// A delivery came; what to answer.
    pub fn arrive(&self, arrival: &Arrival<'_>) -> Reply {
        let mut state = self.state();
        let queue = QUEUES.iter().position(|queue| queue.path == arrival.path);
        let number = event::number(arrival.body).filter(|&number| number < state.events.len());
        let (Some(queue), Some(number)) = (queue, number) else {
            state.stray += 1;
            return Reply::Status(200);
        };
        let (life, was_missing) = (state.kills, state.is_missing(queue, number));
        let copies = state.copies[queue].entry(number).or_default();
        let reply = if copies.is_empty() { (QUEUES[queue].first_reply)(number) } else { Reply::Status(200) };
        copies.push(Copy { message: arrival.message.to_owned(), life, is_taken: reply == Reply::Status(200) });
        state.missing -= usize::from(was_missing && !state.is_missing(queue, number));
        drop(state);
        self.change.notify_one();
        reply
    }

    /// Waits until so many events were acknowledged or cannot be any more, because no more are sent.
    pub async fn until_acknowledged(&self, count: usize) {
        let is_there = |state: &State| state.acknowledged >= count || state.attempted == state.events.len();
        while !is_there(&self.state()) {
            self.change.notified().await;
        }
    }

    /// Waits until all that was acknowledged has arrived, or nothing has for `patience`.
    pub async fn until_all_arrived(&self, patience: Duration) {
        while self.state().missing > 0 {
            if tokio::time::timeout(patience, self.change.notified()).await.is_err() {
                return;
            }
        }
    }

    pub fn counts(&self) -> Counts {
        let state = self.state();
        Counts {
            kills: state.kills,
            attempted: state.attempted,
            acknowledged: state.acknowledged,
            stray: state.stray,
            queues: QUEUES.iter().zip(&state.copies).map(|(queue, copies)| state.count(queue, copies)).collect(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    /// Whether the event was acknowledged, is owed to the queue, and was not taken.
    fn is_missing(&self, queue: usize, number: usize) -> bool {
        let is_taken = || self.copies[queue].get(&number).is_some_and(|all| all.iter().any(|copy| copy.is_taken));
        self.events[number] == Event::Acknowledged && (QUEUES[queue].gets)(number) && !is_taken()
    }

    fn count(&self, queue: &Queue, copies: &BTreeMap<usize, Vec<Copy>>) -> QueueCounts {
        let mut counts = QueueCounts { path: queue.path, ..QueueCounts::default() };
        let mut duplicates_of_kills = BTreeMap::<u32, u32>::new();
        for (number, event) in self.events.iter().enumerate() {
            let copies = copies.get(&number).map_or(&[][..], Vec::as_slice);
            let taken: Vec<&Copy> = copies.iter().filter(|copy| copy.is_taken).collect();
            let is_owed = (queue.gets)(number) && *event == Event::Acknowledged;
            counts.delivered += usize::from(!taken.is_empty());
            counts.lost += usize::from(is_owed && taken.is_empty());
            counts.unexpected += usize::from(!copies.is_empty() && (*event == Event::Planned || !(queue.gets)(number)));
            counts.recovered += usize::from(!taken.is_empty() && *event == Event::Attempted);
            counts.renamed += usize::from(copies.iter().any(|copy| copy.message != copies[0].message));
            for pair in taken.windows(2) {
                counts.duplicated += 1;
                counts.unexplained += usize::from(pair[0].life == pair[1].life);
                *duplicates_of_kills.entry(pair[0].life).or_default() += 1;
            }
        }
        counts.duplicated_by_a_kill_max = duplicates_of_kills.into_values().max().unwrap_or(0);
        counts
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct Counts {
    pub kills: u32,
    /// Events that were sent.
    pub attempted: usize,
    /// Events that were answered with 202.
    pub acknowledged: usize,
    /// Deliveries to nobody or of nothing.
    pub stray: usize,
    pub queues: Vec<QueueCounts>,
}

/// What a run came to for one webhook, in events.
#[derive(Debug, Default)]
pub struct QueueCounts {
    pub path: &'static str,
    /// Arrived and were taken.
    pub delivered: usize,
    /// Were acknowledged and did not arrive.
    pub lost: usize,
    /// Arrived though they were not sent, or though the filter holds them back.
    pub unexpected: usize,
    /// Further copies of what was taken already.
    pub duplicated: usize,
    /// Those of them that no kill explains.
    pub unexplained: usize,
    /// The most of them that belong to one kill.
    pub duplicated_by_a_kill_max: u32,
    /// Arrived though their producer got no answer: accepted, and killed before the answer.
    pub recovered: usize,
    /// Came under several message ids.
    pub renamed: usize,
}

impl Counts {
    /// What must hold and does not.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |path: &str, what: &str, count: usize| {
            if count > 0 {
                faults.push(format!("{path}: {count} {what}"));
            }
        };
        check("anywhere", "stray", self.stray);
        for queue in &self.queues {
            check(queue.path, "lost", queue.lost);
            check(queue.path, "unexpected", queue.unexpected);
            check(queue.path, "duplicated without a kill in between", queue.unexplained);
            check(queue.path, "under several message ids", queue.renamed);
            let excess = queue.duplicated_by_a_kill_max.saturating_sub(DUPLICATES_OF_A_KILL_MAX);
            check(queue.path, "duplicated by one kill beyond those that can be under way", excess as usize);
        }
        faults
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, attempted, acknowledged, stray, .. } = self;
        writeln!(out, "kills {kills}, attempted {attempted}, acknowledged {acknowledged}, stray {stray}")?;
        let titles = ["webhook", "delivered", "lost", "unexpected", "duplicated", "recovered"];
        let [webhook, delivered, lost, unexpected, duplicated, recovered] = titles;
        writeln!(out, "{webhook:<8} {delivered:>10} {lost:>10} {unexpected:>10} {duplicated:>10} {recovered:>10}")?;
        for queue in &self.queues {
            let QueueCounts { path, delivered, lost, unexpected, duplicated, recovered, .. } = queue;
            writeln!(out, "{path:<8} {delivered:>10} {lost:>10} {unexpected:>10} {duplicated:>10} {recovered:>10}")?;
        }
        let most = self.queues.iter().map(|queue| queue.duplicated_by_a_kill_max).max().unwrap_or(0);
        write!(out, "the most that one kill duplicated for a webhook: {most}")
    }
}

#[cfg(test)]
mod tests;
