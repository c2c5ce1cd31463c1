//! Several events in one call, where nobody can tell.
//!
//! A batch has one instance, and the fuel, the memory and the time of one call. So if it comes to an end, each of
//! its events would have alone, with the same verdict: a pure filter needs for one event no more than for many.
//! A filter that keeps something from one event for the next is not pure, and is found out by its last event,
//! which is decided once more alone.

use super::{Caller, Decision, Start};
use crate::filter::loaded::Loaded;
use crate::filter::projection::Value;

/// What a batch came to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::filter) enum Batch {
    /// A decision for each event, as each would have alone.
    Decided(Vec<Decision>),
    /// Too much for one call, or one of the events makes the filter fail: fewer at a time may do.
    TooMuch,
    /// The filter decides otherwise on an event that comes after others.
    Stateful,
}

impl Caller {
    /// Decides on several events in one instance; the fuel that it took.
    pub(in crate::filter) fn decide_batch(
        &self,
        loaded: &Loaded,
        start: Start<'_>,
        events: &[&[Value]],
    ) -> (Batch, u64) {
        let filter = loaded.called_from(self.engine);
        let called = self.call_once(filter, start.fuel(), &mut |store| start.decide(filter, store, events));
        let said = called.result.unwrap_or_default();
        if said.len() != events.len() {
            return (Batch::TooMuch, called.fuel);
        }
        let decisions: Vec<Decision> = said.into_iter().map(|said| self.decision(said)).collect();
        let alone = events.last().map(|last| self.decide(loaded, start, last));
        let fuel = called.fuel + alone.as_ref().map_or(0, |alone| alone.fuel);
        let is_same = alone.and_then(|alone| alone.result.ok()).as_ref() == decisions.last();
        (if is_same { Batch::Decided(decisions) } else { Batch::Stateful }, fuel)
    }
}
