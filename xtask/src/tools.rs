//! Provides what the tests run that is not ours: a Python that can make environments of its own, for receivers and tools
//! written in Python (Debian keeps that part of Python in a package beside it), and `strace`, which has system calls fail.
//!
//! It never fails: without them the tests that need them say so, and all others are none the worse.

use std::path::Path;
use std::process::Command;

use crate::setup::{install, runs};

/// Something that tests run.
struct Tool {
    /// What Debian calls it.
    package: &'static str,
    /// A command that works where it is there.
    proof: &'static [&'static str],
}

const TOOLS: [Tool; 2] = [
    Tool { package: "python3-venv", proof: &["python3", "-c", "import ensurepip, venv"] },
    Tool { package: "strace", proof: &["strace", "--version"] },
];

/// Makes sure that they are there, or says which is not and why.
pub(crate) fn run(root: &Path) {
    for Tool { package, proof } in TOOLS {
        let is_there = || runs(Command::new(proof[0]).args(&proof[1..]));
        if is_there() {
            continue;
        }
        let proof = proof.join(" ");
        match install(root, &[package]) {
            Ok(()) if is_there() => {}
            Ok(()) => eprintln!("xtask: {package} is installed, but `{proof}` does not work"),
            Err(reason) => {
                eprintln!("xtask: `{proof}` does not work, and {reason}: tests that need {package} will fail")
            }
        }
    }
}
