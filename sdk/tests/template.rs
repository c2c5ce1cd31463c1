//! The templates of a new filter compile, and their own tests pass.

#![expect(unreachable_pub, reason = "each is a crate root of its own, when it is not a test")]

#[path = "../template/src/changed-fields.rs.in"]
mod changed_fields;
#[path = "../template/src/config.rs.in"]
mod config;
#[path = "../template/src/list.rs.in"]
mod list;
#[path = "../template/src/minimal.rs.in"]
mod minimal;

#[test]
fn the_template_names_the_crate_it_is_for() {
    let manifest = include_str!("../template/Cargo.toml.in");

    assert!(manifest.contains("name = \"{{name}}\""));
    assert!(manifest.contains("hooksieve-sdk = { path = \"hooksieve-sdk\" }"));
    assert!(include_str!("../template/README.md.in").starts_with("# {{name}}"));
}

#[test]
fn the_stack_is_the_one_that_the_builder_asks_for() {
    let config = include_str!("../template/cargo-config.toml.in");
    let builder = include_str!("../build/src/lib.rs");

    assert!(builder.contains("STACK_BYTES: u32 = 64 * 1024;"));
    assert!(config.contains(&format!("-zstack-size={}", 64 * 1024)));
}
