//! Modules that are filters by their types, and misbehave when they run.

use hooksieve::wire::{Outcome, ReasonClass};

use super::{Expected, Row};
use crate::guests::{HOSTILE, HandWritten, MEMORY, SAID};

/// Never ends.
const LOOP: &str = "(loop (br 0))";
/// Bytes that no text begins with.
const NO_UTF8: &str = "(data (i32.const 4096) \"\\ff\\fe\")";

pub fn rows() -> Vec<Row> {
    let mut rows = describing();
    rows.extend(configuring());
    rows.extend(compiled());
    rows.extend(trapping());
    rows.extend(answering());
    rows
}

/// A text at 4096, of which it is said that it has so many bytes.
fn text_of(length: u32, offset: u32) -> String {
    format!(
        "(i32.store offset={offset} (i32.const {SAID}) (i32.const 4096)) (i32.store offset={} (i32.const {SAID}) (i32.const {length}))",
        offset + 4
    )
}

fn describing() -> Vec<Row> {
    let refused = Expected::Refused;
    let describe =
        |body: &str, extra: &str| HandWritten { describe: body.to_owned(), ..HandWritten::with(extra) }.module();
    let schema = format!("(i32.store8 offset=24 (i32.const {SAID}) (i32.const 1)) {}", text_of(3, 28));
    vec![
        Row::new("`describe` never returns", describe(LOOP, ""), refused(&["`describe` failed (fuel)"])),
        Row::new("`describe` traps", describe("unreachable", ""), refused(&["`describe` failed (trap)"])),
        Row::new(
            "a name of 201 characters",
            describe(&text_of(201, 0), ""),
            refused(&["its `name` has 201 characters"]),
        ),
        Row::new("a name with a null", describe(&text_of(1, 0), ""), refused(&["its `name` has a control character"])),
        Row::new(
            "a name that is no UTF-8",
            describe(&text_of(2, 0), NO_UTF8),
            refused(&["`describe` failed (bad-result)", "utf-8"]),
        ),
        Row::new(
            "a name outside memory",
            describe(&text_of(1 << 30, 0), ""),
            refused(&["`describe` failed (bad-result)", "out of bounds"]),
        ),
        Row::new(
            "a version of 65 characters",
            describe(&text_of(65, 8), ""),
            refused(&["its `version` has 65 characters"]),
        ),
        Row::new(
            "a description of 100 000 bytes",
            describe(&text_of(100_000, 16), ""),
            refused(&["its `description` has 100000 characters"]),
        ),
        Row::new(
            "a description of 30 MiB",
            HandWritten {
                describe: text_of(30 << 20, 16),
                extra: "(memory (export \"memory\") 512)".to_owned(),
                ..HandWritten::default()
            }
            .module(),
            refused(&["`describe` failed (bad-result)"]),
        ),
        Row::new(
            "a schema that is no JSON",
            describe(&schema, ""),
            refused(&["its `config-schema` cannot be used: it is not JSON"]),
        ),
        Row::new(
            "neither a schema nor none",
            describe(&format!("(i32.store8 offset=24 (i32.const {SAID}) (i32.const 7))"), ""),
            refused(&["`describe` failed (bad-result)"]),
        ),
    ]
}

