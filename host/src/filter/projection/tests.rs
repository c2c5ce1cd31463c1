use proptest::prelude::*;
use serde_json::Value as Json;

use super::pointer::{Root, Segment};
use super::{EventFields, Plan, Pointer, Projected, Scalar, Value};

const RECORD: &str = concat!(
    r#"{"0":"zero","id":"r1","title":"a \"b\" \u0001é","done":false,"count":3,"ratio":0.5,"html":null,"#,
    r#""todoTags":[{"title":"x","ids":[1,2]},{"ids":[]},{"title":null,"ids":[3]},7],"#,
    r#""empty":[],"a/b":{"m~n":1},"big":1152921504606847000,"huge":1e+21,"mixed":[1,{"k":2},"s"]}"#
);

fn event(current_value: &str) -> EventFields<'_> {
    EventFields {
        id: Some("e1"),
        event: Some("TODO_CREATED"),
        company_id: None,
        project_id: Some("p1"),
        user_id: Some(""),
        occurred_at: None,
        previous_value: "null",
        current_value,
    }
}

/// Projects one field from [`RECORD`] alone.
fn value_at(pointer: &str) -> Value {
    let plan = Plan::new([pointers(&[pointer]).as_slice()]);
    plan.project(&event(RECORD)).values(0).remove(0)
}

