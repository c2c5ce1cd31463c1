//! What can be uploaded, and what whoever uploads something else is told.

use hooksieve::filter::{FilterLimits, Refused};

use super::Room;
use crate::guests::{DONE_RECORDS, HOSTILE, HandWritten};

async fn refusal(room: &Room, wasm: &[u8]) -> Refused {
    let refused = room.upload(wasm).await.unwrap_err();
    assert!(!refused.is_hosts_fault(), "{refused}");
    refused
}

async fn told(wasm: &[u8]) -> String {
    refusal(&Room::open(), wasm).await.to_string()
}

async fn told_of(text: &str) -> String {
    told(&wat::parse_str(text).unwrap()).await
}

#[tokio::test]
async fn a_filter_is_admitted_with_what_it_says_of_itself() {
    let admitted = Room::open().upload(DONE_RECORDS).await.unwrap();

    assert_eq!(admitted.wit_version, "0.1.0");
    assert_eq!(admitted.about.name, "done-records");
    assert_eq!(admitted.about.version, "0.1.0");
    assert!(admitted.about.config_schema.is_none());
}

#[tokio::test]
async fn what_is_not_webassembly_is_refused() {
    let expected = "this is not a WebAssembly module or component: it does not begin with `\\0asm`";

    assert_eq!(told(b"").await, expected);
    assert_eq!(told(b"#!/bin/sh\nexit 0\n").await, expected);
}

#[tokio::test]
async fn a_truncated_module_is_refused_with_the_place() {
    let told = told(&HOSTILE[..HOSTILE.len() / 2]).await;

    assert!(told.starts_with("the module is not valid WebAssembly: "), "{told}");
    assert!(told.contains("(at byte "), "{told}");
}

#[tokio::test]
async fn a_module_that_says_nothing_of_its_world_is_told_how_to_build_it() {
    let told = told_of(r#"(module (memory (export "memory") 1))"#).await;

    assert_eq!(
        told,
        "the module exports no filter: it has no `component-type` section; build it with `hooksieve-sdk` (or with \
         wit-bindgen for the world `hooksieve:filter/filter`)"
    );
}

#[tokio::test]
async fn a_module_that_imports_is_refused_with_the_imports_names() {
    let told = told_of(r#"(module (import "env" "now" (func (result i64))) (import "env" "log" (func (param i32))))"#);

    assert_eq!(told.await, "a filter imports nothing, but this one imports `env#now`, `env#log`");
}

#[tokio::test]
async fn a_component_that_imports_is_refused_with_the_imports_names() {
    let told = told_of(r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance)))"#).await;

    assert_eq!(told, "a filter imports nothing, but this one imports `wasi:clocks/wall-clock@0.2.0`");
}

#[tokio::test]
async fn a_component_without_the_interface_is_told_what_it_exports_instead() {
    assert_eq!(told_of("(component)").await, "the module exports no `hooksieve:filter/sieve`; its exports are none");
    assert_eq!(
        told_of(r#"(component (instance $i) (export "wasi:cli/run@0.2.0" (instance $i)))"#).await,
        "the module exports no `hooksieve:filter/sieve`; its exports are `wasi:cli/run@0.2.0`"
    );
}

#[tokio::test]
async fn another_version_of_the_interface_is_refused_with_both_versions() {
    let told = told_of(r#"(component (instance $i) (export "hooksieve:filter/sieve@0.2.0" (instance $i)))"#).await;

    assert_eq!(told, "the module exports `hooksieve:filter/sieve@0.2.0`; this host runs version 0.1.0");
}

#[tokio::test]
async fn the_interface_with_other_types_is_refused() {
    let told = told_of(r#"(component (instance $i) (export "hooksieve:filter/sieve@0.1.0" (instance $i)))"#).await;

    assert!(told.starts_with("the module's `hooksieve:filter/sieve` has other types than version 0.1.0: "), "{told}");
}

#[tokio::test]
async fn a_module_over_the_bound_is_refused_with_both_sizes() {
    let room = Room::with_limits(FilterLimits { module_bytes_max: 100, ..FilterLimits::default() });

    let told = refusal(&room, HOSTILE).await.to_string();

    assert_eq!(told, format!("the module has {} bytes; at most 100 are allowed", HOSTILE.len()));
}

#[tokio::test]
async fn what_a_filter_may_not_use_is_its_authors_fault_and_named() {
    for (extra, named) in [
        ("(memory (export \"memory\") 1024)", "memory"),
        ("(memory (export \"memory\") 2) (memory 1)", "memor"),
        ("(memory (export \"memory\") 2 2 shared)", "shared"),
        ("(memory (export \"memory\") 2) (table 100000 funcref)", "table"),
    ] {
        let guest = HandWritten { extra: extra.to_owned(), ..HandWritten::default() };

        let told = told(&guest.module()).await;

        assert!(told.contains(named), "{extra}: {told}");
    }
}

#[tokio::test]
async fn a_filter_that_says_too_much_of_itself_is_refused_with_the_fields_name() {
    // The answer of `describe`: a name of 201 characters, and nothing else.
    let name = r#"(data (i32.const 1024) "\00\20\00\00\c9\00\00\00")"#;
    let guest = HandWritten { extra: format!("(memory (export \"memory\") 2) {name}"), ..HandWritten::default() };

    let told = told(&guest.module()).await;

    assert_eq!(
        told,
        "what the filter says of itself cannot be kept: its `name` has 201 characters; at most 200 are allowed"
    );
}

#[tokio::test]
async fn a_refused_upload_leaves_nothing_behind() {
    let room = Room::open();
    let guest = HandWritten { count: 0, extra: "(memory (export \"memory\") 1024)".to_owned(), ..Default::default() };

    refusal(&room, &guest.module()).await;
    refusal(&room, b"no").await;

    let kept = std::fs::read_dir(room.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut kept: Vec<_> = kept.collect();
    kept.sort();
    assert_eq!(kept, ["key", "snapshots"]);
    assert!(room.snapshots().is_empty());
}
