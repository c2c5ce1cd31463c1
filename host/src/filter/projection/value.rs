//! What a filter gets to see of an event: the `scalar` and `value` of the WIT, in Rust.
//!
//! Values go to other threads, and one value to many filters; so what can be large is shared.

use std::sync::Arc;

/// One JSON scalar.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// JSON `null`.
    Null,
    /// JSON `true` or `false`.
    Boolean(bool),
    /// A number whose value is whole and fits 64 bits, however it is spelled.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A JSON string, unescaped.
    Text(Arc<str>),
}

/// What an event has at a declared pointer; `types.value` of the WIT says what each case means.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// The pointer leads nowhere.
    Absent,
    /// JSON `null`.
    Null,
    /// JSON `true` or `false`.
    Boolean(bool),
    /// A number whose value is whole and fits 64 bits, however it is spelled.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A JSON string, unescaped.
    Text(Arc<str>),
    /// What a pointer with a `*` segment selects, in document order, if all of it is scalar.
    Many(Arc<[Scalar]>),
    /// An array or object, or an array of all that a pointer with a `*` segment selects.
    Json(Arc<str>),
}

impl From<Scalar> for Value {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Null => Self::Null,
            Scalar::Boolean(boolean) => Self::Boolean(boolean),
            Scalar::Integer(integer) => Self::Integer(integer),
            Scalar::Float(float) => Self::Float(float),
            Scalar::Text(text) => Self::Text(text),
        }
    }
}

impl Value {
    /// Reads the canonical text of one value.
    pub(super) fn of(json: &str) -> Self {
        if is_container(json) {
            return Self::Json(json.into());
        }
        Scalar::of(json).map_or(Self::Absent, Self::from)
    }

    /// Reads the canonical texts of what a pointer with a `*` segment selects.
    pub(super) fn of_many(selected: &[&str]) -> Self {
        if selected.iter().any(|json| is_container(json)) {
            return Self::Json(format!("[{}]", selected.join(",")).into());
        }
        Self::Many(selected.iter().filter_map(|json| Scalar::of(json)).collect())
    }
}

fn is_container(json: &str) -> bool {
    json.starts_with(['{', '['])
}

impl Scalar {
    /// Reads the canonical text of a scalar; `None` if it is none.
    fn of(json: &str) -> Option<Self> {
        match json.as_bytes().first()? {
            b'"' => text(json).map(Self::Text),
            b'-' | b'0'..=b'9' => Self::number(json),
            _ => match json {
                "null" => Some(Self::Null),
                "true" => Some(Self::Boolean(true)),
                "false" => Some(Self::Boolean(false)),
                _ => None,
            },
        }
    }

    fn number(json: &str) -> Option<Self> {
        if let Ok(integer) = json.parse() {
            return Some(Self::Integer(integer));
        }
        let float: f64 = json.parse().ok()?;
        // As doubles: -2^63 is the smallest 64-bit integer, and 2^63 is the first that is too large.
        let fits = (i64::MIN as f64..-(i64::MIN as f64)).contains(&float);
        if fits && float.fract() == 0.0 {
            return Some(Self::Integer(float as i64));
        }
        float.is_finite().then_some(Self::Float(float))
    }
}

fn text(json: &str) -> Option<Arc<str>> {
    if json.contains('\\') {
        return serde_json::from_str::<String>(json).ok().map(Arc::from);
    }
    json.strip_prefix('"')?.strip_suffix('"').map(Arc::from)
}
