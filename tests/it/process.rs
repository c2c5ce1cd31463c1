//! The real program as a process: started, asked to stop, killed, and how much memory it has.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use hooksieve::client::Client;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// The operator's token of every host under test.
pub const OPERATOR_TOKEN: &str = "hs_operator_0123456789abcdef0123456789abcdef";
/// The program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_hooksieve-under-test");
/// How long a process may take to start; the first start compiles the bundled filters.
const START: Duration = Duration::from_secs(30);

/// A `hooksieve serve` that is killed when it is dropped.
pub struct Process {
    child: Child,
    url: String,
    output: Lines<BufReader<ChildStdout>>,
}

/// The program with nothing of this process's environment but what `settings` say.
pub fn command(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear().envs(settings.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// `hooksieve serve` on a port of its own.
pub fn serve(data: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = command(settings);
    command.env("HOOKSIEVE_OPERATOR_TOKEN", OPERATOR_TOKEN).env("HOOKSIEVE_LOG_LEVEL", "error");
    command.args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    command
}

/// The same command, run by another program.
pub fn under(runner: &str, arguments: &[&str], command: &Command) -> Command {
    let command = command.as_std();
    let mut wrapped = Command::new(runner);
    wrapped.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    wrapped.args(arguments).arg(command.get_program()).args(command.get_args());
    wrapped.stdin(Stdio::null()).kill_on_drop(true);
    wrapped
}

impl Process {
    /// Starts it and waits until it listens.
    pub async fn start(data: &Path, settings: &[(&str, &str)]) -> Self {
        Self::start_command(&mut serve(data, settings)).await
    }

    /// The same with a command of [`serve`] that was changed.
    pub async fn start_command(command: &mut Command) -> Self {
        Self::try_start(command).await.unwrap_or_else(|status| panic!("it ended before it listened: {status}"))
    }

    /// The same, or how it ended before it listened.
    pub async fn try_start(command: &mut Command) -> Result<Self, ExitStatus> {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = async {
            loop {
                let line = output.next_line().await.unwrap()?;
                if let Some(url) = line.strip_prefix("hooksieve listens on ") {
                    return Some(url.to_owned());
                }
            }
        };
        let listening = tokio::time::timeout(START, listening).await.expect("it did not listen in time");
        let Some(url) = listening else { return Err(child.wait().await.unwrap()) };
        Ok(Self { child, url, output })
    }

    /// How it ended, once it has by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        self.child.wait().await.unwrap()
    }

    /// Waits until it prints this line; whether it did before it ended.
    pub async fn prints(&mut self, line: &str) -> bool {
        while let Some(printed) = self.output.next_line().await.unwrap() {
            if printed == line {
                return true;
            }
        }
        false
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn address(&self) -> SocketAddr {
        self.url.strip_prefix("http://").unwrap().parse().unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("it is not waited for yet")
    }

    pub fn client(&self, token: &str) -> Client {
        Client::new(&self.url, token).unwrap()
    }

    pub fn operator(&self) -> Client {
        self.client(OPERATOR_TOKEN)
    }

    /// `kill -9`: nothing can be finished or tidied up.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, without waiting for the end.
    pub fn ask_to_stop(&self) {
        self.signal(Signal::TERM);
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// SIGTERM; how it ended and how long that took.
    pub async fn terminate(mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        self.ask_to_stop();
        (self.child.wait().await.unwrap(), began.elapsed())
    }
}

/// What a process printed, for its reader.
pub fn printed(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// Bytes of memory that a process has resident.
pub fn resident_bytes(pid: u32) -> u64 {
    memory_bytes(pid, "VmRSS:")
}

/// The most that it had until now.
pub fn most_resident_bytes(pid: u32) -> u64 {
    memory_bytes(pid, "VmHWM:")
}

fn memory_bytes(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}
