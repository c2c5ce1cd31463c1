//! What makes people's filters wrong elsewhere.

use field_match::FieldMatch;
use hooksieve_sdk::prelude::*;
use hooksieve_sdk::test::{Json, evaluate_with, event, example, json};

/// The verdict of a rule on a record.
fn verdict(record: Json, rule: Json) -> Verdict {
    let posted = json!({"event": "E", "projectId": "p", "occurredAt": "2026-01-31T09:00:00Z", "currentValue": record});
    evaluate_with::<FieldMatch>(&event(posted), rule)
}

fn is_skip(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Skip(_))
}

#[test]
fn what_is_absent_matches_nothing_not_even_turned_around() {
    let absent = "/currentValue/nowhere";
    for (operator, value) in [
        ("eq", json!(null)),
        ("ne", json!(1)),
        ("lt", json!(1)),
        ("in", json!([null])),
        ("contains", json!("")),
        ("matches", json!("")),
        ("before", json!("2026-01-01")),
        ("after", json!("/occurredAt")),
        ("changed_to", json!(null)),
    ] {
        let rule = json!({"pointer": absent, "operator": operator, "value": value});
        for turned in
            [rule.clone(), json!({"not": rule}), json!({"not": {"not": rule}}), json!({"not": {"any": [rule]}})]
        {
            let verdict = verdict(json!({}), turned.clone());
            assert!(
                matches!(&verdict, Verdict::Skip(Some(reason)) if reason.ends_with("found nothing")),
                "{turned}: {verdict:?}"
            );
        }
    }
    let changed = json!({"pointer": absent, "operator": "changed"});
    assert!(is_skip(&verdict(json!({}), changed.clone())) && is_skip(&verdict(json!({}), json!({"not": changed}))));
}

#[test]
fn what_is_absent_is_asked_for_with_exists() {
    let exists = |pointer: &str| json!({"pointer": pointer, "operator": "exists"});
    let record = json!({"null": null, "empty": [], "tags": [{"title": "a"}, {}]});
    let verdict = |rule| verdict(record.clone(), rule);

    assert_eq!(verdict(exists("/currentValue/null")), deliver());
    assert_eq!(verdict(exists("/currentValue/empty")), deliver());
    assert_eq!(verdict(exists("/currentValue/tags/*/title")), deliver());
    assert_eq!(verdict(json!({"not": exists("/currentValue/nowhere")})), deliver());
    assert!(is_skip(&verdict(exists("/currentValue/nowhere"))));
    assert!(is_skip(&verdict(exists("/currentValue/empty/*"))));
    assert!(is_skip(&verdict(exists("/currentValue/tags/*/colour"))));
}

#[test]
fn one_match_outweighs_what_is_absent_and_one_mismatch_too() {
    let rule = |pointer: &str| json!({"pointer": pointer, "operator": "eq", "value": 1});
    let (absent, one, two) = (rule("/currentValue/nowhere"), rule("/currentValue/one"), rule("/currentValue/two"));
    let verdict = |rule| verdict(json!({"one": 1, "two": 2}), rule);

    assert_eq!(verdict(json!({"any": [absent, one]})), deliver());
    assert_eq!(verdict(json!({"not": {"all": [absent, two]}})), deliver());
    assert!(is_skip(&verdict(json!({"all": [absent, one]}))));
    assert!(is_skip(&verdict(json!({"not": {"all": [absent, one]}}))));
    assert!(is_skip(&verdict(json!({"not": {"any": [absent, two]}}))));
}

#[test]
fn keys_that_mean_something_elsewhere_are_just_keys() {
    for (key, segment) in [
        ("$price", "$price"),
        ("$$", "$$"),
        ("a/b", "a~1b"),
        ("m~n", "m~0n"),
        ("~1", "~01"),
        ("a.b", "a.b"),
        ("", ""),
        ("é", "é"),
        ("__proto__", "__proto__"),
        ("**", "**"),
    ] {
        let rule = json!({"pointer": format!("/currentValue/{segment}"), "operator": "eq", "value": 1});

        assert_eq!(verdict(json!({key: 1}), rule), deliver(), "{key}");
    }
    // A member of this name has no pointer: the segment stands for the elements of an array, and this is none.
    let starred = json!({"pointer": "/currentValue/*", "match": "any", "operator": "eq", "value": 1});
    assert!(is_skip(&verdict(json!({"*": 1}), starred)));
}

#[test]
fn values_that_look_like_orders_are_just_values() {
    for value in ["$eq", "/currentValue/y", "{{x}}", "*", ".*", "%"] {
        let rule = json!({"pointer": "/currentValue/x", "operator": "eq", "value": value});

        assert_eq!(verdict(json!({"x": value}), rule.clone()), deliver());
        assert!(is_skip(&verdict(json!({"x": "y", "y": "y"}), rule)));
    }
}

