//! Plain values in a configuration, to compare an event's with.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use crate::{Scalar, Value};

/// Reads a plain value, or a list of them as [`Value::Many`]; refuses objects.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Plain)
    }
}

/// Reads a plain value.
impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Plain)? {
            Value::Boolean(boolean) => Ok(Self::Boolean(boolean)),
            Value::Integer(integer) => Ok(Self::Integer(integer)),
            Value::Float(float) => Ok(Self::Float(float)),
            Value::Text(text) => Ok(Self::Text(text)),
            Value::Null => Ok(Self::Null),
            Value::Absent | Value::Many(_) | Value::Json(_) => {
                Err(Error::custom("expected a text, a number, a boolean or null, found list"))
            }
        }
    }
}

struct Plain;

impl<'de> Visitor<'de> for Plain {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, a boolean, null, or a list of these")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, boolean: bool) -> Result<Value, E> {
        Ok(Value::Boolean(boolean))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Value, E> {
        Ok(Value::Integer(integer))
    }

    fn visit_f64<E>(self, float: f64) -> Result<Value, E> {
        Ok(Value::Float(float))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut scalars = Vec::new();
        while let Some(scalar) = list.next_element()? {
            scalars.push(scalar);
        }
        Ok(Value::Many(scalars))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Config, Scalar, Value};

    #[test]
    fn plain_values_and_lists_of_them_are_read() {
        let list = vec![Scalar::Integer(1), Scalar::Float(0.5), Scalar::Null, Scalar::Boolean(true)];

        assert_eq!(Value::parse("[1,0.5,null,true]"), Ok(Value::Many(list)));
        assert_eq!(Value::parse("\"text\""), Ok(Value::Text("text".into())));
        assert_eq!(Value::parse("null"), Ok(Value::Null));
    }

    #[test]
    fn objects_and_nested_lists_are_refused_at_their_place() {
        let refusal = |text| Value::parse(text).unwrap_err().to_string();

        assert!(refusal("{}").starts_with("expected a text, a number"));
        assert!(refusal("{}").ends_with("found object"));
        assert!(refusal("[1,[2]]").starts_with("/1: expected a text"));
    }
}
