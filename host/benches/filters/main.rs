//! What a filter costs, beside what a user would pick instead, in one run and one table.
//!
//! `cargo bench --workspace --bench filters` measures everything with criterion, and then prints the table that
//! `docs/filters-performance.md` shows. A word behind `--` measures only what has it in its name.
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

use std::process::ExitCode;

use criterion::Criterion;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
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
    let mut criterion = Criterion::default().configure_from_args();
    projection::bench(&mut criterion);
    instead::bench(&mut criterion);
    calls::bench(&mut criterion, &runtime);
    fan_out::bench(&mut criterion, &runtime);
    criterion.final_summary();
    table::print();
    // Not one of criterion's: measured once, in a process of its own.
    let wanted = arguments.iter().find(|argument| !argument.starts_with('-'));
    if wanted.is_none_or(|wanted| "thousand".contains(wanted.as_str())) {
        thousand::measure(&runtime);
    }
    ExitCode::SUCCESS
}
