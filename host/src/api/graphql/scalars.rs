//! The two scalars of Blue's schema.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

use crate::model::Timestamp;

/// A moment in RFC 3339 with milliseconds and `Z`, such as `2022-12-01T11:23:09.241Z`.
pub(super) struct DateTime(pub(super) Timestamp);

/// A moment in RFC 3339 with milliseconds and `Z`, such as `2022-12-01T11:23:09.241Z`.
#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => text.parse().map(Self).map_err(InputValueError::custom),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Any JSON.
#[derive(Clone)]
pub(super) struct Json(pub(super) Value);

/// Any JSON.
#[Scalar(name = "JSON")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value))
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }
}

impl Json {
    /// From JSON text of ours.
    pub(super) fn from_text(text: &str) -> Self {
        Self(serde_json::from_str(text).expect("what is stored as JSON is JSON"))
    }

    /// As JSON text. An enum's name, which JSON does not have, is a string there.
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(&self.0).expect("a GraphQL value has text as keys")
    }
}
