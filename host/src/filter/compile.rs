//! Has uploads validated and compiled by child processes that can be killed.
//!
//! A few kilobytes of WebAssembly can cost a compiler gigabytes and minutes, and a compiler has bugs. So it runs
//! in a process of its own ([`super::child`]), bounded in memory, processor time, wall-clock time and in what it may
//! answer. An owner has one such child at a time, whatever it is for, so nobody has all places.

use std::io::{self, BufRead, BufReader, PipeReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use rustix::process::Signal;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Semaphore;

use super::artifact::{Artifact, PIECE_BYTES};
use super::child::{Order, Reply, SUBCOMMAND};
use super::host::blocking;
use super::turns::Turns;
use super::{FilterLimits, Refused};
use crate::model::ids::UserId;
use crate::model::limits::COMPILED_BYTES_MAX;

/// The first file that a process has beside its standard ones.
const FIRST_OTHER_FILE: i32 = 3;
/// What a child that panicked exits with.
const PANICKED: i32 = 101;
/// Bytes of the line that a child's answer begins with: the names and the message of a refusal are bounded below that.
const REPLY_LINE_BYTES_MAX: u64 = 64 << 10;
/// The fewest children at a time, so that on one core too a second owner need not wait for the first.
const PLACES_MIN: usize = 2;

/// A compiled filter, not yet trusted: only [`super::cache`] may turn it into code.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) wit_version: String,
    pub(super) artifact: Artifact,
}

/// Starts compiling children: one per core, and one of each owner, at a time.
#[derive(Debug)]
pub(super) struct Compiler {
    program: PathBuf,
    limits: FilterLimits,
    places: Arc<Semaphore>,
    turns: Turns<Option<UserId>>,
}

impl Compiler {
    pub(super) fn new(program: PathBuf, limits: FilterLimits, cores: usize) -> Self {
        let places = Arc::new(Semaphore::new(cores.max(PLACES_MIN)));
        Self { program, limits, places, turns: Turns::default() }
    }

    /// Validates and compiles an upload of `owner`, whose turn it is once their other ones are done; where there is
    /// a configuration, as it is once it took that. What comes of it is written to what `create`, which may block, answers with.
    pub(super) async fn compile(
        &self,
        owner: Option<&UserId>,
        wasm: &[u8],
        config: Option<&str>,
        create: impl FnOnce() -> Artifact + Send + 'static,
    ) -> Result<Compiled, Refused> {
        let max_bytes = self.limits.module_bytes_max;
        if wasm.len() > max_bytes {
            return Err(Refused::TooLarge { size_bytes: wasm.len(), max_bytes });
        }
        self.turns.one_of(&owner.cloned(), self.compile_now(wasm, config, create)).await
    }

    async fn compile_now(
        &self,
        wasm: &[u8],
        config: Option<&str>,
        create: impl FnOnce() -> Artifact + Send + 'static,
    ) -> Result<Compiled, Refused> {
        let _place = self.places.acquire().await.expect("the semaphore is never closed");
        let time_max = self.limits.compile_time_max;
        match tokio::time::timeout(time_max, run_child(&self.program, &self.limits, wasm, config, create)).await {
            Ok(result) => result,
            // The child was killed when the future that owns it was dropped.
            Err(_) => Err(Refused::CompileLimit { what: format!("{} s", time_max.as_secs()) }),
        }
    }
}

