//! Validates and compiles an upload in a child process that can be killed.
//!
//! A few kilobytes of WebAssembly can cost a compiler gigabytes and minutes, and a compiler has bugs.
//! So it runs in a process of its own, which shares nothing with the host but two pipes: bounded address
//! space, CPU time and wall-clock time, an empty environment, no files of the host's open.
//!
//! The child reads the upload from its standard input and writes one line of JSON, [`Reply`], and behind
//! it the compiled filter.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::Semaphore;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};
use wasmtime::component::Component;

use super::wit_v0_1_0::{INTERFACE, VERSION};
use super::{FilterLimits, Refused, engine};

/// The hidden subcommand that makes the program a compiling child.
pub const SUBCOMMAND: &str = "compile-filter";
/// The child's address space.
const ADDRESS_SPACE_BYTES: u64 = 2 << 30;
/// The child's CPU time in seconds.
const CPU_SECS: u64 = 60;
/// The child's wall-clock time.
const WALL: Duration = Duration::from_secs(60);
/// What the child may answer: a compiled filter is a small multiple of the upload.
const REPLY_BYTES_MAX: u64 = 512 << 20;

/// The child's first line.
#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    Compiled { wit_version: String },
    Refused(Refusal),
}

/// The refusals that a child can find.
#[derive(Debug, Serialize, Deserialize)]
enum Refusal {
    NotWasm,
    Invalid { offset: usize, message: String },
    NoWorld,
    BadWorld { message: String },
    Imports { names: Vec<String> },
    NoExport { exports: Vec<String> },
    OtherVersion { version: String },
    CompileFailed { message: String },
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotWasm => Self::NotWasm,
            Refusal::Invalid { offset, message } => Self::Invalid { offset, message },
            Refusal::NoWorld => Self::NoWorld,
            Refusal::BadWorld { message } => Self::BadWorld { message },
            Refusal::Imports { names } => Self::Imports { names },
            Refusal::NoExport { exports } => Self::NoExport { exports },
            Refusal::OtherVersion { version } => Self::OtherVersion { version },
            Refusal::CompileFailed { message } => Self::CompileFailed { message },
        }
    }
}

/// A compiled filter, not yet trusted: only [`super::cache`] may turn it into code.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) wit_version: String,
    pub(super) artifact: Vec<u8>,
}

/// Starts compiling children, at most one per core at a time.
#[derive(Debug)]
pub(super) struct Compiler {
    program: PathBuf,
    limits: FilterLimits,
    places: Arc<Semaphore>,
}

impl Compiler {
    pub(super) fn new(program: PathBuf, limits: FilterLimits, at_once: usize) -> Self {
        Self { program, limits, places: Arc::new(Semaphore::new(at_once)) }
    }

    /// Validates and compiles an upload.
    pub(super) async fn compile(&self, wasm: &[u8]) -> Result<Compiled, Refused> {
        let max_bytes = self.limits.module_bytes_max;
        if wasm.len() > max_bytes {
            return Err(Refused::TooLarge { size_bytes: wasm.len(), max_bytes });
        }
        let _place = self.places.acquire().await.expect("the semaphore is never closed");
        match tokio::time::timeout(WALL, run_child(&self.program, &self.limits, wasm)).await {
            Ok(result) => result,
            // The child was killed when the future that owns it was dropped.
            Err(_) => Err(Refused::CompileLimit { what: "60 s" }),
        }
    }
}

async fn run_child(program: &Path, limits: &FilterLimits, wasm: &[u8]) -> Result<Compiled, Refused> {
    let failed = |doing: &str, error: std::io::Error| Refused::Host { message: format!("{doing}: {error}") };
    let mut child = Command::new(program)
        .arg(SUBCOMMAND)
        .args([limits.stack_bytes_max.to_string()])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed("starting the compiler", error))?;
    let mut stdin = child.stdin.take().expect("the child's standard input is piped");
    let stdout = child.stdout.take().expect("the child's standard output is piped");
    let write = async move {
        // A child that has seen enough closes its end; its reply says why.
        drop(stdin.write_all(wasm).await);
        drop(stdin.shutdown().await);
    };
    let mut reply = Vec::new();
    let mut limited = stdout.take(REPLY_BYTES_MAX);
    let read = limited.read_to_end(&mut reply);
    let ((), read) = tokio::join!(write, read);
    read.map_err(|error| failed("reading from the compiler", error))?;
    let status = child.wait().await.map_err(|error| failed("waiting for the compiler", error))?;
    match status.code() {
        Some(0) => parse_reply(reply),
        // What it answers before it has looked at the upload: `child_main` could not begin.
        Some(1 | 2) => Err(Refused::Host { message: format!("the compiler could not begin: {status}") }),
        // A child that runs out of address space or CPU time, or crashes, is stopped by a signal.
        _ => Err(Refused::CompileLimit { what: "2 GiB of memory and 60 s of CPU time" }),
    }
}

