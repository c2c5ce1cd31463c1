//! Events that are sent at fixed times, whether or not earlier ones were answered: how long each takes.
//!
//! A producer that waits for an answer sends less while the host is slow, and so hides the very moments that
//! matter (coordinated omission). Here an event's time begins when it was planned to be sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::EVENT_BYTES;
use crate::host::Host;
use crate::journal::Journal;
use crate::rig::driver::Pool;
use crate::rig::event;

/// How far ahead of the first event the plan is made.
const AHEAD: Duration = Duration::from_millis(50);

/// Sends `events` events, `rate` a second.
pub async fn run(host: &Host, journal: &Arc<Journal>, rate: u32, events: usize) {
    let mut plan = plan(journal, rate, events);
    let pool = Arc::new(Pool::new(host.address()));
    let mut posting = JoinSet::new();
    while let Some(number) = plan.recv().await {
        let (pool, journal) = (Arc::clone(&pool), Arc::clone(journal));
        posting.spawn(async move {
            let status = pool.post(&event::text("load", number, EVENT_BYTES)).await.unwrap();
            journal.acknowledge(number, status);
        });
    }
    posting.join_all().await;
}

/// The numbers of events, each when it is to be sent. From a thread of its own: the runtime's timers are
/// exact to a millisecond, which is what is to be measured.
pub fn plan(journal: &Arc<Journal>, rate: u32, events: usize) -> mpsc::UnboundedReceiver<usize> {
    let (tick, ticks) = mpsc::unbounded_channel();
    let journal = Arc::clone(journal);
    std::thread::spawn(move || {
        let (interval, mut due) = (Duration::from_secs(1) / rate, Instant::now() + AHEAD);
        for number in 0..events {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            journal.send(number, due);
            if tick.send(number).is_err() {
                return;
            }
            due += interval;
        }
    });
    ticks
}
