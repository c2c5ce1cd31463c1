//! The events that were accepted last, in memory.
//!
//! An event is nearly always decided on and delivered a moment after it was accepted, so it need not be read again. Events never
//! change; one that is not here any more is read from its row.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::HashMap;

use super::events;
use crate::model::event::{Event, EventSeq};
use crate::model::ids::WebhookId;

/// What an event takes beside its values: the event itself with its ids, and its place in the table.
const EVENT_BYTES: usize = 1 << 10;

/// An event as it is stored, and the webhook that it is for alone, if it is a test.
pub(super) type Kept = (Arc<Event>, Option<WebhookId>);

/// Events by their place, the oldest of which goes when all together are too large.
#[derive(Debug)]
pub(super) struct RecentEvents {
    state: Mutex<State>,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct State {
    events: HashMap<EventSeq, Kept>,
    order: VecDeque<EventSeq>,
    bytes: usize,
}

impl RecentEvents {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { state: Mutex::default(), bytes_max }
    }

    /// Keeps an event that is committed.
    pub(super) fn keep(&self, seq: EventSeq, kept: Kept) {
        let mut state = self.state();
        state.bytes += weight(&kept.0);
        match state.events.insert(seq, kept) {
            Some((before, _)) => state.bytes -= weight(&before),
            None => state.order.push_back(seq),
        }
        while state.bytes > self.bytes_max
            && let Some(oldest) = state.order.pop_front()
        {
            if let Some((event, _)) = state.events.remove(&oldest) {
                state.bytes -= weight(&event);
            }
        }
    }

    pub(super) fn get(&self, seq: EventSeq) -> Option<Kept> {
        self.state().events.get(&seq).cloned()
    }

    /// Which of these events are not here, as far as those that are weigh so much together; and how many these are in all.
    pub(super) fn missing(&self, events: impl Iterator<Item = EventSeq>, bytes_max: usize) -> (Vec<EventSeq>, usize) {
        let (state, mut missing, mut looked_at, mut bytes) = (self.state(), Vec::new(), 0, 0);
        for seq in events {
            looked_at += 1;
            match state.events.get(&seq) {
                Some((event, _)) => bytes += weight(event),
                None => missing.push(seq),
            }
            if bytes > bytes_max {
                break;
            }
        }
        (missing, looked_at)
    }

    /// Whole between any two statements, so a panic elsewhere spoils nothing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn weight(event: &Event) -> usize {
    events::weight(event) + EVENT_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::samples::event;

    #[test]
    fn the_oldest_go_when_all_are_too_large() {
        let event = event("e");
        let recent = RecentEvents::new(2 * weight(&event));

        for seq in 1..=5 {
            recent.keep(EventSeq(seq), (Arc::clone(&event), None));
        }

        let kept: Vec<_> = (1..=5).filter(|seq| recent.get(EventSeq(*seq)).is_some()).collect();
        assert_eq!(kept, [4, 5]);
        assert_eq!(recent.state().bytes, 2 * weight(&event));
    }

    #[test]
    fn it_is_told_what_is_missing_as_far_as_what_is_there_is_light() {
        let event = event("e");
        let recent = RecentEvents::new(9 * weight(&event));
        [2, 4, 5].into_iter().for_each(|seq| recent.keep(EventSeq(seq), (Arc::clone(&event), None)));
        let missing = |bytes_max| recent.missing((1..=6).map(EventSeq), bytes_max);

        assert_eq!(missing(9 * weight(&event)), (vec![EventSeq(1), EventSeq(3), EventSeq(6)], 6));
        assert_eq!(missing(weight(&event)), (vec![EventSeq(1), EventSeq(3)], 4));
    }

    #[test]
    fn an_event_that_is_kept_again_takes_no_more_room() {
        let event = event("e");
        let recent = RecentEvents::new(2 * weight(&event));

        for seq in [1, 1, 1, 2] {
            recent.keep(EventSeq(seq), (Arc::clone(&event), None));
        }

        assert!(recent.get(EventSeq(1)).is_some() && recent.get(EventSeq(2)).is_some());
    }

    #[test]
    fn events_without_values_are_bounded_in_number() {
        let recent = RecentEvents::new(1 << 20);
        let small =
            Arc::new(Event { previous_value: "null".into(), current_value: "{}".into(), ..(*event("e")).clone() });

        for seq in 0..10_000 {
            recent.keep(EventSeq(seq), (Arc::clone(&small), None));
        }

        assert!(recent.state().events.len() < 1 << 10);
    }
}
