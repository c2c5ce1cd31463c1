//! Verdicts on inputs that were seen before.
//!
//! A filter is a pure function: under the same configuration it says the same of the same values, and uses the
//! same fuel for it. So what it said is kept for a while, and told again without a call. Kept is only what says
//! the same on every machine: not what a deadline stopped.
//!
//! Inputs are known by a hash of 128 bits under a key of this process's own, which nobody can aim at, since nobody
//! learns it. What is kept is bounded in number and bytes: there are two generations, and where the young
//! one is full, the old one is forgotten. The threads ask it before and after each call, so it has several parts, each with
//! a lock of its own.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use siphasher::sip128::{Hasher128, SipHasher13};

use super::host::Evaluation;
use super::projection::{Scalar, Value};
use super::run::{Decision, Failure};
use crate::model::limits::{VERDICTS_REMEMBERED_BYTES_MAX, VERDICTS_REMEMBERED_MAX};
use crate::model::verdict::ReasonClass;

/// An input: a filter under a configuration, and the values that it saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Input(u128);

/// The part of an input's hash that all inputs of a filter under a configuration share.
#[derive(Clone, Copy)]
pub(super) struct Beginning(SipHasher13);

impl Beginning {
    /// The input of this filter with these values.
    pub(super) fn with(self, values: &[Value]) -> Input {
        let Self(mut hasher) = self;
        values.iter().for_each(|value| absorb(value, &mut hasher));
        Input(hasher.finish128().into())
    }
}

/// Parts of a memo: so many that two threads rarely want the same.
const PARTS: usize = 16;

/// What filters said.
pub(super) struct Memo {
    hasher: SipHasher13,
    bounds: Bounds,
    parts: Box<[Part]>,
}

/// What filters said of some inputs, apart from the others in the processors' caches too.
#[derive(Default)]
#[repr(align(128))]
struct Part(Mutex<Kept>);

/// Bounds of one generation of a part.
#[derive(Clone, Copy)]
struct Bounds {
    count: usize,
    bytes: usize,
}

#[derive(Default)]
struct Kept {
    young: HashMap<Input, Evaluation>,
    old: HashMap<Input, Evaluation>,
    /// Bytes of the young ones' reasons.
    young_bytes: usize,
}

impl Memo {
    /// A memo that keeps at most `count` verdicts; with 0 it keeps none.
    pub(super) fn new(count: usize) -> Self {
        Self::with_parts(PARTS, count)
    }

    fn with_parts(parts: usize, count: usize) -> Self {
        let mut key = [0; 16];
        getrandom::fill(&mut key).expect("the kernel's random source answers on every supported system");
        let generations = 2 * parts;
        let count = count.min(VERDICTS_REMEMBERED_MAX) / generations;
        let bounds = Bounds { count, bytes: VERDICTS_REMEMBERED_BYTES_MAX / generations };
        let parts = (0..parts).map(|_| Part::default()).collect();
        Self { hasher: SipHasher13::new_with_key(&key), bounds, parts }
    }

    /// How the inputs of a filter under a configuration begin.
    pub(super) fn beginning(&self, digest: &[u8; 32], config: &str) -> Beginning {
        let mut hasher = self.hasher;
        digest.hash(&mut hasher);
        config.hash(&mut hasher);
        Beginning(hasher)
    }

    /// What was said of an input, if it is still known.
    pub(super) fn recall(&self, input: Input) -> Option<Evaluation> {
        if self.bounds.count == 0 {
            return None;
        }
        let mut kept = self.locked(input);
        if let Some(evaluation) = kept.young.get(&input) {
            return Some(evaluation.clone());
        }
        let evaluation = kept.old.remove(&input)?;
        kept.put(input, evaluation.clone(), self.bounds);
        Some(evaluation)
    }

    /// Keeps what was said of an input.
    pub(super) fn keep(&self, input: Input, evaluation: &Evaluation) {
        let hangs_on_the_machine =
            matches!(evaluation.decision, Decision::Failed(Failure { class: ReasonClass::Deadline, .. }));
        if self.bounds.count > 0 && !hangs_on_the_machine {
            self.locked(input).put(input, evaluation.clone(), self.bounds);
        }
    }

