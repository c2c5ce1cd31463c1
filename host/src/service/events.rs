//! Intake: events come in, once, and are on disk before they are acknowledged.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::access::operator;
use super::{Noun, Result, Service, ServiceError};
use crate::clock::random_bytes;
use crate::json;
use crate::model::Timestamp;
use crate::model::event::{Event, EventDigest, StoredEvent};
use crate::model::ids::{CompanyId, EventId, IdError, ProjectId, UserId};
use crate::model::pointer::refusal;
use crate::model::token::Caller;
use crate::model::verdict::Outcome;
use crate::store::Accepted;

/// An event that is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedEvent {
    /// The producer's id, or a generated one.
    pub id: EventId,
    /// Whether the same event was accepted before.
    pub is_duplicate: bool,
}

/// An event as the producer writes it, over canonical text: the values stay as they are.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an event")]
struct Posted<'a> {
    id: Option<String>,
    event: String,
    company_id: Option<String>,
    project_id: String,
    user_id: Option<String>,
    occurred_at: Option<String>,
    #[serde(borrow)]
    previous_value: Option<&'a RawValue>,
    #[serde(borrow)]
    current_value: Option<&'a RawValue>,
}

impl Service {
    /// Accepts an event, given as JSON text. When this returns, the event survives a power cut.
    ///
    /// # Errors
    /// When the caller is no operator, the text is not an event of a known type, or another event with the
    /// same id was accepted before.
    pub async fn accept_event(&self, caller: &Caller, body: &[u8]) -> Result<AcceptedEvent> {
        operator(caller)?;
        let canonical = json::canonicalise(body)?;
        let posted = parse(&canonical)?;
        let digest = digest(&posted);
        let event = self.event_from(posted).await?;
        let id = event.id.clone();
        let accepted = self.store.accept_event(Arc::new(event), digest).await?;
        self.metrics.events.count(accepted.as_str());
        match accepted {
            Accepted::New => {
                self.dispatch_poke.notify_one();
                Ok(AcceptedEvent { id, is_duplicate: false })
            }
            Accepted::Duplicate => Ok(AcceptedEvent { id, is_duplicate: true }),
            Accepted::Conflict => Err(ServiceError::Conflict(format!(
                "an event with the id {id} and another content was accepted before; a new event needs a new id"
            ))),
        }
    }

    /// Reads an event without accepting it: what `evaluate` does with an event that was never posted.
    pub(super) async fn read_event(&self, body: &[u8]) -> Result<Event> {
        let canonical = json::canonicalise(body)?;
        self.event_from(parse(&canonical)?).await
    }

    async fn event_from(&self, posted: Posted<'_>) -> Result<Event> {
        let bad_id = |pointer: &'static str| move |error: IdError| ServiceError::bad_field(pointer, error.to_string());
        let now = self.clock.now();
        let id = match &posted.id {
            Some(id) => EventId::parse(id).map_err(bad_id("/id"))?,
            None => EventId::generate(now, random_bytes(self.clock.as_ref())),
        };
        let project_id = ProjectId::parse(&posted.project_id).map_err(bad_id("/projectId"))?;
        let company_id = match &posted.company_id {
            Some(company) => Some(CompanyId::parse(company).map_err(bad_id("/companyId"))?),
            None => self.store.project(&project_id).await?.and_then(|project| project.company_id),
        };
        let occurred_at = posted.occurred_at.as_deref().map(str::parse::<Timestamp>).transpose();
        Ok(Event {
            id,
            event_type: self.known_type(&posted.event, "/event").await?,
            company_id,
            project_id,
            user_id: posted.user_id.as_deref().map(UserId::parse).transpose().map_err(bad_id("/userId"))?,
            occurred_at: occurred_at
                .map_err(|error| ServiceError::bad_field("/occurredAt", error.to_string()))?
                .unwrap_or(now),
            accepted_at: now,
            previous_value: text_of(posted.previous_value),
            current_value: text_of(posted.current_value),
        })
    }

    /// An event that the caller may see: any for an operator; for a user those of their projects, and
    /// those that were for one of their webhooks while they were a member. A test shows to its webhook's
    /// owner alone.
    ///
    /// # Errors
    /// When there is no such event, or the caller may not see it.
    pub async fn event(&self, caller: &Caller, id: &str) -> Result<StoredEvent> {
        let missing = || ServiceError::NotFound(Noun::Event);
        let id = EventId::parse(id).map_err(|_| missing())?;
        let stored = self.store.event(&id).await?.ok_or_else(missing)?;
        let Caller::User(user) = caller else { return Ok(stored) };
        if let Some(tested) = &stored.test_of {
            let webhook = self.store.webhook(tested).await?;
            return webhook.filter(|webhook| webhook.owner == *user).map(|_| stored).ok_or_else(missing);
        }
        let project = std::slice::from_ref(&stored.event.project_id);
        let is_member = !self.store.projects_among(user, project).await?.is_empty();
        let verdicts = self.store.verdicts_on(stored.seq, Some(user)).await?;
        if is_member || verdicts.iter().any(|verdict| was_member(verdict.outcome)) {
            Ok(stored)
        } else {
            Err(missing())
        }
    }
}

/// Whether the verdict says that the webhook's creator was a member of the event's project at the time. A
/// disabled webhook says nothing of that.
fn was_member(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Delivered | Outcome::Filtered | Outcome::FilterError => true,
        Outcome::OutOfScope | Outcome::Disabled => false,
    }
}

fn parse(canonical: &str) -> Result<Posted<'_>> {
    // The reader would take an array for an object, member by member.
    if !canonical.starts_with('{') {
        return Err(ServiceError::bad_field("", "an event is a JSON object".to_owned()));
    }
    let mut json = serde_json::Deserializer::from_str(canonical);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (place, message) = refusal(&error);
        ServiceError::bad_field(&place, message)
    })
}

fn text_of(value: Option<&RawValue>) -> Box<str> {
    value.map_or("null", RawValue::get).into()
}

/// Over what the producer sent, each part behind its length, so that no two events share it.
fn digest(posted: &Posted<'_>) -> EventDigest {
    let parts = [
        Some(posted.event.as_str()),
        posted.company_id.as_deref(),
        Some(posted.project_id.as_str()),
        posted.user_id.as_deref(),
        posted.occurred_at.as_deref(),
        posted.previous_value.map(RawValue::get),
        posted.current_value.map(RawValue::get),
    ];
    let mut sha256 = Sha256::new();
    for part in parts {
        let text = part.unwrap_or_default();
        sha256.update([u8::from(part.is_some())]);
        sha256.update((text.len() as u64).to_be_bytes());
        sha256.update(text.as_bytes());
    }
    EventDigest(sha256.finalize().into())
}
