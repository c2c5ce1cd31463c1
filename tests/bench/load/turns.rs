//! The host and the floor in turns, so short that what else the machine does falls on both alike.

use std::time::Duration;

use crate::Pace;
use crate::closed::{self, Measured, wait};
use crate::floor::Floor;
use crate::host::Host;
use crate::journal::Journal;
use crate::usage::{Usage, Used};

/// How long each goes on, until the other's turn.
const TURN: Duration = Duration::from_millis(250);
/// What is not counted at the beginning of a turn: what the other has left goes through, and caches get warm.
const SETTLING: Duration = Duration::from_millis(50);

/// What went through the host and through the floor beside it.
#[derive(Default)]
pub struct Both {
    pub host: Measured,
    /// Requests.
    pub floor: u64,
    pub floor_used: Used,
}

/// Counts what goes through a host, once it has warmed up, in turns with the floor: `at_once` of the same requests. The
/// host is stopped (`SIGSTOP`) meanwhile.
pub async fn watch(host: &Host, journal: &Journal, at_once: usize, pace: Pace) -> Both {
    wait(pace.warm_up).await;
    let floor = Floor::start(journal.first_body().await, at_once).await;
    let turn = TURN.min(pace.measured);
    let counted = Pace { warm_up: SETTLING, measured: turn - SETTLING };
    let mut both = Both::default();
    for _ in 0..pace.measured.as_millis() / turn.as_millis() {
        host.turn(false);
        floor.turn(true);
        wait(counted.warm_up).await;
        let (before, usage) = (floor.count(), Usage::now(None));
        wait(counted.measured).await;
        both.floor += floor.count() - before;
        both.floor_used.add(&usage.until(Usage::now(None)));
        floor.turn(false);
        host.turn(true);
        both.host.add(&closed::watch(Some(host.pid()), journal, counted).await);
    }
    floor.stop().await;
    both
}
