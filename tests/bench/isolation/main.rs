//! What one endpoint that never answers costs the others: a hundred webhooks, ninety-nine of which answer at once, with
//! and without the hundredth, in turns within one run.
//!
//! `cargo bench --bench isolation -- --rounds 5 --secs 10 --events-per-second 10`; ends with 1 if the p99 of the healthy
//! ones is more than twice of what it is without the silent one. The silent webhook is a new one in each round, since
//! one that has failed a few times is left alone and costs nothing.

#![expect(clippy::unwrap_used, reason = "a measurement that meets what it does not expect stops there")]
#![expect(unreachable_pub, reason = "the files are modules of one program; `pub` says what a file offers the others")]

#[path = "../arguments.rs"]
mod arguments;
#[path = "../../it/process.rs"]
#[expect(dead_code, reason = "the integration tests use all of it")]
mod process;
#[path = "../rig/mod.rs"]
#[expect(dead_code, reason = "the queue checker uses all of it")]
mod rig;

use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Parser;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use arguments::Run;
use process::Process;
use rig::driver::Connection;
use rig::sink::{Arrival, Reply, Sink};
use rig::{event, stage, times};

const HEALTHY: usize = 99;
/// Bytes of an event.
const EVENT_BYTES: usize = 1024;
/// How much longer the healthy ones' p99 may be beside the silent one.
const RATIO_MAX: f64 = 2.0;
/// How long the last deliveries of a round may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Measures what one endpoint that never answers costs ninety-nine that do.
#[derive(Parser)]
struct Arguments {
    /// Rounds, each alone and beside the silent one.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Seconds of each.
    #[arg(long, default_value_t = 10)]
    secs: u32,
    /// Events a second.
    #[arg(long, default_value_t = 10)]
    events_per_second: u32,
    /// How many webhooks are silent. From 32 on they could have all places.
    #[arg(long, default_value_t = 1)]
    silent: u32,
    #[command(flatten)]
    run: Run,
}

/// When each event was posted, and how long its deliveries took since this part of a round began.
#[derive(Default)]
struct Journal {
    state: Mutex<State>,
    came: Notify,
}

#[derive(Default)]
struct State {
    posted: Vec<Instant>,
    took: Vec<Duration>,
}

impl Journal {
    fn note(&self, arrival: &Arrival<'_>) -> Reply {
        let number = event::number(arrival.body).expect("every event has a number");
        let mut state = self.state.lock().unwrap();
        let took = state.posted[number].elapsed();
        state.took.push(took);
        drop(state);
        self.came.notify_one();
        Reply::Status(200)
    }

    /// The number of the event that is posted now.
    fn post(&self) -> usize {
        let mut state = self.state.lock().unwrap();
        state.posted.push(Instant::now());
        state.posted.len() - 1
    }

    /// Takes what so many deliveries took, once they have come.
    async fn take(&self, deliveries: usize) -> Vec<Duration> {
        loop {
            {
                let mut state = self.state.lock().unwrap();
                if state.took.len() >= deliveries {
                    return std::mem::take(&mut state.took);
                }
            }
            self.came.notified().await;
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(&arguments))
}

async fn measure(arguments: &Arguments) -> ExitCode {
    let data = TempDir::new_in(&arguments.run.disk).unwrap();
    let process = Process::start(data.path(), &[]).await;
    let user = stage::member(&process.operator()).await;
    let journal = Arc::new(Journal::default());
    let mut sinks = Vec::new();
    for _ in 0..HEALTHY {
        let told = Arc::clone(&journal);
        let sink = Sink::start(move |arrival| told.note(arrival)).await;
        stage::register(&user, sink.url("/"), None).await;
        sinks.push(sink);
    }
    let silent = silent().await;
    let mut connection = Connection::open(process.address()).await.unwrap();

    // The first round warms caches and connections, and does not count.
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for round in 0..=arguments.rounds {
        let alone = run(arguments, &mut connection, &journal).await;
        let mut added = Vec::new();
        for _ in 0..arguments.silent {
            added.push(stage::register(&user, silent.clone(), None).await);
        }
        let beside = run(arguments, &mut connection, &journal).await;
        for webhook in added {
            user.delete_webhook(&webhook.id).await.unwrap();
        }
        if round > 0 {
            without.extend(alone);
            with.extend(beside);
        }
    }
    tell(arguments, without, with)
}

fn tell(arguments: &Arguments, mut without: Vec<Duration>, mut with: Vec<Duration>) -> ExitCode {
    println!("| {HEALTHY} healthy webhooks | deliveries | p50 ms | p95 ms | p99 ms |\n|---|---|---|---|---|");
    let beside = format!("beside {} silent", arguments.silent);
    for (name, took) in [("alone", &mut without), (beside.as_str(), &mut with)] {
        took.sort_unstable();
        let [p50, p95, p99] = [50, 95, 99].map(|percent| times::millis_at(took, percent));
        println!("| {name} | {} | {p50:.2} | {p95:.2} | {p99:.2} |", took.len());
    }
    let ratio = times::millis_at(&with, 99) / times::millis_at(&without, 99);
    println!("p99 ratio: {ratio:.2}, at most {RATIO_MAX}");
    if ratio <= RATIO_MAX { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One part of a round: events at a steady rate, and then all that they came to.
async fn run(arguments: &Arguments, connection: &mut Connection, journal: &Journal) -> Vec<Duration> {
    let events = arguments.secs * arguments.events_per_second;
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / arguments.events_per_second);
    for _ in 0..events {
        ticks.tick().await;
        let event = event::text("isolation", journal.post(), EVENT_BYTES);
        assert_eq!(connection.post(&event).await.unwrap(), 202);
    }
    let deliveries = events as usize * HEALTHY;
    tokio::time::timeout(PATIENCE, journal.take(deliveries)).await.expect("not all deliveries came")
}

/// The URL of an endpoint that takes connections and never answers.
async fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move { while stream.read(&mut [0; 4_096]).await.is_ok_and(|read| read > 0) {} });
        }
    });
    format!("http://{address}/")
}
