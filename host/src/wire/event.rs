//! Events and their types.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::Violation;
use super::text::{Cursor, EventTypeName, Id, Name};
use crate::model::Timestamp;
use crate::model::catalogue::TypeInfo;
use crate::model::event::StoredEvent;

/// An event to accept.
///
/// Records are kept as the JSON text that was sent: whole numbers that a double changes, numbers
/// beyond a double and lone surrogates are refused, since a receiver in JavaScript could not verify
/// the signature over them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewEvent {
    /// The idempotency key, 1 to 128 characters of `A-Z a-z 0-9 . _ : -` and not `batch`; generated if absent.
    #[schema(value_type = Option<Id>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The event type; `GET /v1/event-types` lists them.
    #[schema(value_type = EventTypeName)]
    pub event: String,
    /// The company it happened in; that of the project if absent.
    #[schema(value_type = Option<Id>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_id: Option<String>,
    /// The project it happened in.
    #[schema(value_type = Id)]
    pub project_id: String,
    /// Who did it.
    #[schema(value_type = Option<Id>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// When it happened, RFC 3339; the moment of acceptance if absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
    /// The record before, any JSON; null for what was created.
    #[schema(value_type = Value)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_value: Option<Box<RawValue>>,
    /// The record after, any JSON; null for what was deleted.
    #[schema(value_type = Value)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_value: Option<Box<RawValue>>,
}

impl NewEvent {
    /// An event of `event` in `project_id`, and nothing else.
    #[must_use]
    pub fn new(event: &str, project_id: &str) -> Self {
        Self {
            id: None,
            event: event.to_owned(),
            company_id: None,
            project_id: project_id.to_owned(),
            user_id: None,
            occurred_at: None,
            previous_value: None,
            current_value: None,
        }
    }
}

/// An event that is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedEvent {
    /// Its id.
    pub id: String,
    /// Whether the same event was accepted before, so that this call changed nothing.
    pub duplicate: bool,
}

/// What became of each event of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchResults {
    /// One for each event, in the order of the batch.
    #[schema(max_items = 1000)]
    pub results: Vec<BatchResult>,
}

/// What became of one event of a batch: it is on disk, or it was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum BatchResult {
    /// It is on disk.
    Accepted(AcceptedEvent),
    /// It was refused; the other events were not.
    Refused {
        /// Why.
        error: RefusedEvent,
    },
}

/// Why one event of a batch was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedEvent {
    /// What went wrong, for programs: `BAD_USER_INPUT` or `CONFLICT`.
    pub code: String,
    /// What went wrong, for people, and where there is one the remedy.
    pub detail: String,
    /// What is wrong with the event, field by field; the pointers begin at the event.
    pub errors: Vec<Violation>,
}

/// Which events to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// Only those of this type.
    #[param(value_type = Option<EventTypeName>, inline)]
    pub event: Option<String>,
    /// Only those of this project.
    #[param(value_type = Option<Id>, inline)]
    pub project_id: Option<String>,
    /// Only those accepted at this time or later, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Only those accepted before this time, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// How many items at the most, 1 to 250; 50 if absent.
    #[param(minimum = 1, maximum = 250)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the previous page, as it is.
    #[param(value_type = Option<Cursor>, inline)]
    pub cursor: Option<String>,
}

/// An event as it was accepted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its id.
    pub id: String,
    /// The event type.
    pub event: String,
    /// The company it happened in.
    pub company_id: Option<String>,
    /// The project it happened in.
    pub project_id: String,
    /// Who did it.
    pub user_id: Option<String>,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub occurred_at: Timestamp,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub accepted_at: Timestamp,
    /// Whether it was decided for every webhook, so that its verdicts are there.
    pub dispatched: bool,
    /// Whether it did not happen: the owner of one webhook tests that webhook with it.
    pub is_test: bool,
    /// The record before, any JSON.
    #[schema(value_type = Value)]
    pub previous_value: Box<RawValue>,
    /// The record after, any JSON.
    #[schema(value_type = Value)]
    pub current_value: Box<RawValue>,
}

impl From<&StoredEvent> for Event {
    fn from(stored: &StoredEvent) -> Self {
        let event = &stored.event;
        Self {
            id: event.id.to_string(),
            event: event.event_type.to_string(),
            company_id: event.company_id.as_ref().map(ToString::to_string),
            project_id: event.project_id.to_string(),
            user_id: event.user_id.as_ref().map(ToString::to_string),
            occurred_at: event.occurred_at,
            accepted_at: event.accepted_at,
            dispatched: stored.is_dispatched,
            is_test: stored.test_of.is_some(),
            previous_value: canonical(&event.previous_value),
            current_value: canonical(&event.current_value),
        }
    }
}

/// Canonical text, which is JSON by the model's promise.
pub(super) fn canonical(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("the model holds canonical JSON text only")
}

/// An event type.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventType {
    /// Its name.
    pub name: String,
    /// Its group in the catalogue.
    pub group: String,
    /// What happened, for people.
    pub description: String,
    /// Whether it is one of Blue's; the others were added by the operator.
    pub built_in: bool,
    /// A complete event of this type, as it would be posted; null for an added type that has none.
    #[schema(value_type = Option<NewEvent>)]
    pub example: Option<Box<RawValue>>,
    /// The JSON Schema (draft 2020-12) of such an event: what its record has before and after. Events are not
    /// checked against it; null for an added type that has none.
    #[schema(value_type = Option<Object>)]
    pub schema: Option<Box<RawValue>>,
}

impl From<&TypeInfo> for EventType {
    fn from(info: &TypeInfo) -> Self {
        Self {
            name: info.name.to_string(),
            group: info.group.clone(),
            description: info.description.clone(),
            built_in: true,
            example: Some(info.example.clone()),
            schema: Some(info.schema.clone()),
        }
    }
}

/// What to know of an event type, in place of what was known.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutEventType {
    /// What happened, for people.
    #[schema(value_type = Name)]
    pub description: String,
    /// Its group in the catalogue; `Custom Events` if absent.
    #[schema(value_type = Option<Name>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// A complete event of this type, as it would be posted, of at most 16 KiB; none if absent.
    #[schema(value_type = Option<NewEvent>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<Box<RawValue>>,
    /// The JSON Schema (draft 2020-12) of such an event, an object of at most 16 KiB that refers to no other
    /// document; none if absent. The example must meet it. It tells people and programs what to expect:
    /// events are not checked against it.
    #[schema(value_type = Option<Object>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Box<RawValue>>,
}