fn pointers(texts: &[impl AsRef<str>]) -> Vec<Pointer> {
    texts.iter().map(|text| Pointer::parse(text.as_ref()).expect("a pointer")).collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn json(text: &str) -> Value {
    Value::Json(text.into())
}

#[test]
fn absent_null_and_empty_differ() {
    assert_eq!(value_at("/currentValue/missing"), Value::Absent);
    assert_eq!(value_at("/currentValue/html"), Value::Null);
    assert_eq!(value_at("/companyId"), Value::Null);
    assert_eq!(value_at("/userId"), text(""));
    assert_eq!(value_at("/previousValue"), Value::Null);
    assert_eq!(value_at("/previousValue/id"), Value::Absent);
    assert_eq!(value_at("/id/x"), Value::Absent);
    assert_eq!(value_at("/id/*"), Value::Absent);
}

#[test]
fn scalars_come_as_their_own_kind() {
    assert_eq!(value_at("/event"), text("TODO_CREATED"));
    assert_eq!(value_at("/currentValue/title"), text("a \"b\" \u{1}é"));
    assert_eq!(value_at("/currentValue/done"), Value::Boolean(false));
    assert_eq!(value_at("/currentValue/count"), Value::Integer(3));
    assert_eq!(value_at("/currentValue/ratio"), Value::Float(0.5));
    assert_eq!(value_at("/currentValue/big"), Value::Integer(1_152_921_504_606_847_000));
    assert_eq!(value_at("/currentValue/huge"), Value::Float(1e21));
    assert_eq!(value_at("/currentValue/a~1b/m~0n"), Value::Integer(1));
}

#[test]
fn integers_go_by_value_and_end_where_64_bits_end() {
    let cases = [
        ("-9223372036854775808", Value::Integer(i64::MIN)),
        ("9223372036854775807", Value::Integer(i64::MAX)),
        ("9223372036854775808", Value::Float(9_223_372_036_854_775_808.0)),
        ("-9223372036854777856", Value::Float(-9_223_372_036_854_777_856.0)),
        ("1.0", Value::Integer(1)),
        ("1e2", Value::Integer(100)),
        ("-0", Value::Integer(0)),
        ("-0.5", Value::Float(-0.5)),
    ];
    for (text, expected) in cases {
        assert_eq!(Value::of(text), expected, "{text}");
    }
}

#[test]
fn arrays_and_objects_come_as_their_text() {
    assert_eq!(value_at("/currentValue"), json(RECORD));
    assert_eq!(value_at("/currentValue/a~1b"), json(r#"{"m~n":1}"#));
    assert_eq!(value_at("/currentValue/empty"), json("[]"));
}

#[test]
fn an_index_selects_an_element_of_an_array_and_a_key_of_an_object() {
    assert_eq!(value_at("/currentValue/todoTags/0/title"), text("x"));
    assert_eq!(value_at("/currentValue/todoTags/2/ids/0"), Value::Integer(3));
    assert_eq!(value_at("/currentValue/0"), text("zero"));
    for pointer in ["/todoTags/4", "/todoTags/-", "/todoTags/00", "/todoTags/+1", "/todoTags/", "/empty/0"] {
        assert_eq!(value_at(&format!("/currentValue{pointer}")), Value::Absent, "{pointer}");
    }
}

#[test]
fn a_star_selects_from_every_element_in_which_the_rest_leads_somewhere() {
    let integers = |integers: &[i64]| Value::Many(integers.iter().copied().map(Scalar::Integer).collect());

    assert_eq!(
        value_at("/currentValue/todoTags/*/title"),
        Value::Many([Scalar::Text("x".into()), Scalar::Null].into())
    );
    assert_eq!(value_at("/currentValue/todoTags/*/ids/*"), integers(&[1, 2, 3]));
    assert_eq!(value_at("/currentValue/todoTags/*/ids/0"), integers(&[1, 3]));
    assert_eq!(value_at("/currentValue/todoTags/*/nothing"), integers(&[]));
    assert_eq!(value_at("/currentValue/empty/*"), integers(&[]));
}

#[test]
fn a_star_that_meets_no_array_is_absent() {
    assert_eq!(value_at("/currentValue/*"), Value::Absent);
    assert_eq!(value_at("/currentValue/title/*"), Value::Absent);
    assert_eq!(value_at("/currentValue/missing/*/title"), Value::Absent);
    assert_eq!(value_at("/previousValue/*"), Value::Absent);
}

#[test]
fn a_star_that_selects_a_container_gives_the_array_of_all_that_it_selects() {
    assert_eq!(value_at("/currentValue/mixed/*"), json(r#"[1,{"k":2},"s"]"#));
    assert_eq!(value_at("/currentValue/todoTags/*/ids"), json("[[1,2],[],[3]]"));
}

#[test]
fn filters_share_the_slots_of_common_pointers_and_keep_their_order() {
    let one = pointers(&["/id", "/currentValue/count", "/id"]);
    let other = pointers(&["/currentValue/count", "/event"]);
    let plan = Plan::new([one.as_slice(), &[], &other]);

    let projected = plan.project(&event(RECORD));

    assert_eq!(projected.slots.len(), 3);
    assert_eq!(projected.values(0), [text("e1"), Value::Integer(3), text("e1")]);
    assert_eq!(projected.values(1), []);
    assert_eq!(projected.values(2), [Value::Integer(3), text("TODO_CREATED")]);
}

/// The WIT's words on `value`, over a parsed document and without a thought for speed.
fn naive(root: &Json, segments: &[Segment]) -> Value {
    let Some(first_each) = segments.iter().position(|segment| *segment == Segment::Each) else {
        return select(root, segments).first().map_or(Value::Absent, |json| naive_value(json));
    };
    let is_array = matches!(select(root, &segments[..first_each]).first(), Some(Json::Array(_)));
    if !is_array {
        return Value::Absent;
    }
    let selected = select(root, segments);
    if selected.iter().any(|json| json.is_array() || json.is_object()) {
        let all = Json::Array(selected.into_iter().cloned().collect());
        return Value::Json(all.to_string().into());
    }
    let scalar = |json| match naive_value(json) {
        Value::Null => Scalar::Null,
        Value::Boolean(boolean) => Scalar::Boolean(boolean),
        Value::Integer(integer) => Scalar::Integer(integer),
        Value::Float(float) => Scalar::Float(float),
        Value::Text(text) => Scalar::Text(text),
        other => panic!("{other:?} is no scalar"),
    };
    Value::Many(selected.into_iter().map(scalar).collect())
}

fn select<'j>(json: &'j Json, segments: &[Segment]) -> Vec<&'j Json> {
    let Some((segment, rest)) = segments.split_first() else {
        return vec![json];
    };
    match (json, segment) {
        (Json::Array(elements), Segment::Each) => elements.iter().flat_map(|element| select(element, rest)).collect(),
        (Json::Array(elements), Segment::Key { quoted, .. }) => {
            let place = (0..elements.len()).find(|place| format!("\"{place}\"") == *quoted);
            place.map_or(vec![], |place| select(&elements[place], rest))
        }
        (Json::Object(members), Segment::Key { quoted, .. }) => {
            let key: String = serde_json::from_str(quoted).expect("JSON text");
            members.get(&key).map_or(vec![], |member| select(member, rest))
        }
        _ => vec![],
    }
}

fn naive_value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(boolean) => Value::Boolean(*boolean),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::Integer(integer),
            None => {
                let float = number.as_f64().expect("a double");
                let is_integer = float.fract() == 0.0 && float.abs() < 9e15;
                if is_integer { Value::Integer(float as i64) } else { Value::Float(float) }
            }
        },
        Json::String(text) => Value::Text(text.clone().into()),
        Json::Array(_) | Json::Object(_) => Value::Json(json.to_string().into()),
    }
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "0", "1", "2", "", "x/y", "~1", "\"\\", "é\n"]).prop_map(str::to_owned)
}

