//! Verdicts of filters: remembered ones, and calls for the others.

use std::sync::Arc;
use std::time::Duration;

use super::Refused;
use super::host::{Configured, Evaluation, FilterHost, Request, panicked};
use super::memo::Input;
use super::projection::Value;
use super::run::{Caller, Decision};
use super::snapshots::Callee;

/// A call to be made on a thread.
struct Call {
    /// Whose answer it makes, by its place among the requests.
    at: usize,
    input: Input,
    callee: Callee,
    configured: Arc<Configured>,
    values: Vec<Value>,
}

/// What a thread made of a call, which goes back to where it was made: what threads let go of, they would take from
/// each other.
struct Made {
    call: Call,
    evaluation: Evaluation,
    is_remembered: bool,
}

impl FilterHost {
    /// Decides on one event with fresh state; see [`FilterHost::decide_all`].
    ///
    /// # Errors
    /// When the filter cannot be loaded or the host cannot run it; a failure of the filter is a decision.
    pub async fn decide(&self, request: Request) -> Result<Evaluation, Refused> {
        self.decide_all(vec![request]).await.pop().expect("each request has an answer")
    }

    /// Decides on each request with fresh state, one after the other on one thread; the answers are in the order
    /// of the requests. A filter that was asked the same before is not called again: it would say the
    /// same, and use the same fuel. A call that nobody waits for any more before it begins is not made.
    ///
    /// The errors of an answer are those of [`FilterHost::decide`].
    pub async fn decide_all(&self, requests: Vec<Request>) -> Vec<Result<Evaluation, Refused>> {
        let mut answers = Vec::with_capacity(requests.len());
        let mut calls = Vec::new();
        for (at, Request { configured, values }) in requests.into_iter().enumerate() {
            let input = configured.beginning.with(&values);
            answers.push(match self.memo.recall(input) {
                Some(evaluation) => {
                    self.metrics.filter_memo_hits.inc();
                    Ok(evaluation)
                }
                None => match self.snapshots.callee(&configured).await {
                    Ok(callee) => {
                        calls.push(Call { at, input, callee, configured, values });
                        // Stands where the call's thread panics.
                        Err(panicked())
                    }
                    Err(refused) => Err(refused),
                },
            });
        }
        if !calls.is_empty() {
            for (at, evaluation) in self.make(calls).await {
                answers[at] = Ok(evaluation);
            }
        }
        answers
    }

    /// Makes calls; none has an answer where one of them panics. What is counted is counted here, since all threads
    /// would write to the same counters.
    async fn make(&self, calls: Vec<Call>) -> Vec<(usize, Evaluation)> {
        let memo = Arc::clone(&self.memo);
        let make = move |caller: &Caller, call: Call| {
            // Another owner may have asked the same meanwhile.
            if let Some(evaluation) = memo.recall(call.input) {
                return Made { call, evaluation, is_remembered: true };
            }
            let called = caller.decide(&call.callee.loaded, call.callee.start(&call.configured), &call.values);
            let decision = called.result.unwrap_or_else(Decision::Failed);
            let evaluation = Evaluation { decision, fuel: called.fuel, duration_us: called.duration_us };
            memo.keep(call.input, &evaluation);
            Made { call, evaluation, is_remembered: false }
        };
        let made = self.threads.run_each(calls, make).await.unwrap_or_default();
        let count = |Made { call, evaluation, is_remembered }| {
            if is_remembered {
                self.metrics.filter_memo_hits.inc();
            } else {
                self.metrics.count_filter_call(evaluation.fuel, Duration::from_micros(evaluation.duration_us));
            }
            (call.at, evaluation)
        };
        made.into_iter().map(count).collect()
    }
}
