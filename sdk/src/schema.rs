//! The JSON Schema of a configuration, put together while the filter compiles.
//!
//! A schema that is made when somebody asks for it, as `schemars` does, takes serde_json into the module. Here each
//! type says the parts of its schema as constants, and a filter's whole schema is one more constant: the module grows
//! by the text itself.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::{Pointer, RecordPointer, Scalar, Value};

/// Bytes of a schema that a host takes.
const BYTES_MAX: usize = 16 << 10;

/// A type whose JSON Schema (draft 2020-12) is known when the filter compiles; derive it.
///
/// The derive reads what serde reads: names and `rename_all`, `default`, `Option`, `Vec`, maps, nested structs and enums
/// of plain names. Doc comments become descriptions. What it cannot tell exactly, it refuses. Implement it by hand for
/// a type that says more than its Rust type does:
///
/// ```
/// use hooksieve_sdk::{Part, Schema, schema};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Day(String);
///
/// impl Schema for Day {
///     const MEMBERS: &'static [Part] = &[Part::Text(r#""type":"string","format":"date""#)];
/// }
///
/// #[derive(Deserialize, Schema)]
/// struct Config {
///     /// The first day.
///     since: Day,
/// }
///
/// assert!(schema!(Config).contains(r#""since":{"description":"The first day.","type":"string","format":"date"}"#));
/// ```
#[diagnostic::on_unimplemented(
    message = "the JSON Schema of `{Self}` is not known",
    note = "write `#[derive(Deserialize, Schema)]` on the type, if it is yours; for any other, give the whole schema \
            by hand: `#[filter(config_schema = r#\"{{…}}\"#)]`"
)]
pub trait Schema {
    /// The members of the schema as JSON text, without the braces around them; at least one.
    const MEMBERS: &'static [Part];
    /// The member `description` and the comma behind it, or nothing.
    const DESCRIPTION: &'static [Part] = &[];
}

/// A part of a schema's text.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// Text as it is.
    Text(&'static str),
    /// The parts of another type.
    Parts(&'static [Part]),
}

/// The JSON Schema of a type that implements [`Schema`], a `&'static str`. `#[filter]` says it by itself; whoever
/// implements [`Sieve`](crate::Sieve) hands it to [`about`](crate::about()).
#[macro_export]
macro_rules! schema {
    ($config:ty) => {{
        const PARTS: &[$crate::Part] = &[
            $crate::Part::Text("{"),
            $crate::Part::Parts(<$config as $crate::Schema>::DESCRIPTION),
            $crate::Part::Parts(<$config as $crate::Schema>::MEMBERS),
            $crate::Part::Text("}"),
        ];
        const BYTES: [u8; $crate::schema::length(PARTS)] = $crate::schema::join(PARTS);
        const TEXT: &str = $crate::schema::text(&BYTES);
        TEXT
    }};
}

/// How many bytes the parts have.
#[must_use]
pub const fn length(parts: &[Part]) -> usize {
    let (mut bytes, mut at) = (0, 0);
    while at < parts.len() {
        bytes += match parts[at] {
            Part::Text(text) => text.len(),
            Part::Parts(parts) => length(parts),
        };
        at += 1;
    }
    bytes
}

/// The parts, one after the other. `LENGTH` is their [`length`].
#[must_use]
pub const fn join<const LENGTH: usize>(parts: &[Part]) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    write(parts, &mut bytes, 0);
    bytes
}

/// Writes the parts from `end` on and answers with where they end.
const fn write(parts: &[Part], bytes: &mut [u8], mut end: usize) -> usize {
    let mut at = 0;
    while at < parts.len() {
        end = match parts[at] {
            Part::Text(text) => {
                bytes.split_at_mut(end).1.split_at_mut(text.len()).0.copy_from_slice(text.as_bytes());
                end + text.len()
            }
            Part::Parts(parts) => write(parts, bytes, end),
        };
        at += 1;
    }
    end
}

/// The bytes as the text that they are made of.
///
/// # Panics
///
/// If they are more than a host takes; while the filter compiles.
#[must_use]
pub const fn text(bytes: &'static [u8]) -> &'static str {
    assert!(
        bytes.len() <= BYTES_MAX,
        "the configuration's JSON Schema has more than the 16 KiB that a host takes: shorten its doc comments"
    );
    match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("texts one after the other are a text"),
    }
}

macro_rules! plain {
    ($($plain:ty => $members:literal,)*) => {$(
        impl Schema for $plain {
            const MEMBERS: &'static [Part] = &[Part::Text($members)];
        }
    )*};
}

plain! {
    bool => r#""type":"boolean""#,
    i8 => r#""type":"integer","minimum":-128,"maximum":127"#,
    i16 => r#""type":"integer","minimum":-32768,"maximum":32767"#,
    i32 => r#""type":"integer","minimum":-2147483648,"maximum":2147483647"#,
    i64 => r#""type":"integer""#,
    u8 => r#""type":"integer","minimum":0,"maximum":255"#,
    u16 => r#""type":"integer","minimum":0,"maximum":65535"#,
    u32 => r#""type":"integer","minimum":0,"maximum":4294967295"#,
    u64 => r#""type":"integer","minimum":0"#,
    f32 => r#""type":"number""#,
    f64 => r#""type":"number""#,
    char => r#""type":"string","minLength":1,"maxLength":1"#,
    String => r#""type":"string""#,
    Pointer => r#""type":"string","format":"json-pointer""#,
    RecordPointer => r#""type":"string","format":"json-pointer""#,
    Scalar => r#""type":["string","number","boolean","null"]"#,
    Value => r#""type":["string","number","boolean","null","array"],"items":{"type":["string","number","boolean","null"]}"#,
    serde_json::Value => r#""type":["string","number","boolean","null","array","object"]"#,
}

macro_rules! around {
    ($(($($generics:tt)*) $outer:ty: $before:literal $inner:ty, $after:literal;)*) => {$(
        impl<$($generics)*> Schema for $outer {
            const MEMBERS: &'static [Part] = &[
                Part::Text($before),
                Part::Parts(<$inner as Schema>::DESCRIPTION),
                Part::Parts(<$inner as Schema>::MEMBERS),
                Part::Text($after),
            ];
        }
    )*};
}

around! {
    (T: Schema) Option<T>: r#""anyOf":[{"# T, r#"},{"type":"null"}]"#;
    (T: Schema) Vec<T>: r#""type":"array","items":{"# T, "}";
    (T: Schema) BTreeSet<T>: r#""type":"array","items":{"# T, "}";
    (T: Schema, S) HashSet<T, S>: r#""type":"array","items":{"# T, "}";
    (T: Schema) BTreeMap<String, T>: r#""type":"object","additionalProperties":{"# T, "}";
    (T: Schema, S) HashMap<String, T, S>: r#""type":"object","additionalProperties":{"# T, "}";
}

impl<T: Schema> Schema for Box<T> {
    const MEMBERS: &'static [Part] = T::MEMBERS;
    const DESCRIPTION: &'static [Part] = T::DESCRIPTION;
}
