//! An event: something happened to a record in a project of a company.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::Timestamp;
use super::ids::{CompanyId, EventId, ProjectId, UserId, WebhookId};
use super::limits::EVENT_TYPE_CHARS_MAX;
use super::trace::TraceParent;

/// The name of an event type, such as `TODO_CREATED`: upper-case letters, digits and underscores,
/// beginning with a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct EventType(Arc<str>);

/// Why a text is not the name of an event type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an event type has 1 to {EVENT_TYPE_CHARS_MAX} upper-case letters, digits and underscores and begins with a letter"
)]
pub struct EventTypeError;

impl EventType {
    /// Parses a name; whether the catalogue knows it is another question.
    ///
    /// # Errors
    /// When the length or a character is not allowed.
    pub fn parse(text: &str) -> Result<Self, EventTypeError> {
        let is_allowed = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
        let is_name = text.len() <= EVENT_TYPE_CHARS_MAX
            && text.bytes().all(is_allowed)
            && text.starts_with(|c: char| c.is_ascii_uppercase());
        if is_name { Ok(Self(text.into())) } else { Err(EventTypeError) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// The place of an event in the order of acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventSeq(pub i64);

/// An event as it was accepted. The two values are canonical JSON text, `null` where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The idempotency key.
    pub id: EventId,
    /// What happened.
    pub event_type: EventType,
    /// Where it happened, if the producer said so.
    pub company_id: Option<CompanyId>,
    /// Where it happened.
    pub project_id: ProjectId,
    /// Who did it.
    pub user_id: Option<UserId>,
    /// When it happened, by the producer; the moment of acceptance where the producer did not say.
    pub occurred_at: Timestamp,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// The record before, canonical JSON.
    pub previous_value: Box<str>,
    /// The record after, canonical JSON.
    pub current_value: Box<str>,
    /// The producer's trace that it came within, where traces are collected.
    pub trace_parent: Option<TraceParent>,
}

/// A stored event, with its place in the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the order of acceptance.
    pub seq: EventSeq,
    /// The event.
    pub event: Arc<Event>,
    /// Whether verdicts and deliveries are written.
    pub is_dispatched: bool,
    /// The webhook that it is for alone, if it is a test.
    pub test_of: Option<WebhookId>,
}

/// SHA-256 over what the producer sent, to tell a repeated event from a conflicting one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventDigest(pub [u8; 32]);
