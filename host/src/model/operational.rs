//! What Hooksieve tells its operator: events about webhooks themselves.
//!
//! A change of a webhook's standing is an event like any other: accepted, dispatched and delivered by the same
//! code. It belongs to a project of Hooksieve's own, of which only the operator is a member, so that it reaches
//! the operator's webhooks and nobody else's. The ids of both begin with [`RESERVED_ID_PREFIX`], which no user,
//! project or event that an operator names may have.
//!
//! The operator's own webhooks make no such events: one that fails would otherwise be told of to itself, for
//! ever.

use serde::Serialize;

use super::Timestamp;
use super::event::{Event, EventType};
use super::health::Standing;
use super::ids::{EventId, ProjectId, UserId, WebhookId};
use super::limits::FAILURES_UNTIL_UNHEALTHY;
use super::verdict::named;
use super::webhook::{Health, Webhook};

/// What the ids of Hooksieve's own user, project and events begin with.
pub const RESERVED_ID_PREFIX: &str = "hooksieve:";
/// Who the operator is, as the owner of webhooks.
const OPERATOR: &str = "hooksieve:operator";
/// The project that operational events are of.
const PROJECT: &str = "hooksieve:webhooks";

named!(
    /// A change of a webhook's standing: the operational event types.
    Change {
        /// The endpoint does not answer.
        Unhealthy = "WEBHOOK_UNHEALTHY",
        /// The endpoint answers again, or its owner enabled it.
        Recovered = "WEBHOOK_RECOVERED",
        /// It gets no events any more.
        Disabled = "WEBHOOK_DISABLED",
    }
);

impl Change {
    /// The group of these types in the catalogue.
    pub const GROUP: &str = "Webhook Health";

    /// What happened, for people.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Unhealthy => "A webhook became unhealthy",
            Self::Recovered => "A webhook answers again",
            Self::Disabled => "A webhook was disabled",
        }
    }

    /// The name as a type.
    #[must_use]
    pub fn event_type(self) -> EventType {
        EventType::parse(self.as_str()).expect("the names are names of types")
    }

    /// What happened between two standings; at most one thing, the gravest.
    #[must_use]
    pub fn between(before: &Standing, after: &Standing) -> Option<Self> {
        if before.is_enabled != after.is_enabled {
            return Some(if after.is_enabled { Self::Recovered } else { Self::Disabled });
        }
        match (before.health, after.health) {
            (Health::Healthy, Health::Unhealthy) => Some(Self::Unhealthy),
            (Health::Unhealthy, Health::Healthy) => Some(Self::Recovered),
            _ => None,
        }
    }
}

/// Who the operator is, as the owner of webhooks.
#[must_use]
pub fn operator() -> UserId {
    UserId::parse(OPERATOR).expect("it has only characters of an id")
}

/// Whether an id is one of Hooksieve's own, which nobody else may take.
#[must_use]
pub fn is_reserved(id: &str) -> bool {
    id.starts_with(RESERVED_ID_PREFIX)
}

/// Whether it is the operator, as the owner of webhooks.
#[must_use]
pub fn is_operator(user: &UserId) -> bool {
    user.as_str() == OPERATOR
}

/// The event of a change. `webhook` is as it is now; its version is in the event's id, so that a change can be
/// told only once.
#[must_use]
pub fn event(webhook: &Webhook, before: &Standing, change: Change, at: Timestamp) -> Event {
    let id = format!("{RESERVED_ID_PREFIX}{}:{}", webhook.id, webhook.version);
    Event {
        id: EventId::parse(&id).expect("a webhook's id is shorter than an id may be by more than this adds"),
        event_type: change.event_type(),
        company_id: None,
        project_id: ProjectId::parse(PROJECT).expect("it has only characters of an id"),
        user_id: None,
        occurred_at: at,
        accepted_at: at,
        previous_value: value(webhook, before),
        current_value: value(webhook, &Standing::of(webhook)),
        trace_parent: None,
    }
}

/// What such an event looks like, of a webhook that there is not.
#[must_use]
pub fn example(change: Change, at: Timestamp) -> Event {
    let id = WebhookId::parse("wh_example").expect("it has only characters of an id");
    let owner = UserId::parse("example").expect("it has letters only");
    let mut webhook = Webhook::new(id, "0".repeat(32).into(), owner, "https://example.com/hook".to_owned(), at);
    let healthy = Standing::of(&webhook);
    let disabled = healthy.disabled_by_owner(at);
    let unhealthy =
        Standing { health: Health::Unhealthy, failures_in_a_row: FAILURES_UNTIL_UNHEALTHY, ..healthy.clone() };
    let (before, after) = match change {
        Change::Unhealthy => (healthy, unhealthy),
        Change::Recovered => (unhealthy, healthy),
        Change::Disabled => (healthy, disabled),
    };
    webhook.is_enabled = after.is_enabled;
    webhook.health = after.health;
    webhook.failures_in_a_row = after.failures_in_a_row;
    webhook.trouble = after.trouble;
    event(&webhook, &before, change, at)
}

/// The fixed payload: which webhook, and how it stands.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Value<'a> {
    id: &'a str,
    name: Option<&'a str>,
    url: &'a str,
    owner: &'a str,
    status: &'static str,
    enabled: bool,
    reason: Option<String>,
    failures_in_a_row: u32,
    since: Option<Timestamp>,
}

fn value(webhook: &Webhook, standing: &Standing) -> Box<str> {
    let value = Value {
        id: webhook.id.as_str(),
        name: webhook.name.as_deref(),
        url: &webhook.url,
        owner: webhook.owner.as_str(),
        status: standing.health.as_str(),
        enabled: standing.is_enabled,
        reason: standing.reason(),
        failures_in_a_row: standing.failures_in_a_row,
        since: standing.trouble.unhealthy_since,
    };
    // Canonical as it is: small whole numbers, no keys that JavaScript would move, and the same escapes.
    serde_json::to_string(&value).expect("strings, numbers and nulls become JSON").into()
}
