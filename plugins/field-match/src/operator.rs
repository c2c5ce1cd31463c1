//! The operators: which there are, and which values they take.

use std::cmp::Ordering;

use hooksieve_sdk::{Instant, Pointer, RecordPointer, Value};
use regex_lite::Regex;

use crate::condition::Refusal;
use crate::scalar::{list, one, ordered, text};
use crate::test::{Test, Than};

/// The longest pattern, in bytes: what bounds the fuel to compile it anew for each event.
const PATTERN_BYTES_MAX: usize = 200;

/// What is asked of a value, or of both its sides.
pub(crate) enum Operator {
    Exists,
    Changed,
    ChangedTo(Test),
    Test(Test),
}

impl Operator {
    /// Checks an operator on a pointer with its value. Answers also with the field that it compares with, if any.
    pub(crate) fn build(name: &str, pointer: &str, value: Option<Value>) -> Result<(Self, Option<Pointer>), Refusal> {
        let test = match name {
            "exists" | "changed" if value.is_some() => {
                return Err(("value", "this operator takes no value".to_owned()));
            }
            "exists" => return Ok((Self::Exists, None)),
            "changed" => return Ok((Self::Changed, Some(previous(pointer)?))),
            "changed_to" => return Ok((Self::ChangedTo(Test::Among(vec![one(value)?])), Some(previous(pointer)?))),
            "before" | "after" => return time(name, value),
            "eq" => Test::Among(vec![one(value)?]),
            "ne" => Test::Not(one(value)?),
            "in" => Test::Among(list(value)?),
            "lt" => Test::Order(ordered(value)?, Ordering::is_lt),
            "lte" => Test::Order(ordered(value)?, Ordering::is_le),
            "gt" => Test::Order(ordered(value)?, Ordering::is_gt),
            "gte" => Test::Order(ordered(value)?, Ordering::is_ge),
            "contains" => Test::Text(text(value)?, |text, part| text.contains(part)),
            "starts_with" => Test::Text(text(value)?, |text, part| text.starts_with(part)),
            "ends_with" => Test::Text(text(value)?, |text, part| text.ends_with(part)),
            "matches" => Test::Matches(pattern(&text(value)?)?),
            _ => {
                let names = "unknown operator; there are eq, ne, in, lt, lte, gt, gte, before, after, contains, \
                             starts_with, ends_with, matches, exists, changed and changed_to";
                return Err(("operator", names.to_owned()));
            }
        };
        Ok((Self::Test(test), None))
    }
}

fn pattern(text: &str) -> Result<Regex, Refusal> {
    if text.len() > PATTERN_BYTES_MAX {
        return Err(("value", format!("a pattern has at most {PATTERN_BYTES_MAX} bytes, this has {}", text.len())));
    }
    Regex::new(text).map_err(|error| ("value", error.to_string()))
}

/// A text that begins with `/` is a pointer to the time to compare with: no time begins so.
fn time(name: &str, value: Option<Value>) -> Result<(Operator, Option<Pointer>), Refusal> {
    let text = text(value)?;
    let (than, other) = if text.starts_with('/') {
        (Than::Other, Some(Pointer::parse(&text).map_err(|reason| ("value", reason.to_owned()))?))
    } else {
        let wanted = "this operator takes a date, a time with its zone, or a pointer: 2026-01-31, 2026-01-31T09:00:00Z, \
                      /occurredAt";
        (Than::Instant(Instant::parse(&text).ok_or(("value", wanted.to_owned()))?), None)
    };
    if text.split('/').any(|segment| segment == "*") {
        return Err(("value", "it is compared with one time: a pointer without `*`".to_owned()));
    }
    let is_so = if name == "before" { Ordering::is_lt } else { Ordering::is_gt };
    Ok((Operator::Test(Test::Time(than, is_so)), other))
}

/// The same place before the event.
fn previous(pointer: &str) -> Result<Pointer, Refusal> {
    let inside = pointer.strip_prefix("/currentValue").ok_or("what changes is in the record: begin with /currentValue");
    let inside = inside.and_then(RecordPointer::parse).map_err(|reason| ("pointer", reason.to_owned()))?;
    Ok(inside.previous())
}
