//! Kills a host again and again while events are posted, and counts what became of each event.
//!
//! Four webhooks get the events: one all of them, one those that its filter lets through (half), one those of
//! a filter that lets none through, and one whose receiver fails now and then. Every webhook is then a queue
//! of which it is known what went in and what came out. A producer whose connection breaks does not know
//! whether its event was accepted, and does not ask again: such an event may arrive or not.
//!
//! What must hold, for each webhook:
//! - nothing is **lost**: what was acknowledged arrives;
//! - nothing is **unexpected**: what was never sent, or what the filter holds back, does not arrive;
//! - **duplicates** are the attempts that were under way when the host was killed, and nothing else: the
//!   second copy comes from a later life of the host than the first, and no kill makes more of them than
//!   attempts can be under way;
//! - a copy has the message id of the first.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::numbers::Numbers;
use super::queues::QUEUES;
use super::tally::{Counts, Tally};
use crate::process::Process;
use crate::rig::driver::Connection;
use crate::rig::sink::Sink;
use crate::rig::{event, stage};

/// Bytes of an event.
const EVENT_BYTES: usize = 512;
/// The delays between attempts: the flaky receiver's second answer is a good one.
const SETTINGS: [(&str, &str); 1] = [("HOOKSIEVE_DELIVERY_RETRY_DELAYS_SECS", "1,1,1,1,1,1,1,1,1,1")];
/// How long after the last arrival the rest counts as lost: longer than a lease and any delay.
const ARRIVAL_TIME_MAX: Duration = Duration::from_secs(120);
/// How often others may get their turn between the answer that a kill waits for and the kill.
const YIELDS_MAX: u64 = 200;

/// What is done to a host.
pub struct Plan {
    pub kills: u32,
    pub events: usize,
    pub producers: usize,
    /// Decides at which events the host is killed.
    pub seed: u64,
}

/// Runs the plan on a host with its data in `data`. Tells `progress` of each kill.
pub async fn check(data: &Path, plan: &Plan, mut progress: impl FnMut(u32)) -> Counts {
    let tally = Arc::new(Tally::new(plan.events));
    let told = Arc::clone(&tally);
    let sink = Sink::start(move |arrival| told.arrive(arrival)).await;
    let process = Process::start(data, &SETTINGS).await;
    let user = stage::member(&process.operator()).await;
    for queue in &QUEUES {
        stage::register(&user, sink.url(queue.path), queue.rule).await;
    }

    let (host, hosts) = watch::channel(process.address());
    let next = Arc::new(AtomicUsize::new(0));
    let mut producers = JoinSet::new();
    for _ in 0..plan.producers {
        producers.spawn(produce(Arc::clone(&tally), Arc::clone(&next), plan.events, hosts.clone()));
    }
    let (mut running, mut numbers) = (process, Numbers(plan.seed));
    for (kills, acknowledged) in (1..).zip(moments(plan, &mut numbers)) {
        tally.until_acknowledged(acknowledged).await;
        // Not always just behind an answer.
        for _ in 0..numbers.below(YIELDS_MAX) {
            tokio::task::yield_now().await;
        }
        running.kill().await;
        // What it had sent is its own, and not the next one's.
        sink.until_all_read().await;
        tally.kill();
        running = Process::start(data, &SETTINGS).await;
        host.send_replace(running.address());
        progress(kills);
    }
    producers.join_all().await;
    tally.until_all_arrived(ARRIVAL_TIME_MAX).await;
    // Asked to stop, it finishes what is under way: what would come twice has come by then.
    let (status, _) = running.terminate().await;
    assert!(status.success(), "the host ended with {status}");
    tally.counts()
}

/// After how many acknowledged events the host is killed each time.
fn moments(plan: &Plan, numbers: &mut Numbers) -> Vec<usize> {
    let mut moment = || usize::try_from(numbers.below(plan.events as u64)).expect("it is below a usize");
    let mut moments: Vec<usize> = (0..plan.kills).map(|_| moment()).collect();
    moments.sort_unstable();
    moments
}

/// Posts what is next until all is posted. An event whose connection breaks is left as it is; the next one
/// goes to the next life of the host.
async fn produce(tally: Arc<Tally>, next: Arc<AtomicUsize>, events: usize, mut hosts: watch::Receiver<SocketAddr>) {
    let mut connection = None;
    loop {
        let mut open = match connection.take() {
            Some(open) => open,
            None => connect(&mut hosts).await,
        };
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= events {
            return;
        }
        tally.attempt(number);
        if let Ok(status) = open.post(&event::text("queue", number, EVENT_BYTES)).await {
            assert_eq!(status, 202, "event {number} was refused");
            tally.acknowledge(number);
            connection = Some(open);
        }
    }
}

/// A connection to the host; if it was killed, to the one that follows.
async fn connect(hosts: &mut watch::Receiver<SocketAddr>) -> Connection {
    loop {
        let host = *hosts.borrow_and_update();
        if let Ok(connection) = Connection::open(host).await {
            return connection;
        }
        hosts.changed().await.expect("the checker keeps the sender");
    }
}
