//! The life of a compiling child: what it may use, and what it does with an upload.
//!
//! It reads the upload from its standard input, and a configuration for it if it is to make a snapshot, and writes one line
//! of JSON, [`Reply`], and behind it the compiled filter. It shares nothing with the host but these two pipes. It cannot open a file or a
//! socket, gets no environment but for its allocator, and the kernel ends it before anything else when memory is short. It ends with the
//! host, however that ends: the host keeps the other end of the child's standard input open, and a thread waits
//! for that to close.

use std::fs;
use std::io::{Read, Write};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};
use serde::{Deserialize, Serialize};

use super::validate::{Refusal, Valid, validate};
use super::{FilterLimits, engine, snapshot};

/// The hidden subcommand that makes the program a compiling child.
pub const SUBCOMMAND: &str = "compile-filter";
/// How far the child stands back behind the host: it gets a third of a core that both want.
const NICENESS: i32 = 5;

/// What the child is told, as JSON, in its only argument behind [`SUBCOMMAND`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// How many bytes the upload has.
    pub(super) wasm_bytes: usize,
    /// How many bytes behind it the configuration has that it is to take, if it is: what follows on standard input
    /// never comes.
    pub(super) config_bytes: Option<usize>,
    /// See [`FilterLimits::fuel`].
    pub(super) fuel: u64,
    /// See [`FilterLimits::memory_bytes_max`].
    pub(super) guest_memory_bytes_max: usize,
    /// See [`FilterLimits::stack_bytes_max`].
    pub(super) stack_bytes_max: usize,
    /// See [`FilterLimits::compile_memory_bytes_max`].
    pub(super) memory_bytes_max: u64,
    /// See [`FilterLimits::compile_time_max`].
    pub(super) cpu_secs: u64,
}

/// The child's first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    Compiled { wit_version: String },
    Refused(Refusal),
}

/// The child's whole life. `args` are those behind [`SUBCOMMAND`].
#[must_use]
pub fn main(args: &[String]) -> ExitCode {
    let Some(order) = args.first().and_then(|order| serde_json::from_str::<Order>(order).ok()) else {
        return ExitCode::from(2);
    };
    let (mut wasm, mut config) = (vec![0; order.wasm_bytes], order.config_bytes.map(|bytes| vec![0; bytes]));
    let begun = confine(&order)
        .and_then(|()| std::io::stdin().read_exact(&mut wasm))
        .and_then(|()| config.as_mut().map_or(Ok(()), |config| std::io::stdin().read_exact(config)))
        .and_then(|()| std::thread::Builder::new().spawn(end_with_the_host));
    if begun.is_err() {
        return ExitCode::FAILURE;
    }
    let limits = FilterLimits {
        fuel: order.fuel,
        memory_bytes_max: order.guest_memory_bytes_max,
        stack_bytes_max: order.stack_bytes_max,
        ..FilterLimits::default()
    };
    let (reply, artifact) = match compile(&wasm, config.as_deref(), &limits) {
        Ok((wit_version, artifact)) => (Reply::Compiled { wit_version }, artifact),
        Err(refusal) => (Reply::Refused(refusal), Vec::new()),
    };
    match write_reply(&reply, &artifact) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn confine(order: &Order) -> std::io::Result<()> {
    // Only Linux has it.
    drop(fs::write("/proc/self/oom_score_adj", "1000"));
    nice(NICENESS)?;
    let bound = |resource, wanted: u64, grace: u64| {
        // A hard limit that is lower already stays.
        let maximum = getrlimit(resource).maximum.map_or(wanted + grace, |maximum| maximum.min(wanted + grace));
        setrlimit(resource, Rlimit { current: Some(maximum.min(wanted)), maximum: Some(maximum) })
    };
    bound(Resource::As, order.memory_bytes_max, 0)?;
    // At the soft limit comes the signal that says why; the hard one is for whoever ignores it.
    bound(Resource::Cpu, order.cpu_secs, 1)?;
    bound(Resource::Core, 0, 0)?;
    bound(Resource::Fsize, 0, 0)?;
    // What is open stays open, and nothing else can be opened.
    Ok(bound(Resource::Nofile, 0, 0)?)
}

fn end_with_the_host() {
    let mut unexpected = [0];
    // The host is gone, or has what it wants. Nobody reads the exit code.
    drop(std::io::stdin().read(&mut unexpected));
    std::process::exit(1);
}

fn compile(wasm: &[u8], config: Option<&[u8]>, limits: &FilterLimits) -> Result<(String, Vec<u8>), Refusal> {
    let Valid { mut component, wit_version } = validate(wasm)?;
    let fail = |error: wasmtime::Error| Refusal::CompileFailed { message: super::run::one_line(&error) };
    if let Some(config) = config {
        let config = std::str::from_utf8(config).map_err(|error| fail(error.into()))?;
        component = snapshot::take(&component, config, limits).map_err(fail)?.into();
    }
    let engine = engine::compiling(limits).map_err(fail)?;
    let artifact = engine.precompile_component(&component).map_err(fail)?;
    Ok((wit_version, artifact))
}

fn write_reply(reply: &Reply, artifact: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, reply)?;
    out.write_all(b"\n")?;
    out.write_all(artifact)?;
    out.flush()
}
