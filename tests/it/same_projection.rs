//! A filter's native tests and the host give the filter the same values.
//!
//! The SDK's test kit and the host read events with code of their own, so an author's tests mean
//! something only as long as the two agree.

use hooksieve::filter::projection::{EventFields, Plan, Pointer};
use hooksieve::json::canonicalise;
use hooksieve_sdk::test::{Json, event, json};
use proptest::prelude::*;

/// Keys and segments from one small set, so that pointers often lead somewhere.
const KEYS: [&str; 5] = ["a", "b", "0", "1", "m~n/o"];
const SEGMENTS: [&str; 7] = ["a", "b", "0", "1", "m~0n~1o", "*", "-"];

fn documents() -> impl Strategy<Value = Json> {
    let scalars = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-3_i64..3).prop_map(Json::from),
        prop_oneof![Just(0.5), Just(1e21), Just(-2.0), Just(1e300), Just(-0.0)].prop_map(Json::from),
        prop_oneof![Just(""), Just("text"), Just("a \"b\" \u{1}é😀")].prop_map(Json::from),
    ];
    scalars.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec((prop::sample::select(&KEYS[..]), inner), 0..5)
                .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

fn pointers() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&SEGMENTS[..]), 0..5)
        .prop_map(|segments| segments.iter().fold("/currentValue".to_owned(), |at, segment| format!("{at}/{segment}")))
}

/// What the host would hand to the filter.
fn by_host(document: &Json, pointer: &str) -> String {
    let current_value = canonicalise(document.to_string().as_bytes()).unwrap();
    let fields = EventFields {
        id: None,
        event: None,
        company_id: None,
        project_id: None,
        user_id: None,
        occurred_at: None,
        previous_value: "null",
        current_value: &current_value,
    };
    let pointer = [Pointer::parse(pointer).unwrap()];
    let values = Plan::new([&pointer[..]]).project(&fields).values(0);
    format!("{:?}", values[0])
}

/// What the test kit hands to it.
fn by_test_kit(document: &Json, pointer: &str) -> String {
    let event = event(json!({"event": "TODO_CREATED", "projectId": "p", "currentValue": document}));
    format!("{:?}", event.project(pointer)).replace("Value::", "").replace("Scalar::", "")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_test_kit_and_the_host_hand_over_the_same_values(document in documents(), pointer in pointers()) {
        prop_assert_eq!(by_test_kit(&document, &pointer), by_host(&document, &pointer));
    }
}
