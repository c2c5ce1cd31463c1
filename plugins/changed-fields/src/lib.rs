//! Delivers an event when one of the configured fields has changed: `{"fields": ["/title", "/todoList/title"]}`.
//!
//! The pointers begin inside the record. Absent and `null` are the same, so a field that a new record leaves
//! empty has not changed. Arrays and objects are compared whole.

use hooksieve_sdk::{About, ConfigError, Pointer, RecordPointer, Sieve, Value, Verdict, about};
use hooksieve_sdk::{deliver, export, skip};
use serde::Deserialize;

/// How many of the fields a reason names.
const NAMED: usize = 5;

const SCHEMA: &str = r#"{"type":"object","required":["fields"],"additionalProperties":false,"properties":{"fields":{"type":"array","minItems":1,"items":{"type":"string","format":"json-pointer"}}}}"#;

/// The webhook's configuration.
#[derive(Deserialize)]
pub struct Config {
    fields: Vec<RecordPointer>,
}

/// The filter.
pub struct ChangedFields {
    unchanged: String,
}

impl Sieve for ChangedFields {
    type Config = Config;

    fn about() -> About {
        let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        about(name, version, env!("CARGO_PKG_DESCRIPTION"), Some(SCHEMA))
    }

    fn configure(Config { fields }: Config) -> Result<(Self, Vec<Pointer>), ConfigError> {
        if fields.is_empty() {
            return Err(ConfigError::new("/fields", "a list of at least one field is expected"));
        }
        let pointers = fields.iter().flat_map(|field| [field.previous(), field.current()]).collect();
        let named: Vec<&str> = fields.iter().take(NAMED).map(RecordPointer::as_str).collect();
        let more = if fields.len() > NAMED { ", …" } else { "" };
        Ok((Self { unchanged: format!("no change in {}{more}", named.join(", ")) }, pointers))
    }

    fn decide(&self, values: Vec<Value>) -> Verdict {
        let is_empty = |value: &Value| matches!(value, Value::Absent | Value::Null);
        let is_changed =
            values.chunks_exact(2).any(|sides| sides[0] != sides[1] && !(is_empty(&sides[0]) && is_empty(&sides[1])));
        if is_changed { deliver() } else { skip(self.unchanged.as_str()) }
    }
}

export!(ChangedFields);
