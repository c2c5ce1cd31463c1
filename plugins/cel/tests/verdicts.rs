//! What the filter says of events.

use cel_filter::Cel;
use hooksieve_sdk::prelude::*;
use hooksieve_sdk::test::{Json, configure, evaluate_with, event, example, json};

/// The verdict of an expression on a record.
fn verdict(record: Json, expression: &str) -> Verdict {
    let posted = json!({"event": "E", "projectId": "p", "occurredAt": "2026-01-31T09:00:00Z", "currentValue": record});
    evaluate_with::<Cel>(&event(posted), json!({"expression": expression}))
}

fn declared(expression: &str) -> Vec<String> {
    configure::<Cel>(json!({"expression": expression})).unwrap_or_else(|refusal| panic!("{expression}: {refusal}"))
}

fn refusal(expression: &str) -> String {
    configure::<Cel>(json!({"expression": expression})).expect_err(expression)
}

fn error(verdict: Verdict) -> String {
    match verdict {
        Verdict::Error(error) => error,
        other => panic!("an error is expected, not {other:?}"),
    }
}

const FALSE: &str = "the expression is false";

#[test]
fn a_real_record_is_judged_by_an_expression() {
    let done = example("TODO_DONE_STATUS_UPDATED");
    let expression = json!({"expression": "currentValue.done && !previousValue.done && event.startsWith('TODO_')"});

    assert_eq!(evaluate_with::<Cel>(&done, expression.clone()), deliver());
    assert_eq!(evaluate_with::<Cel>(&done.with("/previousValue/done", true), expression), skip(FALSE));
}

#[test]
fn expressions_do_what_cel_says() {
    let record = json!({
        "n": 3, "f": 1.5, "s": "Zürich", "none": null, "list": [1, "b", {"k": "v"}], "map": {"a": 1, "b": {"c": true}},
        "tags": [{"title": "urgent"}, {"title": "later"}], "$price": 5, "a/b": 1, "m~n": 2, "10": "ten", "in": 7,
    });
    for expression in [
        "true",
        "!!!false",
        "currentValue.n == 3 && currentValue.n == 3.0 && currentValue.n > 2 && currentValue.n <= 3",
        "currentValue.f == 1.5 && currentValue.f * 2.0 == double(3)",
        "currentValue.n + 0.5 == 3.5",
        "currentValue.s == 'Zürich' && size(currentValue.s) == 6 && currentValue.s.contains('ü')",
        "currentValue.s in ['Bern', 'Zürich']",
        "currentValue.none == null && has(currentValue.none)",
        "currentValue.list[0] == 1 && currentValue.list[2].k == 'v' && size(currentValue.list) == 3",
        "currentValue.map == {'a': 1, 'b': {'c': true}} && currentValue.map.b.c",
        "currentValue['$price'] == 5 && currentValue['a/b'] == 1 && currentValue['m~n'] == 2 && currentValue['10'] == 'ten'",
        "currentValue.tags.exists(tag, tag.title == 'urgent')",
        "!currentValue.tags.all(tag, tag.title == 'urgent')",
        "currentValue.tags.exists_one(tag, tag.title == 'later')",
        "currentValue.tags.map(tag, tag.title) == ['urgent', 'later']",
        "currentValue.tags.filter(event, event.title.startsWith('u')).size() == 1",
        "has(currentValue.map.b) && !has(currentValue.map.z) && !has(currentValue.gone.deep)",
        "has(currentValue.gone) ? currentValue.gone == 1 : true",
        "currentValue.s.matches('^Z.rich$') && !currentValue.s.matches('^z')",
        "seconds(occurredAt) == 1769850000.0",
        "seconds('2026-02-01') - seconds(occurredAt) < 24.0 * 3600.0",
        "type(currentValue.s) == string && type(currentValue.n) == double && type(currentValue.list) == list",
        "int(currentValue.n) % 2 == 1 && string(currentValue.n) == '3'",
        &vec!["currentValue.n == 4"; 40].join(" || ").replacen("4", "3", 1),
        "previousValue == null && event == 'E' && projectId == 'p'",
    ] {
        assert_eq!(verdict(record.clone(), expression), deliver(), "{expression}");
    }
    assert_eq!(verdict(record, "currentValue.n == 4"), skip(FALSE));
}

