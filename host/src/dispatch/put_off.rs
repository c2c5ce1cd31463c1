//! How often and how soon is taken up again what the host could not do: an event, or a step of a replay.
//!
//! A filter that cannot be run because of the host (its bytes cannot be read, its compiler cannot be
//! started) says nothing of the event, so no verdict is made up for it: the whole event is given back with
//! a pause and later asked anew, as after a crash. Nothing of it is written until then, so the other
//! webhooks of the event wait as well, and that is why it ends: after [`HOST_FAULT_PAUSES`] the event is
//! written as it is, and the verdicts that are missing say that it was the host.
//!
//! The tries are counted in memory: a restart is a good reason to begin again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::limits::HOST_FAULT_PAUSES;

/// What met a fault of the host and is not written yet, with how often it did.
#[derive(Debug)]
pub(super) struct PutOff<K> {
    faults: Mutex<HashMap<K, usize>>,
}

impl<K> Default for PutOff<K> {
    fn default() -> Self {
        Self { faults: Mutex::default() }
    }
}

impl<K: Eq + Hash> PutOff<K> {
    /// Counts a fault of the host; how long to wait until the next try, `None` if there is none left.
    pub(super) fn pause(&self, what: K) -> Option<Duration> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let count = faults.entry(what).or_default();
        let pause = HOST_FAULT_PAUSES.get(*count).copied();
        *count += 1;
        pause
    }

    /// Forgets what is written, or what somebody else has.
    pub(super) fn forget(&self, what: &K) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).remove(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::EventSeq;

    #[test]
    fn each_event_has_its_own_tries_until_it_is_forgotten() {
        let (put_off, event, other) = (PutOff::default(), EventSeq(1), EventSeq(2));

        let pauses: Vec<_> = std::iter::from_fn(|| put_off.pause(event)).collect();

        assert_eq!(pauses, HOST_FAULT_PAUSES);
        assert_eq!(put_off.pause(event), None);
        assert_eq!(put_off.pause(other), Some(HOST_FAULT_PAUSES[0]));
        put_off.forget(&event);
        assert_eq!(put_off.pause(event), Some(HOST_FAULT_PAUSES[0]));
    }
}
