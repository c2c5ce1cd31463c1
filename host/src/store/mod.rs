//! What is kept, and how it is asked for.
//!
//! The stages of the flow meet only here, in rows: intake writes events, dispatch claims them and
//! writes verdicts and deliveries, deliver claims those and writes attempts. A claim is a lease with
//! a fence: whoever lost the lease finds out when it writes. Claims are soft (a claim lost in a power
//! cut only means that somebody claims again); everything else is on disk before it is answered.
//!
//! The trait has one implementation today, [`sqlite`]; a PostgreSQL one follows, which is why no
//! type of a database appears outside its own folder. The store decides nothing: which webhooks get
//! an event, when an attempt is due and what a failure means come in as values.

#[cfg(test)]
mod contract;
mod seal;
pub mod sqlite;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::metrics::Queues;
use crate::model::Timestamp;
use crate::model::delivery::{Attempt, Delivery, DeliveryState};
use crate::model::event::{Event, EventDigest, EventSeq, EventType, StoredEvent};
use crate::model::filter::{Filter, FilterDigest};
use crate::model::health::{Answer, Failure, Rules};
use crate::model::ids::{CompanyId, DeliveryId, EventId, FilterId, ProjectId, UserId, WebhookId};
use crate::model::secret::Secret;
use crate::model::snapshot::Snapshot;
use crate::model::token::Token;
use crate::model::verdict::{Outcome, Verdict};
use crate::model::webhook::Webhook;

pub use seal::SealingKey;

/// Why the store did not do as it was asked. A row that is not there is not an error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Too many writes wait already. Nothing was changed; trying again later helps.
    #[error("too many writes are waiting")]
    Busy,
    /// The disk is full. Nothing was changed.
    #[error("the disk is full")]
    Full,
    /// The disk or the database file fails. The process must not go on accepting events.
    #[error("the database cannot be read or written")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A statement failed: our own fault.
    #[error("a statement failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What the store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A user whom the operator made known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Chosen by the operator.
    pub id: UserId,
    /// A name for people.
    pub name: Option<String>,
}

/// A project whom the operator made known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Chosen by the operator.
    pub id: ProjectId,
    /// A name for people.
    pub name: Option<String>,
    /// The company it belongs to.
    pub company_id: Option<CompanyId>,
}

/// An event type that the operator added to the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomEventType {
    /// Its name.
    pub name: EventType,
    /// What happened, for people.
    pub description: String,
    /// Its group in the catalogue.
    pub group: String,
}

/// What became of a membership that was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// The user is a member now (or was before).
    Member,
    /// There is no such project.
    NoProject,
    /// There is no such user.
    NoUser,
}

/// What became of a token that was to be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// It is refused from now on.
    Revoked,
    /// There is no such token, or it was revoked before.
    Missing,
    /// It is the only operator token that is left: nothing was changed.
    LastOperator,
}

/// What became of an event that was to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is on disk.
    New,
    /// An event with this id and this content was accepted before.
    Duplicate,
    /// An event with this id and another content was accepted before.
    Conflict,
}

impl Accepted {
    /// The name in the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "accepted",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
        }
    }
}

/// An event that dispatch has claimed.
#[derive(Clone, Debug)]
pub struct ClaimedEvent {
    /// The event.
    pub stored: StoredEvent,
    /// To be given back with what was decided.
    pub fence: i64,
}

/// Where a lease ends and on what it is granted.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// The claimant's clock: rows whose lease ended before are free.
    pub now: Timestamp,
    /// How long the rows belong to the claimant.
    pub lease: Duration,
    /// How many rows at the most.
    pub rows_max: u32,
}

/// What dispatch decided on one event.
#[derive(Clone, Debug)]
pub struct Dispatched {
    /// Which event.
    pub event: EventSeq,
    /// The fence of the claim.
    pub fence: i64,
    /// One verdict for each subscribed webhook.
    pub verdicts: Vec<Verdict>,
    /// The deliveries that are owed.
    pub deliveries: Vec<NewDelivery>,
}

/// A delivery that is owed.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// To whom.
    pub webhook_id: WebhookId,
    /// How the webhook looked when this was decided; its attempts all send that.
    pub snapshot: Arc<Snapshot>,
    /// When the first attempt is due, and when it was decided.
    pub created_at: Timestamp,
}

