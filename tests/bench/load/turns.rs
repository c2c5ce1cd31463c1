//! The host and the floor in turns, so short that what else the machine does falls on both alike.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::Pace;
use crate::closed::{Measured, wait};
use crate::floor::Floor;
use crate::journal::Journal;
use crate::usage::{Usage, Used};

/// How long each goes on, until the other's turn.
const TURN: Duration = Duration::from_millis(250);
/// What is not counted at the beginning of a turn: what the other has left goes through, and caches get warm.
const SETTLING: Duration = Duration::from_millis(50);

/// What went through the host and through the floor beside it.
pub struct Both {
    pub host: Measured,
    /// Requests.
    pub floor: u64,
    pub floor_used: Used,
}

/// Counts what goes through a process, once it has warmed up, in turns with the floor: `at_once` of the same requests. The
/// process is stopped (`SIGSTOP`) meanwhile.
pub async fn watch(pid: u32, journal: &Journal, at_once: usize, pace: Pace) -> Both {
    wait(pace.warm_up).await;
    let floor = Floor::start(journal.first_body().await, at_once).await;
    let turn = TURN.min(pace.measured);
    let mut both =
        Both { host: Measured { acknowledged: 0, arrived: 0, used: Used::NONE }, floor: 0, floor_used: Used::NONE };
    for _ in 0..pace.measured.as_millis() / turn.as_millis() {
        send(pid, Signal::STOP);
        floor.turn(true);
        wait(SETTLING).await;
        let (before, usage) = (floor.count(), Usage::now(None));
        wait(turn - SETTLING).await;
        both.floor += floor.count() - before;
        both.floor_used.add(&usage.until(Usage::now(None)));
        floor.turn(false);
        send(pid, Signal::CONT);
        wait(SETTLING).await;
        let read = || (journal.acknowledged(), journal.arrived(), Usage::now(Some(pid)));
        let (acknowledged, arrived, usage) = read();
        wait(turn - SETTLING).await;
        let (acknowledged_later, arrived_later, usage_later) = read();
        both.host.acknowledged += acknowledged_later - acknowledged;
        both.host.arrived += arrived_later - arrived;
        both.host.used.add(&usage.until(usage_later));
    }
    floor.stop().await;
    both
}

fn send(pid: u32, signal: Signal) {
    let pid = pid.try_into().ok().and_then(Pid::from_raw).expect("the host has a process");
    kill_process(pid, signal).expect("the host runs");
}
