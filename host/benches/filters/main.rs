//! What a filter costs, beside what a user would pick instead, in one run and one table.
//!
//! `cargo bench --workspace --bench filters` measures everything with criterion, and then prints the table that
//! `docs/filters-performance.md` shows. A word behind `--` measures only what has it in its name;
//! `threads` and `thousand` are measured in a way of their own.
//!
//! Every call here is one that the host makes: compiled in its child process, with its limits, in an instance
//! that has seen no other event.

mod calls;
mod example;
mod fan_out;
mod instead;
mod projection;
mod room;
mod table;
mod thousand;
mod threads;

use std::process::ExitCode;

use criterion::Criterion;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let runtime = Runtime::new().expect("a runtime can be started");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        // The host starts its own program as the compiling child; here that is this one.
        Some(hooksieve::filter::child::SUBCOMMAND) => return hooksieve::cli::main(),
        Some(thousand::ARGUMENT) => {
            thousand::start_again(arguments[1].as_ref(), &runtime);
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    if arguments.first().is_some_and(|a| a == "threads") {
        threads::measure(&runtime);
        return ExitCode::SUCCESS;
    }
    let wanted = arguments.iter().find(|argument| !argument.starts_with('-'));
    // Not of criterion's: measured in a way of their own.
    let others: [(_, fn(&Runtime)); 2] = [(threads::NAME, threads::measure), (thousand::NAME, thousand::measure)];
    if let Some((_, measure)) = others.iter().find(|(name, _)| wanted.is_some_and(|wanted| wanted == name)) {
        measure(&runtime);
        return ExitCode::SUCCESS;
    }
    let mut criterion = Criterion::default().configure_from_args();
    projection::bench(&mut criterion);
    instead::bench(&mut criterion);
    calls::bench(&mut criterion, &runtime);
    fan_out::bench(&mut criterion, &runtime);
    criterion.final_summary();
    table::print();
    if wanted.is_none() {
        others.iter().for_each(|(_, measure)| measure(&runtime));
    }
    ExitCode::SUCCESS
}
