//! A tree of conditions.
//!
//! Its logic has three values. A condition on what is absent is neither a match nor a mismatch, and a `not` around
//! it is neither as well: a pointer with a typing error matches nothing, however it is turned around.

use hooksieve_sdk::{ConfigError, Pointer, Value};

use crate::Written;
use crate::condition::Condition;
use crate::outcome::Outcome;

/// A rule that was checked.
pub(crate) enum Rule {
    All(Vec<Rule>),
    Any(Vec<Rule>),
    Not(Box<Rule>),
    Condition(Condition),
}

impl Rule {
    /// Checks the rule at this place of the configuration, and adds the pointers that it reads.
    pub(crate) fn build(written: Written, at: &str, pointers: &mut Vec<Pointer>) -> Result<Self, ConfigError> {
        let is_condition = written.quantifier.is_some() || written.value.is_some();
        let Written { all, any, not, pointer, operator, .. } = &written;
        match (all, any, not, pointer, operator) {
            (None, None, None, Some(_), Some(_)) => Condition::build(written, pointers)
                .map(Self::Condition)
                .map_err(|(member, reason)| ConfigError::new(format!("{at}/{member}"), reason)),
            (Some(_), None, None, None, None) if !is_condition => {
                group(written.all, at, "all", pointers).map(Self::All)
            }
            (None, Some(_), None, None, None) if !is_condition => {
                group(written.any, at, "any", pointers).map(Self::Any)
            }
            (None, None, Some(_), None, None) if !is_condition => {
                let inner = *written.not.expect("it is matched above");
                Ok(Self::Not(Box::new(Self::build(inner, &format!("{at}/not"), pointers)?)))
            }
            _ => Err(ConfigError::new(at, "a rule is one of all, any and not, or a pointer with an operator")),
        }
    }

    /// Looks at an event's values, in order and only as far as needed. An error if a value that was looked at has
    /// another type than the rule's.
    pub(crate) fn judge(&self, values: &[Value]) -> Result<Outcome, String> {
        match self {
            Self::Condition(condition) => condition.judge(values),
            Self::Not(rule) => Ok(match rule.judge(values)? {
                Outcome::Match => Outcome::Mismatch(format!("not {}: it matches", rule.text())),
                Outcome::Mismatch(_) => Outcome::Match,
                Outcome::Absent(reason) => Outcome::Absent(reason),
            }),
            Self::All(rules) => {
                let mut absent = None;
                for rule in rules {
                    match rule.judge(values)? {
                        Outcome::Match => {}
                        Outcome::Mismatch(reason) => return Ok(Outcome::Mismatch(reason)),
                        Outcome::Absent(reason) => drop(absent.get_or_insert(reason)),
                    }
                }
                Ok(absent.map_or(Outcome::Match, Outcome::Absent))
            }
            Self::Any(rules) => {
                let (mut first, mut is_absent) = (None, false);
                for rule in rules {
                    let reason = match rule.judge(values)? {
                        Outcome::Match => return Ok(Outcome::Match),
                        Outcome::Mismatch(reason) => reason,
                        Outcome::Absent(reason) => {
                            is_absent = true;
                            reason
                        }
                    };
                    first.get_or_insert(reason);
                }
                let first = first.unwrap_or_default();
                let reason = format!("none of {} rules: {first}", rules.len());
                Ok(if is_absent { Outcome::Absent(reason) } else { Outcome::Mismatch(reason) })
            }
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Condition(condition) => condition.text(),
            Self::All(_) | Self::Any(_) | Self::Not(_) => "a group",
        }
    }
}

fn group(
    rules: Option<Vec<Written>>,
    at: &str,
    name: &str,
    pointers: &mut Vec<Pointer>,
) -> Result<Vec<Rule>, ConfigError> {
    let rules = rules.unwrap_or_default();
    if rules.is_empty() {
        return Err(ConfigError::new(format!("{at}/{name}"), "a group has at least one rule"));
    }
    let built = rules.into_iter().enumerate();
    built.map(|(index, rule)| Rule::build(rule, &format!("{at}/{name}/{index}"), pointers)).collect()
}
