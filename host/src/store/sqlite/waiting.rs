//! The events that wait for a decision, in memory: the first of them, and whether there are more.
//!
//! The writer tells which events each commit added and took away ([`Touched`](super::touched)), so this is what is
//! committed, always.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::beginning::{Beginning, Listed};
use super::lease::Leases;
use crate::model::event::EventSeq;
use crate::model::limits::EVENTS_WAITING_IN_MEMORY_MAX;
use crate::store::Claim;

/// Events that are in memory. Few in tests, so that some are always left to the table.
const EVENTS_MAX: usize = if cfg!(test) { 3 } else { EVENTS_WAITING_IN_MEMORY_MAX };

/// What waits from a place on, in order.
pub(super) const WAITING_FROM: &str =
    "SELECT event_seq FROM dispatch_queue WHERE event_seq >= ?1 ORDER BY event_seq LIMIT ?2";

/// An event that waits, by its place in the order of acceptance.
#[derive(Clone, Copy, Debug)]
pub(super) struct WaitingEvent(i64);

impl Listed for WaitingEvent {
    type Place = i64;

    fn seq(&self) -> i64 {
        self.0
    }

    fn place(&self) -> i64 {
        self.0
    }
}

/// The events that wait.
#[derive(Debug)]
pub(super) struct Waiting(Mutex<Beginning<WaitingEvent>>);

/// What a claim finds.
pub(super) enum Found {
    /// These, as many as it allows or there are.
    Events(Vec<EventSeq>),
    /// Events from a place on must be read before.
    Unread(i64),
}

impl Waiting {
    /// All of them, of which none is in memory yet.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Beginning::new(Some(i64::MIN))))
    }

    /// Takes that an event waits now, or waits no more.
    pub(super) fn change(&self, seq: i64, is_waiting: bool) {
        self.list().change(seq, is_waiting.then_some(WaitingEvent(seq)), EVENTS_MAX);
    }

    /// Free events up to the place `last`, the oldest first.
    pub(super) fn find_free(&self, claim: &Claim, last: i64, leases: &Leases) -> Found {
        let mut list = self.list();
        let waiting = list.rows().take_while(|event| event.0 <= last);
        let leases = leases.look();
        let free = waiting.filter(|event| leases.is_free(event.0, claim.now)).take(claim.rows_max as usize);
        let free: Vec<_> = free.map(|event| EventSeq(event.0)).collect();
        match list.rest() {
            Some(rest) if rest <= last && free.len() < claim.rows_max as usize => {
                list.begin_reading(rest);
                Found::Unread(rest)
            }
            _ => Found::Events(free),
        }
    }

    /// Reads what waits from a place on, for [`Self::end_reading`].
    pub(super) fn read(connection: &Connection, from: i64) -> rusqlite::Result<Vec<WaitingEvent>> {
        let mut statement = connection.prepare_cached(WAITING_FROM)?;
        statement
            .query_map((from, i64::try_from(EVENTS_MAX + 1).unwrap_or(i64::MAX)), |row| row.get(0).map(WaitingEvent))?
            .collect()
    }

    /// Takes what was read.
    pub(super) fn end_reading(&self, read: Vec<WaitingEvent>) {
        self.list().end_reading(read, EVENTS_MAX);
    }

    /// The events that are in memory, and from where on the others are.
    #[cfg(test)]
    pub(super) fn in_memory(&self) -> (Vec<i64>, Option<i64>) {
        let list = self.list();
        (list.rows().map(Listed::seq).collect(), list.rest())
    }

    /// Whole between any two statements, so a panic elsewhere spoils nothing.
    fn list(&self) -> MutexGuard<'_, Beginning<WaitingEvent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
