//! What the filter says of the catalogue's events.

use field_match::FieldMatch;
use hooksieve_sdk::prelude::*;
use hooksieve_sdk::test::{Json, evaluate_with, example, json};

/// The verdict on a record that was marked done, with one value set to `found`.
fn verdict(found: Json, op: &str, value: Json) -> Verdict {
    let event = example("TODO_DONE_STATUS_UPDATED").with("/currentValue/x", found);
    evaluate_with::<FieldMatch>(&event, json!({"pointer": "/currentValue/x", "operator": op, "value": value}))
}

#[test]
fn each_operator_matches_what_it_says() {
    for (found, op, value) in [
        (json!(true), "eq", json!(true)),
        (json!(1.0), "eq", json!(1)),
        (json!(null), "eq", json!(null)),
        (json!("a"), "ne", json!("b")),
        (json!(null), "ne", json!("b")),
        (json!("b"), "ne", json!(null)),
        (json!(1), "lt", json!(1.5)),
        (json!("2022-12-01"), "lte", json!("2022-12-01")),
        (json!(2), "gt", json!(1)),
        (json!("b"), "gte", json!("a")),
        (json!("b"), "in", json!([1, "b"])),
        (json!("abc"), "contains", json!("b")),
        (json!("abc"), "starts_with", json!("ab")),
        (json!("abc"), "ends_with", json!("bc")),
        (json!("INV-042"), "matches", json!("^INV-[0-9]{3}$")),
        (json!("2026-01-31T23:30:00-01:00"), "after", json!("2026-02-01")),
        (json!("2026-01-31"), "before", json!("2026-01-31T00:00:00.001Z")),
    ] {
        assert_eq!(verdict(found.clone(), op, value.clone()), deliver(), "{found} {op} {value}");
    }
}

#[test]
fn a_reason_says_what_was_wanted_and_what_was_found() {
    for (found, op, value, reason) in [
        (json!(false), "eq", json!(true), "eq true: found false"),
        (json!("a"), "ne", json!("a"), "ne \"a\": found \"a\""),
        (json!(null), "lt", json!(1), "lt 1: found null"),
        (json!(2), "lt", json!(1), "lt 1: found 2"),
        (json!(5), "in", json!([1, 2]), "in 2 values: found 5"),
        (json!("abc"), "ends_with", json!("b"), "ends_with \"b\": found \"abc\""),
        (json!(null), "contains", json!("b"), "contains \"b\": found null"),
        (json!(null), "matches", json!("b"), "matches \"b\": found null"),
        (json!(null), "after", json!("2026-01-01"), "after \"2026-01-01\": found null"),
    ] {
        assert_eq!(verdict(found, op, value), skip(format!("/currentValue/x {reason}")));
    }
}

#[test]
fn a_long_text_is_cut_in_the_reason() {
    let Verdict::Skip(Some(reason)) = verdict(json!("é".repeat(5000)), "eq", json!("a".repeat(5000))) else {
        panic!("it does not match");
    };

    assert!(reason.chars().count() < 250, "{reason}");
}

#[test]
fn another_type_is_an_error_and_never_a_match() {
    for (found, op, value, error) in [
        (json!("true"), "eq", json!(true), "eq true: expected boolean, found text"),
        (json!(1), "ne", json!("1"), "ne \"1\": expected text, found integer"),
        (json!("5"), "lt", json!(1), "lt 1: expected integer, found text"),
        (json!(true), "in", json!([1, "a"]), "in 2 values: expected integer, found boolean"),
        (json!({}), "contains", json!("a"), "contains \"a\": expected text, found object"),
        (json!([1]), "eq", json!(1), "eq 1: expected integer, found array"),
        (json!(5), "matches", json!("5"), "matches \"5\": expected text, found integer"),
        (json!("soon"), "before", json!("2026-01-01"), "before \"2026-01-01\": expected a time, found text"),
        (json!(1767225600), "after", json!("2026-01-01"), "after \"2026-01-01\": expected a time, found integer"),
    ] {
        assert_eq!(verdict(found, op, value), fail(format!("/currentValue/x {error}")));
    }
}

#[test]
fn changes_compare_the_two_sides() {
    let event = example("TODO_DONE_STATUS_UPDATED");
    let verdict = |rule| evaluate_with::<FieldMatch>(&event, rule);

    assert_eq!(verdict(json!({"pointer": "/currentValue/done", "operator": "changed"})), deliver());
    assert_eq!(verdict(json!({"pointer": "/currentValue/done", "operator": "changed_to", "value": true})), deliver());
    assert_eq!(
        verdict(json!({"pointer": "/currentValue/done", "operator": "changed_to", "value": false})),
        skip("/currentValue/done changed_to false: found true")
    );
    assert!(matches!(verdict(json!({"pointer": "/currentValue/title", "operator": "changed"})), Verdict::Skip(_)));
    assert!(matches!(verdict(json!({"pointer": "/currentValue/nowhere", "operator": "changed"})), Verdict::Skip(_)));
}

#[test]
fn groups_nest_and_stop_early() {
    let event = example("TODO_DONE_STATUS_UPDATED");
    let done = |value: bool| json!({"pointer": "/currentValue/done", "operator": "eq", "value": value});
    let broken = json!({"pointer": "/currentValue/done", "operator": "eq", "value": "text"});
    let verdict = |rule| evaluate_with::<FieldMatch>(&event, rule);

    assert_eq!(verdict(json!({"all": [done(true), {"not": done(false)}]})), deliver());
    assert_eq!(verdict(json!({"any": [done(false), {"all": [done(true)]}]})), deliver());
    assert_eq!(verdict(json!({"any": [done(true), broken]})), deliver());
    assert!(matches!(verdict(json!({"all": [done(true), broken]})), Verdict::Error(_)));
    assert!(matches!(verdict(json!({"not": broken})), Verdict::Error(_)));
    assert_eq!(
        verdict(json!({"any": [done(false), done(false)]})),
        skip("none of 2 rules: /currentValue/done eq false: found true")
    );
    assert_eq!(verdict(json!({"not": done(true)})), skip("not /currentValue/done eq true: it matches"));
}
