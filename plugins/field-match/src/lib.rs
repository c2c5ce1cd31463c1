//! Matches the fields of an event against a rule:
//! `{"all": [{"pointer": "/currentValue/done", "operator": "eq", "value": true}, {"not": {…}}]}`.
//!
//! `docs/filters.md` tells users what each part of a rule means; here is how it is done. Everything about a rule that
//! can be wrong is found when the webhook is saved, except for the types of what events will have there: those are
//! errors of the single event, and no match.

mod condition;
mod operator;
mod outcome;
mod quantifier;
mod rule;
mod scalar;
mod test;

use hooksieve_sdk::{About, ConfigError, Pointer, Sieve, Value, Verdict, about};
use hooksieve_sdk::{deliver, export, fail, skip};
use serde::Deserialize;

use outcome::Outcome;
use rule::Rule;

/// The configuration, for user interfaces. The rules of a group are open in it, as it would refer to itself otherwise;
/// they are checked like the outermost one. So are the operators: the filter's refusal lists them all.
const SCHEMA: &str = include_str!("schema.json");

/// A rule as it is written: either one of the three groups, or a condition.
#[derive(Deserialize)]
pub struct Written {
    all: Option<Vec<Written>>,
    any: Option<Vec<Written>>,
    not: Option<Box<Written>>,
    pointer: Option<String>,
    #[serde(rename = "match")]
    quantifier: Option<quantifier::Quantifier>,
    operator: Option<String>,
    #[serde(default, deserialize_with = "scalar::present")]
    value: Option<Value>,
}

/// The filter.
pub struct FieldMatch(Rule);

impl Sieve for FieldMatch {
    type Config = Written;

    fn about() -> About {
        about(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_DESCRIPTION"), Some(SCHEMA))
    }

    fn configure(written: Written) -> Result<(Self, Vec<Pointer>), ConfigError> {
        let mut pointers = Vec::new();
        Ok((Self(Rule::build(written, "", &mut pointers)?), pointers))
    }

    fn decide(&self, values: Vec<Value>) -> Verdict {
        match self.0.judge(&values) {
            Ok(Outcome::Match) => deliver(),
            Ok(Outcome::Mismatch(reason) | Outcome::Absent(reason)) => skip(reason),
            Err(error) => fail(error),
        }
    }
}

export!(FieldMatch);