/// Whether what a claimant decided was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was.
    Written,
    /// The lease was lost to another claimant meanwhile: nothing was written.
    LeaseLost,
}

/// A delivery that the deliver loop has claimed, with all that an attempt needs.
#[derive(Clone, Debug)]
pub struct ClaimedDelivery {
    /// The delivery.
    pub delivery: Delivery,
    /// To be given back with what happened.
    pub fence: i64,
    /// What is owed.
    pub event: Arc<Event>,
    /// How the webhook looked when it was decided.
    pub snapshot: Snapshot,
    /// The webhook now: its URL and headers are used, and whether it is enabled.
    pub webhook: Arc<Webhook>,
    /// The secrets that sign now, the newest first; never empty.
    pub secrets: Vec<Secret>,
}

/// Which deliveries the deliver loop may claim.
#[derive(Clone, Debug)]
pub struct DeliveryClaim {
    /// Lease and number of rows.
    pub claim: Claim,
    /// How many attempts of one webhook may be under way.
    pub per_webhook_max: u32,
    /// How many attempts of one UNHEALTHY webhook may be under way.
    pub per_unhealthy_max: u32,
    /// How many attempts may be under way for all webhooks together whose last attempt failed.
    pub failing_max: u32,
    /// How many are under way in this process already, for the webhooks that have any.
    pub in_flight: Vec<(WebhookId, u32)>,
}

/// What one attempt came to.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// Which delivery.
    pub delivery_id: DeliveryId,
    /// The fence of the claim.
    pub fence: i64,
    /// The line for the attempt log.
    pub attempt: Attempt,
    /// What the delivery becomes.
    pub next: Next,
    /// Where it went: it says nothing of a webhook that has another URL by now.
    pub url: String,
    /// What it says of the endpoint.
    pub answer: Answer,
    /// By which bounds that is judged.
    pub rules: Rules,
}

/// What a delivery becomes after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Done.
    Delivered,
    /// Another attempt at that time.
    RetryAt(Timestamp),
    /// The schedule is exhausted.
    Failed,
}

/// What became of a webhook that was to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updated {
    /// It is changed.
    Written,
    /// It changed since it was read: read it again.
    Stale,
    /// It is gone.
    Missing,
}

/// What became of a webhook or filter that was to be added or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Removed,
    /// It was not there.
    Missing,
    /// A webhook still uses it: nothing was changed.
    InUse,
}

/// A webhook as stored, with its place in the order of changes.
#[derive(Clone, Debug)]
pub struct WebhookChange {
    /// Grows with every change of any webhook.
    pub change_seq: i64,
    /// Its id.
    pub id: WebhookId,
    /// The webhook, `None` once it is deleted.
    pub webhook: Option<Arc<Webhook>>,
}

/// A part of a list, newest first.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// How many items at the most.
    pub items_max: u32,
    /// The cursor of the previous page.
    pub after: Option<i64>,
}

/// A page and where it ended.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<i64>,
}

/// Which webhooks to list by their number in the list, for clients that jump to a page.
#[derive(Clone, Copy, Debug)]
pub struct WebhookWindow {
    /// Only those that are enabled, or are not.
    pub is_enabled: Option<bool>,
    /// How many of the newest to leave out.
    pub skip: u32,
    /// How many items at the most.
    pub take: u32,
}

/// What is seen through a [`WebhookWindow`], all of one moment.
#[derive(Clone, Debug)]
pub struct Windowed {
    /// The items, newest first.
    pub items: Vec<Arc<Webhook>>,
    /// How many the whole list has.
    pub total: usize,
}

/// Which deliveries to list.
#[derive(Clone, Debug, Default)]
pub struct DeliveryQuery {
    /// Only those in this state.
    pub state: Option<DeliveryState>,
    /// Only those created at or after.
    pub since: Option<Timestamp>,
    /// Only those created before.
    pub until: Option<Timestamp>,
}

/// Which verdicts to list.
#[derive(Clone, Debug, Default)]
pub struct VerdictQuery {
    /// Only those with this outcome.
    pub outcome: Option<Outcome>,
    /// Only those decided at or after.
    pub since: Option<Timestamp>,
    /// Only those decided before.
    pub until: Option<Timestamp>,
}

