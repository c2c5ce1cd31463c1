//! Compiles the guests, and the bundled filters that the filter room is tested with, to WebAssembly.

use std::env;
use std::path::PathBuf;

/// What is compiled.
const PACKAGES: [&str; 4] = ["hostile-guest", "done-records", "field-match", "cel-filter"];
/// What it is made of, from the top of the checkout.
const INPUTS: [&str; 8] = [
    "tests/build.rs",
    "tests/guests",
    "plugins",
    "sdk/src",
    "sdk/macros/src",
    "sdk/build/src",
    "sdk/Cargo.toml",
    "Cargo.lock",
];

fn main() {
    for input in INPUTS {
        println!("cargo::rerun-if-changed=../{input}");
    }
    // Asked at run time: checkouts may share a target folder, and so this very program.
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it for build scripts"));
    if let Err(error) = hooksieve_filter_build::embed(&package.join(".."), &PACKAGES) {
        println!("cargo::error={error}");
    }
}
