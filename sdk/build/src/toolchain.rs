//! Which compiler can make a filter on this machine, and how.

use std::env;
use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::TARGET;

/// A compiler that can make filters, and where its standard library for the target comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    pub(crate) cargo: PathBuf,
    pub(crate) rustc: PathBuf,
    pub(crate) std: Std,
}

/// Where the target's standard library comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Std {
    /// Precompiled, in the compiler's sysroot; the compiler knows its own linker then.
    Installed,
    /// Compiled from the source in the sysroot, and linked with this linker.
    FromSource { linker: PathBuf },
}

impl Toolchain {
    /// Finds the toolchain to build the crate in `dir` with. Asks each compiler once; takes milliseconds.
    ///
    /// The active toolchain comes first (the one whose cargo runs us, else the one on the `PATH`, which
    /// rustup chooses by `dir`), then the distribution's own in `/usr/bin`.
    ///
    /// # Errors
    ///
    /// If none can make filters; the message names the remedy.
    pub fn find(dir: &Path) -> Result<Self, MissingToolchain> {
        let candidates: Vec<Candidate> = [active(), distribution()]
            .into_iter()
            .filter_map(|(cargo, rustc)| Candidate::ask(cargo, rustc, dir))
            .collect();
        choose(&candidates, &linkers_on_path())
    }

    /// How it makes the target's standard library, in a few words for a progress line before a build into
    /// `target_dir`.
    #[must_use]
    pub fn describe(&self, target_dir: &Path) -> String {
        let is_first = !target_dir.join(TARGET).is_dir();
        let std = match &self.std {
            Std::Installed => "with the installed target",
            Std::FromSource { .. } if is_first => {
                "with a standard library from source, which takes a minute or two once"
            }
            Std::FromSource { .. } => "with a standard library from source",
        };
        format!("{} {std}", self.rustc.display())
    }
}

/// No toolchain here can make filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingToolchain;

impl fmt::Display for MissingToolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no Rust toolchain here can compile for {TARGET}: run `cargo xtask setup` in a checkout of \
             Hooksieve, or `rustup target add {TARGET}` anywhere else"
        )
    }
}

impl Error for MissingToolchain {}

/// A compiler that answered, and what it has.
#[derive(Debug)]
struct Candidate {
    cargo: PathBuf,
    rustc: PathBuf,
    has_target: bool,
    has_source: bool,
    linker: Option<PathBuf>,
}

impl Candidate {
    /// Asks a compiler where it lives; `None` if it does not run.
    fn ask(cargo: PathBuf, rustc: PathBuf, dir: &Path) -> Option<Self> {
        let output = Command::new(&rustc)
            .args(["--print", "sysroot", "--print", "target-libdir", "--target", TARGET])
            .current_dir(dir)
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        let text = String::from_utf8(output.stdout).ok()?;
        let mut lines = text.lines();
        let sysroot = PathBuf::from(lines.next()?);
        let libdir = PathBuf::from(lines.next()?);
        Some(Self {
            cargo,
            rustc,
            has_target: holds_a_core_library(&libdir),
            has_source: sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").is_file(),
            linker: bundled_linker(&sysroot),
        })
    }
}

/// Prefers any toolchain with the target installed over building the standard library.
fn choose(candidates: &[Candidate], linkers_on_path: &[PathBuf]) -> Result<Toolchain, MissingToolchain> {
    let toolchain =
        |candidate: &Candidate, std| Toolchain { cargo: candidate.cargo.clone(), rustc: candidate.rustc.clone(), std };
    if let Some(ready) = candidates.iter().find(|candidate| candidate.has_target) {
        return Ok(toolchain(ready, Std::Installed));
    }
    let builder = candidates.iter().find(|candidate| candidate.has_source).ok_or(MissingToolchain)?;
    let linker = builder
        .linker
        .as_ref()
        .or_else(|| candidates.iter().find_map(|candidate| candidate.linker.as_ref()))
        .or_else(|| linkers_on_path.first())
        .ok_or(MissingToolchain)?;
    Ok(toolchain(builder, Std::FromSource { linker: linker.clone() }))
}

/// The cargo that runs us, with the compiler beside it; else those on the `PATH`.
fn active() -> (PathBuf, PathBuf) {
    if let Some(cargo) = env::var_os("CARGO").map(PathBuf::from) {
        let rustc = cargo.with_file_name("rustc");
        if rustc.is_file() {
            return (cargo, rustc);
        }
    }
    (PathBuf::from("cargo"), PathBuf::from("rustc"))
}

/// The distribution's own toolchain, which a rustup on the `PATH` hides.
fn distribution() -> (PathBuf, PathBuf) {
    (PathBuf::from("/usr/bin/cargo"), PathBuf::from("/usr/bin/rustc"))
}

/// Whether the target's libraries are really there: rustup leaves the folder behind when it removes them.
fn holds_a_core_library(libdir: &Path) -> bool {
    libdir.read_dir().is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("libcore-") && name.ends_with(".rlib")
        })
    })
}

/// The linker that comes with a rustup toolchain, under the name of its host.
fn bundled_linker(sysroot: &Path) -> Option<PathBuf> {
    sysroot
        .join("lib/rustlib")
        .read_dir()
        .ok()?
        .flatten()
        .map(|host| host.path().join("bin/rust-lld"))
        .find(|linker| linker.is_file())
}

/// LLVM's own linker, as distributions package it.
fn linkers_on_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join("wasm-ld")).filter(|linker| linker.is_file()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &str, has_target: bool, has_source: bool, linker: bool) -> Candidate {
        Candidate {
            cargo: PathBuf::from(format!("{name}/cargo")),
            rustc: PathBuf::from(format!("{name}/rustc")),
            has_target,
            has_source,
            linker: linker.then(|| PathBuf::from(format!("{name}/rust-lld"))),
        }
    }

    #[test]
    fn an_installed_target_is_preferred_to_building_the_standard_library() {
        let candidates = [candidate("a", false, true, true), candidate("b", true, false, false)];

        let chosen = choose(&candidates, &[]).unwrap();

        assert_eq!(chosen.rustc, Path::new("b/rustc"));
        assert_eq!(chosen.std, Std::Installed);
    }

    #[test]
    fn a_toolchain_without_a_linker_borrows_the_other_ones() {
        let candidates = [candidate("a", false, false, true), candidate("b", false, true, false)];

        let chosen = choose(&candidates, &[PathBuf::from("wasm-ld")]).unwrap();

        assert_eq!(chosen.cargo, Path::new("b/cargo"));
        assert_eq!(chosen.std, Std::FromSource { linker: PathBuf::from("a/rust-lld") });
    }

    #[test]
    fn the_linker_on_the_path_is_the_last_resort() {
        let candidates = [candidate("b", false, true, false)];

        let chosen = choose(&candidates, &[PathBuf::from("wasm-ld")]).unwrap();

        assert_eq!(chosen.std, Std::FromSource { linker: PathBuf::from("wasm-ld") });
        assert_eq!(choose(&candidates, &[]), Err(MissingToolchain));
    }

    #[test]
    fn a_machine_with_nothing_is_told_what_to_run() {
        let error = choose(&[candidate("a", false, false, true)], &[]).unwrap_err();

        assert!(error.to_string().contains("cargo xtask setup"));
        assert!(error.to_string().contains("rustup target add wasm32-unknown-unknown"));
    }

    #[test]
    fn a_compiler_that_does_not_run_is_no_candidate() {
        assert!(Candidate::ask("no/cargo".into(), "no/rustc".into(), Path::new(".")).is_none());
    }
}