async fn run_child(
    program: &Path,
    limits: &FilterLimits,
    wasm: &[u8],
    config: Option<&str>,
    create: impl FnOnce() -> Artifact + Send + 'static,
) -> Result<Compiled, Refused> {
    let failed = |doing: &str, error: io::Error| Refused::Host { message: format!("{doing}: {error}") };
    let order = Order {
        wasm_bytes: wasm.len(),
        config_bytes: config.map(str::len),
        fuel: limits.fuel,
        guest_memory_bytes_max: limits.memory_bytes_max,
        stack_bytes_max: limits.stack_bytes_max,
        memory_bytes_max: limits.compile_memory_bytes_max,
        cpu_secs: limits.compile_time_max.as_secs(),
    };
    // Ours are closed in children anyway, but not those that this process got from whoever started it.
    close_fds::set_fds_cloexec(FIRST_OTHER_FILE, &[]);
    let (answer, stdout) = io::pipe().map_err(|error| failed("making a pipe", error))?;
    let mut child = Command::new(program)
        .arg(SUBCOMMAND)
        .arg(serde_json::to_string(&order).expect("numbers are always written"))
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed("starting the compiler", error))?;
    let mut stdin = child.stdin.take().expect("the child's standard input is piped");
    // A child that has seen enough closes its end; its reply says why. Ours stays open until it has replied:
    // that it closes tells the child that nobody waits any more.
    let input = async {
        stdin.write_all(wasm).await?;
        stdin.write_all(config.unwrap_or_default().as_bytes()).await
    };
    let write = async { drop(input.await) };
    // It ends with the child, also where this future is dropped.
    let read = blocking(move || read_answer(answer, create()));
    let ((), answer) = tokio::join!(write, read);
    let answer = answer?.map_err(|error| failed("reading from the compiler", error))?;
    if answer.is_cut_off {
        return Err(Refused::CompileLimit { what: format!("{} MiB of compiled code", COMPILED_BYTES_MAX >> 20) });
    }
    let status = child.wait().await.map_err(|error| failed("waiting for the compiler", error))?;
    match status.code() {
        Some(0) => parse_answer(answer),
        // What it answers before it has looked at the upload: it could not begin.
        Some(1 | 2) => Err(Refused::Host { message: format!("the compiler could not begin: {status}") }),
        _ => Err(stopped(status, limits)),
    }
}

/// All that a child said.
struct Answer {
    line: Vec<u8>,
    artifact: Artifact,
    is_cut_off: bool,
}

/// Reads until the child closes its end, or has said more than it may. Blocks.
fn read_answer(answer: PipeReader, mut artifact: Artifact) -> io::Result<Answer> {
    let mut answer = BufReader::with_capacity(PIECE_BYTES, answer.take(COMPILED_BYTES_MAX));
    let mut line = Vec::new();
    (&mut answer).take(REPLY_LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    artifact.read_from(&mut answer)?;
    Ok(Answer { line, artifact, is_cut_off: answer.get_ref().limit() == 0 })
}

/// Why a child ended without a reply. Bounds end it by signals.
fn stopped(status: ExitStatus, limits: &FilterLimits) -> Refused {
    let is = |signal: Signal| status.signal() == Some(signal.as_raw());
    let limit = |what| Refused::CompileLimit { what };
    if is(Signal::XCPU) {
        limit(format!("{} s of processor time", limits.compile_time_max.as_secs()))
    } else if is(Signal::ABORT) || is(Signal::KILL) {
        // An allocation that fails aborts; a machine without memory kills.
        limit(format!("{} MiB of memory", limits.compile_memory_bytes_max >> 20))
    } else {
        let how = if status.code() == Some(PANICKED) { "panics".to_owned() } else { format!("ends with {status}") };
        Refused::CompileFailed { message: format!("the compiler {how} on it") }
    }
}

fn parse_answer(answer: Answer) -> Result<Compiled, Refused> {
    match serde_json::from_slice(&answer.line) {
        Ok(Reply::Compiled { wit_version }) => Ok(Compiled { wit_version, artifact: answer.artifact }),
        Ok(Reply::Refused(refusal)) => Err(refusal.into()),
        Err(_) => Err(Refused::Host { message: "the compiler's reply cannot be read".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_ends_without_a_reply_is_told_by_the_bound_that_it_met() {
        let limits = FilterLimits::default();
        let told = |raw| stopped(ExitStatus::from_raw(raw), &limits).to_string();

        assert_eq!(told(Signal::XCPU.as_raw()), "the module cannot be compiled within 60 s of processor time");
        assert_eq!(told(Signal::ABORT.as_raw()), "the module cannot be compiled within 2048 MiB of memory");
        assert_eq!(told(Signal::KILL.as_raw()), "the module cannot be compiled within 2048 MiB of memory");
        assert_eq!(told(PANICKED << 8), "the module cannot be compiled: the compiler panics on it");
        assert!(told(Signal::SEGV.as_raw()).contains("the compiler ends with signal: 11"));
    }
}
