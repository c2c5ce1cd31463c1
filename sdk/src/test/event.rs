//! Events to try a filter on.

use super::document::Document;
use super::project::project;
use crate::Value;

/// Blue's event types, which the host has built in, each with an example.
const CATALOGUE: &str = include_str!("../../catalogue.json");

/// An event as a filter sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event(Document);

/// The catalogue's example of an event type, such as `TODO_CREATED`.
///
/// # Panics
///
/// If the catalogue has no such type; the message lists those it has.
#[must_use]
pub fn example(name: &str) -> Event {
    let catalogue = Document::parse(CATALOGUE).expect("the catalogue is JSON");
    let Document::Array(types) = &catalogue else { unreachable!("the catalogue is an array") };
    let found = types.iter().find(|entry| project(entry, "/name") == Value::Text(name.into()));
    let Some(Document::Object(members)) = found else {
        panic!("the catalogue has no event type `{name}`; it has {}", example_names().join(", "));
    };
    let (_, example) = members.iter().find(|(key, _)| key == "example").expect("each has one");
    Event::new(example.clone())
}

/// The names of the catalogue's event types, in its order.
#[must_use]
pub fn example_names() -> Vec<String> {
    let catalogue = Document::parse(CATALOGUE).expect("the catalogue is JSON");
    match project(&catalogue, "/*/name") {
        Value::Many(names) => names
            .into_iter()
            .map(|name| match name {
                crate::Scalar::Text(name) => name,
                other => unreachable!("{other:?} is no name"),
            })
            .collect(),
        other => unreachable!("the catalogue is an array of types, not {other:?}"),
    }
}

/// An event as it would be posted to the host: `event(json!({"event": "TODO_CREATED", "projectId": "p"}))`.
///
/// # Panics
///
/// If it is no object.
#[must_use]
pub fn event(posted: serde_json::Value) -> Event {
    Event::from_json(&posted.to_string())
}

impl Event {
    /// An event from JSON text, such as a payload that you have kept. Keys keep their order.
    ///
    /// # Panics
    ///
    /// If it is no JSON object, or one that the host would refuse.
    #[must_use]
    pub fn from_json(text: &str) -> Self {
        Self::new(Document::parse(text).unwrap_or_else(|error| panic!("no event: {error}")))
    }

    /// Adds what the host adds: an id and a time, and `null` for a side that the event does not have.
    fn new(mut document: Document) -> Self {
        for (name, default) in [
            ("id", Document::Text("evt_test".into())),
            ("occurredAt", Document::Text("2022-12-01T11:23:09.241Z".into())),
            ("previousValue", Document::Null),
            ("currentValue", Document::Null),
        ] {
            if project(&document, &format!("/{name}")) == Value::Absent {
                document.insert(name.to_owned(), default);
            }
        }
        Self(document)
    }

    /// The same event with another value at a pointer; the object that it is in must be there.
    ///
    /// # Panics
    ///
    /// If the pointer leads nowhere.
    #[must_use]
    pub fn with(&self, pointer: &str, value: impl Into<serde_json::Value>) -> Self {
        let value = Document::parse(&value.into().to_string())
            .unwrap_or_else(|error| panic!("no value for `{pointer}`: {error}"));
        let mut event = self.clone();
        let (parent, name) = event.parent(pointer);
        match parent {
            Document::Array(items) => *element(items, &name, pointer) = value,
            object => object.insert(name, value),
        }
        event
    }

    /// The same event without what is at a pointer.
    ///
    /// # Panics
    ///
    /// If the pointer leads to no member of an object.
    #[must_use]
    pub fn without(&self, pointer: &str) -> Self {
        let mut event = self.clone();
        match event.parent(pointer) {
            (Document::Object(members), name) => members.retain(|(key, _)| *key != name),
            _ => panic!("`{pointer}` is in no object of the event"),
        }
        event
    }

    /// What the host sends a filter that declares this pointer.
    #[must_use]
    pub fn project(&self, pointer: &str) -> Value {
        project(&self.0, pointer)
    }

    /// The array or object in which the pointer's last segment is, and that segment.
    fn parent(&mut self, pointer: &str) -> (&mut Document, String) {
        let mut segments: Vec<String> =
            pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect();
        let last = segments.pop().unwrap_or_else(|| panic!("`{pointer}` does not begin with `/`"));
        let parent = segments.iter().fold(&mut self.0, |document, name| match document {
            Document::Object(members) => members
                .iter_mut()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value)
                .unwrap_or_else(|| panic!("the event has no `{name}` of `{pointer}`")),
            Document::Array(items) => element(items, name, pointer),
            _ => panic!("the event has nothing inside which `{name}` of `{pointer}` could be"),
        });
        (parent, last)
    }
}

fn element<'a>(items: &'a mut [Document], name: &str, pointer: &str) -> &'a mut Document {
    name.parse()
        .ok()
        .and_then(|index: usize| items.get_mut(index))
        .unwrap_or_else(|| panic!("the event has no element `{name}` of `{pointer}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_has_all_types_of_the_api_document() {
        let names = example_names();

        assert_eq!(names.len(), 37);
        for name in &names {
            let event = example(name);
            assert_eq!(event.project("/event"), Value::Text(name.clone()));
            let sides = [event.project("/previousValue"), event.project("/currentValue")];
            assert_eq!(sides[0] == Value::Null, name.ends_with("_CREATED"), "{name}");
            assert_eq!(sides[1] == Value::Null, name.ends_with("_DELETED"), "{name}");
        }
    }

    #[test]
    fn an_event_can_be_varied() {
        let event = example("TODO_CREATED");

        let varied = event.with("/currentValue/todoList/title", "Elsewhere").without("/currentValue/done");

        assert_eq!(varied.project("/currentValue/todoList/title"), Value::Text("Elsewhere".into()));
        assert_eq!(varied.project("/currentValue/done"), Value::Absent);
        assert_eq!(event.project("/currentValue/done"), Value::Boolean(false));
    }

    #[test]
    #[should_panic(expected = "it has TODO_CREATED, TODO_DELETED")]
    fn an_unknown_type_names_the_known_ones() {
        let _ = example("TODO_MADE");
    }
}
