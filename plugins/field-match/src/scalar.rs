//! The plain values that conditions compare: from a rule, with each other, and for a reason.

use std::cmp::Ordering;

use hooksieve_sdk::Value;
use serde::{Deserialize, Deserializer};

use crate::condition::Refusal;

/// How much of a text a reason shows, in characters.
const SHOWN_CHARS: usize = 80;

/// Tells `"value": null` from no value.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

pub(crate) fn one(value: Option<Value>) -> Result<Value, Refusal> {
    match value {
        Some(Value::Many(_)) => Err(("value", "this operator takes one value, not a list".to_owned())),
        Some(value) => Ok(value),
        None => Err(("value", "this operator takes a value".to_owned())),
    }
}

pub(crate) fn list(value: Option<Value>) -> Result<Vec<Value>, Refusal> {
    match value {
        Some(Value::Many(scalars)) if !scalars.is_empty() => Ok(scalars.into_iter().map(Value::from).collect()),
        _ => Err(("value", "this operator takes a list of at least one value".to_owned())),
    }
}

pub(crate) fn ordered(value: Option<Value>) -> Result<Value, Refusal> {
    match one(value)? {
        Value::Null | Value::Boolean(_) => Err(("value", "only numbers and texts have an order".to_owned())),
        value => Ok(value),
    }
}

pub(crate) fn text(value: Option<Value>) -> Result<String, Refusal> {
    match one(value)? {
        Value::Text(text) => Ok(text),
        _ => Err(("value", "this operator takes a text".to_owned())),
    }
}

/// How two texts or two numbers compare; `None` for anything else.
pub(crate) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Integer(left), Value::Integer(right)) => Some(left.cmp(right)),
        _ => number(left)?.partial_cmp(&number(right)?),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(integer) => Some(*integer as f64),
        Value::Float(float) => Some(*float),
        _ => None,
    }
}

pub(crate) fn or_null(value: &Value) -> &Value {
    if *value == Value::Absent { &Value::Null } else { value }
}

/// The value for a reason, cut where it is long.
pub(crate) fn show(value: &Value) -> String {
    match value {
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Integer(integer) => integer.to_string(),
        Value::Float(float) => float.to_string(),
        Value::Text(text) => match text.char_indices().nth(SHOWN_CHARS) {
            Some((end, _)) => format!("\"{}…\"", &text[..end]),
            None => format!("\"{text}\""),
        },
        Value::Many(values) => format!("{} values", values.len()),
        other => other.kind().to_owned(),
    }
}
