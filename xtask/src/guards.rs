//! `cargo xtask guards`: takes each guard of the egress policy away in turn, and sees that a test fails.
//!
//! The guards are listed in `tests/it/egress/guards.txt`. It works on a copy of the last commit, beside the
//! checkout's own target folder, so nothing of the checkout changes. It compiles the host once for each guard.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cargo;

const LIST: &str = "tests/it/egress/guards.txt";

struct Guard {
    name: String,
    file: String,
    with: String,
    without: String,
    caught: String,
}

/// Tries all guards whose name contains one of `words`, or all.
///
/// # Errors
/// When a guard is missed by its test, or cannot be tried.
pub(crate) fn run(root: &Path, words: &[String]) -> Result<(), Box<dyn Error>> {
    let copy = Copy::of(root)?;
    let mut missed = Vec::new();
    for guard in read(&fs::read_to_string(root.join(LIST))?)? {
        if !words.is_empty() && !words.iter().any(|word| guard.name.contains(word)) {
            continue;
        }
        let is_caught = copy.without(&guard)?;
        println!("{}: {} ({})", if is_caught { "caught" } else { "MISSED" }, guard.name, guard.caught);
        if !is_caught {
            missed.push(guard.name);
        }
    }
    if missed.is_empty() { Ok(()) } else { Err(format!("no test fails without: {}", missed.join("; ")).into()) }
}

fn read(list: &str) -> Result<Vec<Guard>, Box<dyn Error>> {
    let blocks = list.split("\n\n").filter(|block| block.contains("guard: "));
    let read_one = |block: &str| {
        let of = |key: &str| {
            let found = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
            found.map(str::to_owned).ok_or_else(|| format!("{LIST}: a guard has no `{key}`"))
        };
        Ok(Guard {
            name: of("guard")?,
            file: of("file")?,
            with: of("with")?,
            without: of("without")?,
            caught: of("caught")?,
        })
    };
    blocks.map(read_one).collect()
}

/// A copy of the last commit, which goes when this is dropped.
struct Copy {
    root: PathBuf,
    folder: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn of(root: &Path) -> Result<Self, Box<dyn Error>> {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let (folder, target) = (target.join("guards-checkout"), target.join("guards"));
        let copy = Self { root: root.to_owned(), folder, target };
        copy.remove();
        copy.git(&["worktree", "add", "--force", "--detach"], &["HEAD"])?;
        Ok(copy)
    }

    fn git(&self, before: &[&str], after: &[&str]) -> Result<(), Box<dyn Error>> {
        let mut command = Command::new("git");
        command.current_dir(&self.root).args(before).arg(&self.folder).args(after).stderr(Stdio::null());
        let status = command.stdout(Stdio::null()).status()?;
        if status.success() { Ok(()) } else { Err(format!("git {} failed", before.join(" ")).into()) }
    }

    fn remove(&self) {
        // There may be none, of an earlier run that was killed.
        drop(self.git(&["worktree", "remove", "--force"], &[]));
    }

    /// Whether the test fails without the guard.
    fn without(&self, guard: &Guard) -> Result<bool, Box<dyn Error>> {
        let path = self.folder.join(&guard.file);
        let whole = fs::read_to_string(&path)?;
        if whole.matches(&guard.with).count() != 1 {
            return Err(format!("{} has `{}` not once", guard.file, guard.with).into());
        }
        fs::write(&path, whole.replace(&guard.with, &guard.without))?;
        let failed = self.fails(&guard.caught);
        fs::write(&path, whole)?;
        failed
    }

    fn fails(&self, test: &str) -> Result<bool, Box<dyn Error>> {
        let (package, name) = match test.strip_prefix("lib ") {
            Some(name) => (["--package", "hooksieve", "--lib"].as_slice(), name),
            None => (["--package", "hooksieve-tests", "--test", "it"].as_slice(), test),
        };
        // What does not compile proves nothing.
        if !self.cargo(package, &["--no-run"])? {
            return Err("the host does not compile without the guard".into());
        }
        Ok(!self.cargo(package, &["--", "--exact", name])?)
    }

    fn cargo(&self, package: &[&str], arguments: &[&str]) -> Result<bool, Box<dyn Error>> {
        let mut command = cargo();
        command.arg("test").args(["--quiet", "--locked"]).args(package).args(arguments).current_dir(&self.folder);
        command.env("CARGO_TARGET_DIR", &self.target).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command.status()?.success())
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.remove();
    }
}
