//! How a filter does on the catalogue's examples: what they cost, and what looks like a mistake.

use std::fmt;
use std::sync::Arc;

use anyhow::Context;
use serde::Serialize;

use super::events;
use super::trial::Trial;
use crate::cli::output::plain;
use crate::filter::Configured;
use crate::wire::{Evaluation, EvaluationVerdict, FieldValue};

/// Of how many characters of a pointer one may be mistyped for another to be suggested.
const CHARS_PER_MISTAKE: usize = 5;

/// How the filter did.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Survey {
    /// What each example cost.
    fuel: Vec<Cost>,
    /// What one verdict may cost.
    fuel_limit: u64,
    /// Fields that are in none of the examples.
    nowhere: Vec<Nowhere>,
    /// Why the filter fails, by example.
    failures: Vec<Failed>,
}

#[derive(Debug, Serialize)]
struct Cost {
    event: String,
    fuel: u64,
}

/// A field that is in none of the examples.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Nowhere {
    pointer: String,
    /// A pointer like it that leads somewhere.
    nearest: Option<String>,
}

#[derive(Debug, Serialize)]
struct Failed {
    event: String,
    reason: String,
}

impl Survey {
    /// Runs the filter on every example.
    ///
    /// # Errors
    /// When it cannot be run on this machine.
    pub(super) async fn of(trial: &Trial, configured: &Arc<Configured>) -> anyhow::Result<Self> {
        let mut tried = Vec::new();
        for event in events::examples()? {
            let evaluation = trial.evaluate(configured, &event).await.context("the filter was not run")?;
            tried.push((event.event, evaluation));
        }
        Ok(Self {
            nowhere: nowhere(&configured.pointers, &tried),
            fuel_limit: trial.limits().fuel,
            failures: tried.iter().filter_map(failed).collect(),
            fuel: tried.into_iter().map(|(event, evaluation)| Cost { event, fuel: evaluation.fuel }).collect(),
        })
    }
}

fn failed((event, evaluation): &(String, Evaluation)) -> Option<Failed> {
    let reason = evaluation.reason.clone().unwrap_or_default();
    (evaluation.verdict == EvaluationVerdict::Error).then(|| Failed { event: event.clone(), reason })
}

/// The declared fields at which the filter saw nothing in any example.
fn nowhere(pointers: &[String], tried: &[(String, Evaluation)]) -> Vec<Nowhere> {
    let is_nothing = |value: &FieldValue| match value {
        FieldValue::Absent => true,
        FieldValue::Many(values) => values.is_empty(),
        _ => false,
    };
    let is_nowhere = |field: usize| {
        tried.iter().all(|(_, evaluation)| evaluation.fields.get(field).is_none_or(|seen| is_nothing(&seen.value)))
    };
    let known = events::pointers();
    let named = pointers.iter().enumerate().filter(|(field, _)| is_nowhere(*field));
    named.map(|(_, pointer)| Nowhere { pointer: pointer.clone(), nearest: nearest(pointer, &known) }).collect()
}

/// The known pointer that was probably meant.
fn nearest<'a>(pointer: &str, known: impl IntoIterator<Item = &'a String>) -> Option<String> {
    let mistakes = |known: &&String| strsim::osa_distance(known, pointer);
    let near = known.into_iter().min_by_key(mistakes)?;
    (mistakes(&near) <= pointer.chars().count() / CHARS_PER_MISTAKE).then(|| near.clone())
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cost = |cost: &&Cost| cost.fuel;
        if let (Some(least), Some(most)) = (self.fuel.iter().min_by_key(cost), self.fuel.iter().max_by_key(cost)) {
            let share = most.fuel as f64 * 100.0 / self.fuel_limit as f64;
            write!(
                f,
                "uses {} to {} fuel on the catalogue's {} examples, {share:.2}% of the {} that it may (most on {})",
                least.fuel,
                most.fuel,
                self.fuel.len(),
                self.fuel_limit,
                most.event
            )?;
        }
        for Nowhere { pointer, nearest } in &self.nowhere {
            write!(f, "\nwarning: no example of the catalogue has {}", plain(pointer))?;
            match nearest {
                Some(nearest) => write!(f, "; did you mean {nearest}?")?,
                None => write!(f, "; `filter test --stored --verbose` shows whether your own events do")?,
            }
        }
        if let Some(Failed { event, reason }) = self.failures.first() {
            write!(f, "\nwarning: fails on {} of the examples, as on {event}: {}", self.failures.len(), plain(reason))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{FieldScalar, FieldSeen};

    fn tried(event: &str, fuel: u64, values: [FieldValue; 2]) -> (String, Evaluation) {
        let seen = |value| FieldSeen { pointer: String::new(), value };
        let evaluation = Evaluation {
            verdict: EvaluationVerdict::Deliver,
            reason: None,
            reason_class: None,
            fields: values.map(seen).into(),
            fuel,
            microseconds: 1,
        };
        (event.to_owned(), evaluation)
    }

    #[test]
    fn a_field_that_is_in_no_example_is_told_with_the_one_that_was_meant() {
        let pointers = ["/currentValue/dueAt", "/currentValue/todoTags/*/tag/title", "/currentValue/priceInEuros"]
            .map(str::to_owned);
        let empty = || FieldValue::Many(Vec::new());
        let some = FieldValue::Many(vec![FieldScalar::Null]);

        let found = nowhere(
            &pointers,
            &[tried("A", 1, [FieldValue::Absent, empty()]), tried("B", 1, [FieldValue::Absent, some])],
        );

        let expected = [(&pointers[0], Some("/currentValue/duedAt")), (&pointers[2], None)];
        let expected = expected
            .map(|(pointer, nearest)| Nowhere { pointer: pointer.clone(), nearest: nearest.map(str::to_owned) });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_field_that_is_null_is_somewhere() {
        let pointers = ["/a", "/b"].map(str::to_owned);

        let found = nowhere(&pointers, &[tried("A", 1, [FieldValue::Null, FieldValue::Text(String::new())])]);

        assert_eq!(found, []);
    }

    #[test]
    fn the_text_has_the_least_the_most_and_its_share_and_then_the_warnings() {
        let cost = |event: &str, fuel| Cost { event: event.to_owned(), fuel };
        let survey = Survey {
            fuel: vec![cost("A", 2_000), cost("B", 9_000), cost("C", 1_000)],
            fuel_limit: 100_000,
            nowhere: vec![Nowhere { pointer: "/x".to_owned(), nearest: Some("/id".to_owned()) }],
            failures: vec![Failed { event: "B".to_owned(), reason: "field `a`".to_owned() }],
        };

        assert_eq!(
            survey.to_string(),
            "uses 1000 to 9000 fuel on the catalogue's 3 examples, 9.00% of the 100000 that it may (most on B)\n\
             warning: no example of the catalogue has /x; did you mean /id?\n\
             warning: fails on 1 of the examples, as on B: field `a`"
        );
    }
}
