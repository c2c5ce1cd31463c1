//! What is left out of a field before its two sides are compared.

use hooksieve_sdk::{RecordPointer, Value};
use serde_json::Value as Json;

/// The paths inside one field that do not count, each as its segments.
pub(crate) struct Ignored(Vec<Vec<String>>);

impl Ignored {
    /// Those of the pointers that lead into this field (a pointer into the record, empty for all of it).
    pub(crate) fn inside(ignored: &[RecordPointer], field: &str) -> Self {
        let segment = |text: &str| text.replace("~1", "/").replace("~0", "~");
        let inside = ignored.iter().filter(|pointer| Self::is_inside(pointer, field));
        let rest = inside.map(|pointer| &pointer.as_str()[field.len() + 1..]);
        // What a `*` in the field selects comes as one array.
        let each = field.split('/').find(|segment| *segment == "*");
        Self(rest.map(|rest| each.into_iter().chain(rest.split('/')).map(segment).collect()).collect())
    }

    /// Whether a pointer leads into a field.
    pub(crate) fn is_inside(pointer: &RecordPointer, field: &str) -> bool {
        pointer.as_str().strip_prefix(field).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether the two sides of the field differ. Absent and `null` are the same.
    pub(crate) fn differ(&self, previous: &Value, current: &Value) -> bool {
        let is_empty = |value: &Value| matches!(value, Value::Absent | Value::Null);
        match (previous, current) {
            (Value::Json(previous), Value::Json(current)) if !self.0.is_empty() && previous != current => {
                self.rest(previous) != self.rest(current)
            }
            _ => previous != current && !(is_empty(previous) && is_empty(current)),
        }
    }

    /// What counts of an array or object; `None` if it cannot be read, which the host's JSON always can.
    fn rest(&self, text: &str) -> Option<Json> {
        let mut json = serde_json::from_str(text).ok()?;
        for path in &self.0 {
            remove(&mut json, path);
        }
        Some(json)
    }
}

fn remove(json: &mut Json, path: &[String]) {
    match (json, path) {
        (Json::Object(members), [last]) => drop(members.remove(last)),
        (Json::Object(members), [first, rest @ ..]) => {
            if let Some(inner) = members.get_mut(first) {
                remove(inner, rest);
            }
        }
        (Json::Array(items), [first, rest @ ..]) if first == "*" => {
            items.iter_mut().for_each(|item| remove(item, rest))
        }
        _ => {}
    }
}
