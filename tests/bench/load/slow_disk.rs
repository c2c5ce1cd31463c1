//! A disk whose syncs take longer, as on most that are not in the machine: there it counts how many events share one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

/// How much longer a sync takes.
pub const LONGER: Duration = Duration::from_millis(3);
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/load/slow_sync.c");

/// What is loaded into a host to make it so.
pub struct SlowDisk {
    folder: TempDir,
}

impl SlowDisk {
    /// With the C compiler that SQLite was compiled with.
    pub fn compile() -> Self {
        let slow = Self { folder: TempDir::new().unwrap() };
        let micros = format!("-DMICROS={}", LONGER.as_micros());
        let mut compiler = Command::new("cc");
        compiler
            .args(["-O2", "-shared", "-fPIC", &micros, "-o"])
            .arg(slow.library())
            .args([Path::new(SOURCE), Path::new("-ldl")]);
        assert!(compiler.status().unwrap().success(), "cc cannot compile {SOURCE}");
        slow
    }

    pub fn library(&self) -> PathBuf {
        self.folder.path().join("slow_sync.so")
    }
}
