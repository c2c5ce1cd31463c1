//! An event as a producer writes it, read once: checked, and made whole with what the host knows.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::{Result, Service, ServiceError, check_reserved};
use crate::clock::random_bytes;
use crate::json;
use crate::model::Timestamp;
use crate::model::event::{Event, EventDigest, EventType};
use crate::model::ids::{CompanyId, EventId, IdError, ProjectId, UserId};
use crate::model::pointer::refusal;
use crate::model::timestamp::TimestampError;

/// Not the id of an event, since the route of batches has that name.
const RESERVED_ID: &str = "batch";

/// An event over canonical text: the values stay as they are.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an event")]
pub(super) struct Posted<'a> {
    id: Option<String>,
    pub(super) event: String,
    company_id: Option<String>,
    project_id: String,
    user_id: Option<String>,
    occurred_at: Option<String>,
    #[serde(borrow)]
    previous_value: Option<&'a RawValue>,
    #[serde(borrow)]
    current_value: Option<&'a RawValue>,
}

/// What the store was asked while events were read: the events of a batch ask for the same again and again.
#[derive(Default)]
pub(super) struct Known {
    companies: HashMap<ProjectId, Option<CompanyId>>,
    types: HashSet<EventType>,
    names: Option<Vec<EventType>>,
}

impl Known {
    /// Whether the operator added the type.
    pub(super) async fn has_type(&mut self, service: &Service, name: &EventType) -> Result<bool> {
        if self.types.contains(name) {
            return Ok(true);
        }
        let is_there = service.store.event_type_exists(name).await?;
        if is_there {
            self.types.insert(name.clone());
        }
        Ok(is_there)
    }

    /// The names of the types that the operator added.
    pub(super) async fn type_names(&mut self, service: &Service) -> Result<&[EventType]> {
        let names = match self.names.take() {
            Some(names) => names,
            None => service.store.event_type_names().await?,
        };
        Ok(self.names.insert(names))
    }

    /// The company that the operator said a project belongs to.
    async fn company(&mut self, service: &Service, project: &ProjectId) -> Result<Option<CompanyId>> {
        if let Some(company) = self.companies.get(project) {
            return Ok(company.clone());
        }
        let company = service.store.project(project).await?.and_then(|project| project.company_id);
        self.companies.insert(project.clone(), company.clone());
        Ok(company)
    }
}

impl Service {
    /// Reads an event, given as JSON text.
    pub(super) async fn read_posted(&self, body: &[u8], known: &mut Known) -> Result<(Event, EventDigest)> {
        let canonical = json::canonicalise(body)?;
        let posted = parse(&canonical)?;
        let event_type = self.known_type(&posted.event, "/event", known).await?;
        let checked = Checked::of(&posted)?;
        let digest = checked.digest(&posted);
        let now = self.clock.now();
        let company_id = match checked.company_id {
            Some(company) => Some(company),
            None => known.company(self, &checked.project_id).await?,
        };
        let event = Event {
            id: checked.id.unwrap_or_else(|| EventId::generate(now, random_bytes(self.clock.as_ref()))),
            event_type,
            company_id,
            project_id: checked.project_id,
            user_id: checked.user_id,
            occurred_at: checked.occurred_at.unwrap_or(now),
            accepted_at: now,
            previous_value: text_of(posted.previous_value).into(),
            current_value: text_of(posted.current_value).into(),
            trace_parent: None,
        };
        Ok((event, digest))
    }
}

/// Reads canonical text.
pub(super) fn parse(canonical: &str) -> Result<Posted<'_>> {
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

/// What can be checked of an event without asking anybody.
pub(super) struct Checked {
    id: Option<EventId>,
    company_id: Option<CompanyId>,
    project_id: ProjectId,
    user_id: Option<UserId>,
    occurred_at: Option<Timestamp>,
}

impl Checked {
    pub(super) fn of(posted: &Posted<'_>) -> Result<Self> {
        let bad_id = |pointer: &'static str| move |error: IdError| ServiceError::bad_field(pointer, error.to_string());
        if posted.id.as_deref() == Some(RESERVED_ID) {
            let detail = format!("`{RESERVED_ID}` is no event's id, since a route has that name; choose another");
            return Err(ServiceError::bad_field("/id", detail));
        }
        check_reserved(posted.id.as_deref().unwrap_or_default(), "/id")?;
        let occurred_at = posted.occurred_at.as_deref().map(str::parse).transpose();
        Ok(Self {
            id: posted.id.as_deref().map(EventId::parse).transpose().map_err(bad_id("/id"))?,
            company_id: posted.company_id.as_deref().map(CompanyId::parse).transpose().map_err(bad_id("/companyId"))?,
            project_id: ProjectId::parse(&posted.project_id).map_err(bad_id("/projectId"))?,
            user_id: posted.user_id.as_deref().map(UserId::parse).transpose().map_err(bad_id("/userId"))?,
            occurred_at: occurred_at
                .map_err(|error: TimestampError| ServiceError::bad_field("/occurredAt", error.to_string()))?,
        })
    }

    /// Over what the producer said, however it was spelled: the order of members, the spelling of numbers,
    /// strings and times make no difference, so that an event which is sent again by a program that writes
    /// JSON in another way is still the same. Each part is behind its length, so that no two events share it.
    fn digest(&self, posted: &Posted<'_>) -> EventDigest {
        let occurred_at = self.occurred_at.map(|time| time.to_string());
        let value = |value: Option<&RawValue>| value.map(|value| json::without_order(value.get()));
        let (previous_value, current_value) = (value(posted.previous_value), value(posted.current_value));
        let parts = [
            Some(posted.event.as_str()),
            posted.company_id.as_deref(),
            Some(posted.project_id.as_str()),
            posted.user_id.as_deref(),
            occurred_at.as_deref(),
            previous_value.as_deref(),
            current_value.as_deref(),
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
}

fn text_of(value: Option<&RawValue>) -> &str {
    value.map_or("null", RawValue::get)
}
