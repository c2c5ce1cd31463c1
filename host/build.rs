//! Compiles the bundled filters to WebAssembly, to be embedded in the host.

use std::env;
use std::path::{Path, PathBuf};

use hooksieve_filter_build::{Request, Toolchain};

/// The packages under `plugins/` that every host has.
const PACKAGES: [&str; 4] = ["field-match", "changed-fields", "done-records", "due-date-moved"];

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for input in ["plugins", "sdk/src", "sdk/macros/src", "sdk/Cargo.toml", "sdk/wit", "Cargo.lock"] {
        println!("cargo::rerun-if-changed=../{input}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts"));
    if let Err(error) = embed(&root, &out) {
        println!("cargo::error={error}");
    }
}

fn embed(root: &Path, out: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let target_dir = filters_target_dir(out);
    let request = Request {
        manifest_dir: root,
        packages: &PACKAGES,
        target_dir: Some(&target_dir),
        profile: "filter",
        is_locked: true,
        is_offline: false,
    };
    let modules = Toolchain::find(root)?.build(&request, &mut |_| {})?;
    for (package, module) in PACKAGES.iter().zip(modules) {
        std::fs::copy(module, out.join(format!("{}.wasm", package.replace('-', "_"))))?;
    }
    Ok(())
}

/// A folder of its own inside the outer target directory, so that the nested cargo neither waits for the
/// outer one's lock nor builds everything again for each profile.
fn filters_target_dir(out: &Path) -> PathBuf {
    // OUT_DIR is <target>/<profile>/build/<package>/out.
    out.ancestors().nth(4).unwrap_or(out).join("filters")
}
