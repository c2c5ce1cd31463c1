//! Modules of another world: what they import, export and say of themselves.

use hooksieve::wire::Outcome;

use super::{Expected, Row};
use crate::guests::{DONE_RECORDS, HandWritten, MEMORY, WIT, component_of, in_world};

/// The exports of a filter, but for their bodies.
const EXPORTS: [&str; 3] = [
    "#describe\") (result i32) unreachable)",
    "#configure\") (param i32 i32) (result i32) unreachable)",
    "#decide\") (param i32 i32) (result i32) unreachable)",
];
const SIEVE: &str = "hooksieve:filter/sieve@0.1.0";

pub fn rows() -> Vec<Row> {
    let mut rows = importing();
    rows.extend(exporting());
    rows.extend(of_another_interface());
    rows
}

fn importing() -> Vec<Row> {
    let refused = Expected::Refused;
    let module = |imports: &str| wat::parse_str(format!("(module {imports} {MEMORY})")).unwrap();
    let component = |imports: &str| wat::parse_str(format!("(component {imports})")).unwrap();
    let preview1 = ["fd_write", "clock_time_get", "random_get", "path_open", "proc_exit"]
        .map(|name| format!("(import \"wasi_snapshot_preview1\" \"{name}\" (func))"));
    let preview2 = [
        "wasi:clocks/wall-clock@0.2.0",
        "wasi:sockets/tcp@0.2.0",
        "wasi:filesystem/types@0.2.0",
        "wasi:random/random@0.2.0",
    ]
    .map(|name| format!("(import \"{name}\" (instance))"));
    let many: String = (0..10_000).map(|number| format!("(import \"env\" \"f{number}\" (func))")).collect();
    let in_our_world = HandWritten::default().module();
    let imported_and_called = in_world(
        &WIT.replace("export sieve;", "import clock: func() -> u64; export sieve;"),
        &text(SIEVE, "(import \"$root\" \"clock\" (func (result i64)))", &EXPORTS),
    );
    vec![
        Row::new(
            "a clock from `env`",
            module("(import \"env\" \"now\" (func (result i64)))"),
            refused(&["imports `env#now`"]),
        ),
        Row::new(
            "memory and a table from `env`",
            module("(import \"env\" \"table\" (table 1 funcref)) (import \"env\" \"limit\" (global i32))"),
            refused(&["`env#table`, `env#limit`"]),
        ),
        Row::new(
            "the first WASI",
            module(&preview1.concat()),
            refused(&[
                "`wasi_snapshot_preview1#fd_write`",
                "`wasi_snapshot_preview1#clock_time_get`",
                "`wasi_snapshot_preview1#random_get`",
                "`wasi_snapshot_preview1#path_open`",
                "`wasi_snapshot_preview1#proc_exit`",
            ]),
        ),
        Row::new(
            "the second WASI",
            component(&preview2.concat()),
            refused(&[
                "`wasi:clocks/wall-clock@0.2.0`",
                "`wasi:sockets/tcp@0.2.0`",
                "`wasi:filesystem/types@0.2.0`",
                "`wasi:random/random@0.2.0`",
            ]),
        ),
        Row::new("a function of a component", component("(import \"log\" (func))"), refused(&["imports `log`"])),
        Row::new("ten thousand functions", module(&many), refused(&["`env#f0`", "`env#f19`", "`9980 more`"])),
        Row::new(
            "a name of a million bytes",
            module(&format!("(import \"env\" \"{}\" (func))", "n".repeat(100_000))),
            refused(&["imports `env#nnn"]),
        ),
        Row::new("a function of its own world", imported_and_called, refused(&["imports `$root#clock`"])),
        Row::new("the good one beside them", in_our_world, Expected::Decides("null", Outcome::Delivered)),
    ]
}

