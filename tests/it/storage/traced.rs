//! The program under `strace`, which injects failures into its system calls and writes them down.

use std::fs;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::oneshot;

use crate::process::{serve, under};

/// The calls with which SQLite changes files.
const CALLS: &str = "trace=pwrite64,ftruncate,fsync,fdatasync";

/// A command of the program that is traced, and what is written down.
pub struct Traced {
    pub command: Command,
    written: oneshot::Receiver<String>,
    _place: TempDir,
}

impl Traced {
    /// `hooksieve serve` with these further arguments for `strace` (`--seccomp-bpf` spares other calls the detour,
    /// but kills nothing). It is the child itself, so that signals reach it
    /// and its end is seen; `strace` runs beside it.
    pub fn serve(data: &Path, arguments: &[&str]) -> Self {
        let place = TempDir::new().unwrap();
        // A pipe, since its end says that all is written.
        let path = place.path().join("calls");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let text = path.to_str().expect("temporary files have plain names");
        let own = ["-D", "-f", "-q", "-y", "-e", CALLS, "-o", text];
        let all: Vec<&str> = own.into_iter().chain(arguments.iter().copied()).collect();
        let command = under("strace", &all, &serve(data, &[]));
        let (tell, written) = oneshot::channel();
        // A thread of its own: it waits for `strace` to begin, even where there is none.
        std::thread::spawn(move || tell.send(fs::read_to_string(path).unwrap()));
        Self { command, written, _place: place }
    }

    /// The lines on the calls, once the program has ended.
    pub async fn lines(self) -> Vec<String> {
        self.written.await.unwrap().lines().map(str::to_owned).collect()
    }
}
