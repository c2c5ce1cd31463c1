//! Runs cargo for filters.

use std::env;
use std::error::Error;
use std::ffi::OsStr;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::artifacts::modules;
use crate::toolchain::{Std, Toolchain};
use crate::{STACK_BYTES, TARGET};

/// How much of cargo's output an error carries, in lines: enough for one compiler error.
const TAIL_LINES: usize = 60;

/// What to build.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The folder of the crate or workspace to build.
    pub manifest_dir: &'a Path,
    /// The packages to build, in the order in which the modules come back; empty for the crate itself.
    pub packages: &'a [&'a str],
    /// Where the build goes. It must not be the target directory of a cargo that is running now (whose
    /// lock this build would wait for, for ever if that cargo waits for us); `None` for cargo's default.
    pub target_dir: Option<&'a Path>,
    /// The cargo profile, such as `release`.
    pub profile: &'a str,
    /// Whether `Cargo.lock` must stay as it is.
    pub is_locked: bool,
    /// Whether to do without the network.
    pub is_offline: bool,
}

impl Toolchain {
    /// Builds filters and answers with their modules, one for each package of the request.
    ///
    /// `progress` is called with each line that cargo prints for humans, as it prints it.
    ///
    /// # Errors
    ///
    /// If cargo does not start, fails, or succeeds without making a module for each package.
    pub fn build(&self, request: &Request<'_>, progress: &mut dyn FnMut(&str)) -> Result<Vec<PathBuf>, BuildError> {
        let mut command = self.command(request);
        let mut child = command.spawn().map_err(|source| BuildError::Start { cargo: self.cargo.clone(), source })?;
        let (messages, log) = drain(&mut child, progress);
        let status = child.wait().map_err(|source| BuildError::Start { cargo: self.cargo.clone(), source })?;
        if !status.success() {
            return Err(BuildError::Failed { tail: tail(&log) });
        }
        pick(modules(&messages), request.packages)
    }

    fn command(&self, request: &Request<'_>) -> Command {
        let mut command = Command::new(&self.cargo);
        forget_outer_build(&mut command);
        command
            .current_dir(request.manifest_dir)
            .env("RUSTC", &self.rustc)
            .args(["build", "--lib", "--target", TARGET, "--profile", request.profile])
            .arg("--message-format=json-render-diagnostics")
            // Merged with the rustflags of the crate's own `.cargo/config.toml`, and the last one wins.
            .arg("--config")
            .arg(format!(r#"target.{TARGET}.rustflags=["-C", "link-arg=-zstack-size={STACK_BYTES}"]"#))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for package in request.packages {
            command.args(["--package", package]);
        }
        if let Some(target_dir) = request.target_dir {
            command.arg("--target-dir").arg(target_dir);
        }
        if request.is_locked {
            command.arg("--locked");
        }
        if request.is_offline {
            command.arg("--offline");
        }
        if let Std::FromSource { linker } = &self.std {
            // `-Z build-std` is unstable; the bootstrap switch lets a stable compiler take it.
            command
                .args(["-Z", "build-std=std,panic_abort"])
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        command
    }
}

/// Why a build gave no modules.
#[derive(Debug)]
pub enum BuildError {
    /// Cargo could not be run.
    Start {
        /// The cargo that was to run.
        cargo: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Cargo failed; these are its last words.
    Failed {
        /// The last lines of cargo's standard error.
        tail: String,
    },
    /// Cargo succeeded without making this module.
    NoModule {
        /// The package, or `None` for the crate itself.
        package: Option<String>,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { cargo, .. } => write!(f, "cannot run {}", cargo.display()),
            Self::Failed { tail } => write!(f, "the filter does not compile:\n{tail}"),
            Self::NoModule { package } => {
                let package = package.as_deref().unwrap_or("the crate");
                write!(
                    f,
                    "{package} compiles but makes no .wasm module: write `crate-type = [\"cdylib\", \
                     \"rlib\"]` under `[lib]` in its Cargo.toml"
                )
            }
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Start { source, .. } => Some(source),
            Self::Failed { .. } | Self::NoModule { .. } => None,
        }
    }
}

/// Takes away what an outer cargo, rustup or user has set for builds of another kind.
///
/// `CARGO_HOME`, the network settings and the job server stay.
fn forget_outer_build(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if is_of_outer_build(&name) {
            command.env_remove(name);
        }
    }
}

fn is_of_outer_build(name: &OsStr) -> bool {
    const PREFIXES: [&str; 6] =
        ["CARGO_BUILD_", "CARGO_CFG_", "CARGO_ENCODED_", "CARGO_FEATURE_", "CARGO_PKG_", "CARGO_PROFILE_"];
    const NAMES: [&str; 4] = ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_TARGET_DIR"];
    let name = name.to_string_lossy();
    // RUSTC, RUSTC_WRAPPER, RUSTC_LINKER, RUSTFLAGS; never RUSTUP_*, which says which toolchain is active.
    NAMES.contains(&&*name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || name.starts_with("RUSTC")
        || name.starts_with("RUSTFLAGS")
}

/// Reads both of cargo's streams to their ends: the JSON messages and the lines for humans.
fn drain(child: &mut Child, progress: &mut dyn FnMut(&str)) -> (String, Vec<String>) {
    let mut stdout = child.stdout.take().expect("the command pipes its output");
    let stderr = child.stderr.take().expect("the command pipes its errors");
    let messages = thread::spawn(move || {
        let mut bytes = Vec::new();
        // A broken pipe shows as a missing module, or in cargo's exit status.
        stdout.read_to_end(&mut bytes).ok();
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let mut log = Vec::new();
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        progress(&line);
        log.push(line);
    }
    (messages.join().expect("reading a pipe does not panic"), log)
}

fn tail(log: &[String]) -> String {
    log[log.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// The module of each package, in the order of the packages; all modules where none is named.
fn pick(built: Vec<PathBuf>, packages: &[&str]) -> Result<Vec<PathBuf>, BuildError> {
    if packages.is_empty() {
        return match built.is_empty() {
            true => Err(BuildError::NoModule { package: None }),
            false => Ok(built),
        };
    }
    packages
        .iter()
        .map(|package| {
            let file = format!("{}.wasm", package.replace('-', "_"));
            built
                .iter()
                .find(|path| path.file_name() == Some(OsStr::new(&file)))
                .cloned()
                .ok_or_else(|| BuildError::NoModule { package: Some((*package).to_owned()) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outer_builds_settings_do_not_leak_but_the_users_do() {
        for name in ["CARGO", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "RUSTFLAGS", "CARGO_PROFILE_RELEASE_LTO"] {
            assert!(is_of_outer_build(OsStr::new(name)), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_MAKEFLAGS", "RUSTUP_TOOLCHAIN", "PATH"] {
            assert!(!is_of_outer_build(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn modules_come_back_in_the_order_of_the_packages() {
        let built = vec![PathBuf::from("/t/b.wasm"), PathBuf::from("/t/a_x.wasm")];

        let picked = pick(built, &["a-x", "b"]).unwrap();

        assert_eq!(picked, [Path::new("/t/a_x.wasm"), Path::new("/t/b.wasm")]);
    }

    #[test]
    fn a_package_without_a_module_is_named() {
        let error = pick(vec![PathBuf::from("/t/b.wasm")], &["a"]).unwrap_err();

        assert!(error.to_string().starts_with("a compiles but makes no .wasm module"));
    }
}
