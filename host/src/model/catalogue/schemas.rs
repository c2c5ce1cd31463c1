//! The JSON Schemas of the built-in event types.
//!
//! `event-schemas.json` has each kind of record once and, for each type, which kind the event carries before
//! and after. A type's schema is put together from these, whole by itself: nobody has to fetch another
//! document to use it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use super::without_blanks;
use crate::model::event::EventType;

/// How one kind of record refers to another.
const REFERENCE: &str = "\"#/$defs/";

/// The schema of the side that a creation or a deletion does not have.
const NULL: &str = r#"{"type":"null"}"#;

/// The file.
#[derive(Deserialize)]
pub(super) struct Schemas {
    /// The kinds of records.
    #[serde(rename = "$defs")]
    kinds: BTreeMap<String, Box<RawValue>>,
    types: BTreeMap<EventType, Sides>,
}

/// The schemas of the record before and after.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sides {
    previous_value: Box<RawValue>,
    current_value: Box<RawValue>,
}

impl Schemas {
    pub(super) fn built_in() -> Self {
        let text = include_str!("../../../event-schemas.json");
        let mut schemas: Self = serde_json::from_str(text).expect("the schemas are tested to parse");
        let kinds = schemas.kinds.values_mut();
        let sides = schemas.types.values_mut().flat_map(|sides| [&mut sides.previous_value, &mut sides.current_value]);
        for schema in kinds.chain(sides) {
            *schema = without_blanks(schema);
        }
        schemas
    }

    /// The schema of events of a type.
    pub(super) fn of(&self, name: &EventType, description: &str) -> Box<RawValue> {
        let Sides { previous_value, current_value } =
            self.types.get(name).expect("the catalogue's tests ask for every type");
        let kinds = self.kinds_in([previous_value, current_value]);
        let kinds: Vec<String> = kinds.into_iter().map(|kind| format!("\"{kind}\":{}", self.kinds[kind])).collect();
        // What is null may as well be left out.
        let sides = [("\"previousValue\"", previous_value), ("\"currentValue\"", current_value)];
        let there = sides.into_iter().filter(|(_, schema)| schema.get() != NULL).map(|(name, _)| name);
        let required: Vec<&str> = ["\"event\""].into_iter().chain(there).collect();
        let description = to_raw_value(description).expect("a string can always be written as JSON");
        let schema = format!(
            r#"{{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"{name}","description":{description},"type":"object","properties":{{"event":{{"const":"{name}"}},"previousValue":{previous_value},"currentValue":{current_value}}},"required":[{}],"$defs":{{{}}}}}"#,
            required.join(","),
            kinds.join(","),
        );
        RawValue::from_string(schema).expect("it is put together from JSON")
    }

    /// The kinds that the schemas refer to, directly or through others.
    fn kinds_in(&self, schemas: [&RawValue; 2]) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut unread = schemas.to_vec();
        while let Some(schema) = unread.pop() {
            for reference in schema.get().split(REFERENCE).skip(1) {
                let name = reference.split('"').next().unwrap_or_default();
                let (kind, schema) =
                    self.kinds.get_key_value(name).expect("the catalogue's tests follow every reference");
                if found.insert(kind.as_str()) {
                    unread.push(schema);
                }
            }
        }
        found
    }
}
