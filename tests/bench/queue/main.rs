//! The total-queue checker at full length: `cargo bench --workspace --bench queue`.
//!
//! `tests/it/durability.rs` runs the same checker for seconds.

#![expect(clippy::unwrap_used, reason = "a check that meets what it does not expect stops there")]
#![expect(unreachable_pub, reason = "the files are modules of one program; `pub` says what a file offers the others")]

#[path = "../arguments.rs"]
mod arguments;
#[path = "../../it/process.rs"]
#[expect(dead_code, reason = "the integration tests use all of it")]
mod process;
#[path = "mod.rs"]
#[cfg_attr(test, expect(dead_code, reason = "the tests of the tally run in `it`"))]
mod queue;
#[path = "../rig/mod.rs"]
#[expect(dead_code, reason = "the other programs use all of it")]
mod rig;

use std::process::ExitCode;

use clap::Parser;
use tempfile::TempDir;

use arguments::Run;
use queue::checker::{Plan, check};

/// Kills a host at random while events are posted, and counts what was lost, unexpected and duplicated.
#[derive(Parser)]
struct Arguments {
    /// How often the host is killed.
    #[arg(long)]
    kills: Option<u32>,
    /// How many events are posted.
    #[arg(long)]
    events: Option<usize>,
    /// How many producers post them.
    #[arg(long, default_value_t = 16)]
    producers: usize,
    /// Decides at which events the host is killed.
    #[arg(long, default_value_t = 0x5eed)]
    seed: u64,
    #[command(flatten)]
    run: Run,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (kills, events) = if arguments.run.is_measured { (200, 50_000) } else { (3, 300) };
    let plan = Plan {
        kills: arguments.kills.unwrap_or(kills),
        events: arguments.events.unwrap_or(events),
        producers: arguments.producers,
        seed: arguments.seed,
    };
    let data = TempDir::new_in(&arguments.run.disk).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let counts = runtime.block_on(check(data.path(), &plan, |kills| eprintln!("{kills} kills")));
    println!("{counts}");
    let faults = counts.faults();
    faults.iter().for_each(|fault| eprintln!("WRONG: {fault}"));
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
