//! What the filter says of the catalogue's events.

use done_records::done_records;
use hooksieve_sdk::prelude::*;
use hooksieve_sdk::test::{evaluate, example};

#[test]
fn a_record_that_was_just_marked_done_is_delivered() {
    assert_eq!(evaluate::<done_records>(&example("TODO_DONE_STATUS_UPDATED")), deliver());
}

#[test]
fn a_record_that_is_created_done_is_delivered() {
    let event = example("TODO_CREATED").with("/currentValue/done", true);

    assert_eq!(evaluate::<done_records>(&event), deliver());
}

#[test]
fn other_records_are_skipped_with_the_reason() {
    let renamed = example("TODO_NAME_CHANGED");
    let renamed_later = renamed.with("/previousValue/done", true).with("/currentValue/done", true);
    let deleted = example("TODO_DELETED");

    assert_eq!(evaluate::<done_records>(&renamed), skip("the record is not done"));
    assert_eq!(evaluate::<done_records>(&renamed_later), skip("the record was done before"));
    assert_eq!(evaluate::<done_records>(&deleted), skip("the record is not done"));
}

#[test]
fn done_that_is_no_boolean_is_an_error_and_never_a_match() {
    let event = example("TODO_DONE_STATUS_UPDATED").with("/currentValue/done", "yes");

    assert_eq!(
        evaluate::<done_records>(&event),
        fail("field `done` (/currentValue/done): expected boolean, found text")
    );
}
