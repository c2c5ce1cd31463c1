//! What the filter says of the catalogue's events.

use changed_fields::ChangedFields;
use hooksieve_sdk::prelude::*;
use hooksieve_sdk::test::{configure, evaluate_with, event, example, json};

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
fn all_fields_must_have_changed_where_the_configuration_says_so() {
    let event = example("TODO_NAME_CHANGED");
    let verdict = |fields| evaluate_with::<ChangedFields>(&event, json!({"fields": fields, "match": "all"}));

    assert_eq!(verdict(json!(["/title"])), deliver());
    assert_eq!(verdict(json!(["/title", "/duedAt"])), skip("no change in one of /title, /duedAt"));
}

#[test]
fn without_fields_it_is_the_whole_record_except_for_what_is_ignored() {
    let posted = json!({
        "event": "E",
        "projectId": "p",
        "previousValue": {"title": "a", "updatedAt": 1},
        "currentValue": {"title": "a", "updatedAt": 2},
    });
    let touched = event(posted);
    let renamed = touched.with("/currentValue/title", "b");
    let untouched = json!({"ignore": ["/updatedAt"]});

    assert_eq!(evaluate_with::<ChangedFields>(&touched, json!(null)), deliver());
    assert_eq!(evaluate_with::<ChangedFields>(&touched, untouched.clone()), skip("no change in the record"));
    assert_eq!(evaluate_with::<ChangedFields>(&renamed, untouched.clone()), deliver());
    assert_eq!(evaluate_with::<ChangedFields>(&example("TODO_CREATED"), untouched), deliver());
}

#[test]
fn what_is_ignored_makes_no_difference_wherever_it_is() {
    let event = example("TODO_TAG_ADDED")
        .with("/previousValue/a", json!({"x/y": 1, "list": [{"n": 1, "m": 1}], "keep": [1]}))
        .with("/currentValue/a", json!({"list": [{"n": 2, "m": 1}], "keep": [1]}));
    let verdict = |ignore| evaluate_with::<ChangedFields>(&event, json!({"fields": ["/a"], "ignore": ignore}));

    assert_eq!(verdict(json!(["/a/x~1y", "/a/list/*/n"])), skip("no change in /a"));
    assert_eq!(verdict(json!(["/a/x~1y"])), deliver());
    assert_eq!(verdict(json!(["/a/list/*/n"])), deliver());
    assert_eq!(verdict(json!(["/a/x~1y", "/a/list", "/a/nowhere/at/all"])), skip("no change in /a"));
    let starred = json!({"fields": ["/a/list/*"], "ignore": ["/a/list/*/n"]});
    assert_eq!(evaluate_with::<ChangedFields>(&event, starred), skip("no change in /a/list/*"));
}

#[test]
fn what_a_star_selects_is_compared_as_a_list() {
    let titles =
        |event: &str| evaluate_with::<ChangedFields>(&example(event), json!({"fields": ["/todoTags/*/tag/title"]}));

    assert_eq!(titles("TODO_TAG_ADDED"), deliver());
    assert_eq!(titles("TODO_NAME_CHANGED"), skip("no change in /todoTags/*/tag/title"));
}

#[test]
fn a_wrong_configuration_is_refused_at_its_place() {
    for (config, refusal) in [
        (json!({"fields": ["/title"], "ignore": ["/todoList/id"]}), "/ignore/0: it is inside none of the fields"),
        (json!({"fields": ["/title"], "ignore": ["/title"]}), "/ignore/0: it is inside none of the fields"),
        (json!({"fields": ["/title"], "match": "some"}), "/match: unknown variant `some`, expected `any` or `all`"),
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
