//! The committed bindings are what wit-bindgen makes of the committed WIT.
//!
//! They are committed because generating them in each author's build costs three times as much as all the
//! rest of the SDK. `UPDATE_BINDINGS=1 cargo test -p hooksieve-sdk --test bindings` writes them anew.

use std::fs;
use std::path::Path;

use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

const HEADER: &str = "// Generated from wit/filter.wit by tests/bindings.rs; not to be edited by hand.\n";

fn generate(wit: &Path) -> String {
    let mut resolve = Resolve::default();
    let package = resolve.push_file(wit).expect("the WIT parses");
    let world = resolve.select_world(&[package], Some("filter")).expect("it has the world");
    let options = wit_bindgen_rust::Opts {
        additional_derive_attributes: vec!["PartialEq".to_owned()],
        default_bindings_module: Some("hooksieve_sdk::bindings".to_owned()),
        export_macro_name: Some("__export_filter".to_owned()),
        format: true,
        pub_export_macro: true,
        ..Default::default()
    };
    let mut files = Files::default();
    let mut generator = options.build();
    wit_bindgen_core::WorldGenerator::generate(&mut generator, &mut resolve, world, &mut files)
        .expect("the world is one that Rust can have");
    let (_, bytes) = files.iter().next().expect("the generator makes one file");
    format!("{HEADER}{}", String::from_utf8_lossy(bytes))
}

#[test]
fn the_bindings_are_in_step_with_the_wit() {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR"));
    let committed = sdk.join("src/bindings.rs");

    let generated = generate(&sdk.join("wit/filter.wit"));

    if std::env::var_os("UPDATE_BINDINGS").is_some() {
        fs::write(&committed, &generated).expect("the bindings can be written");
    }
    let committed = fs::read_to_string(&committed).expect("the bindings are committed");
    assert!(committed == generated, "the bindings are stale: run this test with UPDATE_BINDINGS=1");
}

#[test]
fn the_sdk_carries_the_hosts_wit() {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR"));
    let here = fs::read_to_string(sdk.join("wit/filter.wit")).expect("the SDK has a copy");
    let there = fs::read_to_string(sdk.join("../wit/v0.1.0/filter.wit")).expect("the host has it");

    assert!(here == there, "sdk/wit/filter.wit and wit/v0.1.0/filter.wit differ: copy the latter");
}
