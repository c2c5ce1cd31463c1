//! One condition: a pointer, an operator, and the value to compare with.

use hooksieve_sdk::{Pointer, Value};

use crate::Written;
use crate::operator::Operator;
use crate::outcome::Outcome;
use crate::quantifier::{Quantifier, elements};
use crate::scalar::{or_null, show};

/// The member of the rule that is wrong, and why.
pub(crate) type Refusal = (&'static str, String);

/// A condition, and where among the event's values its own are.
pub(crate) struct Condition {
    text: String,
    operator: Operator,
    quantifier: Option<Quantifier>,
    found: usize,
    /// What it is compared with, if that is a value of the event: the other side, or another time.
    other: Option<usize>,
    /// The elements themselves, to count those that have nothing at the end of the pointer.
    elements: Option<usize>,
}

impl Condition {
    /// Checks a condition and adds the pointers that it reads.
    pub(crate) fn build(written: Written, pointers: &mut Vec<Pointer>) -> Result<Self, Refusal> {
        let Written { pointer, operator, value, quantifier, .. } = written;
        let (pointer, name) = (pointer.unwrap_or_default(), operator.unwrap_or_default());
        let shown = value.as_ref().map(|value| format!(" {}", show(value))).unwrap_or_default();
        let (operator, other) = Operator::build(&name, &pointer, value)?;
        let parsed = Pointer::parse(&pointer).map_err(|reason| ("pointer", reason.to_owned()))?;
        let star = pointer.rfind("/*/").or(pointer.ends_with("/*").then(|| pointer.len() - 2));
        match (star, quantifier, &operator) {
            (Some(_), _, Operator::Changed | Operator::ChangedTo(_)) => {
                return Err(("pointer", "what changes is one value: a pointer without `*`".to_owned()));
            }
            (Some(_), None, Operator::Test(_)) => {
                return Err(("match", "a pointer with `*` selects many values: say \"any\" or \"all\"".to_owned()));
            }
            (None, Some(_), _) | (_, Some(_), Operator::Exists) => {
                return Err(("match", "it goes with a pointer that has a `*`, and not with exists".to_owned()));
            }
            _ => {}
        }
        // Without a last step after the `*` nothing can be missing.
        let is_counted = quantifier == Some(Quantifier::All) && !pointer.ends_with("/*");
        let elements = star.filter(|_| is_counted).map(|star| Pointer::parse(&pointer[..star + 2]));
        let elements = elements.transpose().map_err(|reason| ("pointer", reason.to_owned()))?;
        let mut declare = |pointer: Pointer| {
            let at = pointers.iter().position(|known| *known == pointer);
            at.unwrap_or_else(|| {
                pointers.push(pointer);
                pointers.len() - 1
            })
        };
        let (found, other, elements) = (declare(parsed), other.map(&mut declare), elements.map(&mut declare));
        Ok(Self { text: format!("{pointer} {name}{shown}"), operator, quantifier, found, other, elements })
    }

    /// How the event's values stand to it. An error if one is of another type than the condition's.
    pub(crate) fn judge(&self, values: &[Value]) -> Result<Outcome, String> {
        let found = &values[self.found];
        let other = self.other.map(|at| &values[at]);
        let explain = |kind: &str| format!("{}: expected {kind}, found {}", self.text, found.kind());
        let is_match = match (&self.operator, found, other) {
            (Operator::Exists, _, _) => !matches!(found, Value::Absent) && elements(found) != Some(0),
            (_, Value::Absent, None | Some(Value::Absent)) => return Ok(self.absent()),
            (Operator::Changed, _, Some(before)) => or_null(found) != or_null(before),
            (Operator::ChangedTo(to), _, Some(before)) => {
                to.holds(or_null(found), None).map_err(explain)? && !to.holds(or_null(before), None).map_err(explain)?
            }
            (_, Value::Absent, _) | (_, _, Some(Value::Absent)) => return Ok(self.absent()),
            (Operator::Test(test), found, other) => match self.quantifier {
                None => test.holds(found, other).map_err(explain)?,
                Some(quantifier) => {
                    let all = self.elements.map_or(found, |at| &values[at]);
                    quantifier.holds(test, found, elements(all), other).map_err(explain)?
                }
            },
            (Operator::Changed | Operator::ChangedTo(_), _, None) => unreachable!("they read both sides"),
        };
        let reason = || Outcome::Mismatch(format!("{}: found {}", self.text, show(found)));
        Ok(if is_match { Outcome::Match } else { reason() })
    }

    /// The condition as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn absent(&self) -> Outcome {
        Outcome::Absent(format!("{}: found nothing", self.text))
    }
}