fn configuring() -> Vec<Row> {
    let unconfigured = |told| Expected::Unconfigured("null", told);
    let configure =
        |body: &str, extra: &str| HandWritten { configure: body.to_owned(), ..HandWritten::with(extra) }.module();
    let refusing = |length| format!("(i32.store8 (i32.const {SAID}) (i32.const 1)) {}", text_of(length, 4));
    let field = "(data (i32.const 4096) \"\\00\\20\\00\\00\\0c\\00\\00\\00\") (data (i32.const 8192) \"/currentvalu\")";
    let realloc = |body: &str| HandWritten { realloc: body.to_owned(), ..HandWritten::default() }.module();
    vec![
        Row::new("`configure` never returns", configure(LOOP, ""), unconfigured(&["`configure` failed (fuel)"])),
        Row::new("`configure` traps", configure("unreachable", ""), unconfigured(&["`configure` failed (trap)"])),
        Row::new(
            "`configure` of a compiled filter never returns",
            HOSTILE.to_vec(),
            Expected::Unconfigured(r#"{"do":"configure-loop"}"#, &["`configure` failed (fuel)"]),
        ),
        Row::new("65 fields", configure(&text_of(65, 4), ""), unconfigured(&["a filter declares at most 64 fields"])),
        Row::new(
            "a thousand fields",
            configure(&text_of(1_000, 4), ""),
            unconfigured(&["a filter declares at most 64 fields"]),
        ),
        Row::new(
            "a billion fields",
            configure(&text_of(1 << 30, 4), ""),
            unconfigured(&["`configure` failed (bad-result)"]),
        ),
        Row::new(
            "a field that no event has",
            configure(&text_of(1, 4), field),
            unconfigured(&["declares the field `/currentvalu`"]),
        ),
        Row::new(
            "a refusal of 100 000 bytes",
            configure(&refusing(100_000), ""),
            unconfigured(&["refuses its configuration"]),
        ),
        Row::new(
            "a refusal that is no UTF-8",
            configure(&refusing(2), NO_UTF8),
            unconfigured(&["`configure` failed (bad-result)"]),
        ),
        Row::new("an allocator that never returns", realloc(LOOP), unconfigured(&["`configure` failed (fuel)"])),
        Row::new("an allocator that traps", realloc("unreachable"), unconfigured(&["`configure` failed (trap)"])),
        Row::new(
            "an allocator of what is not there",
            realloc("(return (i32.const -16))"),
            unconfigured(&["`configure` failed (bad-result)", "beyond end of memory"]),
        ),
    ]
}

fn compiled() -> Vec<Row> {
    [
        ("loop", Expected::Fails(r#"{"do":"loop"}"#, ReasonClass::Fuel)),
        ("alloc", Expected::Fails(r#"{"do":"alloc"}"#, ReasonClass::MemoryLimit)),
        ("recurse", Expected::Fails(r#"{"do":"recurse"}"#, ReasonClass::StackOverflow)),
        ("recurse-with-frames", Expected::Fails(r#"{"do":"recurse-with-frames"}"#, ReasonClass::Trap)),
        ("panic", Expected::Fails(r#"{"do":"panic"}"#, ReasonClass::Trap)),
        ("trap", Expected::Fails(r#"{"do":"trap"}"#, ReasonClass::Trap)),
        ("huge-reason", Expected::Fails(r#"{"do":"huge-reason"}"#, ReasonClass::BadResult)),
        ("error", Expected::Fails(r#"{"do":"error"}"#, ReasonClass::Error)),
        ("count", Expected::Decides(r#"{"do":"count"}"#, Outcome::Filtered)),
    ]
    .map(|(deed, expected)| Row::new(format!("a compiled filter: {deed}"), HOSTILE.to_vec(), expected))
    .into()
}

fn trapping() -> Vec<Row> {
    let deciding = |body: &str, extra: &str| HandWritten::deciding(body, extra).module();
    let fails = |class| Expected::Fails("null", class);
    let table = "(type $f (func)) (type $g (func (result i32))) (table 2 funcref) (func $g (result i32) (i32.const 0)) (elem (i32.const 0) $g)";
    let mut rows: Vec<_> = [
        ("unreachable", "unreachable", ""),
        ("a division by zero", "(drop (i32.div_u (i32.const 1) (i32.const 0)))", ""),
        ("a quotient that does not fit", "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", ""),
        ("a number that is no integer", "(drop (i32.trunc_f64_s (f64.const nan)))", ""),
        ("a load outside memory", "(drop (i32.load (i32.const -1)))", ""),
        ("a store far outside memory", "(i64.store offset=0xfffffff0 (i32.const -1) (i64.const 0))", ""),
        ("a fill outside memory", "(memory.fill (i32.const 131000) (i32.const 1) (i32.const 100))", ""),
        ("a call outside a table", "(call_indirect (type $f) (i32.const 9))", table),
        ("a call of nothing", "(call_indirect (type $f) (i32.const 1))", table),
        ("a call of another type", "(call_indirect (type $f) (i32.const 0))", table),
    ]
    .map(|(name, body, extra)| Row::new(format!("a trap: {name}"), deciding(body, extra), fails(ReasonClass::Trap)))
    .into();
    let calls = "(func $down (param i64) (result i64) (i64.add (call $down (local.get 0)) (i64.const 1)))";
    let wide = format!("(func $wide (param {0}) (call $wide {1}))", "i64 ".repeat(500), "(i64.const 1)".repeat(500));
    rows.extend([
        Row::new("`decide` never returns", deciding(LOOP, ""), fails(ReasonClass::Fuel)),
        Row::new("calls without end", deciding("(drop (call $down (i64.const 0)))", calls), fails(ReasonClass::StackOverflow)),
        Row::new("wide calls without end", deciding(&format!("(call $wide {})", "(i64.const 1)".repeat(500)), &wide), fails(ReasonClass::StackOverflow)),
        Row::new(
            "all memory, then a trap",
            deciding("(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable", ""),
            fails(ReasonClass::MemoryLimit),
        ),
        Row::new(
            "all memory, written, and an answer",
            deciding(
                "(local $at i32) (drop (memory.grow (i32.const 510))) (local.set $at (i32.const 65536))
                (loop
                    (i32.store (local.get $at) (i32.const 7))
                    (local.set $at (i32.add (local.get $at) (i32.const 4096)))
                    (br_if 0 (i32.lt_u (local.get $at) (i32.const 0x2000000))))",
                "",
            ),
            Expected::Decides("null", Outcome::Delivered),
        ),
        Row::new(
            "a table that grows for ever",
            deciding("(loop (br_if 0 (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1)))) unreachable", "(table $t 0 funcref)"),
            fails(ReasonClass::Trap),
        ),
        Row::new(
            "the same memory filled for ever",
            deciding("(drop (memory.grow (i32.const 500))) (loop (memory.fill (i32.const 65536) (i32.const 7) (i32.const 0x1e00000)) (br 0))", ""),
            fails(ReasonClass::Fuel),
        ),
        Row::new(
            "a table filled for ever",
            deciding("(loop (table.fill $t (i32.const 0) (ref.null func) (i32.const 20000)) (br 0))", "(table $t 20000 funcref)"),
            fails(ReasonClass::Fuel),
        ),
    ]);
    rows
}

fn answering() -> Vec<Row> {
    let bad = Expected::Fails("null", ReasonClass::BadResult);
    let post = |body: &str| {
        HandWritten::with(&format!(
            "(func (export \"cabi_post_hooksieve:filter/sieve@0.1.0#decide\") (param i32) {body})"
        ))
        .module()
    };
    let broken = |guest: HandWritten| guest.module();
    vec![
        Row::new("no verdict", broken(HandWritten { count: 0, ..HandWritten::default() }), bad),
        Row::new("two verdicts", broken(HandWritten { count: 2, ..HandWritten::default() }), bad),
        Row::new("a billion verdicts", broken(HandWritten { count: 1 << 30, ..HandWritten::default() }), bad),
        Row::new("a verdict outside memory", broken(HandWritten { at: 131_068, ..HandWritten::default() }), bad),
        Row::new("a verdict that is not aligned", broken(HandWritten { at: 3_073, ..HandWritten::default() }), bad),
        Row::new(
            "a verdict that there is not",
            broken(HandWritten::deciding("(i32.store8 (i32.const 3072) (i32.const 9))", "")),
            bad,
        ),
        Row::new("a reason outside memory", broken(HandWritten::skipping_with("no", 1 << 30)), bad),
        Row::new("a reason that is no UTF-8", broken(HandWritten::skipping_with("\\ff\\fe", 2)), bad),
        Row::new("a reason of 4097 bytes", broken(HandWritten::skipping_with("long", 4_097)), bad),
        Row::new(
            "a reason of nulls",
            broken(HandWritten::skipping_with("\\00\\00", 2)),
            Expected::Decides("null", Outcome::Filtered),
        ),
        Row::new("what frees the answer never returns", post(LOOP), Expected::Fails("null", ReasonClass::Fuel)),
        Row::new("what frees the answer traps", post("unreachable"), Expected::Fails("null", ReasonClass::Trap)),
        Row::new(
            "memory that is not the one exported",
            HandWritten { extra: MEMORY.replace(" 2)", " 0)"), ..HandWritten::default() }.module(),
            Expected::Refused(&["`describe` failed (bad-result)", "out of bounds"]),
        ),
    ]
}
