//! Filters that misbehave: each way has its class, and costs nobody else anything.

use std::sync::Arc;
use std::time::Duration;

use hooksieve::filter::{Configured, Decision, Evaluation, FilterLimits, Refused};
use hooksieve::model::verdict::ReasonClass;

use super::{DONE, Room, skip};
use crate::guests::{DONE_RECORDS, FIELD_MATCH, HOSTILE, HandWritten};

/// Recursion that keeps nothing in memory, so that only the engine can stop it.
const ENDLESS_CALLS: &str = "(memory (export \"memory\") 2)
    (func $down (param i64) (result i64) (i64.add (call $down (i64.add (local.get 0) (i64.const 1))) (local.get 0)))";

fn class(evaluation: &Evaluation) -> ReasonClass {
    match &evaluation.decision {
        Decision::Failed(failure) => failure.class,
        other => panic!("{other:?} is no failure"),
    }
}

/// What `misbehaving` comes to, asked between two well-behaved filters at the same time.
async fn beside_good_ones(room: &Room, misbehaving: &Arc<Configured>) -> Evaluation {
    let field_match = room.configured(FIELD_MATCH, DONE).await;
    let done_records = room.configured(DONE_RECORDS, "null").await;

    let mut evaluations = room.evaluate_all([&field_match, misbehaving, &done_records]).await;

    assert_eq!(evaluations.pop().unwrap().decision, skip("the record was done before"));
    let misbehaved = evaluations.pop().unwrap();
    assert_eq!(evaluations.pop().unwrap().decision, Decision::Deliver);
    misbehaved
}

#[tokio::test]
async fn each_way_to_misbehave_has_its_class_and_does_not_touch_the_filters_beside_it() {
    let room = Room::open();
    for (deed, expected) in [
        ("loop", ReasonClass::Fuel),
        ("alloc", ReasonClass::MemoryLimit),
        ("recurse", ReasonClass::StackOverflow),
        ("panic", ReasonClass::Trap),
        ("trap", ReasonClass::Trap),
        ("huge-reason", ReasonClass::BadResult),
        ("error", ReasonClass::Error),
    ] {
        let hostile = room.configured(HOSTILE, &format!(r#"{{"do":"{deed}"}}"#)).await;

        let evaluation = beside_good_ones(&room, &hostile).await;

        assert_eq!(class(&evaluation), expected, "{deed}: {evaluation:?}");
    }
}

#[tokio::test]
async fn each_broken_answer_has_its_class_and_does_not_touch_the_filters_beside_it() {
    let room = Room::open();
    let calls = HandWritten {
        body: "(drop (call $down (i64.const 0)))".to_owned(),
        extra: ENDLESS_CALLS.to_owned(),
        ..HandWritten::default()
    };
    for (what, guest, expected) in [
        ("calls without end", calls, ReasonClass::StackOverflow),
        ("no verdict", HandWritten { count: 0, ..HandWritten::default() }, ReasonClass::BadResult),
        ("two verdicts", HandWritten { count: 2, ..HandWritten::default() }, ReasonClass::BadResult),
        ("a verdict outside memory", HandWritten { at: 131_068, ..HandWritten::default() }, ReasonClass::BadResult),
        ("a pointer that is not aligned", HandWritten { at: 3_073, ..HandWritten::default() }, ReasonClass::BadResult),
        ("a reason outside memory", HandWritten::skipping_with("no", 1 << 30), ReasonClass::BadResult),
        ("a reason that is not UTF-8", HandWritten::skipping_with("\\ff\\fe", 2), ReasonClass::BadResult),
        ("a reason over its bound", HandWritten::skipping_with("long", 4_097), ReasonClass::BadResult),
    ] {
        let broken = room.configured(&guest.module(), "null").await;

        let evaluation = beside_good_ones(&room, &broken).await;

        assert_eq!(class(&evaluation), expected, "{what}: {evaluation:?}");
    }
}

#[tokio::test]
async fn a_hand_written_guest_that_behaves_is_a_filter_like_any_other() {
    let room = Room::open();
    let deliver = room.configured(&HandWritten::default().module(), "null").await;
    let skip_with = room.configured(&HandWritten::skipping_with("no", 2).module(), "null").await;

    assert_eq!(room.decide(&deliver).await, Decision::Deliver);
    assert_eq!(room.decide(&skip_with).await, skip("no"));
}

#[tokio::test]
async fn a_filter_that_never_returns_is_stopped_by_its_deadline_where_fuel_does_not_stop_it() {
    let limits = FilterLimits { fuel: u64::MAX / 2, deadline: Duration::from_millis(20), ..FilterLimits::default() };
    let room = Room::with_limits(limits);
    let endless = room.configured(HOSTILE, r#"{"do":"loop"}"#).await;

    let evaluation = beside_good_ones(&room, &endless).await;

    assert_eq!(class(&evaluation), ReasonClass::Deadline);
}

#[tokio::test]
async fn a_filter_that_does_not_return_from_configure_is_refused() {
    let room = Room::open();
    let digest = room.upload(HOSTILE).await.unwrap().digest;

    let refused = room.configure(digest, r#"{"do":"configure-loop"}"#).await.err().unwrap();

    let Refused::Failed { function: "configure", class: ReasonClass::Fuel, .. } = refused else {
        panic!("{refused:?}");
    };
}

#[tokio::test]
async fn a_module_whose_start_function_does_not_return_is_refused_at_upload() {
    let room = Room::open();
    let extra = "(memory (export \"memory\") 2) (func $start (loop (br 0))) (start $start)".to_owned();

    let refused = room.upload(&HandWritten { extra, ..HandWritten::default() }.module()).await.unwrap_err();

    let Refused::Failed { function: "describe", class: ReasonClass::Fuel, .. } = refused else {
        panic!("{refused:?}");
    };
}

#[tokio::test]
async fn a_configuration_that_the_filter_refuses_is_told_in_the_filters_words() {
    let room = Room::open();
    let digest = room.upload(FIELD_MATCH).await.unwrap().digest;

    let refused =
        room.configure(digest, r#"{"all":[{"pointer":"/currentValue/done","operator":"is"}]}"#).await.err().unwrap();

    let text = refused.to_string();
    assert!(matches!(refused, Refused::Config { .. }), "{text}");
    assert!(text.contains("/all/0/operator"), "{text}");
}

#[tokio::test]
async fn a_thousand_failures_leave_the_room_as_it_was() {
    let room = Room::open();
    let trap = room.configured(HOSTILE, r#"{"do":"trap"}"#).await;
    let good = room.configured(FIELD_MATCH, DONE).await;

    let evaluations = room.evaluate_all(std::iter::repeat_n(&trap, 1_000)).await;

    assert!(evaluations.iter().all(|evaluation| class(evaluation) == ReasonClass::Trap));
    assert_eq!(room.decide(&good).await, Decision::Deliver);
}
