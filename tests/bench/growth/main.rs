//! What an event costs while the database grows: `cargo bench --workspace --bench growth`.
//!
//! The mass of events is put in by SQL, as a host would have left it ([`fill`]). Then the real program is started on it, and
//! events are posted to it and delivered by it ([`whole`], [`world`]), in turns with one that has a database of the first
//! size. The host's processor time is the measure, since it hangs least on what else the machine does. Beside it is what
//! the calls of the store alone cost ([`stages`]).
//!
//! Then pages of lists are timed ([`lists`]). At the end most of it has had its time, and the same accepts are timed without and beside the deletion.

#![expect(clippy::unwrap_used, reason = "a measurement that meets what it does not expect stops there")]
#![expect(unreachable_pub, reason = "the files are modules of one program; `pub` says what a file offers the others")]

#[path = "../arguments.rs"]
mod arguments;
mod fill;
#[path = "../load/journal.rs"]
#[expect(dead_code, reason = "the load program uses all of it")]
mod journal;
mod lists;
#[path = "../../it/process.rs"]
#[expect(dead_code, reason = "the integration tests use all of it")]
mod process;
mod retention;
#[path = "../rig/mod.rs"]
#[expect(dead_code, reason = "the queue checker uses all of it")]
mod rig;
mod stages;
#[path = "../load/usage.rs"]
#[expect(dead_code, reason = "the load program uses all of it")]
mod usage;
mod whole;
mod world;

use std::process::ExitCode;

use clap::Parser;

use arguments::Run;
use fill::Size;
use whole::Cost;

/// How much more than at the first size an event may cost a host, in processor time.
const GROWTH_MAX: f64 = 1.2;
/// Above the rows of the table.
const TITLES: &str = "processor time of a host for an event, and of the store's calls (time that passed), µs

| events | due | MB | host | first beside it | times | events/s | KiB written | others | accept | decide | deliver |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

/// Measures what an event costs while the database grows.
#[derive(Parser)]
struct Arguments {
    /// How many events the database has at the beginning of each measurement.
    #[arg(long, value_delimiter = ',')]
    sizes: Option<Vec<u32>>,
    /// Deliveries that are due in one measurement more, at the second of the sizes.
    #[arg(long)]
    due: Option<u32>,
    /// Events that are measured at each.
    #[arg(long, value_parser = clap::value_parser!(u32).range(60..))]
    events: Option<u32>,
    #[command(flatten)]
    run: Run,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (sizes, due, events, pages_asked) = if arguments.run.is_measured {
        (vec![10_000, 100_000, 1_000_000, 10_000_000], 1_000_000, 30_000, 500)
    } else {
        (vec![200, 2_000], 1_000, 300, 3)
    };
    let (sizes, events) = (arguments.sizes.unwrap_or(sizes), arguments.events.unwrap_or(events));
    let with_due = Size { events: sizes[1.min(sizes.len() - 1)], due: arguments.due.unwrap_or(due) };
    let first = Size { events: sizes[0], due: 0 };
    let calls = events / 6;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("{TITLES}");
    let (mut most, mut data, mut pages) = (0.0_f64, None, Vec::new());
    let mut all: Vec<_> = sizes.into_iter().map(|events| Size { events, due: 0 }).collect();
    all.insert(1, with_due);
    for size in all {
        // There may be no room for two of them.
        drop(data.take());
        let compared = runtime.block_on(whole::compare(&arguments.run.disk, first, size, events));
        let folder = data.insert(compared.data).path();
        let megabytes = fill::megabytes(folder);
        let [accept, decide, deliver] = runtime.block_on(stages::measure(folder, calls));
        let Cost { cpu_us, wall_us, written_kib, others_cores } = compared.cost;
        let control_us = compared.control.cpu_us;
        let (ratio, rate) = (cpu_us / control_us, 1e6 / wall_us);
        println!(
            "| {} | {} | {megabytes} | {cpu_us:.0} | {control_us:.0} | {ratio:.2} | {rate:.0} | {written_kib:.1} \
             | {others_cores:.2} | {accept} | {decide} | {deliver} |",
            size.events, size.due
        );
        most = most.max(ratio);
        if size.due == 0 {
            pages.push((size.events, runtime.block_on(lists::measure(folder, size.events, pages_asked))));
        }
    }
    lists::print(&pages);
    if let Some(data) = data {
        runtime.block_on(retention::beside(data.path(), calls));
    }
    println!("\nat the most {most:.2} times the first");
    // A test run has too few events for that.
    if arguments.run.is_measured && most > GROWTH_MAX { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
