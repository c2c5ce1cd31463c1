//! One condition: a pointer, an operator, and the value to compare with.
//!
//! | operator | matches if the value |
//! |---|---|
//! | `eq` `ne` `in` | is the same, another, one of a list |
//! | `lt` `lte` `gt` `gte` | is less, … (numbers; texts by their bytes, which orders times of one zone) |
//! | `contains` `starts_with` `ends_with` | is such a text; `contains` with a `*` in the pointer: has such an element |
//! | `exists` | is there, `null` included |
//! | `changed` `changed_to` | differs from before; is this now and was not before |
//!
//! What is absent matches nothing, `ne` included. `null` equals only `null`, and has no order and no text. Any other
//! value whose type is not the condition's is an error. `changed` and `changed_to` compare what a pointer into
//! `/currentValue` finds with the same place in `/previousValue`; absent and `null` are the same to them.

use std::cmp::Ordering;

use hooksieve_sdk::{Pointer, RecordPointer, Value};

use crate::scalar::{list, one, or_null, order, ordered, show, text};

/// A condition.
pub struct Condition {
    text: String,
    test: Test,
}

/// What is asked of the value.
enum Test {
    Exists,
    Changed,
    ChangedTo(Value),
    Among(Vec<Value>),
    Not(Value),
    Has(Value),
    Order(Value, fn(Ordering) -> bool),
    Text(Value, fn(&str, &str) -> bool),
}

/// The member of the rule that is wrong, and why.
pub(crate) type Refusal = (&'static str, &'static str);

impl Condition {
    /// Checks a condition and adds the pointers that it reads.
    pub(crate) fn build(
        pointer: &str,
        operator: &str,
        value: Option<Value>,
        pointers: &mut Vec<Pointer>,
    ) -> Result<Self, Refusal> {
        let is_starred = pointer.split('/').any(|segment| segment == "*");
        if is_starred && !matches!(operator, "contains" | "exists") {
            return Err(("operator", "a pointer with `*` takes only contains and exists"));
        }
        let shown = value.as_ref().map(|value| format!(" {}", show(value))).unwrap_or_default();
        let test = match operator {
            "exists" | "changed" if value.is_some() => {
                return Err(("value", "this operator takes no value"));
            }
            "exists" => Test::Exists,
            "changed" => Test::Changed,
            "changed_to" => Test::ChangedTo(one(value)?),
            "eq" => Test::Among(vec![one(value)?]),
            "ne" => Test::Not(one(value)?),
            "in" => Test::Among(list(value)?),
            "lt" => Test::Order(ordered(value)?, Ordering::is_lt),
            "lte" => Test::Order(ordered(value)?, Ordering::is_le),
            "gt" => Test::Order(ordered(value)?, Ordering::is_gt),
            "gte" => Test::Order(ordered(value)?, Ordering::is_ge),
            "contains" if is_starred => Test::Has(one(value)?),
            "contains" => Test::Text(text(value)?, |text, part| text.contains(part)),
            "starts_with" => Test::Text(text(value)?, |text, part| text.starts_with(part)),
            "ends_with" => Test::Text(text(value)?, |text, part| text.ends_with(part)),
            _ => {
                return Err((
                    "operator",
                    "unknown operator; there are eq, ne, lt, lte, gt, gte, in, contains, \
                                   starts_with, ends_with, exists, changed and changed_to",
                ));
            }
        };
        if let Test::Changed | Test::ChangedTo(_) = test {
            let inside = pointer
                .strip_prefix("/currentValue")
                .ok_or(("pointer", "what changes is in the record: begin with /currentValue"))?;
            let pointer = RecordPointer::parse(inside).map_err(|reason| ("pointer", reason))?;
            pointers.extend([pointer.current(), pointer.previous()]);
        } else {
            pointers.push(Pointer::parse(pointer).map_err(|reason| ("pointer", reason))?);
        }
        Ok(Self { text: format!("{pointer} {operator}{shown}"), test })
    }

    /// Why it does not match; `None` if it does. An error if the value is of another type than the condition's.
    pub(crate) fn mismatch(&self, values: &[Value]) -> Result<Option<String>, String> {
        let found = &values[0];
        let is_match = match (&self.test, found) {
            (Test::Exists, found) => *found != Value::Absent,
            (Test::Changed, found) => or_null(found) != or_null(&values[1]),
            (Test::ChangedTo(to), found) => {
                self.equals(or_null(found), to)? && !self.equals(or_null(&values[1]), to)?
            }
            (_, Value::Absent) => false,
            (Test::Among(list), found) => self.is_among(found, list)?,
            (Test::Not(other), found) => !self.equals(found, other)?,
            (Test::Has(element), Value::Many(found)) => {
                found.iter().any(|found| Value::from(found.clone()) == *element)
            }
            (_, Value::Null) => false,
            (Test::Order(than, is_so), found) => is_so(order(found, than).ok_or_else(|| self.wrong_type(found, than))?),
            (Test::Text(Value::Text(part), is_so), Value::Text(found)) => is_so(found, part),
            (Test::Text(expected, _) | Test::Has(expected), found) => {
                return Err(self.wrong_type(found, expected));
            }
        };
        Ok((!is_match).then(|| format!("{}: found {}", self.text, show(found))))
    }

    /// The condition as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn is_among(&self, found: &Value, list: &[Value]) -> Result<bool, String> {
        let answers: Vec<_> = list.iter().map(|expected| self.equals(found, expected)).collect();
        // One value of the right type is enough for a list of several types.
        match answers.iter().find(|answer| answer.is_ok()) {
            Some(_) => Ok(answers.contains(&Ok(true))),
            None => answers.into_iter().next().expect("a list has at least one value"),
        }
    }

    fn equals(&self, found: &Value, expected: &Value) -> Result<bool, String> {
        match (found, expected) {
            (Value::Null, _) | (_, Value::Null) => Ok(found == expected),
            (Value::Boolean(found), Value::Boolean(expected)) => Ok(found == expected),
            _ => order(found, expected).map(Ordering::is_eq).ok_or_else(|| self.wrong_type(found, expected)),
        }
    }

    fn wrong_type(&self, found: &Value, expected: &Value) -> String {
        format!("{}: expected {}, found {}", self.text, expected.kind(), found.kind())
    }
}
