//! Provides a Python that can make environments of its own, for the tests that drive receivers and tools written in
//! Python. Debian keeps that part of Python in a package beside it.
//!
//! It never fails: without Python the tests that need it say so, and all others are none the worse.

use std::path::Path;
use std::process::Command;

use crate::setup::{install, runs};

/// What Debian calls it.
const PACKAGE: &str = "python3-venv";

/// Makes sure that `python3 -m venv` works, or says why not.
pub(crate) fn run(root: &Path) {
    let has_venv = || runs(Command::new("python3").args(["-c", "import ensurepip, venv"]));
    if has_venv() {
        return;
    }
    match install(root, &[PACKAGE]) {
        Ok(()) if has_venv() => {}
        Ok(()) => eprintln!("xtask: {PACKAGE} is installed, but `python3 -m venv` does not work"),
        Err(reason) => eprintln!("xtask: `python3 -m venv` does not work, and {reason}: tests with Python will fail"),
    }
}
