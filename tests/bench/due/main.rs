//! A start with a million deliveries due: `cargo bench --workspace --bench due`.
//!
//! `tests/it/due.rs` runs the same with fewer, for seconds. The same new events at a host that owes nothing are the
//! control. What must hold is said by [`faults`].

#![expect(clippy::unwrap_used, reason = "a measurement that meets what it does not expect stops there")]
#![expect(unreachable_pub, reason = "the files are modules of one program; `pub` says what a file offers the others")]

#[path = "mod.rs"]
mod due;
#[path = "../../it/process.rs"]
#[expect(dead_code, reason = "the integration tests use all of it")]
mod process;
#[path = "../rig/mod.rs"]
#[expect(dead_code, reason = "the queue checker uses all of it")]
mod rig;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tempfile::TempDir;

use due::{Figures, Plan, run};

/// How long a start may take.
const READY_MAX: Duration = Duration::from_secs(5);
/// The memory that the host may have resident.
const RESIDENT_MIB_MAX: f64 = 256.0;

/// Starts a host with very many deliveries due, and posts new events to it.
#[derive(Parser)]
struct Arguments {
    /// Webhooks that deliveries are due to.
    #[arg(long, default_value_t = 100)]
    webhooks: u32,
    /// Deliveries that are due to each of them.
    #[arg(long)]
    each: Option<u32>,
    /// New events that are posted meanwhile.
    #[arg(long)]
    events: Option<u32>,
    /// How many of them a second.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Where the host keeps its data: a folder on a real disk.
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    disk: PathBuf,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Without `cargo bench` this is a test run of all targets, which is to show that it works.
    let (each, events) = if arguments.bench { (10_000, 1_000) } else { (100, 20) };
    let Arguments { webhooks, rate, .. } = arguments;
    let due =
        Plan { webhooks, due_each: arguments.each.unwrap_or(each), events: arguments.events.unwrap_or(events), rate };
    let nothing = Plan { webhooks: 1, due_each: 0, ..due };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!(
        "{:>9} {:>8} {:>11} {:>9} {:>8} {:>8} {:>11}",
        "due", "ready s", "after kill", "resident", "p50 ms", "p99 ms", "delivered/s"
    );
    let mut all_faults = Vec::new();
    for plan in [nothing, due] {
        let data = TempDir::new_in(&arguments.disk).unwrap();
        let figures = runtime.block_on(run(data.path(), &plan));
        print(&plan, &figures);
        all_faults.extend(faults(&plan, &figures));
    }
    all_faults.iter().for_each(|fault| eprintln!("WRONG: {fault}"));
    if all_faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a minute")]
fn print(plan: &Plan, figures: &Figures) {
    let ms = |share: usize| figures.latencies[(figures.latencies.len() - 1) * share / 100].as_secs_f64() * 1e3;
    println!(
        "{:>9} {:>8.2} {:>11.2} {:>5.0} MiB {:>8.1} {:>8.1} {:>11.0}",
        plan.webhooks * plan.due_each,
        figures.ready.as_secs_f64(),
        figures.ready_after_kill.as_secs_f64(),
        figures.resident_mib,
        ms(50),
        ms(99),
        figures.meanwhile as f64 / figures.took.as_secs_f64()
    );
}

/// What must hold and does not. That no new event starves is seen where it is waited for.
fn faults(plan: &Plan, figures: &Figures) -> Vec<String> {
    let mut faults = Vec::new();
    if figures.ready > READY_MAX {
        faults.push(format!("the host was ready after {:?}, not {READY_MAX:?}", figures.ready));
    }
    if figures.resident_mib > RESIDENT_MIB_MAX {
        faults.push(format!("the host had {:.0} MiB resident, not {RESIDENT_MIB_MAX}", figures.resident_mib));
    }
    if plan.due_each > 0 && !figures.is_due_left {
        faults.push("all that was due was delivered before the new events: more must be due".to_owned());
    }
    faults
}
