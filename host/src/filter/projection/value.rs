//! What a filter gets to see of an event: the `scalar` and `value` of the WIT, in Rust.

use std::borrow::Cow;

/// One JSON scalar.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar<'a> {
    /// JSON `null`.
    Null,
    /// JSON `true` or `false`.
    Boolean(bool),
    /// A number whose value is whole and fits 64 bits, however it is spelled.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A JSON string, unescaped.
    Text(Cow<'a, str>),
}

/// What an event has at a declared pointer; `types.value` of the WIT says what each case means.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
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
    Text(Cow<'a, str>),
    /// What a pointer with a `*` segment selects, in document order, if all of it is scalar.
    Many(Vec<Scalar<'a>>),
    /// An array or object, or an array of all that a pointer with a `*` segment selects.
    Json(Cow<'a, str>),
}

impl<'a> From<Scalar<'a>> for Value<'a> {
    fn from(scalar: Scalar<'a>) -> Self {
        match scalar {
            Scalar::Null => Self::Null,
            Scalar::Boolean(boolean) => Self::Boolean(boolean),
            Scalar::Integer(integer) => Self::Integer(integer),
            Scalar::Float(float) => Self::Float(float),
            Scalar::Text(text) => Self::Text(text),
        }
    }
}

impl<'a> Value<'a> {
    /// Reads the canonical text of one value.
    pub(super) fn of(json: &'a str) -> Self {
        if is_container(json) {
            return Self::Json(Cow::Borrowed(json));
        }
        Scalar::of(json).map_or(Self::Absent, Self::from)
    }

    /// Reads the canonical texts of what a pointer with a `*` segment selects.
    pub(super) fn of_many(selected: &[&'a str]) -> Self {
        if selected.iter().any(|json| is_container(json)) {
            return Self::Json(Cow::Owned(format!("[{}]", selected.join(","))));
        }
        Self::Many(
            selected
                .iter()
                .filter_map(|json| Scalar::of(json))
                .collect(),
        )
    }
}

impl Value<'_> {
    /// The same value, borrowing from no event.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Absent => Value::Absent,
            Self::Null => Value::Null,
            Self::Boolean(boolean) => Value::Boolean(boolean),
            Self::Integer(integer) => Value::Integer(integer),
            Self::Float(float) => Value::Float(float),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Many(scalars) => Value::Many(scalars.into_iter().map(Scalar::into_owned).collect()),
            Self::Json(json) => Value::Json(Cow::Owned(json.into_owned())),
        }
    }
}

fn is_container(json: &str) -> bool {
    json.starts_with(['{', '['])
}

impl<'a> Scalar<'a> {
    fn into_owned(self) -> Scalar<'static> {
        match self {
            Self::Null => Scalar::Null,
            Self::Boolean(boolean) => Scalar::Boolean(boolean),
            Self::Integer(integer) => Scalar::Integer(integer),
            Self::Float(float) => Scalar::Float(float),
            Self::Text(text) => Scalar::Text(Cow::Owned(text.into_owned())),
        }
    }

    /// Reads the canonical text of a scalar; `None` if it is none.
    fn of(json: &'a str) -> Option<Self> {
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

fn text(json: &str) -> Option<Cow<'_, str>> {
    if json.contains('\\') {
        return serde_json::from_str(json).ok().map(Cow::Owned);
    }
    json.strip_prefix('"')?.strip_suffix('"').map(Cow::Borrowed)
}