fn exporting() -> Vec<Row> {
    let refused = Expected::Refused;
    let component = |text: &str| wat::parse_str(text).unwrap();
    let lacking = |missing: usize| {
        let present: Vec<_> = (0..3).filter(|&export| export != missing).map(|export| EXPORTS[export]).collect();
        in_world(WIT, &text(SIEVE, "", &present))
    };
    let of_other_type = EXPORTS.map(|export| export.replace("#decide\") (param i32 i32)", "#decide\") (param i64)"));
    vec![
        Row::new(
            "a module without a world",
            component("(module)"),
            refused(&["no `component-type` section", "hooksieve-sdk"]),
        ),
        Row::new("a component without exports", component("(component)"), refused(&["its exports are none"])),
        Row::new(
            "a command",
            component("(component (instance $i) (export \"wasi:cli/run@0.2.0\" (instance $i)))"),
            refused(&["its exports are `wasi:cli/run@0.2.0`"]),
        ),
        Row::new("a filter without `describe`", lacking(0), refused(&["does not fit its WIT world", "describe"])),
        Row::new("a filter without `configure`", lacking(1), refused(&["does not fit its WIT world", "configure"])),
        Row::new("a filter without `decide`", lacking(2), refused(&["does not fit its WIT world", "decide"])),
        Row::new(
            "`decide` of another core type",
            in_world(WIT, &text(SIEVE, "", &of_other_type.each_ref().map(String::as_str))),
            refused(&["does not fit its WIT world", "decide"]),
        ),
        Row::new(
            "an interface of nothing",
            component(&format!("(component (instance $i) (export \"{SIEVE}\" (instance $i)))")),
            refused(&["has other types than version 0.1.0"]),
        ),
        Row::new(
            "a component that is a filter",
            component_of(&HandWritten::default().module()),
            Expected::Decides("null", Outcome::Delivered),
        ),
    ]
}

fn of_another_interface() -> Vec<Row> {
    let other_types = Expected::Refused(&["other types than version 0.1.0"]);
    let mut rows: Vec<_> = [
        ("0.2.0", &["sieve@0.2.0", "runs version 0.1.0"]),
        ("1.0.0", &["sieve@1.0.0", "runs version 0.1.0"]),
        ("0.0.9", &["sieve@0.0.9", "runs version 0.1.0"]),
    ]
    .map(|(version, told): (&str, &'static [&'static str; 2])| {
        let wit = WIT.replace("filter@0.1.0", &format!("filter@{version}"));
        let module = in_world(&wit, &text(&format!("hooksieve:filter/sieve@{version}"), "", &EXPORTS));
        Row::new(format!("version {version} of the interface"), module, Expected::Refused(told))
    })
    .into();
    for (name, from, to) in [
        (
            "one more verdict",
            "error(string),\n  }\n\n  /// What the filter says of itself",
            "error(string),\n retry,\n  }\n\n  /// What the filter says of itself",
        ),
        ("another payload of a verdict", "skip(option<string>)", "skip(option<list<u8>>)"),
        ("one member more of `about`", "description: string,", "description: string,\n author: string,"),
        ("another argument of `configure`", "func(config: string)", "func(config: list<u8>)"),
        ("a field that is a number", "pointer: string,", "pointer: u64,"),
    ] {
        let wit = WIT.replacen(from, to, 1);
        assert_ne!(wit, WIT, "{name} changes nothing");
        rows.push(Row::new(
            format!("the right names, and {name}"),
            in_world(&wit, &text(SIEVE, "", &EXPORTS)),
            other_types,
        ));
    }
    // The compiler's process follows it until its stack ends; libFuzzer found it.
    rows.push(Row::new(
        "a world whose package needs itself in another version",
        of_two_versions(),
        Expected::Refused(&["cannot be compiled"]),
    ));
    rows
}

/// A filter whose world exports another version of the interface than it describes: one byte of its last description.
fn of_two_versions() -> Vec<u8> {
    let exported = b"\x1chooksieve:filter/sieve@";
    let mut module = DONE_RECORDS.to_vec();
    let version = module.windows(exported.len()).rposition(|window| window == exported).unwrap() + exported.len();
    assert_eq!(module[version], b'0');
    module[version] = b'1';
    module
}

/// A module with these exports of an interface.
fn text(interface: &str, extra: &str, exports: &[&str]) -> String {
    let exports: String = exports.iter().map(|export| format!("(func (export \"{interface}{export}")).collect();
    format!(
        "(module {extra} {MEMORY} (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) unreachable) {exports})"
    )
}