#[test]
fn a_number_is_its_value_and_a_text_is_no_number() {
    let is = |found: Json, wanted: Json| {
        verdict(json!({"x": found}), json!({"pointer": "/currentValue/x", "operator": "eq", "value": wanted}))
    };

    for (found, wanted) in [
        (json!(1), json!(1.0)),
        (json!(1.0), json!(1)),
        (json!(1e3), json!(1000)),
        (json!(-0.0), json!(0)),
        (json!(1e300), json!(1e300)),
        (json!(9007199254740992_i64), json!(9007199254740992_i64)),
        (json!(1e18), json!(1000000000000000000_i64)),
    ] {
        assert_eq!(is(found.clone(), wanted.clone()), deliver(), "{found} {wanted}");
    }
    assert!(is_skip(&is(json!(9007199254740992_i64), json!(9007199254740991_i64))));
    for (found, wanted) in [
        (json!("1"), json!(1)),
        (json!(1), json!("1")),
        (json!(true), json!(1)),
        (json!(0), json!(false)),
        (json!(""), json!(0)),
    ] {
        assert!(matches!(is(found.clone(), wanted.clone()), Verdict::Error(_)), "{found} {wanted}");
    }
}

#[test]
fn texts_are_compared_as_they_are() {
    let eq = |found: &str, wanted: &str| {
        verdict(json!({"x": found}), json!({"pointer": "/currentValue/x", "operator": "eq", "value": wanted}))
    };

    assert_eq!(eq("Zürich 🏔", "Zürich 🏔"), deliver());
    assert!(is_skip(&eq("Zu\u{308}rich", "Z\u{fc}rich")), "composed and decomposed differ");
    assert!(is_skip(&eq("Done", "done")));
    assert!(is_skip(&eq("done ", "done")));
    let dot = json!({"pointer": "/currentValue/x", "operator": "matches", "value": "^.$"});
    assert_eq!(verdict(json!({"x": "🏔"}), dot), deliver());
}

#[test]
fn a_pattern_takes_linear_time() {
    let rule = json!({"pointer": "/currentValue/x", "operator": "matches", "value": "^(a+)+$"});

    assert!(is_skip(&verdict(json!({"x": format!("{}b", "a".repeat(20_000))}), rule)));
}

#[test]
fn times_are_compared_by_when_they_are() {
    let rule =
        |operator: &str, value: &str| json!({"pointer": "/currentValue/due", "operator": operator, "value": value});
    let due = |due: &str, rule: Json| verdict(json!({"due": due}), rule);

    assert_eq!(due("2026-01-31T10:30:00+02:00", rule("before", "2026-01-31T09:00:00Z")), deliver());
    assert_eq!(due("2026-01-31T10:30:00+02:00", rule("before", "/occurredAt")), deliver());
    assert_eq!(due("2026-01-31T09:00:00.001Z", rule("after", "/occurredAt")), deliver());
    assert!(is_skip(&due("2026-01-31T10:00:00+01:00", rule("before", "/occurredAt"))));
    assert!(is_skip(&due("2026-01-31T10:00:00+01:00", rule("after", "/occurredAt"))));
    assert_eq!(due("2026-02-01", json!({"not": rule("before", "2026-02-01T00:00:00Z")})), deliver());
    assert!(is_skip(&due("2026-02-01", rule("after", "/currentValue/start"))));
    let null = json!({"due": "2026-02-01", "start": null});
    assert!(is_skip(&verdict(null, rule("after", "/currentValue/start"))));
    let wrong = json!({"due": "2026-02-01", "start": "soon"});
    assert!(matches!(verdict(wrong, rule("after", "/currentValue/start")), Verdict::Error(_)));
}

#[test]
fn of_many_values_any_or_all_must_match_and_of_none_neither_does() {
    let rule = |quantifier: &str| json!({"pointer": "/currentValue/items/*/done", "match": quantifier, "operator": "eq", "value": true});
    let items = |items: Json, quantifier: &str| verdict(json!({"items": items}), rule(quantifier));
    let (done, open, unknown) = (json!({"done": true}), json!({"done": false}), json!({}));

    for (list, any, all) in [
        (json!([]), false, false),
        (json!([done]), true, true),
        (json!([open, done]), true, false),
        (json!([open]), false, false),
        (json!([done, unknown]), true, false),
        (json!([unknown]), false, false),
        (json!([done, {"done": null}]), true, false),
        (json!([done, {"done": true, "x": "a,\"]},{[\\"}]), true, true),
    ] {
        assert_eq!(items(list.clone(), "any") == deliver(), any, "any {list}");
        assert_eq!(items(list.clone(), "all") == deliver(), all, "all {list}");
        assert!(!matches!(items(list.clone(), "all"), Verdict::Error(_)), "{list}");
    }
    for (list, quantifier) in
        [(json!([done, {"done": 1}]), "any"), (json!([{"done": 1}, done]), "any"), (json!([open, {"done": {}}]), "all")]
    {
        assert!(matches!(items(list.clone(), quantifier), Verdict::Error(_)), "{quantifier} {list}");
    }
    assert!(
        is_skip(&verdict(json!({"items": {"a": done}}), json!({"not": rule("any")}))),
        "no list is nothing to match"
    );
}

#[test]
fn a_tag_is_found_among_those_of_a_real_record() {
    let rule =
        json!({"pointer": "/currentValue/todoTags/*/tag/title", "match": "any", "operator": "eq", "value": "urgent"});
    let verdict = |name| evaluate_with::<FieldMatch>(&example(name), rule.clone());

    assert_eq!(verdict("TODO_TAG_ADDED"), deliver());
    assert!(matches!(verdict("TODO_TAG_REMOVED"), Verdict::Skip(Some(reason)) if reason.ends_with("found 0 values")));
}
