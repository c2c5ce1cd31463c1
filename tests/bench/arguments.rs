//! What every program that measures is told.

use std::path::PathBuf;

use clap::Args;

/// Where it measures, and whether it does.
#[derive(Args)]
pub struct Run {
    /// Where the host keeps its data: a folder on a real disk, with room for what is asked for.
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    pub disk: PathBuf,
    /// Given by `cargo bench`. Without it this is a test run of all targets, which is to show that the program works.
    #[arg(long = "bench", hide = true)]
    pub is_measured: bool,
}
