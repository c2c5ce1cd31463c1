//! The real program, built beside the tests: the process that they start, stop and kill, and the compiling
//! child of the hosts that they run in process.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hooksieve::cli::main()
}
