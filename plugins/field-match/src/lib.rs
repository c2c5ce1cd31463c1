//! Matches the fields of an event against a tree of conditions:
//! `{"all": [{"pointer": "/currentValue/done", "operator": "eq", "value": true}, {"not": {…}}]}`.
//!
//! `all` matches if each of its rules does, `any` if one does, `not` if its one rule does not; they are tried
//! in order, and only as far as needed. What a condition means is in [`condition`].

pub mod condition;
mod scalar;

use hooksieve_sdk::{About, ConfigError, Pointer, Sieve, Value, Verdict, about};
use hooksieve_sdk::{deliver, export, fail, skip};
use serde::Deserialize;

use condition::Condition;

/// A rule as it is written: either one of the three groups, or a condition.
#[derive(Deserialize)]
pub struct Written {
    all: Option<Vec<Written>>,
    any: Option<Vec<Written>>,
    not: Option<Box<Written>>,
    pointer: Option<String>,
    operator: Option<String>,
    #[serde(default, deserialize_with = "scalar::present")]
    value: Option<Value>,
}

/// The filter: a rule, and where its values are.
pub enum FieldMatch {
    /// Each matches.
    All(Vec<FieldMatch>),
    /// One matches.
    Any(Vec<FieldMatch>),
    /// It does not match.
    Not(Box<FieldMatch>),
    /// The values from this index on match.
    Condition(Condition, usize),
}

impl FieldMatch {
    fn build(rule: Written, at: &str, pointers: &mut Vec<Pointer>) -> Result<Self, ConfigError> {
        let Written { all, any, not, pointer, operator, value } = rule;
        let (name, rules, group): (_, _, fn(_) -> _) = match (all, any, not, pointer, operator, &value) {
            (Some(rules), None, None, None, None, None) => ("all", rules, Self::All),
            (None, Some(rules), None, None, None, None) => ("any", rules, Self::Any),
            (None, None, Some(rule), None, None, None) => {
                let rule = Self::build(*rule, &format!("{at}/not"), pointers)?;
                return Ok(Self::Not(Box::new(rule)));
            }
            (None, None, None, Some(pointer), Some(operator), _) => {
                let first = pointers.len();
                return Condition::build(&pointer, &operator, value, pointers)
                    .map(|condition| Self::Condition(condition, first))
                    .map_err(|(member, reason)| ConfigError::new(format!("{at}/{member}"), reason));
            }
            _ => {
                return Err(ConfigError::new(at, "a rule is one of all, any and not, or a pointer with an operator"));
            }
        };
        if rules.is_empty() {
            return Err(ConfigError::new(format!("{at}/{name}"), "a group has at least one rule"));
        }
        let built = rules.into_iter().enumerate();
        let built = built.map(|(index, rule)| Self::build(rule, &format!("{at}/{name}/{index}"), pointers));
        built.collect::<Result<_, _>>().map(group)
    }

    /// Why the rule does not match; `None` if it does. An error if a value has another type than the rule's.
    fn mismatch(&self, values: &[Value]) -> Result<Option<String>, String> {
        match self {
            Self::All(rules) => rules.iter().find_map(|rule| rule.mismatch(values).transpose()).transpose(),
            Self::Any(rules) => {
                let mut first = None;
                for rule in rules {
                    let Some(reason) = rule.mismatch(values)? else {
                        return Ok(None);
                    };
                    first.get_or_insert(reason);
                }
                Ok(first.map(|reason| format!("none of {} rules: {reason}", rules.len())))
            }
            Self::Not(rule) => Ok(match rule.mismatch(values)? {
                Some(_) => None,
                None => Some(format!("not {}: it matches", rule.text())),
            }),
            Self::Condition(condition, first) => condition.mismatch(&values[*first..]),
        }
    }
}

impl FieldMatch {
    fn text(&self) -> &str {
        match self {
            Self::Condition(condition, _) => condition.text(),
            Self::All(_) | Self::Any(_) | Self::Not(_) => "a group",
        }
    }
}

impl Sieve for FieldMatch {
    type Config = Written;

    fn about() -> About {
        about(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_DESCRIPTION"), None)
    }

    fn configure(rule: Written) -> Result<(Self, Vec<Pointer>), ConfigError> {
        let mut pointers = Vec::new();
        Ok((Self::build(rule, "", &mut pointers)?, pointers))
    }

    fn decide(&self, values: Vec<Value>) -> Verdict {
        match self.mismatch(&values) {
            Ok(None) => deliver(),
            Ok(Some(reason)) => skip(reason),
            Err(error) => fail(error),
        }
    }
}

export!(FieldMatch);
