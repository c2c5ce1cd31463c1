//! What no filter can be: no WebAssembly, broken, with proposals that are off, too large in what it declares.

use hooksieve::wire::Outcome;

use super::{Expected, Row};
use crate::guests::{DONE_RECORDS, HandWritten, MEMORY, component_of, leb128};

/// The section of a component that makes core instances.
const CORE_INSTANCES: u8 = 2;
/// The section that has a component inside.
const COMPONENT: u8 = 4;
/// A component that has nothing.
const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

pub fn rows() -> Vec<Row> {
    let mut rows = broken();
    rows.extend(proposals());
    rows.extend(too_much());
    rows
}

fn broken() -> Vec<Row> {
    let refused = Expected::Refused;
    let component = component_of(DONE_RECORDS);
    let mut rows = vec![
        Row::new("nothing", Vec::new(), refused(&["does not begin with `\\0asm`"])),
        Row::new("a shell script", b"#!/bin/sh\nexit 0\n".to_vec(), refused(&["does not begin with `\\0asm`"])),
        Row::new("only the first four bytes", b"\0asm".to_vec(), refused(&["at byte 4"])),
        Row::new("version 2 of WebAssembly", b"\0asm\x02\0\0\0".to_vec(), refused(&["version", "at byte 4"])),
        Row::new(
            "33 MiB",
            b"\0asm\x01\0\0\0".iter().copied().chain(std::iter::repeat_n(0, 33 << 20)).collect(),
            Expected::TooLarge,
        ),
        Row::new(
            "32 MiB of zeros",
            b"\0asm\x01\0\0\0".iter().copied().chain(std::iter::repeat_n(0, (32 << 20) - 8)).collect(),
            refused(&["not valid WebAssembly", "at byte"]),
        ),
        Row::new(
            "a filter that is a ZIP archive too",
            [DONE_RECORDS, b"PK\x05\x06", &[0; 18]].concat(),
            refused(&["not valid WebAssembly", "at byte"]),
        ),
        Row::new(
            "a module and a component behind each other",
            [DONE_RECORDS, &component].concat(),
            refused(&["not valid WebAssembly", "at byte"]),
        ),
        Row::new(
            "exports of one long name that moves the cursor",
            exports_of_one_name(&format!("\\1b[2J{}", "n".repeat(90_000))),
            refused(&["duplicate export", "at byte"]),
        ),
        Row::new("4 MiB of empty sections", sections_of_nothing(4 << 20), refused(&["no `component-type` section"])),
    ];
    for (kind, whole) in [("module", DONE_RECORDS), ("component", &component)] {
        for percent in [10, 50, 90, 99] {
            let cut = whole[..whole.len() * percent / 100].to_vec();
            rows.push(Row::new(
                format!("{percent} % of a {kind}"),
                cut,
                refused(&["not valid WebAssembly", "at byte"]),
            ));
        }
        // The last byte of a name's or a section's length that comes first.
        let mut flipped = whole.to_vec();
        flipped[9] ^= 0x7f;
        rows.push(Row::new(
            format!("a {kind} with another length"),
            flipped,
            refused(&["not valid WebAssembly", "at byte"]),
        ));
    }
    rows
}

fn exports_of_one_name(name: &str) -> Vec<u8> {
    let export = format!("(export \"{name}\" (func $f))");
    wat::parse_str(format!("(module (func $f) {export} {export})")).unwrap()
}

/// A module of custom sections that have a name of no bytes.
fn sections_of_nothing(bytes: usize) -> Vec<u8> {
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    while module.len() + 3 <= bytes {
        module.extend([0, 1, 0]);
    }
    module
}

fn proposals() -> Vec<Row> {
    let off = [
        ("threads", "(memory 1 2 shared)", &["shared", "at byte"]),
        ("memory64", "(memory i64 1)", &["64", "at byte"]),
        ("tail calls", "(func $f (return_call $f))", &["tail calls", "at byte"]),
        (
            "relaxed SIMD",
            "(func (result v128) (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0)))",
            &["relaxed", "at byte"],
        ),
        ("exceptions", "(tag)", &["exceptions", "at byte"]),
        ("garbage collection", "(type (struct (field i32)))", &["gc", "at byte"]),
        ("typed function references", "(type $t (func)) (func (param (ref $t)))", &["references", "at byte"]),
        (
            "wide arithmetic",
            "(func (param i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 0)))",
            &["wide arithmetic", "at byte"],
        ),
        ("custom page sizes", "(memory 1 (pagesize 1))", &["custom page sizes", "at byte"]),
        ("stack switching", "(type $f (func)) (type $c (cont $f))", &["stack switching", "at byte"]),
    ];
    off.into_iter()
        .map(|(name, extra, told): (_, _, &'static [&'static str; 2])| {
            Row::new(
                format!("a proposal that is off: {name}"),
                HandWritten::with(extra).module(),
                Expected::Refused(told),
            )
        })
        .collect()
}

