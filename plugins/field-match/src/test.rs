//! What is asked of one value that is there.

use std::cmp::Ordering;

use hooksieve_sdk::{FromValue, Instant, Value};
use regex_lite::Regex;

use crate::scalar::order;

/// A test.
pub(crate) enum Test {
    /// It is the same as one of these.
    Among(Vec<Value>),
    /// It is another one.
    Not(Value),
    /// It compares so.
    Order(Value, fn(Ordering) -> bool),
    /// It is such a text.
    Text(String, fn(&str, &str) -> bool),
    /// It is a text in which this is found.
    Matches(Regex),
    /// It is earlier or later.
    Time(Than, fn(Ordering) -> bool),
}

/// What a time is compared with.
pub(crate) enum Than {
    Instant(Instant),
    /// Another value of the event.
    Other,
}

impl Test {
    /// Whether it holds of a value. An error if the value is of another type; it names the one expected. `null` has
    /// no order, no text and no time, so those tests do not hold of it.
    pub(crate) fn holds(&self, found: &Value, other: Option<&Value>) -> Result<bool, &'static str> {
        match (self, found) {
            (Self::Among(list), found) => is_among(found, list),
            (Self::Not(value), found) => Ok(!equals(found, value)?),
            (_, Value::Null) => Ok(false),
            (Self::Order(than, is_so), found) => Ok(is_so(order(found, than).ok_or(than.kind())?)),
            (Self::Text(part, is_so), Value::Text(found)) => Ok(is_so(found, part)),
            (Self::Matches(pattern), Value::Text(found)) => Ok(pattern.is_match(found)),
            (Self::Text(..) | Self::Matches(_), _) => Err("text"),
            (Self::Time(than, is_so), found) => {
                let than = match (than, other) {
                    (Than::Instant(instant), _) => *instant,
                    (Than::Other, Some(Value::Null) | None) => return Ok(false),
                    (Than::Other, Some(other)) => instant(other).ok_or("a time to compare with")?,
                };
                Ok(is_so(instant(found).ok_or("a time")?.cmp(&than)))
            }
        }
    }
}

fn instant(value: &Value) -> Option<Instant> {
    Instant::from_value(value.clone()).ok()
}

fn is_among(found: &Value, list: &[Value]) -> Result<bool, &'static str> {
    let answers: Vec<_> = list.iter().map(|expected| equals(found, expected)).collect();
    // One value of the right type is enough for a list of several types.
    match answers.iter().any(Result::is_ok) {
        true => Ok(answers.contains(&Ok(true))),
        false => answers[0],
    }
}

fn equals(found: &Value, expected: &Value) -> Result<bool, &'static str> {
    match (found, expected) {
        (Value::Null, _) | (_, Value::Null) => Ok(found == expected),
        (Value::Boolean(found), Value::Boolean(expected)) => Ok(found == expected),
        _ => order(found, expected).map(Ordering::is_eq).ok_or(expected.kind()),
    }
}
