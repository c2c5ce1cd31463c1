//! Accepts beside the deletion of what has had its time, and without it.

use std::path::Path;
use std::time::{Duration, Instant};

use hooksieve::clock::SystemClock;
use hooksieve::lifecycle::{Keep, Stop, run_retention};

use crate::rig::times;
use crate::stages::Host;

/// Prints how long accepts take, one after the other, without the deletion and beside it, in turns.
pub async fn beside(data: &Path, events: u32) {
    let host = Host::open(data).await;
    let keep = Keep { age: Some(Duration::from_secs(7 * 86_400)), bytes_max: None };
    println!("\n| accepts | p50 ms | p99 ms | longest ms |\n|---|---:|---:|---:|");
    for turn in 1..=3 {
        print(&format!("alone, {turn}"), accepts(&host, events / 3).await);
        let stop = Stop::default();
        let deleting = run_retention(&*host.store, &SystemClock, keep, &stop);
        let accepting = async {
            let times = accepts(&host, events / 3).await;
            stop.requested.cancel();
            times
        };
        let ((), times) = tokio::join!(deleting, accepting);
        print(&format!("beside the deletion, {turn}"), times);
    }
    host.close().await;
}

/// How long each of so many accepts takes.
async fn accepts(host: &Host, events: u32) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..events.max(1) {
        let began = Instant::now();
        host.accept().await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times
}

fn print(name: &str, sorted: Vec<Duration>) {
    let ms = |percent| times::millis_at(&sorted, percent);
    println!("| {name} | {:.2} | {:.2} | {:.2} |", ms(50), ms(99), ms(100));
}
