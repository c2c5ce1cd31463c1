//! Runs the commands of the documents, so that they cannot drift from the code.
//!
//! All blocks of a document that are marked `sh` make one bash session, which stops at the first command
//! that fails. A document that talks to a host starts it itself, as its reader does.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The documents, and where each one's reader stands: in a checkout, or in an empty folder.
const DOCUMENTS: [(&str, Place); 2] = [("README.md", Place::Checkout), ("sdk/README.md", Place::EmptyFolder)];

/// What is not run again: it is what runs everything else, and has its own step in CI.
const RUN_ELSEWHERE: [&str; 1] = ["cargo xtask test"];

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Checkout,
    EmptyFolder,
}

/// Runs the documents' commands, with the built `hooksieve` on the `PATH`.
pub(crate) fn run(root: &Path) -> Result<(), Box<dyn Error>> {
    let status = cargo().args(["build", "--locked", "--package", "hooksieve"]).current_dir(root).status()?;
    if !status.success() {
        return Err("the program does not build".into());
    }
    for (document, place) in DOCUMENTS {
        let session = session(&fs::read_to_string(root.join(document))?);
        if session.is_empty() {
            return Err(format!("{document} has no `sh` block").into());
        }
        eprintln!("xtask: running the commands of {document}");
        run_session(document, &session, place, root)?;
    }
    Ok(())
}

fn run_session(document: &str, session: &str, place: Place, root: &Path) -> Result<(), Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("hooksieve-readme-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    // What a document starts in the background ends with it.
    let script = format!("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{session}");
    let status = Command::new("bash")
        .args(["-c", &script])
        .current_dir(if place == Place::Checkout { root } else { &folder })
        .env("PATH", path_with_program(root)?)
        .env("TMPDIR", &folder)
        .status();
    fs::remove_dir_all(&folder)?;
    if status?.success() { Ok(()) } else { Err(format!("a command of {document} failed").into()) }
}

/// The lines of the blocks that begin with ```` ```sh ````.
fn session(document: &str) -> String {
    let (mut session, mut is_inside) = (String::new(), false);
    for line in document.lines() {
        match line.trim_end() {
            "```sh" => is_inside = true,
            "```" => is_inside = false,
            command if is_inside && !RUN_ELSEWHERE.iter().any(|elsewhere| command.starts_with(elsewhere)) => {
                session.push_str(line);
                session.push('\n');
            }
            _ => {}
        }
    }
    session
}

fn path_with_program(root: &Path) -> Result<std::ffi::OsString, Box<dyn Error>> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let old = env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(target.join("debug")).chain(env::split_paths(&old));
    Ok(env::join_paths(paths)?)
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

#[cfg(test)]
mod tests {
    use super::session;

    #[test]
    fn only_sh_blocks_are_run_and_the_test_command_is_left_out() {
        let document = "text\n```sh\ncargo xtask test\necho 1\n```\n```text\nrm -rf /\n```\n```sh\necho 2\n```\n";

        assert_eq!(session(document), "echo 1\necho 2\n");
    }
}
