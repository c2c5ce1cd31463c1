//! Rules that are wrong are refused when the webhook is saved, at their place.

use field_match::FieldMatch;
use hooksieve_sdk::test::{Json, configure, json};

fn refusal(config: Json) -> String {
    configure::<FieldMatch>(config).expect_err("the rule is wrong")
}

#[test]
fn a_wrong_rule_is_refused_at_its_place() {
    let one = |op: &str| json!({"pointer": "/id", "operator": op, "value": 1});
    for (config, place) in [
        (json!(null), "a rule is one of"),
        (json!([]), "expected"),
        (json!({"all": []}), "/all: a group has"),
        (json!({"all": [{"not": {}}]}), "/all/0/not: a rule is one of"),
        (json!({"all": [{}], "any": [{}]}), "a rule is one of"),
        (json!({"all": [one("eq")], "value": 1}), "a rule is one of"),
        (json!({"not": one("eq"), "match": "any"}), "a rule is one of"),
        (json!({"any": [one("eq"), {"pointer": "/id"}]}), "/any/1: a rule is one of"),
        (json!({"all": [{"pointer": "/id", "operator": "eq", "valeu": 2}]}), "/all/0/valeu: the filter knows"),
        (json!({"all": [{"pointer": "/done", "operator": "eq", "value": 1}]}), "/all/0/pointer: an event has only"),
        (json!({"pointer": "/previousValue/x", "operator": "changed"}), "/pointer: what changes is in the record"),
        (json!({"all": 5}), "/all: expected a sequence, found integer"),
    ] {
        assert!(refusal(config.clone()).starts_with(place), "{config}: {}", refusal(config.clone()));
    }
}

#[test]
fn a_mistyped_operator_is_refused() {
    for operator in ["equals", "EQ", "eq ", "", "=", "$eq", "lessThan", "not"] {
        let refusal = refusal(json!({"all": [{"pointer": "/id", "operator": operator, "value": "a"}]}));

        assert!(refusal.starts_with("/all/0/operator: unknown operator; there are eq, ne,"), "{operator}: {refusal}");
    }
}

#[test]
fn a_value_that_does_not_go_with_its_operator_is_refused() {
    for (operator, value, reason) in [
        ("exists", json!(null), "this operator takes no value"),
        ("eq", json!([1]), "this operator takes one value"),
        ("eq", json!({}), "expected a text, a number"),
        ("in", json!([]), "this operator takes a list"),
        ("in", json!("a"), "this operator takes a list"),
        ("in", json!([[1]]), ""),
        ("lt", json!(true), "only numbers"),
        ("contains", json!(5), "this operator takes a text"),
        ("matches", json!(5), "this operator takes a text"),
        ("matches", json!("(a"), ""),
        ("matches", json!("a".repeat(201)), "a pattern has at most 200 bytes, this has 201"),
        ("before", json!(1767225600), "this operator takes a text"),
        ("before", json!("01/31/2026"), "this operator takes a date"),
        ("before", json!("2026-01-31T09:00:00"), "this operator takes a date"),
        ("after", json!("/dueAt"), "an event has only"),
        ("after", json!("/currentValue/items/*/dueAt"), "it is compared with one time"),
    ] {
        let config = json!({"all": [{"pointer": "/currentValue/x", "operator": operator, "value": value}]});
        let refusal = refusal(config);

        assert!(refusal.starts_with("/all/0/value"), "{operator} {value}: {refusal}");
        assert!(refusal.contains(&format!(": {reason}")), "{operator} {value}: {refusal}");
    }
    for operator in ["eq", "ne", "in", "lt", "contains", "matches", "before", "changed_to"] {
        let refusal = refusal(json!({"pointer": "/currentValue/x", "operator": operator}));

        assert!(refusal.starts_with("/value: this operator takes a"), "{operator}: {refusal}");
    }
}

#[test]
fn a_pointer_with_a_star_says_of_how_many_and_no_other_does() {
    let starred = |op: &str| json!({"pointer": "/currentValue/tags/*/title", "operator": op, "value": "a"});
    for (config, reason) in [
        (starred("eq"), "/match: a pointer with `*` selects many values"),
        (starred("changed_to"), "/pointer: what changes is one value"),
        (json!({"pointer": "/id", "match": "any", "operator": "eq", "value": "a"}), "/match: it goes with"),
        (json!({"pointer": "/currentValue/x/*", "match": "all", "operator": "exists"}), "/match: it goes with"),
        (
            json!({"pointer": "/currentValue/x/*", "match": "some", "operator": "eq", "value": 1}),
            "/match: unknown variant",
        ),
    ] {
        assert!(refusal(config.clone()).starts_with(reason), "{config}: {}", refusal(config.clone()));
    }
}

#[test]
fn equal_pointers_are_declared_once() {
    let x = "/currentValue/x";
    let config = json!({"any": [
        {"pointer": x, "operator": "changed"},
        {"pointer": x, "operator": "eq", "value": 1},
        {"pointer": "/currentValue/items/*/due", "match": "all", "operator": "before", "value": "/occurredAt"},
        {"pointer": x, "operator": "after", "value": "/occurredAt"},
    ]});

    assert_eq!(
        configure::<FieldMatch>(config).unwrap(),
        [x, "/previousValue/x", "/currentValue/items/*/due", "/occurredAt", "/currentValue/items/*"]
    );
}
