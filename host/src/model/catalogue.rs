//! The event types that are built in: Blue's 37, as its API document lists them.
//!
//! Names, examples and schemas are those of the API document and the guide. The guide's first, short
//! example writes `RECORD_CREATED`; that name is in neither the list of types nor the guide's long
//! example, so `TODO_CREATED` is the one name of that event here, in both shapes of the body.

mod schemas;

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::EventType;
use schemas::Schemas;

/// What the names of Hooksieve's own event types begin with, such as `WEBHOOK_HEALTH_CHECK`.
pub const RESERVED_PREFIX: &str = "WEBHOOK_";

/// One event type.
#[derive(Debug, Clone)]
pub struct TypeInfo {
    /// Its name.
    pub name: EventType,
    /// Its group in the API document.
    pub group: String,
    /// What happened, for people.
    pub description: String,
    /// A complete event of this type, as it would be posted; canonical JSON.
    pub example: Box<RawValue>,
    /// The JSON Schema (2020-12) of such an event, with the record before and after. It describes what Blue
    /// sends; events are not checked against it.
    pub schema: Box<RawValue>,
}

/// A type as the catalogue's file has it.
#[derive(Deserialize)]
struct Listed {
    name: EventType,
    group: String,
    description: String,
    example: Box<RawValue>,
}

/// The built-in event types, in the order of the API document.
#[derive(Debug, Clone)]
pub struct Catalogue {
    types: Vec<TypeInfo>,
    places: HashMap<EventType, usize>,
}

impl Catalogue {
    /// Reads the catalogue that the SDK's test kit reads too.
    #[must_use]
    pub fn built_in() -> Self {
        let text = include_str!("../../../sdk/catalogue.json");
        let listed: Vec<Listed> = serde_json::from_str(text).expect("the catalogue is tested to parse");
        let schemas = Schemas::built_in();
        let info = |listed: Listed| TypeInfo {
            example: without_blanks(&listed.example),
            schema: schemas.of(&listed.name, &listed.description),
            name: listed.name,
            group: listed.group,
            description: listed.description,
        };
        let types: Vec<TypeInfo> = listed.into_iter().map(info).collect();
        let places = types.iter().enumerate().map(|(place, info)| (info.name.clone(), place)).collect();
        Self { types, places }
    }

    /// Every type, in order.
    #[must_use]
    pub fn types(&self) -> &[TypeInfo] {
        &self.types
    }

    /// One type.
    #[must_use]
    pub fn get(&self, name: &EventType) -> Option<&TypeInfo> {
        self.places.get(name).map(|&place| &self.types[place])
    }
}

/// The same JSON without what only makes the committed files easy to read.
fn without_blanks(json: &RawValue) -> Box<RawValue> {
    let mut text = String::with_capacity(json.get().len());
    let (mut is_in_string, mut is_escaped) = (false, false);
    for character in json.get().chars() {
        if is_in_string || !character.is_ascii_whitespace() {
            text.push(character);
        }
        is_in_string ^= character == '"' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
    }
    RawValue::from_string(text).expect("blanks outside of strings mean nothing in JSON")
}

#[cfg(test)]
mod tests;