#[test]
fn only_what_the_expression_names_is_declared() {
    for (expression, pointers) in [
        ("true", &[] as &[&str]),
        ("currentValue.todoList.title == 'a' && event == 'b'", &["/currentValue/todoList/title", "/event"]),
        ("has(currentValue.a.b) && currentValue.a.b == 1", &["/currentValue/a/b"]),
        ("currentValue.a == 1 || currentValue.a == 2", &["/currentValue/a"]),
        ("currentValue['a/b']['m~n'].c == 1", &["/currentValue/a~1b/m~0n/c"]),
        ("currentValue.a.b == 1 || currentValue['a.b'] == 1", &["/currentValue/a/b", "/currentValue/a.b"]),
        ("currentValue.tags[0].title == 'a'", &["/currentValue/tags"]),
        ("currentValue.tags.exists(tag, tag.id == userId)", &["/currentValue/tags", "/userId"]),
        ("currentValue.tags.exists(event, event.id == 1) && event == 'E'", &["/currentValue/tags", "/event"]),
        ("currentValue[event].x == 1", &["/currentValue", "/event"]),
        ("currentValue['*'] == 1 || currentValue.a['0'].b == 1", &["/currentValue", "/currentValue/a"]),
        ("currentValue == previousValue", &["/currentValue", "/previousValue"]),
    ] {
        assert_eq!(declared(expression), pointers, "{expression}");
    }
}

#[test]
fn what_is_absent_is_an_error_and_never_a_match() {
    for expression in [
        "currentValue.gone == 1",
        "currentValue.gone != 1",
        "!(currentValue.gone == 1)",
        "currentValue.gone.x",
        "!currentValue.gone",
    ] {
        let error = error(verdict(json!({}), expression));
        assert!(error.starts_with("currentValue.gone"), "{expression}: {error}");
        assert!(error.contains(" is absent: ask has(currentValue.gone"), "{expression}: {error}");
    }
    assert_eq!(verdict(json!({"a": 1}), "currentValue.a == 1 || currentValue.gone == 1"), deliver());
    assert_eq!(verdict(json!({"a": 1}), "currentValue.gone == 1 && currentValue.a == 2"), skip(FALSE));
    assert_eq!(verdict(json!(null), "has(currentValue.a) && currentValue.a == 1"), skip(FALSE));
}

#[test]
fn another_type_is_an_error_and_never_a_match() {
    let record = json!({"text": "5", "n": 5, "list": [], "nothing": null});
    for expression in [
        "currentValue.text > 4",
        "currentValue.n.startsWith('5')",
        "currentValue.text.matches('(')",
        "currentValue.nothing > 1",
        "currentValue.n + 1 == 6",
        "currentValue.list[0] == 1",
        "currentValue.text && true",
        "seconds(currentValue.text) > 0.0",
        "currentValue.n",
        "currentValue.text",
        "[currentValue.n]",
        "null",
    ] {
        assert!(matches!(verdict(record.clone(), expression), Verdict::Error(_)), "{expression}");
    }
    assert_eq!(verdict(record.clone(), "currentValue.text == 5"), skip(FALSE));
    assert_eq!(error(verdict(record, "currentValue.n")), "the expression gives a float, not true or false");
}

#[test]
fn an_error_repeats_little_of_a_large_value() {
    let large = "é".repeat(10_000);

    assert!(error(verdict(json!({"x": large}), "currentValue.x > 1")).len() < 1_000);
    assert!(error(verdict(json!({"x": [large]}), "currentValue.x > 1")).len() < 1_000);
}

#[test]
fn what_does_not_compile_is_refused_with_its_position() {
    for (expression, reason) in [
        ("", "/expression: line 1, column "),
        ("currentValue.done &&", "/expression: line 1, column "),
        ("true\n  && (false", "/expression: line 2, column "),
        ("currentValue.done = true", "/expression: line 1, column 1"),
        ("curentValue.done", "/expression: an event has no `curentValue`; it has id, event,"),
        ("done", "/expression: an event has no `done`"),
        ("currentValue.tags.exists(tag, tga.title == 'a')", "/expression: an event has no `tga`"),
        ("currentValue.s.startWith('a')", "/expression: there is no function `startWith`"),
        (
            "timestamp(currentValue.due) > timestamp('2026-01-01T00:00:00Z')",
            "/expression: there is no function `timestamp`",
        ),
        ("Todo{a: 1}.a == 1", "/expression: "),
    ] {
        assert!(refusal(expression).starts_with(reason), "{expression}: {}", refusal(expression));
    }
    for nested in [
        format!("{}1{} == []", "[".repeat(200), "]".repeat(200)),
        format!("1{}  == 1", "+1".repeat(200)),
        format!("currentValue{}", "[0]".repeat(200)),
    ] {
        assert!(refusal(&nested).len() < 200, "{}", refusal(&nested));
    }
    assert_eq!(configure::<Cel>(json!(null)).unwrap_err(), "missing field `expression`");
    assert_eq!(
        configure::<Cel>(json!({"expression": 5})).unwrap_err(),
        "/expression: expected a string, found integer"
    );
}
