//! The JSON Schema that a configuration's type makes, and that it takes what the type takes.

use std::collections::BTreeMap;

use hooksieve_sdk::{Config as _, Pointer, Schema, schema};
use serde::Deserialize;
use serde_json::{Value, json};

fn parsed(schema: &str) -> Value {
    serde_json::from_str(schema).expect("a schema is JSON")
}

/// What the filter lets through.
///
/// More about it.
#[derive(Deserialize, Schema)]
#[expect(dead_code, reason = "only what is read of it matters")]
struct Config {
    /// Records
    /// in "one" of these lists \ none of others.
    lists: Vec<Pointer>,
    #[serde(default = "three")]
    limit: u8,
    ratio: Option<f64>,
    direction: Direction,
    /// Where else to look.
    nested: Option<Box<Nested>>,
    by_name: BTreeMap<String, Nested>,
    #[serde(skip)]
    computed: Vec<String>,
    r#type: serde_json::Value,
}

fn three() -> u8 {
    3
}

/// Which way.
#[derive(Deserialize, Schema)]
#[serde(rename_all = "kebab-case")]
enum Direction {
    ToTheLeft,
    #[serde(rename = "right!")]
    Right,
    #[serde(skip)]
    #[expect(dead_code, reason = "it is never read")]
    Nowhere,
}

/// A part.
#[derive(Deserialize, Schema)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Nested {
    a_letter: Wrapped,
}

#[derive(Default, Deserialize, Schema)]
struct Wrapped(#[expect(dead_code, reason = "only what is read of it matters")] char);

#[test]
fn a_schema_says_all_that_the_type_says() {
    let nested = json!({
        "type": "object", "additionalProperties": false,
        "properties": {"aLetter": {"type": "string", "minLength": 1, "maxLength": 1}},
    });
    let mut described = nested.clone();
    described["description"] = "A part.".into();

    assert_eq!(
        parsed(schema!(Config)),
        json!({
            "description": "What the filter lets through.",
            "type": "object",
            "properties": {
                "lists": {
                    "description": "Records in \"one\" of these lists \\ none of others.",
                    "type": "array", "items": {"type": "string", "format": "json-pointer"},
                },
                "limit": {"type": "integer", "minimum": 0, "maximum": 255},
                "ratio": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                "direction": {"description": "Which way.", "enum": ["to-the-left", "right!"]},
                "nested": {"description": "Where else to look.", "anyOf": [described, {"type": "null"}]},
                "by_name": {"type": "object", "additionalProperties": described},
                "type": {"type": ["string", "number", "boolean", "null", "array", "object"]},
            },
            "required": ["lists", "direction", "by_name", "type"],
            "additionalProperties": false,
        })
    );
}

#[test]
fn the_type_takes_what_its_schema_names_and_wants_what_its_schema_requires() {
    let least = json!({"lists": ["/id"], "direction": "right!", "by_name": {"x": {"aLetter": "a"}}, "type": null});
    let text = least.to_string();

    assert_eq!(Config::parse(&text).expect("it has all that is required").limit, 3);
    for required in parsed(schema!(Config))["required"].as_array().expect("a list").iter().filter_map(Value::as_str) {
        let mut without = least.clone();
        without.as_object_mut().expect("an object").remove(required);
        // serde says this of a missing member, and the schema of a required one.
        let refused = Config::parse(&without.to_string()).err().expect(required).to_string();
        assert!(refused.contains(&format!("missing field `{required}`")), "{refused}");
    }
}

macro_rules! cases {
    ($($case:literal)*) => {[$({
        #[derive(Deserialize, Schema)]
        #[serde(rename_all = $case)]
        #[expect(dead_code, reason = "only its names matter")]
        struct Fields {
            _first: bool,
            two_words: bool,
            a1_b2_c: bool,
        }
        #[derive(Deserialize, Schema)]
        #[serde(rename_all = $case)]
        enum Names {
            One,
            TwoWords,
            A1BéC,
        }
        type Read = (fn(&str) -> bool, fn(&str) -> bool);
        let read: Read = (|text| Fields::parse(text).is_ok(), |text| Names::parse(text).is_ok());
        ($case, schema!(Fields), schema!(Names), read)
    }),*]};
}

#[test]
fn names_are_in_the_case_in_which_serde_reads_them() {
    for (case, fields, names, (reads_fields, reads_name)) in cases! {
        "lowercase" "UPPERCASE" "PascalCase" "camelCase" "snake_case" "SCREAMING_SNAKE_CASE" "kebab-case"
        "SCREAMING-KEBAB-CASE"
    } {
        let required = parsed(fields)["required"].as_array().expect("a list").clone();
        let all: serde_json::Map<_, _> =
            required.iter().filter_map(Value::as_str).map(|name| (name.to_owned(), true.into())).collect();
        assert_eq!(all.len(), 3, "{case}: {fields}");
        assert!(reads_fields(&Value::Object(all).to_string()), "{case}: {fields}");
        for name in parsed(names)["enum"].as_array().expect("a list") {
            assert!(reads_name(&name.to_string()), "{case}: {name}");
        }
    }
}
