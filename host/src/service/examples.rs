//! Events that did not happen: what a type's example says, for tests and samples.

use super::{Result, Service};
use crate::clock::random_bytes;
use crate::model::event::{Event, EventType};
use crate::model::ids::{EventId, ProjectId};
use crate::model::operational::{self, Change};

impl Service {
    /// An event of the type as its example has it, under a new id. A type that the operator added without an
    /// example has an empty record.
    pub(super) async fn example_event(&self, event_type: EventType) -> Result<Event> {
        if let Some(change) = Change::parse(event_type.as_str()) {
            let now = self.clock.now();
            let id = EventId::generate(now, random_bytes(self.clock.as_ref()));
            return Ok(Event { id, ..operational::example(change, now) });
        }
        if let Some(example) = self.example_of(&event_type).await? {
            return self.read_event(example.as_bytes()).await;
        }
        let now = self.clock.now();
        Ok(Event {
            id: EventId::generate(now, random_bytes(self.clock.as_ref())),
            event_type,
            company_id: None,
            project_id: ProjectId::parse("example").expect("it has letters only"),
            user_id: None,
            occurred_at: now,
            accepted_at: now,
            previous_value: "null".into(),
            current_value: "{}".into(),
            trace_parent: None,
        })
    }

    /// What the catalogue has as the type's example, JSON text.
    async fn example_of(&self, event_type: &EventType) -> Result<Option<Box<str>>> {
        match self.catalogue.get(event_type) {
            Some(info) => Ok(Some(info.example.get().into())),
            None => Ok(self.store.event_type(event_type).await?.and_then(|added| added.example)),
        }
    }
}
