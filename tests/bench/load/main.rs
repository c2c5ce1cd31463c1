//! How much the host does, how quickly, and how far from what this machine could do at all.
//!
//! `cargo bench --workspace --bench load` drives the real program as a process of its own, with its
//! data on a real disk and its default durability (a 202 comes after a sync of the log), and prints one table. Every
//! figure is the median of several runs; each run has a fresh host and throws its beginning away; the runs
//! of all figures take turns, so that a busy minute of the machine does not fall on one figure alone. What
//! is compared is measured in the same runs: one commit an event ([`commits`]), the host's own HTTP
//! client without the host ([`floor`]), and the least that a sender must do that loses nothing ([`bare`]). Every run ends with a count of what arrived: nothing is lost and
//! nothing comes twice, or there is no table.
//!
//! Driver and sink share one thread of this process and are raw ([`rig`]), since they take their time from
//! the host that they measure.

#![expect(clippy::unwrap_used, reason = "a measurement that meets what it does not expect stops there")]
#![expect(unreachable_pub, reason = "the files are modules of one program; `pub` says what a file offers the others")]

#[path = "../arguments.rs"]
mod arguments;
mod bare;
mod closed;
mod commits;
mod floor;
mod host;
mod journal;
mod open;
#[path = "../../it/process.rs"]
#[expect(dead_code, reason = "the integration tests use all of it")]
mod process;
#[path = "../rig/mod.rs"]
#[expect(dead_code, reason = "the queue checker uses all of it")]
mod rig;
mod rounds;
mod sheet;
mod slow_disk;
mod turns;
mod usage;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use arguments::Run;
use rounds::Round;
use sheet::Sheet;

/// Bytes of a posted event.
const EVENT_BYTES: usize = 1024;

/// Measures the host's throughput and latency, beside the least that this machine needs.
#[derive(Parser)]
struct Arguments {
    /// One short run of a few figures: shows that the program works, measures nothing.
    #[arg(long)]
    short: bool,
    /// Runs of each figure.
    #[arg(long, default_value_t = 3)]
    runs: u32,
    /// Seconds that a run measures.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Another build of the program, measured in turns with this one.
    #[arg(long)]
    against: Option<PathBuf>,
    /// The level of the host's log, which is written but not kept.
    #[arg(long, default_value = "info")]
    log_level: String,
    /// Only figures of these kinds.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Kind::Accepts, Kind::Deliveries, Kind::Owed, Kind::Latency, Kind::Syncs])]
    only: Vec<Kind>,
    #[command(flatten)]
    run: Run,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Accepted events a second.
    Accepts,
    /// Deliveries a second, and what one costs.
    Deliveries,
    /// Deliveries a second of what was accepted before, by another life of the host.
    Owed,
    /// Times from an event to its arrival.
    Latency,
    /// Syncs of the disk for one event; needs `strace`.
    Syncs,
}

/// The times of a run.
#[derive(Clone, Copy)]
struct Pace {
    /// Thrown away.
    warm_up: Duration,
    /// Counted.
    measured: Duration,
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
fn per(count: u64, of: f64) -> f64 {
    count as f64 / of
}

fn main() {
    let arguments = Arguments::parse();
    let is_short = arguments.short || !arguments.run.is_measured;
    let pace = if is_short {
        Pace { warm_up: Duration::from_millis(200), measured: Duration::from_millis(500) }
    } else {
        Pace { warm_up: Duration::from_secs(2), measured: Duration::from_secs(arguments.seconds) }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut sheet = Sheet::default();
    for run in 1..=if is_short { 1 } else { arguments.runs } {
        eprintln!("run {run}");
        for program in std::iter::once(None).chain(arguments.against.as_deref().map(Some)) {
            let (disk, log_level) = (arguments.run.disk.as_path(), arguments.log_level.as_str());
            let mut round = Round { sheet: &mut sheet, pace, is_short, program, disk, log_level };
            runtime.block_on(round.run(&arguments.only));
        }
    }
    sheet.print();
}
