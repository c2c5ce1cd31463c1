//! A start with a million deliveries due: `cargo bench --workspace --bench due`.
//!
//! `tests/it/due.rs` runs the same with fewer, for seconds. The same new events at a host that owes nothing are the
//! control.

#![expect(clippy::unwrap_used, reason = "a measurement that meets what it does not expect stops there")]
#![expect(unreachable_pub, reason = "the files are modules of one program; `pub` says what a file offers the others")]

#[path = "../arguments.rs"]
mod arguments;
#[path = "mod.rs"]
mod due;
#[path = "../../it/process.rs"]
#[expect(dead_code, reason = "the integration tests use all of it")]
mod process;
#[path = "../rig/mod.rs"]
#[expect(dead_code, reason = "the queue checker uses all of it")]
mod rig;

use std::process::ExitCode;

use clap::Parser;
use tempfile::TempDir;

use arguments::Run;
use due::{Plan, TITLES, run};

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
    #[command(flatten)]
    run: Run,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (each, events) = if arguments.run.is_measured { (10_000, 1_000) } else { (100, 20) };
    let Arguments { webhooks, rate, .. } = arguments;
    let due =
        Plan { webhooks, due_each: arguments.each.unwrap_or(each), events: arguments.events.unwrap_or(events), rate };
    let nothing = Plan { webhooks: 1, due_each: 0, ..due };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("{TITLES}");
    let mut all_faults = Vec::new();
    for plan in [nothing, due] {
        let data = TempDir::new_in(&arguments.run.disk).unwrap();
        let figures = runtime.block_on(run(data.path(), &plan));
        println!("{}", figures.line(&plan));
        all_faults.extend(figures.faults(&plan));
    }
    all_faults.iter().for_each(|fault| eprintln!("WRONG: {fault}"));
    if all_faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