    /// What it guards is whole between any two statements, so a panic elsewhere spoils nothing.
    fn locked(&self, Input(hash): Input) -> MutexGuard<'_, Kept> {
        self.parts[hash as usize % self.parts.len()].0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn put(&mut self, input: Input, evaluation: Evaluation, bounds: Bounds) {
        let bytes = match &evaluation.decision {
            Decision::Skip(Some(text)) | Decision::Failed(Failure { message: text, .. }) => text.len(),
            Decision::Skip(None) | Decision::Deliver => 0,
        };
        if self.young.len() >= bounds.count || self.young_bytes + bytes > bounds.bytes {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(input, evaluation).is_none() {
            self.young_bytes += bytes;
        }
    }
}

/// Floats count by their bits, as filters see them.
fn absorb(value: &Value, hasher: &mut SipHasher13) {
    std::mem::discriminant(value).hash(hasher);
    match value {
        Value::Absent | Value::Null => {}
        Value::Boolean(boolean) => boolean.hash(hasher),
        Value::Integer(integer) => integer.hash(hasher),
        Value::Float(float) => float.to_bits().hash(hasher),
        Value::Text(text) | Value::Json(text) => text.hash(hasher),
        Value::Many(scalars) => {
            scalars.len().hash(hasher);
            scalars.iter().for_each(|scalar: &Scalar| absorb(&Value::from(scalar.clone()), hasher));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(reason: &str) -> Evaluation {
        Evaluation { decision: Decision::Skip(Some(reason.to_owned())), fuel: 7, duration_us: 1 }
    }

    fn reason(memo: &Memo, input: Input) -> Option<String> {
        memo.recall(input).map(|evaluation| match evaluation.decision {
            Decision::Skip(Some(reason)) => reason,
            other => panic!("{other:?}"),
        })
    }

    fn input(memo: &Memo, number: i64) -> Input {
        memo.beginning(&[1; 32], "null").with(&[Value::Integer(number)])
    }

    #[test]
    fn inputs_that_differ_in_anything_are_different_ones() {
        let memo = Memo::new(10);
        let text = |text: &str| Value::Text(text.into());
        let many = |scalars: &[Scalar]| Value::Many(scalars.into());
        let of = |digest: u8, config: &str, values: &[Value]| memo.beginning(&[digest; 32], config).with(values);

        let inputs = [
            of(1, "null", &[]),
            of(2, "null", &[]),
            of(1, "{}", &[]),
            of(1, "null", &[Value::Absent]),
            of(1, "null", &[Value::Null]),
            of(1, "null", &[Value::Null, Value::Null]),
            of(1, "null", &[text("")]),
            of(1, "null", &[text("a"), text("b")]),
            of(1, "null", &[text("ab"), text("")]),
            of(1, "null", &[Value::Json("a".into()), text("b")]),
            of(1, "null", &[Value::Integer(1)]),
            of(1, "null", &[Value::Float(1.0)]),
            of(1, "null", &[Value::Float(-1.0)]),
            of(1, "null", &[Value::Boolean(true)]),
            of(1, "null", &[many(&[])]),
            of(1, "null", &[many(&[]), many(&[])]),
            of(1, "null", &[many(&[Scalar::Null]), many(&[])]),
            of(1, "null", &[many(&[]), many(&[Scalar::Null])]),
            of(1, "null", &[many(&[Scalar::Null, Scalar::Null])]),
        ];

        for (at, input) in inputs.iter().enumerate() {
            assert!(!inputs[..at].contains(input), "number {at} is an earlier one");
        }
        assert_eq!(inputs[8], of(1, "null", &[text("ab"), text("")]));
        assert_ne!(inputs[0], Memo::new(10).beginning(&[1; 32], "null").with(&[]), "another process has another key");
    }

    #[test]
    fn what_was_asked_for_lately_is_kept_and_no_more_than_the_bound() {
        let memo = Memo::with_parts(1, 8);
        for number in 0..100 {
            memo.keep(input(&memo, number), &skip(&number.to_string()));
            assert_eq!(reason(&memo, input(&memo, 0)).as_deref(), Some("0"));
        }

        let known = (0..100).filter(|&number| memo.recall(input(&memo, number)).is_some()).count();
        assert!((2..=8).contains(&known), "{known}");
        assert_eq!(reason(&memo, input(&memo, 99)), Some("99".to_owned()));
    }

    #[test]
    fn all_parts_together_keep_no_more_than_the_bound_and_not_much_less() {
        let memo = Memo::new(1_000);
        for number in 0..10_000 {
            memo.keep(input(&memo, number), &skip(""));
        }

        let known = (0..10_000).filter(|&number| memo.recall(input(&memo, number)).is_some()).count();
        assert!((400..=1_000).contains(&known), "{known}");
    }

    #[test]
    fn long_reasons_count_by_their_bytes() {
        let memo = Memo::with_parts(1, VERDICTS_REMEMBERED_MAX);
        let long = "x".repeat(VERDICTS_REMEMBERED_BYTES_MAX / 10);
        for number in 0..100 {
            memo.keep(input(&memo, number), &skip(&long));
        }

        let known = (0..100).filter(|&number| memo.recall(input(&memo, number)).is_some()).count();
        assert!((1..=10).contains(&known), "{known}");
    }

    #[test]
    fn what_hangs_on_the_machine_is_not_kept_and_a_memo_may_keep_nothing() {
        let memo = Memo::with_parts(1, 8);
        let failure = Failure { class: ReasonClass::Deadline, message: String::new() };
        memo.keep(input(&memo, 0), &Evaluation { decision: Decision::Failed(failure), fuel: 1, duration_us: 1 });
        assert!(memo.recall(input(&memo, 0)).is_none());

        let none = Memo::new(0);
        none.keep(input(&none, 0), &skip(""));
        assert!(none.recall(input(&none, 0)).is_none());
    }
}