fn document() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1e9..1e9).prop_map(|float: f64| Json::from(float)),
        (-1e9..1e9).prop_map(|float: f64| Json::from(float.trunc())),
        (1e20..1e300).prop_map(|float: f64| Json::from(float)),
        "[ -~é\\n]{0,20}".prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 80, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::btree_map(key(), inner, 0..6)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

fn pointer() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        3 => key().prop_map(|key| key.replace('~', "~0").replace('/', "~1")),
        2 => Just("*".to_owned()),
    ];
    let root = prop::sample::select(vec!["/currentValue", "/previousValue"]);
    (root, prop::collection::vec(segment, 0..5)).prop_map(|(root, segments)| {
        let mut pointer = root.to_owned();
        for segment in segments {
            pointer.push('/');
            pointer.push_str(&segment);
        }
        pointer
    })
}

fn filters() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(prop::collection::vec(pointer(), 0..6), 1..4)
}

fn project<'p>(plan: &'p Plan, previous_value: &str, current_value: &str) -> Projected<'p> {
    plan.project(&EventFields { previous_value, ..event(current_value) })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn projection_selects_what_a_naive_walk_over_the_parsed_document_selects(
        previous in document(),
        current in document(),
        filters in filters(),
    ) {
        let fields: Vec<Vec<Pointer>> = filters.iter().map(|texts| pointers(texts)).collect();
        let plan = Plan::new(fields.iter().map(Vec::as_slice));
        let (previous_text, current_text) = (previous.to_string(), current.to_string());

        let projected = project(&plan, &previous_text, &current_text);

        for (filter, pointers) in fields.iter().enumerate() {
            for (value, Pointer { root, segments }) in projected.values(filter).iter().zip(pointers) {
                let document = if *root == Root::CurrentValue { &current } else { &previous };
                prop_assert_eq!(value, &naive(document, segments), "{:?} in {}", segments, document);
            }
        }
    }

    #[test]
    fn text_that_is_not_canonical_neither_panics_nor_loops(
        document in document(),
        place in any::<prop::sample::Index>(),
        junk in "[\\[\\]{}:,\"\\\\a0-]{0,6}",
        filters in filters(),
    ) {
        let fields: Vec<Vec<Pointer>> = filters.iter().map(|texts| pointers(texts)).collect();
        let mut text = document.to_string();
        let place = text.floor_char_boundary(place.index(text.len() + 1));
        let cut = text[..place].to_owned() + &junk;
        text.insert_str(place, &junk);

        let plan = Plan::new(fields.iter().map(Vec::as_slice));
        let projected = project(&plan, &text, &cut);

        prop_assert!(projected.slots.len() <= filters.iter().map(Vec::len).sum());
    }
}
