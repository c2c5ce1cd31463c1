//! Many events in a call: each gets the verdict that it would get alone.

use std::sync::Arc;

use hooksieve::filter::projection::Value;
use hooksieve::filter::{Batches, Configured, Decision, Request};
use hooksieve::model::verdict::ReasonClass;

use super::{DONE, Room, request, skip};
use crate::guests::{FIELD_MATCH, HOSTILE, HandWritten};

/// What the filter says of all events, and in how many calls.
async fn decide_all(room: &Room, configured: &Arc<Configured>, events: &[Vec<Value>]) -> (Vec<Decision>, usize) {
    let mut batches = Batches::new(Arc::clone(configured));
    let (mut decided, mut calls) = (Vec::new(), 0);
    while decided.len() < events.len() {
        let some = room.host.decide_some(&mut batches, &events[decided.len()..].into()).await.unwrap();
        assert!(!some.is_empty());
        decided.extend(some);
        calls += 1;
    }
    (decided, calls)
}

/// The value of the one field that the hostile guest declares.
fn about_id() -> Vec<Value> {
    vec![Value::Text("e1".into())]
}

async fn decide_each(room: &Room, configured: &Arc<Configured>, events: &[Vec<Value>]) -> Vec<Decision> {
    let mut decided = Vec::new();
    for values in events {
        let request = Request { configured: Arc::clone(configured), values: values.clone() };
        decided.push(room.host.decide(request).await.unwrap().decision);
    }
    decided
}

#[tokio::test]
async fn a_batch_decides_as_each_event_alone_in_fewer_calls() {
    let room = Room::open();
    let configured = room.configured(FIELD_MATCH, DONE).await;
    let values = |number: usize| match number % 4 {
        0 => vec![Value::Boolean(true)],
        1 => vec![Value::Boolean(false)],
        2 => vec![Value::Absent],
        // Another type than the condition's.
        _ => vec![Value::Text("x".repeat(number).into())],
    };
    let events: Vec<_> = (0..400).map(values).collect();

    let (together, calls) = decide_all(&room, &configured, &events).await;

    assert_eq!(together, decide_each(&room, &configured, &events).await);
    assert!(calls < 30, "{calls}");
    assert!(together.contains(&Decision::Deliver) && together.iter().any(|one| *one != Decision::Deliver));
}

#[tokio::test]
async fn a_filter_that_remembers_is_found_out_and_asked_alone() {
    let room = Room::open();
    let counting = room.configured(HOSTILE, r#"{"do":"count"}"#).await;
    let events = vec![about_id(); 40];

    let (decided, calls) = decide_all(&room, &counting, &events).await;

    assert!(decided.iter().all(|decision| *decision == skip("event number 1")), "{decided:?}");
    assert_eq!(calls, 40);
}

#[tokio::test]
async fn an_event_that_makes_the_filter_fail_spoils_no_other() {
    let room = Room::open();
    for (deed, class) in [
        ("loop", ReasonClass::Fuel),
        ("panic", ReasonClass::Trap),
        ("alloc", ReasonClass::MemoryLimit),
        ("huge-reason", ReasonClass::BadResult),
    ] {
        let configured = room.configured(HOSTILE, &format!(r#"{{"do":"{deed}"}}"#)).await;

        let (decided, _) = decide_all(&room, &configured, &vec![about_id(); 20]).await;

        for decision in decided {
            let Decision::Failed(failure) = decision else { panic!("{deed}: {decision:?}") };
            assert_eq!(failure.class, class, "{deed}: {failure:?}");
        }
    }
}

#[tokio::test]
async fn too_few_verdicts_are_no_verdicts() {
    let room = Room::open();
    // It answers with one `deliver`, however many events it is given.
    let configured = room.configured(&HandWritten::default().module(), "null").await;
    let alone = room.host.decide(request(&configured)).await.unwrap().decision;

    let (decided, calls) = decide_all(&room, &configured, &vec![Vec::new(); 20]).await;

    assert_eq!((alone, calls), (Decision::Deliver, 20));
    assert_eq!(decided, vec![Decision::Deliver; 20]);
}
