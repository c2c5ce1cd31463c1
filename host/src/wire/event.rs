//! Events and their types.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::text::{EventTypeName, Id, Name};
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
    /// The idempotency key, 1 to 128 characters of `A-Z a-z 0-9 . _ : -`; generated if absent.
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
    /// A complete event of this type, as it would be posted; null for one that was added.
    #[schema(value_type = Option<NewEvent>)]
    pub example: Option<Box<RawValue>>,
}

impl From<&TypeInfo> for EventType {
    fn from(info: &TypeInfo) -> Self {
        Self {
            name: info.name.to_string(),
            group: info.group.clone(),
            description: info.description.clone(),
            built_in: true,
            example: Some(info.example.clone()),
        }
    }
}

/// What to know of an event type.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutEventType {
    /// What happened, for people.
    #[schema(value_type = Name)]
    pub description: String,
    /// Its group in the catalogue; `Custom Events` if absent.
    #[schema(value_type = Option<Name>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}
