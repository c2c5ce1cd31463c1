//! What the filter says of the catalogue's events.

use changed_fields::ChangedFields;
use hooksieve_sdk::prelude::*;
use hooksieve_sdk::test::{configure, evaluate_with, example, json};

#[test]
fn one_changed_field_of_several_is_enough() {
    let config = json!({"fields": ["/duedAt", "/title"]});

    assert_eq!(evaluate_with::<ChangedFields>(&example("TODO_NAME_CHANGED"), config), deliver());
}

#[test]
fn a_change_elsewhere_is_skipped_with_the_reason() {
    let config = json!({"fields": ["/duedAt", "/todoList/title"]});

    let verdict = evaluate_with::<ChangedFields>(&example("TODO_NAME_CHANGED"), config);

    assert_eq!(verdict, skip("no change in /duedAt, /todoList/title"));
}

#[test]
fn arrays_are_compared_whole() {
    let config = json!({"fields": ["/todoTags"]});

    assert_eq!(evaluate_with::<ChangedFields>(&example("TODO_TAG_ADDED"), config), deliver());
}

#[test]
fn in_a_new_record_what_is_set_has_changed_and_what_is_empty_has_not() {
    let event = example("TODO_CREATED");

    let verdict = |field| evaluate_with::<ChangedFields>(&event, json!({"fields": [field]}));

    assert_eq!(verdict("/title"), deliver());
    assert_eq!(verdict("/duedAt"), skip("no change in /duedAt"));
}

#[test]
fn a_wrong_configuration_is_refused_at_its_place() {
    for (config, refusal) in [
        (json!(null), "missing field `fields`"),
        (json!({"fields": []}), "/fields: a list of at least one field is expected"),
        (json!({"fields": ["/title", 5]}), "/fields/1: expected a string, found integer"),
        (json!({"fields": ["title"]}), "/fields/0: a pointer begins with `/`, as in `/currentValue/done`"),
        (json!({"fields": ["/title"], "any/all": {"x": 1}}), "/any~1all: the filter knows no such member"),
    ] {
        assert_eq!(configure::<ChangedFields>(config.clone()).expect_err("it is wrong"), refusal, "{config}");
    }
    let both_sides = json!({"fields": ["/currentValue/title"]});
    assert!(configure::<ChangedFields>(both_sides).expect_err("it is wrong").contains("write `/done`"));
}
