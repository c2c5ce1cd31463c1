//! The same event under the same configuration gets the same verdict, uses the same fuel, and never sees
//! what an earlier event left behind.

use std::sync::Arc;

use super::{DONE, Room, skip};
use crate::guests::{DONE_RECORDS, FIELD_MATCH, HOSTILE};

const REPETITIONS: usize = 200;

#[tokio::test]
async fn verdict_and_fuel_are_the_same_every_time_on_every_thread() {
    let room = Room::open();
    for (wasm, config) in [(DONE_RECORDS, "null"), (FIELD_MATCH, DONE), (HOSTILE, r#"{"do":"error"}"#)] {
        let configured = room.configured(wasm, config).await;

        let evaluations = room.evaluate_all(std::iter::repeat_n(&configured, REPETITIONS)).await;

        let first = &evaluations[0];
        assert!(first.fuel > 0);
        for evaluation in &evaluations {
            assert_eq!((&evaluation.decision, evaluation.fuel), (&first.decision, first.fuel), "{config}");
        }
    }
}

#[tokio::test]
async fn fuel_is_the_same_after_a_restart() {
    let room = Room::open();
    let before = room.configured(FIELD_MATCH, DONE).await;
    let fuel = room.evaluate(&before).await.fuel;
    let digest = room.upload(FIELD_MATCH).await.unwrap().digest;

    let room = room.reopened(super::COMPILER.as_ref());
    let after = room.configure(digest, DONE).await.unwrap();

    assert_eq!(room.evaluate(&after).await.fuel, fuel);
}

#[tokio::test]
async fn no_event_sees_what_an_earlier_one_left_in_memory() {
    let room = Room::open();
    let counting = room.configured(HOSTILE, r#"{"do":"count"}"#).await;
    let other_config = room.configured(HOSTILE, r#"{"do": "count"}"#).await;

    let alternating = (0..REPETITIONS).map(|number| [&counting, &other_config][number % 2]);
    let evaluations = room.evaluate_all(alternating).await;

    assert!(evaluations.iter().all(|evaluation| evaluation.decision == skip("event number 1")));
}

#[tokio::test]
async fn calls_of_many_tasks_at_once_are_all_answered() {
    let room = Arc::new(Room::open());
    let counting = room.configured(HOSTILE, r#"{"do":"count"}"#).await;

    let tasks = (0..REPETITIONS).map(|_| {
        let (room, counting) = (Arc::clone(&room), Arc::clone(&counting));
        tokio::spawn(async move { room.decide(&counting).await })
    });
    let decisions = futures_util::future::join_all(tasks).await;

    assert!(decisions.into_iter().all(|decision| decision.unwrap() == skip("event number 1")));
}