fn too_much() -> Vec<Row> {
    let refused = Expected::Refused;
    let with = |extra: &str| HandWritten::with(extra).module();
    let memory = |memory: &str| HandWritten { extra: memory.to_owned(), ..HandWritten::default() }.module();
    let good = component_of(&HandWritten::default().module());
    vec![
        Row::new("a memory of 64 MiB", memory("(memory (export \"memory\") 1024)"), refused(&["memory"])),
        Row::new("a memory of 4 GiB", memory("(memory (export \"memory\") 65536)"), refused(&["memory"])),
        Row::new("a memory beyond 4 GiB", with_memory_of_pages(65_537), refused(&["memory", "at byte"])),
        Row::new("two memories", with("(memory 1)"), refused(&["memories"])),
        Row::new("a hundred memories", with(&"(memory 0)".repeat(100)), refused(&["memories"])),
        Row::new("a table of 100 000", with("(table 100000 funcref)"), refused(&["table"])),
        Row::new("a table of 4 000 000 000", with("(table 4000000000 funcref)"), refused(&["table"])),
        Row::new("a hundred tables", with(&"(table 1 funcref)".repeat(100)), refused(&["tables"])),
        Row::new("a hundred thousand globals", with(&"(global i64 (i64.const 0))".repeat(100_000)), refused(&["byte"])),
        Row::new("a million exports", exports(1_000_000), refused(&["export", "at byte"])),
        Row::new(
            "data outside memory",
            with("(data (i32.const 131070) \"abcdef\")"),
            refused(&["`describe` failed (trap)", "out of bounds"]),
        ),
        Row::new(
            "elements outside a table",
            with("(table 1 funcref) (func $f) (elem (i32.const 1) $f)"),
            refused(&["`describe` failed (trap)", "out of bounds"]),
        ),
        Row::new("a hundred core instances", appended(&good, CORE_INSTANCES, &instances(100)), refused(&["instances"])),
        Row::new(
            "a million core instances",
            appended(&good, CORE_INSTANCES, &instances(1_000_000)),
            refused(&["instances"]),
        ),
        Row::new("components five thousand deep", nested(5_000), refused(&["exports no"])),
        Row::new(
            "a filter with components a thousand deep",
            appended(&good, COMPONENT, &nested(1_000)),
            Expected::Decides("null", Outcome::Delivered),
        ),
        Row::new(
            "a filter with components five thousand deep",
            appended(&good, COMPONENT, &nested(5_000)),
            Expected::Bounded,
        ),
        Row::new("a thousand components", beside_each_other(1_000), refused(&["exports no"])),
        Row::new("a million components", beside_each_other(1_000_000), refused(&["components", "at byte"])),
        Row::new(
            "a start function that never returns",
            with("(func $s (loop (br 0))) (start $s)"),
            refused(&["`describe` failed (fuel)"]),
        ),
        Row::new(
            "a start function that traps",
            with("(func $s unreachable) (start $s)"),
            refused(&["`describe` failed (trap)"]),
        ),
        Row::new(
            "a start function that calls itself",
            with("(func $s (call $s)) (start $s)"),
            refused(&["`describe` failed (stack-overflow)"]),
        ),
        Row::new(
            "a start function that takes memory",
            with(
                "(func $s (loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable) (start $s)",
            ),
            refused(&["`describe` failed (memory-limit)"]),
        ),
    ]
}

/// The text format cannot say it.
fn with_memory_of_pages(pages: usize) -> Vec<u8> {
    let limits = [vec![1, 0], leb128(pages)].concat();
    section(b"\0asm\x01\0\0\0", 5, &limits)
}

fn exports(count: usize) -> Vec<u8> {
    let mut extra = String::from("(func $f)");
    for number in 0..count {
        extra.push_str(&format!("(export \"{number:x}\" (func $f))"));
    }
    let text = format!("(module {MEMORY} {extra})");
    wat::parse_str(text).unwrap()
}

fn instances(count: usize) -> Vec<u8> {
    // Each instantiates the first module with nothing.
    [leb128(count), [0, 0, 0].repeat(count)].concat()
}

fn appended(component: &[u8], id: u8, contents: &[u8]) -> Vec<u8> {
    section(component, id, contents)
}

fn nested(depth: usize) -> Vec<u8> {
    (0..depth).fold(EMPTY_COMPONENT.to_vec(), |inside, _| section(EMPTY_COMPONENT, COMPONENT, &inside))
}

fn beside_each_other(count: usize) -> Vec<u8> {
    let one = section(&[], COMPONENT, EMPTY_COMPONENT);
    [EMPTY_COMPONENT, &one.repeat(count)].concat()
}

fn section(before: &[u8], id: u8, contents: &[u8]) -> Vec<u8> {
    [before, &[id], &leb128(contents.len()), contents].concat()
}
