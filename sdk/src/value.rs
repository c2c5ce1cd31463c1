//! From the value at one pointer to a Rust type. Nothing is coerced: another type is a [`Mismatch`].

use serde::de::DeserializeOwned;

use crate::{Scalar, Value};

/// A Rust type that the value at one pointer can become.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a field can have",
    note = "use bool, an integer, f64, String, Option<_>, Maybe<_>, Vec<_> (with `*` in the pointer), \
            Change<_>, or Json<_> for arrays and objects"
)]
pub trait FromValue: Sized {
    /// What the value must be, as an error message names it.
    const EXPECTED: &'static str;
    /// How many values the type holds, and so whether its pointer has a `*` segment.
    const SELECTS: Selects = Selects::One;

    /// Takes the value.
    ///
    /// # Errors
    ///
    /// If the value is of another type or outside the type's range.
    fn from_value(value: Value) -> Result<Self, Mismatch>;
}

/// How many values a type holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selects {
    /// One: its pointer has no `*` segment.
    One,
    /// Many: its pointer has a `*` segment.
    Many,
    /// Whatever the pointer selects.
    Any,
}

/// Why a value did not become the Rust type: `expected boolean, found text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch(String);

impl Mismatch {
    /// The value is of another type than the expected one.
    #[must_use]
    pub fn new(expected: &str, found: &Value) -> Self {
        Self(join(&["expected ", expected, ", found ", found.kind()]))
    }

    /// What to tell the user.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Puts a text together: what `concat` and `format!` do, in a tenth of the code.
pub(crate) fn join(parts: &[&str]) -> String {
    let mut text = String::new();
    for part in parts {
        text.push_str(part);
    }
    text
}

impl Value {
    /// What it is, in a user's words: `nothing`, `null`, `boolean`, `integer`, `fraction`, `text`, `list`,
    /// `array` or `object`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Absent => "nothing",
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Float(_) => "fraction",
            Self::Text(_) => "text",
            Self::Many(_) => "list",
            Self::Json(text) if text.starts_with('[') => "array",
            Self::Json(_) => "object",
        }
    }
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

impl FromValue for Value {
    const EXPECTED: &'static str = "anything";
    const SELECTS: Selects = Selects::Any;

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        Ok(value)
    }
}

impl FromValue for bool {
    const EXPECTED: &'static str = "boolean";

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Boolean(boolean) => Ok(boolean),
            other => Err(Mismatch::new(Self::EXPECTED, &other)),
        }
    }
}

impl FromValue for String {
    const EXPECTED: &'static str = "text";

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Text(text) => Ok(text),
            other => Err(Mismatch::new(Self::EXPECTED, &other)),
        }
    }
}

impl FromValue for f64 {
    const EXPECTED: &'static str = "number";

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Float(float) => Ok(float),
            // Exact: the host takes no whole number that a double cannot hold.
            Value::Integer(integer) => Ok(integer as Self),
            other => Err(Mismatch::new(Self::EXPECTED, &other)),
        }
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl FromValue for $integer {
            const EXPECTED: &'static str = "integer";

            fn from_value(value: Value) -> Result<Self, Mismatch> {
                match value {
                    Value::Integer(integer) => Self::try_from(integer).map_err(|_| {
                        Mismatch(concat!("expected ", stringify!($integer), ", found an integer outside its range").to_owned())
                    }),
                    other => Err(Mismatch::new(Self::EXPECTED, &other)),
                }
            }
        }
    )*};
}

integers!(i8 i16 i32 i64 u8 u16 u32 u64);

/// Absent and `null` are `None`.
impl<T: FromValue> FromValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const SELECTS: Selects = T::SELECTS;

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Absent | Value::Null => Ok(None),
            present => T::from_value(present).map(Some),
        }
    }
}

/// A value that may be absent or `null`, where the difference matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Maybe<T> {
    /// The pointer leads nowhere.
    #[default]
    Absent,
    /// The value is `null`.
    Null,
    /// The value is there.
    Present(T),
}

impl<T: FromValue> FromValue for Maybe<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const SELECTS: Selects = T::SELECTS;

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Absent => Ok(Self::Absent),
            Value::Null => Ok(Self::Null),
            present => T::from_value(present).map(Self::Present),
        }
    }
}

/// All that a pointer with a `*` segment selects.
impl<T: FromValue> FromValue for Vec<T> {
    const EXPECTED: &'static str = "list";
    const SELECTS: Selects = Selects::Many;

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Many(scalars) => scalars
                .into_iter()
                .map(|scalar| T::from_value(scalar.into()))
                .collect::<Result<_, _>>()
                .map_err(|Mismatch(text)| Mismatch(join(&["in the list: ", &text]))),
            Value::Json(_) => Err(Mismatch("expected a list of plain values, found arrays or objects in it".into())),
            other => Err(Mismatch::new(Self::EXPECTED, &other)),
        }
    }
}

/// Anything that serde can read: arrays and objects as a type of yours, or as `serde_json::Value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromValue for Json<T> {
    const EXPECTED: &'static str = "JSON";
    const SELECTS: Selects = Selects::Any;

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let read = match value {
            Value::Absent => return Err(Mismatch::new(Self::EXPECTED, &Value::Absent)),
            Value::Json(text) => serde_json::from_str(&text),
            Value::Many(scalars) => serde_json::from_value(scalars.into_iter().map(json).collect()),
            Value::Null => serde_json::from_value(json(Scalar::Null)),
            Value::Boolean(boolean) => serde_json::from_value(json(Scalar::Boolean(boolean))),
            Value::Integer(integer) => serde_json::from_value(json(Scalar::Integer(integer))),
            Value::Float(float) => serde_json::from_value(json(Scalar::Float(float))),
            Value::Text(text) => serde_json::from_value(json(Scalar::Text(text))),
        };
        read.map(Self).map_err(|error| Mismatch(error.to_string()))
    }
}

/// A scalar as serde sees it.
fn json(scalar: Scalar) -> serde_json::Value {
    match scalar {
        Scalar::Null => serde_json::Value::Null,
        Scalar::Boolean(boolean) => boolean.into(),
        Scalar::Integer(integer) => integer.into(),
        Scalar::Float(float) => float.into(),
        Scalar::Text(text) => text.into(),
    }
}
