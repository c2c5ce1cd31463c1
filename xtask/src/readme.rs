//! Runs the commands of the documents, so that they cannot drift from the code.
//!
//! The blocks of a document that are marked `sh` make a bash session, which stops at the first command that
//! fails. A block marked `json` or `console` that follows one shows what it printed last: that is compared, but for
//! blanks, and `…` stands for anything.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{cargo, forget_this_package};

/// The documents, by session, in the order in which a newcomer reads them: the filter author's guide goes on
/// where the README's walk through ends, with its host still running, and their first ten minutes where that ends.
const SESSIONS: [&[&str]; 2] =
    [&["README.md", "sdk/README.md", "docs/filters-first-ten-minutes.md"], &["docs/blue.md"]];

/// Stops at the first command that fails, and shows each; what was started in the background ends with it.
/// `answers` compares what a block printed with what the document shows.
const PRELUDE: &str = r#"set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
answers() {
  local said shown
  said=$(tr -d '[:space:]' < "$TMPDIR/said")
  shown=$(tr -d '[:space:]' | sed -e 's/[][\\*?]/\\&/g' -e 's/…/*/g')
  if [[ $said != *$shown ]]; then
    echo "error: the document shows another answer than: $said" >&2
    return 1
  fi
}
set -x
"#;

/// What is not run again: it is what runs everything else, and has its own step in CI.
const RUN_ELSEWHERE: [&str; 1] = ["cargo xtask test"];

/// Runs the documents' commands, with the built `hooksieve` on the `PATH`.
pub(crate) fn run(root: &Path) -> Result<(), Box<dyn Error>> {
    let status = cargo().args(["build", "--locked", "--package", "hooksieve"]).current_dir(root).status()?;
    if !status.success() {
        return Err("the program does not build".into());
    }
    for documents in SESSIONS {
        let mut script = String::from(PRELUDE);
        for document in documents {
            let session = session(&fs::read_to_string(root.join(document))?);
            if session.is_empty() {
                return Err(format!("{document} has no `sh` block").into());
            }
            script.push_str(&format!("echo '=== {document}' >&2\n{session}cd \"$TMPDIR\"\n"));
        }
        run_script(&script, root)?;
    }
    Ok(())
}

fn run_script(script: &str, root: &Path) -> Result<(), Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("hooksieve-readme-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let mut bash = Command::new("bash");
    forget_this_package(&mut bash);
    let status = bash
        .args(["-c", script])
        .current_dir(root)
        .env("PATH", path_with_program(root)?)
        .env("TMPDIR", &folder)
        .status();
    fs::remove_dir_all(&folder)?;
    if status?.success() { Ok(()) } else { Err("a command of the documents failed".into()) }
}

/// What a block is marked as that shows an answer.
const ANSWERS: [&str; 2] = ["json", "console"];

/// The blocks that begin with ```` ```sh ````, and the comparison with an answer that follows.
fn session(document: &str) -> String {
    let mut blocks = blocks(document).into_iter().peekable();
    let mut session = String::new();
    while let Some((kind, commands)) = blocks.next() {
        if kind != "sh" {
            continue;
        }
        let is_run = |line: &&str| !RUN_ELSEWHERE.iter().any(|elsewhere| line.starts_with(elsewhere));
        let commands: String = commands.lines().filter(is_run).map(|line| format!("{line}\n")).collect();
        match blocks.next_if(|(kind, _)| ANSWERS.contains(kind)) {
            Some((_, answer)) => session.push_str(&format!(
                "{{\n{commands}}} > \"$TMPDIR/said\"\ncat \"$TMPDIR/said\"\nanswers <<'ANSWER'\n{answer}ANSWER\n"
            )),
            None => session.push_str(&commands),
        }
    }
    session
}

/// The fenced blocks, each with what it is marked as.
fn blocks(document: &str) -> Vec<(&str, String)> {
    let (mut blocks, mut open) = (Vec::new(), None::<(&str, String)>);
    for line in document.lines() {
        match (line.trim_end().strip_prefix("```"), &mut open) {
            (Some(kind), None) => open = Some((kind, String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

fn path_with_program(root: &Path) -> Result<std::ffi::OsString, Box<dyn Error>> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let old = env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(target.join("debug")).chain(env::split_paths(&old));
    Ok(env::join_paths(paths)?)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{PRELUDE, session};

    #[test]
    fn only_sh_blocks_are_run_and_the_test_command_is_left_out() {
        let document = "text\n```sh\ncargo xtask test\necho 1\n```\n```text\nrm -rf /\n```\n```sh\necho 2\n```\n";

        assert_eq!(session(document), "echo 1\necho 2\n");
    }

    #[test]
    fn an_answer_that_the_document_does_not_show_fails() {
        for (said, shown, is_shown) in [
            ("{\"a\":[1,\"x?*\\\\\"]}", "{\"a\": [\n  1, \"x?*\\\\\"\n]}", true),
            ("{\"a\":1,\"b\":2}", "{…,\"b\": …}", true),
            ("first\n{\"a\":1}", "{\"a\": 1}", true),
            ("{\"a\":1}", "{\"a\": 2}", false),
            ("{\"a\":1}\nmore", "{\"a\": 1}", false),
            ("{\"a\":1}", "{\"a\": ?}", false),
        ] {
            let kind = if is_shown { "json" } else { "console" };
            let document = format!("```sh\ncat <<'SAID'\n{said}\nSAID\n```\nso:\n```{kind}\n{shown}\n```\n");
            let folder = std::env::temp_dir().join(format!("hooksieve-answers-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();

            let script = format!("{PRELUDE}{}", session(&document));
            let output = Command::new("bash").args(["-c", &script]).env("TMPDIR", &folder).output().unwrap();

            std::fs::remove_dir_all(&folder).unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.success(), is_shown, "{said} {shown}: {told}");
        }
    }
}
