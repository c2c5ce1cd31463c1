//! A fresh host for one run: the real program, its data on a real disk, its webhooks pointing to our sink.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::process::Command;

use crate::EVENT_BYTES;
use crate::journal::Journal;
use crate::process::{Process, serve};
use crate::rig::driver::Connection;
use crate::rig::sink::Sink;
use crate::rig::{event, owed, stage};
use crate::slow_disk::SlowDisk;

/// A rule of `field-match` that lets every event of [`crate::rig::event`] through.
pub const RULE: &str = r#"{"pointer":"/currentValue/position","operator":"eq","value":"32767.5"}"#;

/// A running host.
pub struct Host {
    process: Process,
    sink: Sink,
    data: TempDir,
}

/// How a host is started.
pub struct Setting<'a> {
    /// The program, if it is not the one that was built with this one.
    pub program: Option<&'a Path>,
    /// A folder on the disk to measure.
    pub disk: &'a Path,
    /// The log's level; what it says is thrown away, but written.
    pub log_level: &'a str,
    /// Webhooks that get every event.
    pub webhooks: u32,
    /// The rule of each one's filter.
    pub rule: Option<&'a str>,
    /// Whether its disk is a slower one.
    pub slow: Option<&'a SlowDisk>,
    /// Where to write every sync that the host makes, by `strace`.
    pub syncs: Option<&'a Path>,
}

impl Host {
    /// Starts it and registers the webhooks, whose deliveries the journal gets.
    pub async fn start(setting: &Setting<'_>, journal: &Arc<Journal>) -> Self {
        let data = TempDir::new_in(setting.disk).unwrap();
        let process = start(setting, data.path()).await;
        let journal = Arc::clone(journal);
        let sink = Sink::start(move |arrival| journal.arrive(arrival)).await;
        let user = stage::member(&process.operator()).await;
        for number in 0..setting.webhooks {
            stage::register(&user, sink.url(&format!("/{number}")), setting.rule).await;
        }
        Self { process, sink, data }
    }

    /// The same, and starts it again when it owes so many events to each of the webhooks.
    pub async fn start_owing(setting: &Setting<'_>, journal: &Arc<Journal>, events: u32) -> Self {
        let Self { process, sink, data } = Self::start(setting, journal).await;
        let mut connection = Connection::open(process.address()).await.unwrap();
        let pattern = journal.next();
        let status = connection.post(&event::text("load", pattern, EVENT_BYTES)).await.unwrap();
        drop(connection);
        journal.acknowledge(pattern, status);
        journal.settle(setting.webhooks).await;
        process.terminate().await;
        owed::fill(data.path(), events);
        (0..events).for_each(|_| journal.acknowledge(journal.next(), status));
        Self { process: start(setting, data.path()).await, sink, data }
    }

    pub fn address(&self) -> SocketAddr {
        self.process.address()
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Stops it where it is, until it is told to go on.
    pub fn turn(&self, is_on: bool) {
        self.process.signal(if is_on { Signal::CONT } else { Signal::STOP });
    }

    pub async fn stop(self) {
        let (status, _) = self.process.terminate().await;
        assert!(status.success(), "the host ended with {status}");
    }
}

/// Starts the program on a folder.
async fn start(setting: &Setting<'_>, data: &Path) -> Process {
    let mut command = serve(data, &[]);
    command.env("HOOKSIEVE_LOG_LEVEL", setting.log_level);
    if let Some(program) = setting.program {
        command = with_program(&command, Command::new(program));
    }
    if let Some(slow) = setting.slow {
        command.env("LD_PRELOAD", slow.library());
    }
    if let Some(log) = setting.syncs {
        command = traced(&command, log);
    }
    command.stderr(Stdio::null());
    Process::start_command(&mut command).await
}

/// The same command under `strace`, which writes a line into `log` for every sync. The tracer is the host's
/// grandchild (`-D`), so that the process that is started is the host.
fn traced(command: &Command, log: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-D", "-f", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-e", "signal=none", "-o"]).arg(log);
    strace.arg(command.as_std().get_program());
    let mut traced = with_program(command, strace);
    // To be found at all.
    traced.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    traced
}

/// The arguments and the environment of a command for another program.
fn with_program(command: &Command, mut other: Command) -> Command {
    let settings = command.as_std().get_envs().filter_map(|(name, value)| Some((name, value?)));
    other.args(command.as_std().get_args()).env_clear().envs(settings).kill_on_drop(true);
    other
}
