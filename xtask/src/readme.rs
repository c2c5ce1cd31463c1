//! Runs the commands of the documents, so that they cannot drift from the code.
//!
//! All blocks that are marked `sh` make one bash session, which stops at the first command that fails.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The documents, in the order in which a newcomer reads them: the filter author's guide goes on where the
/// README's walk through ends, with its host still running.
const DOCUMENTS: [&str; 2] = ["README.md", "sdk/README.md"];

/// Stops at the first command that fails, and shows each; what was started in the background ends with it.
const PRELUDE: &str = "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\nset -x\n";

/// What is not run again: it is what runs everything else, and has its own step in CI.
const RUN_ELSEWHERE: [&str; 1] = ["cargo xtask test"];

/// Runs the documents' commands, with the built `hooksieve` on the `PATH`.
pub(crate) fn run(root: &Path) -> Result<(), Box<dyn Error>> {
    let status = cargo().args(["build", "--locked", "--package", "hooksieve"]).current_dir(root).status()?;
    if !status.success() {
        return Err("the program does not build".into());
    }
    let mut script = String::from(PRELUDE);
    for document in DOCUMENTS {
        let session = session(&fs::read_to_string(root.join(document))?);
        if session.is_empty() {
            return Err(format!("{document} has no `sh` block").into());
        }
        script.push_str(&format!("echo '=== {document}' >&2\n{session}cd \"$TMPDIR\"\n"));
    }
    run_script(&script, root)
}

fn run_script(script: &str, root: &Path) -> Result<(), Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("hooksieve-readme-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let status = Command::new("bash")
        .args(["-c", script])
        .current_dir(root)
        .env("PATH", path_with_program(root)?)
        .env("TMPDIR", &folder)
        .status();
    fs::remove_dir_all(&folder)?;
    if status?.success() { Ok(()) } else { Err("a command of the documents failed".into()) }
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
