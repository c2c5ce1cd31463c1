//! The real program as a process: started, asked to stop, killed.

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
    _output: Lines<BufReader<ChildStdout>>,
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

impl Process {
    /// Starts it and waits until it listens.
    pub async fn start(data: &Path, settings: &[(&str, &str)]) -> Self {
        Self::start_command(&mut serve(data, settings)).await
    }

    /// The same with a command of [`serve`] that was changed.
    pub async fn start_command(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = async {
            loop {
                let line = output.next_line().await.unwrap().expect("it ended before it listened");
                if let Some(url) = line.strip_prefix("hooksieve listens on ") {
                    return url.to_owned();
                }
            }
        };
        let url = tokio::time::timeout(START, listening).await.expect("it did not listen in time");
        Self { child, url, _output: output }
    }

    pub fn url(&self) -> &str {
        &self.url
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

    /// SIGTERM; how it ended and how long that took.
    pub async fn terminate(mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        let pid = i32::try_from(self.pid()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
        (self.child.wait().await.unwrap(), began.elapsed())
    }
}

/// What a process printed, for its reader.
pub fn printed(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}
