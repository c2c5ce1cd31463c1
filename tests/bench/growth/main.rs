//! What an event costs while the database grows: `cargo bench --workspace --bench growth`.
//!
//! The mass of events is put in by SQL, as a host would have left it; what is measured goes through the store that the
//! host has. All that can grow with the database is in the store. Processor time is the measure, since it hangs least
//! on what else the machine does; beside it is the time that passed.
//!
//! At the end most of it has had its time, and the same accepts are timed without and beside the deletion.

#![expect(clippy::unwrap_used, reason = "a measurement that meets what it does not expect stops there")]
#![expect(unreachable_pub, reason = "the files are modules of one program; `pub` says what a file offers the others")]

#[path = "../arguments.rs"]
mod arguments;
mod fill;
mod retention;
mod stages;

use std::process::ExitCode;

use clap::Parser;
use tempfile::TempDir;

use arguments::Run;
use stages::{Cost, Host};

/// How much more than at the first size an event may cost, in processor time.
const GROWTH_MAX: f64 = 1.2;

/// Measures what an event costs while the database grows.
#[derive(Parser)]
struct Arguments {
    /// How many events the database has at each measurement.
    #[arg(long, value_delimiter = ',')]
    sizes: Option<Vec<i64>>,
    /// Events that are measured at each.
    #[arg(long)]
    events: Option<u32>,
    #[command(flatten)]
    run: Run,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (sizes, events) = if arguments.run.is_measured {
        (vec![10_000, 100_000, 1_000_000, 10_000_000], 5_000)
    } else {
        (vec![200, 2_000], 100)
    };
    let (sizes, events) = (arguments.sizes.unwrap_or(sizes), arguments.events.unwrap_or(events));
    let data = TempDir::new_in(&arguments.run.disk).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async { Host::open(data.path()).await.close().await });
    println!("processor time (time that passed) of an event, µs\n");
    println!("| events | MB | accept | decide | deliver | together |\n|---:|---:|---:|---:|---:|---:|");
    let mut all: Vec<f64> = Vec::new();
    for size in &sizes {
        fill::up_to(data.path(), *size);
        let host = runtime.block_on(Host::open(data.path()));
        // The first ones read what was never read since the start.
        runtime.block_on(host.measure(events / 5));
        let costs = runtime.block_on(host.measure(events));
        runtime.block_on(host.close());
        let together = Cost::sum(&costs);
        let [accept, decide, deliver] = costs;
        println!("| {size} | {} | {accept} | {decide} | {deliver} | {together} |", fill::megabytes(data.path()));
        all.push(together.cpu_us);
    }
    runtime.block_on(retention::beside(data.path(), events));
    let (first, most) = (all[0], all.iter().copied().fold(0.0, f64::max));
    println!("\nat the most {:.2} times the first", most / first);
    // A test run has too few events for that.
    if arguments.run.is_measured && most > GROWTH_MAX * first { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
