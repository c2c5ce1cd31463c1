//! For build scripts: filters of a workspace as files that `include_bytes!` can name.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

use crate::{Request, Toolchain};

/// The profile that a workspace keeps for its filters.
const PROFILE: &str = "filter";

/// Builds `packages` of the workspace in `root` and puts their modules into the build script's `OUT_DIR`,
/// as `<package>.wasm` with underscores for hyphens.
///
/// # Errors
///
/// If no toolchain here can make filters (the message names the remedy), or the build fails.
pub fn embed(root: &Path, packages: &[&str]) -> Result<(), Box<dyn Error>> {
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or("OUT_DIR is not set: this is for build scripts")?;
    // OUT_DIR is <target>/<profile>/build/<package>/out. A folder of its own inside the outer target
    // directory, so that this cargo does not wait for the lock of the one that runs the build script, and
    // all profiles share one build.
    let target_dir = out.ancestors().nth(4).unwrap_or(&out).join("filters");
    let request = Request {
        manifest_dir: root,
        packages,
        target_dir: Some(&target_dir),
        profile: PROFILE,
        is_locked: true,
        is_offline: false,
    };
    let modules = Toolchain::find(root)?.build(&request, &mut |_| {})?;
    for (package, module) in packages.iter().zip(modules) {
        std::fs::copy(module, out.join(format!("{}.wasm", package.replace('-', "_"))))?;
    }
    Ok(())
}
