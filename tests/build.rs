//! Compiles the guests, and the bundled filters that the filter room is tested with, to WebAssembly.

use std::env;
use std::path::{Path, PathBuf};

use hooksieve_filter_build::{Request, Toolchain};

const PACKAGES: [&str; 3] = ["hostile-guest", "done-records", "field-match"];

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for input in
        ["tests/build.rs", "tests/guests", "plugins", "sdk/src", "sdk/macros/src", "sdk/Cargo.toml", "Cargo.lock"]
    {
        println!("cargo::rerun-if-changed=../{input}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts"));
    if let Err(error) = embed(&root, &out) {
        println!("cargo::error={error}");
    }
}

fn embed(root: &Path, out: &Path) -> Result<(), Box<dyn std::error::Error>> {
    // OUT_DIR is <target>/<profile>/build/<package>/out; the host's build script uses the same folder.
    let target_dir = out.ancestors().nth(4).unwrap_or(out).join("filters");
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
