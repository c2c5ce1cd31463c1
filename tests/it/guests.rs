//! Filters to test with: compiled ones, and ones written by hand that no compiler would make.

use wasmparser::{Parser, Payload};
use wit_component::StringEncoding;
use wit_parser::Resolve;

/// Misbehaves as its configuration says: `{"do": "loop"}`.
pub const HOSTILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hostile_guest.wasm"));
/// Delivers an event whose record was just marked done.
pub const DONE_RECORDS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/done_records.wasm"));
/// Matches conditions of its configuration.
pub const FIELD_MATCH: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/field_match.wasm"));
/// Asks an expression, which is expensive to prepare.
pub const CEL: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cel_filter.wasm"));

/// The interface as it is released.
pub const WIT: &str = include_str!("../../wit/v0.1.0/filter.wit");
/// What a hand-written guest answers to `describe` and to `configure` lies here: a list of nothing, in zeroed memory.
pub const SAID: u32 = 1024;
/// What a hand-written guest answers to `decide` lies here, in zeroed memory: a list (pointer, length).
const ANSWER: u32 = 2048;
/// Where a hand-written guest may put its verdicts. Sixteen zero bytes are one `deliver`.
const VERDICTS: u32 = 3072;

/// A core module whose functions run WebAssembly text and then answer with what that left in memory: `describe` and
/// `configure` with what is at [`SAID`], `decide` (which runs `body`) with `count` verdicts at `at`. `extra` is put
/// into the module.
pub struct HandWritten {
    pub describe: String,
    pub configure: String,
    pub realloc: String,
    pub body: String,
    pub at: u32,
    pub count: u32,
    pub extra: String,
}

/// The memory of a hand-written guest.
pub const MEMORY: &str = "(memory (export \"memory\") 2)";

impl Default for HandWritten {
    fn default() -> Self {
        Self {
            describe: String::new(),
            configure: String::new(),
            realloc: String::new(),
            body: String::new(),
            at: VERDICTS,
            count: 1,
            extra: MEMORY.to_owned(),
        }
    }
}

impl HandWritten {
    /// Behaves, but for what is put into the module beside its memory.
    pub fn with(extra: &str) -> Self {
        Self { extra: format!("{MEMORY} {extra}"), ..Self::default() }
    }

    /// Does this when it decides.
    pub fn deciding(body: &str, extra: &str) -> Self {
        Self { body: body.to_owned(), ..Self::with(extra) }
    }

    /// Skips with the two bytes at `reason`, of which it says that they are `length` long.
    pub fn skipping_with(bytes: &str, length: u32) -> Self {
        let body = format!(
            "(i32.store8 (i32.const {VERDICTS}) (i32.const 1))
             (i32.store8 offset=4 (i32.const {VERDICTS}) (i32.const 1))
             (i32.store offset=8 (i32.const {VERDICTS}) (i32.const 4096))
             (i32.store offset=12 (i32.const {VERDICTS}) (i32.const {length}))"
        );
        Self::deciding(&body, &format!("(data (i32.const 4096) \"{bytes}\")"))
    }

    /// The module, with the world that the SDK writes.
    pub fn module(&self) -> Vec<u8> {
        let mut module = wat::parse_str(self.text()).unwrap();
        module.extend(world());
        module
    }

    fn text(&self) -> String {
        let Self { describe, configure, realloc, body, at, count, extra } = self;
        format!(
            r#"(module
                {extra}
                (global $free (mut i32) (i32.const 16384))
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                    {realloc}
                    (global.get $free)
                    (global.set $free (i32.and (i32.const -8)
                        (i32.add (i32.const 7) (i32.add (global.get $free) (local.get 3))))))
                (func (export "hooksieve:filter/sieve@0.1.0#describe") (result i32)
                    {describe}
                    (i32.const {SAID}))
                (func (export "hooksieve:filter/sieve@0.1.0#configure") (param i32 i32) (result i32)
                    {configure}
                    (i32.const {SAID}))
                (func (export "hooksieve:filter/sieve@0.1.0#decide") (param i32 i32) (result i32)
                    {body}
                    (i32.store (i32.const {ANSWER}) (i32.const {at}))
                    (i32.store offset=4 (i32.const {ANSWER}) (i32.const {count}))
                    (i32.const {ANSWER})))"#
        )
    }
}

/// A filter that is written in no language: it publishes this schema, takes every configuration and delivers all.
pub fn publishing(schema: &str) -> Vec<u8> {
    const SCHEMA: u32 = 4096;
    let bytes = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let lies_at = [bytes(SCHEMA as usize), bytes(schema.len())].concat();
    let escaped = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\{byte:02x}")).collect::<String>();
    // Three empty texts, then the schema. To `configure` the same bytes are a list without fields.
    let about = [vec![0; 24], vec![1, 0, 0, 0], lies_at].concat();
    let extra = format!(
        "(memory (export \"memory\") 2) (data (i32.const 1024) \"{}\") (data (i32.const {SCHEMA}) \"{}\")",
        escaped(&about),
        escaped(schema.as_bytes())
    );
    HandWritten { extra, ..HandWritten::default() }.module()
}

/// The custom sections in which a module built with the SDK carries its world.
fn world() -> Vec<u8> {
    let mut sections = Vec::new();
    for payload in Parser::new(0).parse_all(HOSTILE) {
        let Payload::CustomSection(section) = payload.unwrap() else { continue };
        if section.name().starts_with("component-type") {
            let contents = &HOSTILE[section.range()];
            sections.push(0);
            sections.extend(leb128(contents.len()));
            sections.extend(contents);
        }
    }
    sections
}

pub fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

/// A module of WebAssembly text that says that it is in the world `filter` of this WIT text.
pub fn in_world(wit: &str, text: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("filter.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("filter")).unwrap();
    let mut module = wat::parse_str(text).unwrap();
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    module
}

/// The component that a host makes of a module.
pub fn component_of(module: &[u8]) -> Vec<u8> {
    hooksieve::filter::validate::validate(module).unwrap().component.into_owned()
}

/// A module that takes a compiler long: so many functions that are not used.
pub fn slow_to_compile(functions: usize) -> Vec<u8> {
    let line = "(local.set 0 (i64.add (i64.mul (local.get 0) (i64.const 31)) (i64.rotl (local.get 0) (i64.const 7))))";
    let function = format!("(func (param i64) (result i64) {} (local.get 0))\n", line.repeat(40));
    HandWritten::with(&function.repeat(functions)).module()
}
