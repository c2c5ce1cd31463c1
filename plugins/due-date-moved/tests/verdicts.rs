//! What the filter says of the catalogue's events.

use due_date_moved::due_date_moved;
use hooksieve_sdk::prelude::*;
use hooksieve_sdk::test::{configure, evaluate, evaluate_with, example, json};

#[test]
fn a_moved_due_date_is_delivered() {
    assert_eq!(evaluate::<due_date_moved>(&example("TODO_DUE_DATE_UPDATED")), deliver());
}

#[test]
fn a_due_date_that_was_added_was_not_moved() {
    let added = evaluate::<due_date_moved>(&example("TODO_DUE_DATE_ADDED"));

    assert_eq!(added, skip("there was no due date before, or is none now"));
}

#[test]
fn the_direction_is_the_configurations() {
    let later = example("TODO_DUE_DATE_UPDATED");
    let earlier = later.with("/currentValue/duedAt", "2022-12-01T00:00:00.000Z");
    let verdict = |event, direction| evaluate_with::<due_date_moved>(event, json!({"direction": direction}));

    assert_eq!(verdict(&later, "later"), deliver());
    assert_eq!(verdict(&later, "earlier"), skip("the due date was moved later"));
    assert_eq!(verdict(&earlier, "earlier"), deliver());
    assert_eq!(verdict(&earlier, "later"), skip("the due date was moved earlier"));
}

#[test]
fn another_spelling_of_the_same_time_is_no_move() {
    let event = example("TODO_DUE_DATE_UPDATED")
        .with("/previousValue/duedAt", "2022-12-01T00:00:00.000Z")
        .with("/currentValue/duedAt", "2022-12-01T02:00:00+02:00");

    assert_eq!(evaluate::<due_date_moved>(&event), skip("the due date is the same"));
}

#[test]
fn an_unknown_direction_is_refused_at_its_place() {
    let refusal = configure::<due_date_moved>(json!({"direction": "up"})).expect_err("it is wrong");

    assert_eq!(refusal, "/direction: unknown variant `up`, expected one of `earlier`, `later`, `any`");
}
