//! A webhook: a user's registration of an endpoint.

use std::collections::BTreeMap;

use super::Timestamp;
use super::comparison::Shadow;
use super::event::EventType;
use super::filter::FilterDigest;
use super::health::Trouble;
use super::ids::{FilterId, ProjectId, UserId, WebhookId};
use super::limits::FILTER_FAILURES_UNTIL_FAILING;
use super::secret::Secret;

/// Whether the endpoint answers, as the API says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// The last attempts succeeded, or there were none yet.
    Healthy,
    /// Attempts failed in a row, or the webhook was disabled.
    Unhealthy,
}

impl Health {
    /// The name of the state in both APIs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Unhealthy => "UNHEALTHY",
        }
    }
}

/// The shape of the delivered body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PayloadFormat {
    /// The guide's long example: event, webhook, previous and current value.
    #[default]
    Full,
    /// The guide's first example: event, record, company, project, user.
    Compact,
}

/// What happens to an event on which the filter fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnError {
    /// The event is kept as `filter_error` and not sent.
    #[default]
    Skip,
    /// The event is sent as if there were no filter.
    Deliver,
}

/// A filter attached to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterBinding {
    /// Which filter.
    pub filter_id: FilterId,
    /// SHA-256 of that filter's bytes.
    pub digest: FilterDigest,
    /// The configuration as canonical JSON text; `null` where there is none.
    pub config: Box<str>,
    /// What happens when it fails.
    pub on_error: OnError,
}

/// A user's registration of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// A second identifier, 32 hex digits, as the guide's payload shows it.
    pub uid: Box<str>,
    /// Who registered it.
    pub owner: UserId,
    /// A name for people.
    pub name: Option<String>,
    /// Where deliveries go.
    pub url: String,
    /// The event types it wants; empty means none.
    pub events: Vec<EventType>,
    /// The projects it wants; empty means all of the owner's.
    pub project_ids: Vec<ProjectId>,
    /// Its filter, if any.
    pub filter: Option<FilterBinding>,
    /// The candidate that runs beside its filter, if any.
    pub shadow: Option<Shadow>,
    /// The shape of the delivered body.
    pub payload_format: PayloadFormat,
    /// Headers added to every request, by lower-case name. Their values can be credentials of the endpoint.
    pub headers: BTreeMap<String, Secret>,
    /// Whether events are delivered at all.
    pub is_enabled: bool,
    /// Whether its endpoint answers.
    pub health: Health,
    /// Failed attempts since the last success.
    pub failures_in_a_row: u32,
    /// What is known of an endpoint that does not answer as it should.
    pub trouble: Trouble,
    /// Filter failures since the last verdict; three mark the filter as failing.
    pub filter_failures_in_a_row: u32,
    /// Grows with every change of what the payload's `webhook` object or the body's shape shows.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its owner, or its health, last changed it.
    pub updated_at: Timestamp,
}

impl Webhook {
    /// A webhook as it is before its owner has said more than its URL: enabled, healthy, for no event types.
    #[must_use]
    pub fn new(id: WebhookId, uid: Box<str>, owner: UserId, url: String, at: Timestamp) -> Self {
        Self {
            id,
            uid,
            owner,
            name: None,
            url,
            events: Vec::new(),
            project_ids: Vec::new(),
            filter: None,
            shadow: None,
            payload_format: PayloadFormat::Full,
            headers: BTreeMap::new(),
            is_enabled: true,
            health: Health::Healthy,
            failures_in_a_row: 0,
            trouble: Trouble::default(),
            filter_failures_in_a_row: 0,
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }

    /// Whether its filter failed on so many events in a row that it counts as failing.
    #[must_use]
    pub fn is_filter_failing(&self) -> bool {
        self.filter_failures_in_a_row >= FILTER_FAILURES_UNTIL_FAILING
    }
}
