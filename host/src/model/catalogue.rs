//! The event types that are built in: Blue's 37, as its API document lists them.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::EventType;

/// What the names of Hooksieve's own event types begin with, such as `WEBHOOK_HEALTH_CHECK`.
pub const RESERVED_PREFIX: &str = "WEBHOOK_";

/// One event type.
#[derive(Debug, Clone, Deserialize)]
pub struct TypeInfo {
    /// Its name.
    pub name: EventType,
    /// Its group in the API document.
    pub group: String,
    /// What happened, for people.
    pub description: String,
    /// A complete event of this type, as it would be posted.
    pub example: Box<RawValue>,
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
        let types: Vec<TypeInfo> = serde_json::from_str(text).expect("the catalogue is tested to parse");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_has_the_37_types_of_the_api_document() {
        let catalogue = Catalogue::built_in();

        assert_eq!(catalogue.types().len(), 37);
        for info in catalogue.types() {
            assert!(catalogue.get(&info.name).is_some_and(|found| found.description == info.description));
        }
    }
}
