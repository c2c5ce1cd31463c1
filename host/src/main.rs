//! The `hooksieve` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    hooksieve::cli::main()
}
