//! The use cases. Every door (REST, GraphQL) calls these, and nothing here knows of HTTP.
//!
//! Inputs come as the caller wrote them and are checked here, once; a refusal names the field by its
//! JSON pointer and says what to do. Who calls is a parameter ([`Caller`](crate::model::token::Caller)) of every use case, so that
//! none can forget to ask.

pub mod access;
mod backtest;
mod deliveries;
mod error;
mod event_types;
mod events;
mod examples;
mod filters;
mod headers;
mod health;
mod hooks;
mod metrics;
mod people;
mod places;
mod posted;
mod readiness;
mod recent;
mod replays;
mod secrets;
mod shadows;
mod stats;
mod test_sends;
mod verdicts;
mod webhooks;

use std::sync::Arc;

use tokio::sync::Notify;

use self::recent::Recent;
use crate::clock::Clock;
use crate::egress::Policy;
use crate::filter::FilterHost;
use crate::metrics::{Metrics, Queues};
use crate::model::catalogue::Catalogue;
use crate::model::ids::UserId;
use crate::model::limits::{
    HEALTH_CHECKS_AT_ONCE_MAX, HEALTH_CHECKS_PER_OWNER_MAX, NAME_CHARS_MAX, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX,
    REPLAY_DRY_RUNS_AT_ONCE_MAX,
};
use crate::model::operational::{self, RESERVED_ID_PREFIX};
use crate::outbound::Sender;
use crate::resolve::Resolver;
use crate::store::{PageRequest, Store};
use crate::traces::Traces;

// What the use cases ask for and answer with, so that a door needs no room below this one.
pub use crate::filter::projection::{Scalar, Value};
pub use crate::filter::{Decision, Evaluation, Failure};
pub use crate::store::{CustomEventType, LoggedVerdict, Page, Project, User, VerdictQuery, WebhookWindow};
pub use backtest::{Backtest, BacktestStep, BacktestSummary, NewBacktest, Outcomes};
pub use deliveries::{DeliveryDetail, DeliveryFilter};
pub use error::{Noun, ServiceError, Violation};
pub use event_types::NewEventType;
pub use events::{AcceptedEvent, EventFilter};
pub use filters::{EvaluateEvent, Evaluated};
pub use people::NewToken;
pub use places::Places;
pub use replays::{NewReplay, ReplayPreview};
pub use secrets::RotatedSecret;
pub use shadows::CandidateChoice;
pub use stats::{Percentiles, WebhookStats};
pub use test_sends::TestSent;
pub use verdicts::{EventVerdicts, Explained};
pub use webhooks::{FilterChoice, NewWebhook, WebhookPatch, WebhookView, WindowedViews};

/// Why nothing is sent to a disabled webhook that is asked to send.
const ENABLE_FIRST: &str = "the webhook is disabled, so nothing is sent to it; enable it with `{\"enabled\": true}`";

/// What every use case answers.
pub type Result<T> = std::result::Result<T, ServiceError>;

/// What the use cases work with.
pub struct Service {
    store: Arc<dyn Store>,
    filters: Arc<FilterHost>,
    clock: Arc<dyn Clock>,
    policy: Policy,
    resolver: Resolver,
    sender: Arc<Sender>,
    checks: Places<UserId>,
    backtests: backtest::Share,
    dry_runs: Places<UserId>,
    catalogue: Catalogue,
    dispatch_poke: Arc<Notify>,
    deliver_poke: Arc<Notify>,
    replay_poke: Arc<Notify>,
    metrics: Arc<Metrics>,
    traces: Traces,
    queues: Recent<Queues>,
    last_ready: Recent<()>,
}

/// What a [`Service`] is made of.
pub struct ServiceParts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Runs filters.
    pub filters: Arc<FilterHost>,
    /// Time and randomness.
    pub clock: Arc<dyn Clock>,
    /// Where webhooks may point.
    pub policy: Policy,
    /// How names become addresses.
    pub resolver: Resolver,
    /// Makes the requests of health checks.
    pub sender: Arc<Sender>,
    /// Told when an event was accepted.
    pub dispatch_poke: Arc<Notify>,
    /// Told when a delivery is due again.
    pub deliver_poke: Arc<Notify>,
    /// Told when a replay was begun.
    pub replay_poke: Arc<Notify>,
    /// Where everything is counted.
    pub metrics: Arc<Metrics>,
    /// Where it is told what became of events.
    pub traces: Traces,
}

impl Service {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: ServiceParts) -> Self {
        let ServiceParts {
            store,
            filters,
            clock,
            policy,
            resolver,
            sender,
            dispatch_poke,
            deliver_poke,
            replay_poke,
            metrics,
            traces,
        } = parts;
        let checks = Places::new(HEALTH_CHECKS_AT_ONCE_MAX, HEALTH_CHECKS_PER_OWNER_MAX);
        let dry_runs = Places::new(REPLAY_DRY_RUNS_AT_ONCE_MAX, 1);
        let catalogue = Catalogue::built_in();
        let (queues, last_ready) = (Recent::default(), Recent::default());
        Self {
            store,
            filters,
            clock,
            policy,
            resolver,
            sender,
            checks,
            backtests: backtest::Share::default(),
            dry_runs,
            catalogue,
            dispatch_poke,
            deliver_poke,
            replay_poke,
            metrics,
            traces,
            queues,
            last_ready,
        }
    }
}

/// JSON as the API takes it everywhere, as canonical text: no number is rounded, no key is there twice.
///
/// # Errors
/// When it is no JSON, is nested too deep, or has what a receiver could not read back.
pub fn canonical_json(text: &[u8]) -> Result<String> {
    Ok(crate::json::canonicalise(text)?)
}

/// A page request from what the caller wrote.
pub(crate) fn page_request(limit: Option<u32>, cursor: Option<&str>) -> Result<PageRequest> {
    let items_max = limit.unwrap_or(PAGE_ITEMS_DEFAULT);
    if !(1..=PAGE_ITEMS_MAX).contains(&items_max) {
        return Err(ServiceError::bad_field("/limit", format!("a page has 1 to {PAGE_ITEMS_MAX} items")));
    }
    let after = cursor.map(parse_cursor).transpose()?;
    Ok(PageRequest { items_max, after })
}

/// A cursor as [`Page`] shows it: digits only, so that one place of a list has one text.
fn parse_cursor(text: &str) -> Result<i64> {
    let is_ours = text.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = text.parse().ok().filter(|_| is_ours);
    let detail = "use the `nextCursor` of the previous page as it is";
    parsed.ok_or_else(|| ServiceError::bad_field("/cursor", detail.to_owned()))
}

/// A name as people may choose it.
fn check_name(name: Option<String>, pointer: &str) -> Result<Option<String>> {
    let Some(name) = name else { return Ok(None) };
    let has_control = name.chars().any(char::is_control);
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || has_control {
        let detail = format!("a name has 1 to {NAME_CHARS_MAX} characters and no control characters");
        return Err(ServiceError::bad_field(pointer, detail));
    }
    Ok(Some(name))
}

/// Refuses an id that is kept for Hooksieve's own.
fn check_reserved(id: &str, pointer: &str) -> Result<()> {
    if operational::is_reserved(id) {
        let detail = format!("ids that begin with `{RESERVED_ID_PREFIX}` are Hooksieve's own; choose another");
        return Err(ServiceError::bad_field(pointer, detail));
    }
    Ok(())
}