/// A verdict in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedVerdict {
    /// On which event.
    pub event_id: EventId,
    /// The verdict.
    pub verdict: Verdict,
}

/// A filter and its uploaded bytes.
#[derive(Clone, Debug)]
pub struct FilterUpload {
    /// What is known of it.
    pub filter: Filter,
    /// The bytes as they were uploaded.
    pub wasm: Arc<[u8]>,
}

/// What is kept. Every write is on disk when it returns, except claims.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Makes a user known or renames them.
    async fn put_user(&self, user: User, at: Timestamp) -> Result<()>;
    /// Whether the user is known.
    async fn user_exists(&self, id: &UserId) -> Result<bool>;
    /// Makes a project known or changes it.
    async fn put_project(&self, project: Project, at: Timestamp) -> Result<()>;
    /// A project.
    async fn project(&self, id: &ProjectId) -> Result<Option<Project>>;
    /// Adds a member to a project.
    async fn add_member(&self, project: &ProjectId, user: &UserId) -> Result<Joined>;
    /// Takes a member out of a project, and cancels what is owed to their webhooks of its events; whether they
    /// were one.
    async fn remove_member(&self, project: &ProjectId, user: &UserId, at: Timestamp) -> Result<bool>;
    /// The members of the project.
    async fn members(&self, project: &ProjectId) -> Result<Arc<HashSet<UserId>>>;
    /// Those of `projects` that the user is a member of.
    async fn projects_among(&self, user: &UserId, projects: &[ProjectId]) -> Result<HashSet<ProjectId>>;

    /// Keeps a token; replaces one with the same id (the operator's, from the environment).
    async fn put_token(&self, token: Token) -> Result<()>;
    /// A token, revoked or not.
    async fn token(&self, id: &str) -> Result<Option<Token>>;
    /// Whether any operator token is kept.
    async fn has_operator_token(&self) -> Result<bool>;
    /// Revokes a token, unless it is the last with which an operator can call.
    async fn revoke_token(&self, id: &str, at: Timestamp) -> Result<Revoked>;

    /// Adds an event type to the catalogue or changes it.
    async fn put_event_type(&self, event_type: CustomEventType) -> Result<()>;
    /// The event types the operator added, by name.
    async fn event_types(&self) -> Result<Vec<CustomEventType>>;

    /// Accepts an event.
    async fn accept_event(&self, event: Arc<Event>, digest: EventDigest) -> Result<Accepted>;
    /// An event.
    async fn event(&self, id: &EventId) -> Result<Option<StoredEvent>>;
    /// Claims events that wait for dispatch, the oldest first.
    async fn claim_events(&self, claim: Claim) -> Result<Vec<ClaimedEvent>>;
    /// Writes what was decided on an event, all of it or, if the lease was lost, nothing. Filter
    /// failures in a row are counted on the webhooks from the verdicts.
    async fn record_dispatch(&self, dispatched: Dispatched) -> Result<Recorded>;
    /// Gives claimed events back without a verdict. They can be claimed from `free_at` on.
    async fn release_events(&self, claims: Vec<(EventSeq, i64)>, free_at: Timestamp) -> Result<()>;

    /// Keeps a new webhook and its secret.
    async fn add_webhook(&self, webhook: Webhook, secret: Secret) -> Result<()>;
    /// A webhook that is not deleted.
    async fn webhook(&self, id: &WebhookId) -> Result<Option<Arc<Webhook>>>;
    /// How many webhooks the user has.
    async fn count_webhooks(&self, owner: &UserId) -> Result<usize>;
    /// The user's webhooks, newest first.
    async fn webhooks(&self, owner: &UserId, page: PageRequest) -> Result<Page<Arc<Webhook>>>;
    /// A window on the user's webhooks, and how many there are.
    async fn webhook_window(&self, owner: &UserId, window: WebhookWindow) -> Result<Windowed>;
    /// Changes what its owner chooses of a webhook that still has the version `from`; `webhook.version` is
    /// the new version. Health and the counts of failures are not taken from `webhook`: attempts and
    /// verdicts go on while somebody edits. What the edit means for them is
    /// [`Standing::edited`](crate::model::health::Standing::edited). Another filter binding begins with no
    /// failures.
    async fn update_webhook(&self, from: i64, webhook: Webhook) -> Result<Updated>;
    /// The same for a webhook that was to be enabled and whose endpoint did not answer the health check: it is
    /// disabled and UNHEALTHY.
    async fn update_failed_webhook(&self, from: i64, webhook: Webhook, check: Failure) -> Result<Updated>;
    /// Disables a webhook and makes it UNHEALTHY, at its owner's wish
    /// ([`Standing::disabled_by_owner`](crate::model::health::Standing::disabled_by_owner)), and answers with it;
    /// `None` if there is none.
    async fn disable_webhook(&self, id: &WebhookId, at: Timestamp) -> Result<Option<Arc<Webhook>>>;
    /// Deletes a webhook and its secrets, and cancels what is owed to it. Its log stays until it ages.
    async fn delete_webhook(&self, id: &WebhookId, at: Timestamp) -> Result<Removed>;
    /// The secrets that sign for a webhook at that time, the newest first; none if there is no such webhook.
    async fn signing_secrets(&self, id: &WebhookId, at: Timestamp) -> Result<Vec<Secret>>;
    /// When the earliest pending delivery of each webhook is due, for those that have any.
    async fn next_attempts(&self, ids: &[WebhookId]) -> Result<HashMap<WebhookId, Timestamp>>;
    /// Webhooks changed or deleted after `change_seq`, in the order of change.
    async fn webhook_changes(&self, after: i64, rows_max: u32) -> Result<Vec<WebhookChange>>;

    /// Keeps a filter, in place of one with the same id.
    async fn add_filter(&self, upload: FilterUpload) -> Result<()>;
    /// A filter, whoever it belongs to.
    async fn filter(&self, id: &FilterId) -> Result<Option<Filter>>;
    /// The shared filters and, for a user, their own, newest first.
    async fn filters(&self, owner: Option<&UserId>, page: PageRequest) -> Result<Page<Filter>>;
    /// The uploaded bytes of any filter with this digest.
    async fn filter_wasm(&self, digest: &FilterDigest) -> Result<Option<Arc<[u8]>>>;
    /// Deletes a filter that no webhook uses.
    async fn delete_filter(&self, id: &FilterId) -> Result<Removed>;

    /// Claims due deliveries of enabled webhooks that are not held: for each webhook no more than its share,
    /// the oldest first, and every webhook with something due gets its turn before any gets more than its share.
    /// Webhooks whose last attempt failed take turns for the places that are left to them.
    async fn claim_deliveries(&self, claim: DeliveryClaim) -> Result<Vec<ClaimedDelivery>>;
    /// When the next unclaimed delivery of an enabled webhook is due, and no hold keeps it back.
    async fn next_due(&self) -> Result<Option<Timestamp>>;
    /// Writes what an attempt came to, and what that means for the webhook
    /// ([`Standing::after`](crate::model::health::Standing::after)); a change that shows is an operational event
    /// in the same transaction.
    async fn record_attempt(&self, attempted: Attempted) -> Result<Recorded>;
    /// Gives claimed deliveries back at once, without an attempt.
    async fn release_deliveries(&self, claims: Vec<(DeliveryId, i64)>) -> Result<()>;
    /// A delivery.
    async fn delivery(&self, id: &DeliveryId) -> Result<Option<Delivery>>;
    /// The attempts of a delivery, the first first.
    async fn attempts(&self, id: &DeliveryId) -> Result<Vec<Attempt>>;
    /// The deliveries of a webhook, newest first.
    async fn deliveries(&self, webhook: &WebhookId, query: DeliveryQuery, page: PageRequest) -> Result<Page<Delivery>>;

    /// The verdicts on an event for the webhooks of one user, or of all.
    async fn verdicts_on(&self, event: EventSeq, owner: Option<&UserId>) -> Result<Vec<Verdict>>;
    /// The verdicts for a webhook, newest first.
    async fn verdicts_for(
        &self,
        webhook: &WebhookId,
        query: VerdictQuery,
        page: PageRequest,
    ) -> Result<Page<LoggedVerdict>>;

    /// What waits at `now`.
    async fn queues(&self, now: Timestamp) -> Result<Queues>;
    /// Whether a row can be written and read back right now.
    async fn check(&self) -> Result<()>;
    /// Writes what is pending to the main database file and closes it; the store answers
    /// [`StoreError::Broken`] afterwards.
    async fn close(&self) -> Result<()>;
}
