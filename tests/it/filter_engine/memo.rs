//! What a filter said before it says again without a call: the same verdict for the same fuel.

use std::sync::Arc;
use std::time::Duration;

use hooksieve::filter::projection::EventFields;
use hooksieve::filter::{Configured, Decision, Evaluation, FilterHost, FilterLimits, FilterOptions, Request};
use hooksieve::metrics::Metrics;
use hooksieve::model::verdict::ReasonClass;
use tempfile::TempDir;

use super::{COMPILER, DONE, EVENT, Room, request};
use crate::guests::{FIELD_MATCH, HOSTILE};

/// A room that remembers verdicts, and what it counts.
struct Remembering {
    room: Room,
    metrics: Arc<Metrics>,
}

impl Remembering {
    fn open(limits: FilterLimits) -> Self {
        let (folder, metrics) = (Arc::new(TempDir::new().unwrap()), Arc::<Metrics>::default());
        let host = FilterHost::start(FilterOptions {
            limits,
            cache_folder: folder.path().to_owned(),
            compiler: COMPILER.into(),
            threads: 2,
            verdicts_remembered: 100,
            source: Box::new(|_| Box::pin(async { Ok(None) })),
            metrics: Arc::clone(&metrics),
        });
        Self { room: Room { host: host.unwrap(), folder, uploads: Arc::default() }, metrics }
    }

    /// How many calls were made that decided on an event, and how many were not because of the memo.
    fn calls_and_hits(&self) -> [u64; 2] {
        let text = self.metrics.to_text(None);
        ["hooksieve_filter_calls_total ", "hooksieve_filter_memo_hits_total "].map(|name| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().parse().unwrap()
        })
    }
}

fn request_with(configured: &Arc<Configured>, current_value: &'static str) -> Request {
    let event = EventFields { current_value, ..EVENT };
    Request { configured: Arc::clone(configured), values: configured.project(&event) }
}

fn same(one: &Evaluation, other: &Evaluation) {
    assert_eq!((&one.decision, one.fuel), (&other.decision, other.fuel));
}

#[tokio::test]
async fn equal_inputs_take_one_call_and_say_the_same_for_the_same_fuel() {
    let (remembering, without) = (Remembering::open(FilterLimits::default()), Room::open());
    let configured = remembering.room.configured(FIELD_MATCH, DONE).await;
    let plain = without.configured(FIELD_MATCH, DONE).await;

    let first = remembering.room.evaluate(&configured).await;
    let second = remembering.room.evaluate(&configured).await;
    let called = without.evaluate(&plain).await;

    same(&first, &second);
    same(&first, &called);
    assert!(first.fuel > 0);
    assert_eq!(remembering.calls_and_hits(), [1, 1]);
}

#[tokio::test]
async fn another_value_or_configuration_takes_another_call() {
    let remembering = Remembering::open(FilterLimits::default());
    let room = &remembering.room;
    let configured = room.configured(FIELD_MATCH, DONE).await;
    let negated = room.configure(FilterHost::digest(FIELD_MATCH), &format!(r#"{{"not":{DONE}}}"#)).await.unwrap();

    assert_eq!(room.decide(&configured).await, Decision::Deliver);
    assert!(matches!(room.decide(&negated).await, Decision::Skip(_)));
    let undone = room.host.decide(request_with(&configured, r#"{"done":false}"#)).await.unwrap();
    assert!(matches!(undone.decision, Decision::Skip(_)));
    // Of a type that the condition does not take: an error, which is remembered like any other verdict.
    for _ in 0..2 {
        let text = room.host.decide(request_with(&configured, r#"{"done":"true"}"#)).await.unwrap();
        assert!(matches!(text.decision, Decision::Failed(_)), "{text:?}");
    }
    assert_eq!(remembering.calls_and_hits(), [4, 1]);
}

#[tokio::test]
async fn requests_of_one_job_are_answered_in_their_order_remembered_or_not() {
    let remembering = Remembering::open(FilterLimits::default());
    let room = &remembering.room;
    let configured = room.configured(FIELD_MATCH, DONE).await;
    room.evaluate(&configured).await;
    let values = [r#"{"done":false}"#, r#"{"done":true}"#, r#"{"done":"x"}"#, r#"{"done":false}"#];

    let requests = values.map(|value| request_with(&configured, value)).into();
    let answers = room.host.decide_all(requests).await;

    let kinds: Vec<_> = answers
        .into_iter()
        .map(|answer| match answer.unwrap().decision {
            Decision::Skip(_) => "skip",
            Decision::Deliver => "deliver",
            Decision::Failed(_) => "failed",
        })
        .collect();
    assert_eq!(kinds, ["skip", "deliver", "failed", "skip"]);
    assert_eq!(remembering.calls_and_hits(), [3, 2]);
}

#[tokio::test]
async fn a_stop_at_the_deadline_is_not_remembered_and_one_for_fuel_is() {
    let remembering = Remembering::open(FilterLimits::default());
    let room = &remembering.room;
    let looping = room.configured(HOSTILE, r#"{"do":"loop"}"#).await;
    for _ in 0..2 {
        assert_eq!(class(&room.evaluate(&looping).await), ReasonClass::Fuel);
    }
    assert_eq!(remembering.calls_and_hits(), [1, 1]);

    let limits = FilterLimits { fuel: u64::MAX / 2, deadline: Duration::from_millis(20), ..FilterLimits::default() };
    let remembering = Remembering::open(limits);
    let room = &remembering.room;
    let endless = room.configured(HOSTILE, r#"{"do":"loop"}"#).await;
    for _ in 0..2 {
        assert_eq!(class(&room.evaluate(&endless).await), ReasonClass::Deadline);
    }
    assert_eq!(remembering.calls_and_hits(), [2, 0]);
}

fn class(evaluation: &Evaluation) -> ReasonClass {
    match &evaluation.decision {
        Decision::Failed(failure) => failure.class,
        decision => panic!("{decision:?}"),
    }
}

#[tokio::test]
async fn many_who_ask_the_same_at_once_are_all_answered_and_few_calls_are_made() {
    let remembering = Remembering::open(FilterLimits::default());
    let room = &remembering.room;
    let configured = room.configured(FIELD_MATCH, DONE).await;

    let asked = futures_util::future::join_all((0..200).map(|_| room.host.decide(request(&configured)))).await;

    assert!(asked.into_iter().all(|answer| answer.unwrap().decision == Decision::Deliver));
    let [calls, hits] = remembering.calls_and_hits();
    // Two threads may begin the same call at a time.
    assert!(calls <= 2 && calls + hits == 200, "{calls} calls, {hits} hits");
}