fn parse_reply(mut reply: Vec<u8>) -> Result<Compiled, Refused> {
    let broken = || Refused::Host { message: "the compiler's reply cannot be read".to_owned() };
    let line_end = reply.iter().position(|&byte| byte == b'\n').ok_or_else(broken)?;
    match serde_json::from_slice(&reply[..line_end]).map_err(|_| broken())? {
        Reply::Compiled { wit_version } => {
            reply.drain(..=line_end);
            Ok(Compiled { wit_version, artifact: reply })
        }
        Reply::Refused(refusal) => Err(refusal.into()),
    }
}

/// The child's whole life. `args` are those behind [`SUBCOMMAND`].
#[must_use]
pub fn child_main(args: &[String]) -> ExitCode {
    let Some(stack_bytes_max) = args.first().and_then(|arg| arg.parse().ok()) else {
        return ExitCode::from(2);
    };
    if confine().is_err() {
        return ExitCode::FAILURE;
    }
    let limits = FilterLimits { stack_bytes_max, ..FilterLimits::default() };
    let mut wasm = Vec::new();
    if std::io::stdin().read_to_end(&mut wasm).is_err() {
        return ExitCode::FAILURE;
    }
    let (reply, artifact) = match validate_and_compile(&wasm, &limits) {
        Ok((wit_version, artifact)) => (Reply::Compiled { wit_version }, artifact),
        Err(refusal) => (Reply::Refused(refusal), Vec::new()),
    };
    match write_reply(&reply, &artifact) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn confine() -> rustix::io::Result<()> {
    let bound = |resource, wanted: u64| {
        // A hard limit that is lower already stays.
        let maximum = getrlimit(resource).maximum.map_or(wanted, |maximum| maximum.min(wanted));
        setrlimit(resource, Rlimit { current: Some(maximum), maximum: Some(maximum) })
    };
    bound(Resource::As, ADDRESS_SPACE_BYTES)?;
    bound(Resource::Cpu, CPU_SECS)?;
    bound(Resource::Core, 0)?;
    bound(Resource::Fsize, 0)
}

fn write_reply(reply: &Reply, artifact: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, reply)?;
    out.write_all(b"\n")?;
    out.write_all(artifact)?;
    out.flush()
}

fn validate_and_compile(wasm: &[u8], limits: &FilterLimits) -> Result<(String, Vec<u8>), Refusal> {
    if !wasm.starts_with(b"\0asm") {
        return Err(Refusal::NotWasm);
    }
    let component = if Parser::is_core_wasm(wasm) { encode(wasm)? } else { wasm.to_vec() };
    validate(&component)?;
    let wit_version = check_names(&component)?;
    let fail = |error: wasmtime::Error| Refusal::CompileFailed { message: super::run::one_line(&error) };
    let engine = engine::compiling(limits).map_err(fail)?;
    let artifact = Component::new(&engine, &component).and_then(|component| component.serialize()).map_err(fail)?;
    Ok((wit_version, artifact))
}

/// Makes a component from a core module that carries its world in `component-type` sections.
fn encode(module: &[u8]) -> Result<Vec<u8>, Refusal> {
    validate(module)?;
    let (mut has_world, mut imports) = (false, Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(|error| invalid(&error))? {
            Payload::CustomSection(section) => has_world |= section.name().starts_with("component-type"),
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(|error| invalid(&error))?;
                    imports.push(format!("{}#{}", import.module, import.name));
                }
            }
            _ => {}
        }
    }
    if !imports.is_empty() {
        return Err(Refusal::Imports { names: imports });
    }
    if !has_world {
        return Err(Refusal::NoWorld);
    }
    wit_component::ComponentEncoder::default()
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| Refusal::BadWorld { message: format!("{:#}", error).replace('\n', " ") })
}

fn validate(wasm: &[u8]) -> Result<(), Refusal> {
    Validator::new_with_features(WasmFeatures::default()).validate_all(wasm).map(drop).map_err(|error| invalid(&error))
}

fn invalid(error: &wasmparser::BinaryReaderError) -> Refusal {
    Refusal::Invalid { offset: error.offset(), message: error.message().to_owned() }
}

/// Checks the names of a component's imports and exports; answers with the WIT version.
fn check_names(component: &[u8]) -> Result<String, Refusal> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| invalid(&error))? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.push(import.map_err(|error| invalid(&error))?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.push(export.map_err(|error| invalid(&error))?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    // Interfaces that only define types carry no function; a component may name them as imports.
    imports.retain(|name| *name != format!("hooksieve:filter/types@{VERSION}"));
    if !imports.is_empty() {
        return Err(Refusal::Imports { names: imports });
    }
    let version = exports.iter().find_map(|name| name.strip_prefix(INTERFACE)?.strip_prefix('@'));
    match version {
        Some(VERSION) => Ok(VERSION.to_owned()),
        Some(version) => Err(Refusal::OtherVersion { version: version.to_owned() }),
        None => Err(Refusal::NoExport { exports }),
    }
}
