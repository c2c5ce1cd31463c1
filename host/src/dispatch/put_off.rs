//! How often and how soon is taken up again what the host could not do: an event, or a step of a replay.
//!
//! A filter that cannot be run because of the host (its bytes cannot be read, its compiler cannot be
//! started) says nothing of the event, so no verdict is made up for it: the whole event is given back with
//! a pause and later asked anew, as after a crash. Nothing of it is written until then, so the other
//! webhooks of the event wait as well, and that is why it ends: after [`HOST_FAULT_PAUSES`] the event is
//! written as it is, and the verdicts that are missing say that it was the host. Filters that are being compiled, as
//! after an upgrade, get more time ([`COMPILING_PAUSES`]): that ends by itself.
//!
//! The tries are counted in memory: a restart is a good reason to begin again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::filter::Refused;
use crate::model::limits::{COMPILING_PAUSES, HOST_FAULT_PAUSES};

/// What met a fault of the host and is not written yet, with how often it did.
#[derive(Debug)]
pub(super) struct PutOff<K> {
    faults: Mutex<HashMap<K, Met>>,
}

/// A fault of the host, by how long it may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// Any that may be over soon.
    Other,
    /// A filter is being compiled.
    Compiling,
}

impl Fault {
    /// The host's fault in a refusal, if it is one.
    pub(super) fn of(refused: &Refused) -> Option<Self> {
        match refused {
            Refused::Compiling => Some(Self::Compiling),
            other => other.is_hosts_fault().then_some(Self::Other),
        }
    }
}

/// How often something met which faults.
#[derive(Debug, Default)]
struct Met {
    compiling: usize,
    others: usize,
}

impl<K> Default for PutOff<K> {
    fn default() -> Self {
        Self { faults: Mutex::default() }
    }
}

impl<K: Eq + Hash> PutOff<K> {
    /// Counts a fault of the host; how long to wait until the next try, `None` if there is none left.
    pub(super) fn pause(&self, what: K, fault: Fault) -> Option<Duration> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let met = faults.entry(what).or_default();
        let (count, pauses) = match fault {
            Fault::Compiling => (&mut met.compiling, COMPILING_PAUSES.as_slice()),
            Fault::Other => (&mut met.others, HOST_FAULT_PAUSES.as_slice()),
        };
        let pause = pauses.get(*count).copied();
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
        let pause = |event| put_off.pause(event, Fault::Other);

        let pauses: Vec<_> = std::iter::from_fn(|| pause(event)).collect();

        assert_eq!(pauses, HOST_FAULT_PAUSES);
        assert_eq!(pause(event), None);
        assert_eq!(pause(other), Some(HOST_FAULT_PAUSES[0]));
        put_off.forget(&event);
        assert_eq!(pause(event), Some(HOST_FAULT_PAUSES[0]));
    }

    #[test]
    fn filters_that_are_being_compiled_are_waited_for_longer_and_leave_the_tries_for_other_faults() {
        let (put_off, event) = (PutOff::default(), EventSeq(1));

        let pauses: Vec<_> = std::iter::from_fn(|| put_off.pause(event, Fault::Compiling)).collect();

        assert_eq!(pauses, COMPILING_PAUSES);
        assert_eq!(put_off.pause(event, Fault::Other), Some(HOST_FAULT_PAUSES[0]));
    }
}
