//! The plain values that conditions compare: from a rule, with each other, and for a reason.

use std::cmp::Ordering;

use hooksieve_sdk::Value;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use crate::condition::Refusal;

/// How much of a value a reason shows, in characters.
const SHOWN_CHARS: usize = 80;

/// Tells `"value": null` from no value.
pub(crate) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

pub(crate) fn scalar(value: Option<Json>) -> Result<Value, Refusal> {
    match value {
        Some(Json::Null) => Ok(Value::Null),
        Some(Json::Bool(boolean)) => Ok(Value::Boolean(boolean)),
        Some(Json::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Ok(Value::Integer(integer)),
            (None, Some(float)) => Ok(Value::Float(float)),
            (None, None) => Err(("value", "the number is too large")),
        },
        Some(Json::String(text)) => Ok(Value::Text(text)),
        Some(Json::Array(_) | Json::Object(_)) => Err((
            "value",
            "only texts, numbers, booleans and null can be compared",
        )),
        None => Err(("value", "this operator takes a value")),
    }
}

pub(crate) fn scalars(value: Option<Json>) -> Result<Vec<Value>, Refusal> {
    match value {
        Some(Json::Array(values)) if !values.is_empty() => values
            .into_iter()
            .map(|value| scalar(Some(value)))
            .collect(),
        _ => Err(("value", "this operator takes a list of at least one value")),
    }
}

pub(crate) fn ordered(value: Option<Json>) -> Result<Value, Refusal> {
    match scalar(value)? {
        Value::Null | Value::Boolean(_) => Err(("value", "only numbers and texts have an order")),
        value => Ok(value),
    }
}

pub(crate) fn text(value: Option<Json>) -> Result<Value, Refusal> {
    match scalar(value)? {
        Value::Text(text) => Ok(Value::Text(text)),
        _ => Err((
            "value",
            "this operator takes a text, unless the pointer has a `*` and it is contains",
        )),
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
    if *value == Value::Absent {
        &Value::Null
    } else {
        value
    }
}

/// The value for a reason, cut where it is long.
pub(crate) fn show(value: &Value) -> String {
    match value {
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Integer(integer) => integer.to_string(),
        Value::Float(float) => float.to_string(),
        Value::Text(text) => cut(&format!("\"{text}\"")),
        Value::Many(values) => format!("{} values", values.len()),
        other => other.kind().to_owned(),
    }
}

pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
