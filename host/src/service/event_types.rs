//! The catalogue of event types: Blue's, those that the operator added, and what is meant by a name that is
//! neither.
//!
//! A type's schema tells producers and receivers what to expect. It is checked when it is added, and so is
//! its example; events are not. A check at intake would need the whole event as a tree, and would refuse what
//! has happened already to a producer who may not be able to send it otherwise.

mod nearest;

use serde_json::value::RawValue;

use super::access::operator;
use super::posted::{Checked, Known, parse};
use super::{Result, Service, ServiceError, Violation, check_name};
use crate::json;
use crate::model::catalogue::{Catalogue, RESERVED_PREFIX};
use crate::model::event::EventType;
use crate::model::limits::{
    EVENT_TYPE_EXAMPLE_BYTES_MAX, EVENT_TYPE_SCHEMA_BYTES_MAX, EVENT_TYPE_SCHEMA_PATTERNS_MAX, EVENT_TYPES_ADDED_MAX,
};
use crate::model::token::Caller;
use crate::schema::{Flaw, Schema};
use crate::store::CustomEventType;
use nearest::nearest;

/// What to know of an event type, as the operator wrote it.
#[derive(Clone, Debug, Default)]
pub struct NewEventType {
    /// What happened, for people.
    pub description: String,
    /// Its group in the catalogue.
    pub group: Option<String>,
    /// A complete event of this type, JSON text.
    pub example: Option<Box<RawValue>>,
    /// The JSON Schema of such an event, JSON text.
    pub schema: Option<Box<RawValue>>,
}

impl Service {
    /// The built-in event types.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The event types that the operator added.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn custom_event_types(&self) -> Result<Vec<CustomEventType>> {
        Ok(self.store.event_types().await?)
    }

    /// Adds an event type to the catalogue, or replaces one that was added before.
    ///
    /// # Errors
    /// When the caller is no operator, the name is not one or is built in, the schema is none, the example is
    /// no event of this type or does not meet the schema, or too many types were added already.
    pub async fn put_event_type(&self, caller: &Caller, name: &str, new: NewEventType) -> Result<CustomEventType> {
        operator(caller)?;
        let name = EventType::parse(name).map_err(|error| ServiceError::bad_field("/name", error.to_string()))?;
        // Events about webhooks themselves are Hooksieve's own.
        if self.catalogue.get(&name).is_some() || name.as_str().starts_with(RESERVED_PREFIX) {
            return Err(ServiceError::Conflict(format!("the event type {name} is built in; choose another name")));
        }
        let description = check_name(Some(new.description), "/description")?.unwrap_or_default();
        let group = check_name(new.group, "/group")?.unwrap_or_else(|| "Custom Events".to_owned());
        let example = new.example.as_deref().map(|text| check_example(text, &name)).transpose()?;
        let schema = new.schema.as_deref();
        let schema = schema.map(|text| canonical(text, "/schema", EVENT_TYPE_SCHEMA_BYTES_MAX)).transpose()?;
        if let Some(schema) = &schema {
            check_schema(schema, example.as_deref())?;
        }
        let event_type = CustomEventType { name, description, group, example, schema };
        if !self.store.put_event_type(event_type.clone(), EVENT_TYPES_ADDED_MAX).await? {
            let detail = format!("at most {EVENT_TYPES_ADDED_MAX} event types can be added, and there are as many");
            return Err(ServiceError::Conflict(detail));
        }
        Ok(event_type)
    }

    /// The type of that name, or a violation that says what to do instead.
    pub(super) async fn known_type(&self, name: &str, pointer: &str, known: &mut Known) -> Result<EventType> {
        let refuse = |detail: String| Err(ServiceError::bad_field(pointer, detail));
        let parsed = match EventType::parse(name) {
            Ok(parsed) => parsed,
            // What is no name is not repeated: it could be anything, a secret too.
            Err(error) => {
                let advice = self.advice(name, known).await?;
                return refuse(format!("{error}; {advice}"));
            }
        };
        if self.catalogue.get(&parsed).is_some() || known.has_type(self, &parsed).await? {
            return Ok(parsed);
        }
        if name.starts_with(RESERVED_PREFIX) {
            return refuse(format!(
                "{name} is not for use here: events whose type begins with {RESERVED_PREFIX} are Hooksieve's own"
            ));
        }
        let advice = self.advice(name, known).await?;
        refuse(format!("no event type is called {name}; {advice}"))
    }

    /// What to use instead of a name that is none.
    async fn advice(&self, name: &str, known: &mut Known) -> Result<String> {
        let built_in = self.catalogue.types().iter().map(|info| info.name.as_str());
        let added = known.type_names(self).await?.iter().map(EventType::as_str);
        Ok(match nearest(name, built_in.chain(added)) {
            Some(nearest) => format!("did you mean {nearest}?"),
            None => "`GET /v1/event-types` lists them all".to_owned(),
        })
    }
}

/// An example as canonical text: an event that could be posted.
fn check_example(example: &RawValue, name: &EventType) -> Result<Box<str>> {
    let text = canonical(example, "/example", EVENT_TYPE_EXAMPLE_BYTES_MAX)?;
    let posted = parse(&text).map_err(|refused| refused.under("/example"))?;
    Checked::of(&posted).map_err(|refused| refused.under("/example"))?;
    if posted.event != name.as_str() {
        return Err(ServiceError::bad_field(
            "/example/event",
            format!("an example of {name} is an event of this type"),
        ));
    }
    Ok(text)
}

/// Refuses what is no schema, and an example that does not meet it.
fn check_schema(schema: &str, example: Option<&str>) -> Result<()> {
    let under = |place: &'static str| {
        move |Flaw { pointer, detail }| ServiceError::bad_field(&format!("{place}{pointer}"), detail)
    };
    let schema = Schema::read(schema, EVENT_TYPE_SCHEMA_PATTERNS_MAX).map_err(under("/schema"))?;
    let flaws = example.map(|example| schema.flaws_of(example)).transpose().map_err(under("/example"))?;
    let violations: Vec<Violation> =
        flaws.into_iter().flatten().map(|flaw| Violation::from(flaw).under("/example")).collect();
    let Some(first) = violations.first() else { return Ok(()) };
    let detail = format!("the example does not meet the schema: {} at {}", first.detail, first.pointer);
    Err(ServiceError::BadInput { detail, violations })
}

fn canonical(text: &RawValue, pointer: &str, bytes_max: usize) -> Result<Box<str>> {
    if text.get().len() > bytes_max {
        return Err(ServiceError::bad_field(
            pointer,
            format!("it has more than the {bytes_max} bytes that are allowed"),
        ));
    }
    let canonical = json::canonicalise(text.get().as_bytes());
    canonical.map(Into::into).map_err(|error| ServiceError::from(error).under(pointer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_example_and_schema_is_canonical_and_every_example_can_be_posted() {
        for info in Catalogue::built_in().types() {
            for text in [info.example.get(), info.schema.get()] {
                assert_eq!(json::canonicalise(text.as_bytes()).unwrap(), text, "{}", info.name);
            }
            assert_eq!(*check_example(&info.example, &info.name).unwrap(), *info.example.get());
            check_schema(info.schema.get(), Some(info.example.get())).unwrap();
        }
    }
}
