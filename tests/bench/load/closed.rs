//! Producers that post as fast as they are answered: how much goes through.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use crate::journal::Journal;
use crate::rig::driver::Connection;
use crate::rig::event;
use crate::usage::{Usage, Used};
use crate::{EVENT_BYTES, Pace};

/// What went through in the measured time.
#[derive(Default)]
pub struct Measured {
    pub acknowledged: u64,
    pub arrived: u64,
    pub used: Used,
}

impl Measured {
    /// What went through at another time, too.
    pub fn add(&mut self, other: &Self) {
        self.acknowledged += other.acknowledged;
        self.arrived += other.arrived;
        self.used.add(&other.used);
    }
}

/// Lets `producers` post until it is measured what goes through. Each event takes `webhooks` places of the journal's
/// room, so that no more deliveries are owed than it has.
pub async fn run<T>(
    address: SocketAddr,
    journal: &Arc<Journal>,
    producers: usize,
    webhooks: u32,
    measuring: impl Future<Output = T>,
) -> T {
    let is_over = Arc::new(AtomicBool::new(false));
    let posting: Vec<_> = (0..producers)
        .map(|_| {
            let (journal, is_over) = (Arc::clone(journal), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut connection = Connection::open(address).await.unwrap();
                while !is_over.load(Ordering::Relaxed) {
                    journal.room.acquire_many(webhooks).await.unwrap().forget();
                    let number = journal.next();
                    let status = connection.post(&event::text("load", number, EVENT_BYTES)).await.unwrap();
                    journal.acknowledge(number, status);
                }
            })
        })
        .collect();
    let measured = measuring.await;
    is_over.store(true, Ordering::Relaxed);
    for ended in join_all(posting).await {
        ended.unwrap();
    }
    measured
}

/// Counts what goes through a process, once it has warmed up.
pub async fn watch(pid: Option<u32>, journal: &Journal, pace: Pace) -> Measured {
    let read = || (journal.acknowledged(), journal.arrived(), Usage::now(pid));
    wait(pace.warm_up).await;
    let (acknowledged, arrived, usage) = read();
    wait(pace.measured).await;
    let (acknowledged_later, arrived_later, usage_later) = read();
    Measured {
        acknowledged: acknowledged_later - acknowledged,
        arrived: arrived_later - arrived,
        used: usage.until(usage_later),
    }
}

/// The measured time itself, not a wait for something to happen.
pub async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}
