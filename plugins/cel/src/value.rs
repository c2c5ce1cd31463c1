//! From an event's values to CEL's.
//!
//! Every number is a double, as CEL has it for JSON: a number would otherwise change its type with its value, and
//! arithmetic would fail from the first event on in which it is not whole.

use std::collections::HashMap;

use cel::common::types::{CelBool, CelDouble, CelNull, CelString};
use cel::common::value::CowVal;
use hooksieve_sdk::Value;
use serde_json::Value as Json;

/// The value as CEL sees it; `None` where there is none.
pub(crate) fn cel(value: &Value) -> Option<CowVal<'_, '_>> {
    Some(match value {
        // No pointer of an expression has a `*`.
        Value::Absent | Value::Many(_) => return None,
        Value::Null => CowVal::owned(CelNull),
        Value::Boolean(boolean) => CowVal::owned(CelBool::from(*boolean)),
        Value::Integer(integer) => CowVal::owned(CelDouble::from(*integer as f64)),
        Value::Float(float) => CowVal::owned(CelDouble::from(*float)),
        Value::Text(text) => CowVal::owned(CelString::from(text.as_str())),
        Value::Json(text) => {
            let json = serde_json::from_str(text).expect("the host sends JSON");
            CowVal::Owned(tree(json).try_into().expect("JSON has no value that CEL has not"))
        }
    })
}

fn tree(json: Json) -> cel::Value {
    match json {
        Json::Null => cel::Value::Null,
        Json::Bool(boolean) => boolean.into(),
        Json::Number(number) => number.as_f64().expect("every number of an event is a double").into(),
        Json::String(text) => text.into(),
        Json::Array(items) => items.into_iter().map(tree).collect::<Vec<_>>().into(),
        Json::Object(members) => {
            members.into_iter().map(|(key, value)| (key, tree(value))).collect::<HashMap<_, _>>().into()
        }
    }
}
