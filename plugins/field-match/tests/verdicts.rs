//! What the filter says of the catalogue's events.

use field_match::FieldMatch;
use hooksieve_sdk::prelude::*;
use hooksieve_sdk::test::{Json, configure, evaluate_with, example, json};

/// The verdict on a record that was marked done, with one value set to `found`.
fn verdict(found: Json, op: &str, value: Json) -> Verdict {
    let event = example("TODO_DONE_STATUS_UPDATED").with("/currentValue/x", found);
    evaluate_with::<FieldMatch>(&event, json!({"pointer": "/currentValue/x", "operator": op, "value": value}))
}

fn refusal(config: Json) -> String {
    configure::<FieldMatch>(config).expect_err("the rule is wrong")
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
fn what_is_absent_matches_nothing_but_a_negation() {
    let event = example("TODO_CREATED");
    for (op, value) in [("eq", json!(null)), ("ne", json!(1)), ("lt", json!(1)), ("in", json!([null]))] {
        let rule = json!({"pointer": "/currentValue/nowhere", "operator": op, "value": value});
        let verdict = evaluate_with::<FieldMatch>(&event, rule.clone());
        assert!(matches!(verdict, Verdict::Skip(Some(reason)) if reason.ends_with("found nothing")));
        assert_eq!(evaluate_with::<FieldMatch>(&event, json!({"not": rule})), deliver());
    }
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
    ] {
        assert_eq!(verdict(found, op, value), fail(format!("/currentValue/x {error}")));
    }
}

#[test]
fn exists_tells_null_from_nothing() {
    let event = example("TODO_CREATED");
    let exists = |pointer| evaluate_with::<FieldMatch>(&event, json!({"pointer": pointer, "operator": "exists"}));

    assert_eq!(exists("/currentValue/duedAt"), deliver());
    assert_eq!(exists("/currentValue/todoTags/*"), deliver());
    assert_eq!(exists("/currentValue/nowhere"), skip("/currentValue/nowhere exists: found nothing"));
}

#[test]
fn contains_looks_into_a_list() {
    let rule = json!({"pointer": "/currentValue/todoTags/*/tag/title", "operator": "contains", "value": "urgent"});
    let verdict = |name| evaluate_with::<FieldMatch>(&example(name), rule.clone());

    assert_eq!(verdict("TODO_TAG_ADDED"), deliver());
    assert!(matches!(verdict("TODO_TAG_REMOVED"), Verdict::Skip(Some(reason)) if reason.ends_with("found 0 values")));
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

#[test]
fn a_wrong_rule_is_refused_at_its_place() {
    let rule = |op: &str, value: Json| json!({"all": [{"pointer": "/currentValue/x", "operator": op, "value": value}]});
    for (config, place) in [
        (json!(null), "a rule is one of"),
        (json!({"all": []}), "/all: a group has"),
        (json!({"all": [{"not": {}}]}), "/all/0/not: a rule is one of"),
        (json!({"all": [{}], "any": [{}]}), "a rule is one of"),
        (
            json!({"any": [{"pointer": "/id", "operator": "eq", "value": 1}, {"pointer": "/id"}]}),
            "/any/1: a rule is one of",
        ),
        (
            json!({"all": [{"pointer": "/id", "operator": "eq", "value": 1, "valeu": 2}]}),
            "/all/0/valeu: the filter knows",
        ),
        (json!({"all": [{"pointer": "/done", "operator": "eq", "value": 1}]}), "/all/0/pointer: an event has only"),
        (
            json!({"all": [{"pointer": "/previousValue/x", "operator": "changed"}]}),
            "/all/0/pointer: what changes is in the record",
        ),
        (json!({"all": [{"pointer": "/id", "operator": "eq"}]}), "/all/0/value: this operator takes a value"),
        (json!({"pointer": "/currentValue/x/*", "operator": "eq", "value": 1}), "/operator: a pointer with `*`"),
        (json!({"all": 5}), "/all: expected a sequence, found integer"),
        (rule("matches", json!("a")), "/all/0/operator: unknown operator"),
        (rule("exists", json!(null)), "/all/0/value: this operator takes no value"),
        (rule("eq", json!([1])), "/all/0/value: this operator takes one value"),
        (rule("eq", json!({})), "/all/0/value: expected a text, a number"),
        (rule("in", json!([])), "/all/0/value: this operator takes a list"),
        (rule("lt", json!(true)), "/all/0/value: only numbers"),
        (rule("contains", json!(5)), "/all/0/value: this operator takes a text"),
    ] {
        assert!(refusal(config.clone()).starts_with(place), "{config}: {}", refusal(config.clone()));
    }
}
