//! What is kept, and how it is asked for.
//!
//! The stages of the flow meet only here, in rows: intake writes events, dispatch claims them and
//! writes verdicts and deliveries, deliver claims those and writes attempts. A claim is a lease with
//! a fence: whoever lost the lease finds out when it writes. A claim may be lost when the process ends, which only means
//! that somebody claims again; what is written is on disk before it is answered, but for [few exceptions](Store).
//!
//! The trait has one implementation today, [`sqlite`]; a PostgreSQL one follows, which is why no
//! type of a database appears outside its own folder. The store decides nothing: which webhooks get
//! an event, when an attempt is due and what a failure means come in as values.

#[cfg(test)]
mod contract;
mod counts;
mod exchange;
mod gather;
mod leftovers;
mod replaying;
mod retention;
mod seal;
pub mod sqlite;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::failpoint::Injected;
use crate::metrics::Queues;
use crate::model::Timestamp;
use crate::model::comparison::{Agreements, Difference, Judged};
use crate::model::delivery::{Attempt, Delivery};
use crate::model::event::{Event, EventDigest, EventSeq, EventType, StoredEvent};
use crate::model::filter::{Filter, FilterDigest};
use crate::model::health::Failure;
use crate::model::ids::{DeliveryId, EventId, FilterId, ProjectId, ReplayId, UserId, WebhookId};
use crate::model::replay::{Replay, ReplayState};
use crate::model::secret::Secret;
use crate::model::token::Token;
use crate::model::verdict::Verdict;
use crate::model::webhook::Webhook;

pub use counts::{Compared, Stats, StatsQuery};
pub use exchange::*;
pub use gather::{Bounds, Gather, Turn};
pub use leftovers::{Leftovers, LeftoversPlace, LeftoversStep};
pub use replaying::*;
pub use retention::{Deleted, Retained, Retention, RetentionPlace};
pub use seal::SealingKey;

/// Why the store did not do as it was asked. A row that is not there is not an error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Too many writes wait already. Nothing was changed; trying again later helps.
    #[error("too many writes are waiting")]
    Busy,
    /// The disk is full, or too full for this. Nothing was changed.
    #[error("the disk is full")]
    Full,
    /// The disk or the database file fails. The process must not go on accepting events.
    #[error("the database cannot be read or written")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A statement failed: our own fault.
    #[error("a statement failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Injected> for StoreError {
    fn from(injected: Injected) -> Self {
        Self::Internal(Box::new(injected))
    }
}

/// What the store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// What is kept. Every write is on disk when it returns, except what is done again after a power cut: claims, decisions on
/// events ([`Store::record_dispatch`]), and what [`Store::forget`] deletes.
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

    /// Adds an event type to the catalogue or changes it. Whether that was done: it is not when the type would
    /// be one more than `types_max`.
    async fn put_event_type(&self, event_type: CustomEventType, types_max: u32) -> Result<bool>;
    /// The event types the operator added, by name.
    async fn event_types(&self) -> Result<Vec<CustomEventType>>;
    /// One of these.
    async fn event_type(&self, name: &EventType) -> Result<Option<CustomEventType>>;
    /// The names of these alone.
    async fn event_type_names(&self) -> Result<Vec<EventType>>;
    /// Whether the operator added a type of that name.
    async fn event_type_exists(&self, name: &EventType) -> Result<bool>;

    /// Accepts an event.
    async fn accept_event(&self, event: Arc<Event>, digest: EventDigest) -> Result<Accepted>;
    /// Accepts an event, under an id that no other has, for one webhook alone.
    async fn accept_test(&self, event: Arc<Event>, digest: EventDigest, test: TestOf) -> Result<TestAccepted>;
    /// Accepts events, in their order, all in one commit: either each has its answer, and what is new is on
    /// disk, or nothing was written.
    async fn accept_events(&self, events: Vec<(Arc<Event>, EventDigest)>) -> Result<Vec<Accepted>>;
    /// The events that are asked for, by the time of acceptance and then by place, newest first. A page ends
    /// early, with a `next`, when its values weigh too much or too many events were looked at for it.
    async fn events(&self, query: EventQuery, page: PageRequest) -> Result<Page<StoredEvent>>;
    /// An event.
    async fn event(&self, id: &EventId) -> Result<Option<StoredEvent>>;
    /// Claims events that wait for dispatch, the oldest first.
    async fn claim_events(&self, claim: Claim) -> Result<Vec<ClaimedEvent>>;
    /// Writes what was decided on an event, all of it or, if the lease was lost, nothing. Filter
    /// failures in a row are counted on the webhooks from the verdicts; what shadows said is counted too, if the
    /// webhook still has the shadow and the filter that were compared.
    async fn record_dispatch(&self, dispatched: Dispatched) -> Result<Recorded>;
    /// Gives claimed events back without a verdict. They can be claimed from `free_at` on.
    async fn release_events(&self, claims: Vec<(EventSeq, i64)>, free_at: Timestamp) -> Result<()>;

    /// Keeps a new webhook and its secret.
    async fn add_webhook(&self, webhook: Webhook, secret: Secret) -> Result<Added>;
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
    /// failures; another shadow, or another beginning of the comparison, with nothing counted.
    async fn update_webhook(&self, from: i64, webhook: Webhook) -> Result<Updated>;
    /// The same for a webhook that was to be enabled and whose endpoint did not answer the health check: it is
    /// disabled and UNHEALTHY.
    async fn update_failed_webhook(&self, from: i64, webhook: Webhook, check: Failure) -> Result<Updated>;
    /// Disables a webhook and makes it UNHEALTHY, at its owner's wish
    /// ([`Standing::disabled_by_owner`](crate::model::health::Standing::disabled_by_owner)), and answers with it;
    /// `None` if there is none.
    async fn disable_webhook(&self, id: &WebhookId, at: Timestamp) -> Result<Option<Arc<Webhook>>>;
    /// Has a webhook sign with a new secret first. The secrets before it keep the ends that they have; one
    /// without an end gets one. A secret that signs already and comes back as the newest signs once. Secrets
    /// that cannot be read are deleted, so this repairs a webhook that has none left.
    async fn rotate_secret(&self, webhook: &WebhookId, rotation: Rotation) -> Result<Rotated>;
    /// Deletes the secrets that sign no more at `now`; how many.
    async fn forget_secrets(&self, now: Timestamp) -> Result<usize>;
    /// Deletes a webhook and its secrets, and cancels what is owed to it. Its log stays until it ages.
    async fn delete_webhook(&self, id: &WebhookId, at: Timestamp) -> Result<Removed>;
    /// The secrets that sign for a webhook at that time, the newest first; none if there is no such webhook.
    async fn signing_secrets(&self, id: &WebhookId, at: Timestamp) -> Result<Vec<Secret>>;
    /// When the earliest pending delivery of each webhook is due, for those that have any.
    async fn next_attempts(&self, ids: &[WebhookId]) -> Result<HashMap<WebhookId, Timestamp>>;
    /// Webhooks changed or deleted after `change_seq`, in the order of change. They lack their headers, which
    /// only whoever sends needs.
    async fn webhook_changes(&self, after: i64, rows_max: u32) -> Result<Vec<WebhookChange>>;

    /// Keeps a filter, in place of one with the same id.
    async fn add_filter(&self, upload: FilterUpload) -> Result<()>;
    /// A filter, whoever it belongs to.
    async fn filter(&self, id: &FilterId) -> Result<Option<Filter>>;
    /// The shared filters and, for a user, their own, newest first.
    async fn filters(&self, owner: Option<&UserId>, page: PageRequest) -> Result<Page<Filter>>;
    /// The uploaded bytes of any filter with this digest.
    async fn filter_wasm(&self, digest: &FilterDigest) -> Result<Option<Arc<[u8]>>>;
    /// Whose the filter with this digest is: the one who uploaded it first, and nobody where it is shared.
    async fn filter_owner(&self, digest: &FilterDigest) -> Result<Option<UserId>>;
    /// How many filters a user has, and how large they are.
    async fn filter_usage(&self, owner: &UserId) -> Result<FilterUsage>;
    /// Deletes a filter that no webhook uses, as a shadow neither.
    async fn delete_filter(&self, id: &FilterId) -> Result<Removed>;

    /// Claims due deliveries of enabled webhooks that are not held: for each webhook no more than its share,
    /// the oldest first, and every webhook with something due gets its turn before any gets more than its share.
    /// Webhooks whose last attempt failed, and those that were not delivered to yet, take turns for the places that
    /// are left to them.
    async fn claim_deliveries(&self, claim: DeliveryClaim) -> Result<Vec<ClaimedDelivery>>;
    /// Claims the next due delivery of a healthy webhook that was delivered to, for a place that one of its own leaves. Only
    /// where that takes no more than a look into memory, and where the last claim left nobody without a place. `None` says
    /// nothing of what is due: a claim finds that out.
    fn claim_next(&self, webhook: &WebhookId, now: Timestamp, lease: Duration) -> Option<ClaimedDelivery>;
    /// When the next unclaimed delivery of an enabled webhook is due, and no hold keeps it back.
    async fn next_due(&self) -> Result<Option<Timestamp>>;
    /// Writes what attempts came to, each in its turn and all of them or none, and what that means for their webhooks
    /// ([`Standing::after`](crate::model::health::Standing::after)); a change that shows is an operational event
    /// in the same transaction.
    async fn record_attempts(&self, attempted: Arc<[Attempted]>) -> Result<Vec<Recorded>>;
    /// Gives claimed deliveries back at once, without an attempt.
    async fn release_deliveries(&self, claims: Vec<(DeliveryId, i64)>) -> Result<()>;
    /// A delivery.
    async fn delivery(&self, id: &DeliveryId) -> Result<Option<Delivery>>;
    /// The attempts of a delivery, the first first.
    async fn attempts(&self, id: &DeliveryId) -> Result<Vec<Attempt>>;
    /// The deliveries of a webhook, newest first. A page ends early, with a `next`, when too many deliveries were looked
    /// at for it.
    async fn deliveries(&self, webhook: &WebhookId, query: DeliveryQuery, page: PageRequest) -> Result<Page<Delivery>>;

    /// Makes a delivery due now that was given up or canceled, or whose next attempt is due later. It keeps its
    /// attempts, and its schedule begins anew.
    async fn retry_delivery(&self, id: &DeliveryId, at: Timestamp) -> Result<Retried>;

    /// The places of the events that were accepted in a time.
    async fn event_bounds(&self, since: Timestamp, until: Timestamp) -> Result<EventBounds>;
    /// How many a replay would take up of the next `rows_max` verdicts behind a place.
    async fn count_replay(&self, range: &ReplayRange, position: EventSeq, rows_max: u32) -> Result<ReplayCounted>;
    /// Begins a replay.
    async fn add_replay(&self, new: NewReplay) -> Result<ReplayBegun>;
    /// A replay.
    async fn replay(&self, id: &ReplayId) -> Result<Option<Replay>>;
    /// The replays of a webhook, newest first.
    async fn replays(&self, webhook: &WebhookId, page: PageRequest) -> Result<Page<Replay>>;
    /// Ends a replay, unless it has ended; how it stands then.
    async fn end_replay(
        &self,
        id: &ReplayId,
        state: ReplayState,
        failure: Option<String>,
        at: Timestamp,
    ) -> Result<Option<Replay>>;
    /// The replays of enabled webhooks that are under way, and how many deliveries each may add so that no more than
    /// `waiting_max` of its webhook are due.
    async fn running_replays(&self, now: Timestamp, waiting_max: u32) -> Result<Vec<RunningReplay>>;
    /// What a replay takes up behind a place, no more than `candidates_max`.
    async fn replay_page(&self, range: &ReplayRange, position: EventSeq, candidates_max: u32) -> Result<ReplayPage>;
    /// Writes what a step of a replay came to, unless another step was written since, or the replay has ended. What
    /// is on its way by now, or what its creator may not see any more, is not sent again.
    async fn record_replay(&self, step: ReplayStep) -> Result<Recorded>;

    /// The verdicts on an event for the webhooks of one user, or of all.
    async fn verdicts_on(&self, event: EventSeq, owner: Option<&UserId>) -> Result<Vec<Verdict>>;
    /// The verdicts for a webhook, newest first. A page ends early, with a `next`, when too many verdicts were looked
    /// at for it.
    async fn verdicts_for(
        &self,
        webhook: &WebhookId,
        query: VerdictQuery,
        page: PageRequest,
    ) -> Result<Page<LoggedVerdict>>;

    /// What was decided on these events for one webhook, where anything was.
    async fn recorded(&self, webhook: &WebhookId, events: Vec<EventSeq>) -> Result<HashMap<EventSeq, Judged>>;
    /// What became of the newest events for a webhook. Tests of it are not counted.
    async fn stats(&self, webhook: &WebhookId, query: StatsQuery) -> Result<Stats>;
    /// What was counted of each of these webhooks' shadows, for those of which anything was.
    async fn agreements(&self, ids: Vec<WebhookId>) -> Result<HashMap<WebhookId, Agreements>>;
    /// The newest events on which a webhook's shadow did not agree, the newest first.
    async fn shadow_samples(&self, webhook: &WebhookId) -> Result<Vec<Difference>>;

    /// Deletes some of what has had its time: one step of a pass, which goes on where this one says.
    async fn forget(&self, retention: Retention, from: RetentionPlace) -> Result<Retained>;

    /// Deletes some of what nothing refers to any more: replays that ended and webhooks that were deleted before a time,
    /// and webhooks as deliveries had them that are gone. One step of a pass, of about so many rows.
    async fn forget_leftovers(&self, before: Timestamp, rows_max: u32, from: LeftoversPlace) -> Result<LeftoversStep>;

    /// What waits at `now`.
    async fn queues(&self, now: Timestamp) -> Result<Queues>;
    /// Whether a row can be written and read back right now.
    async fn check(&self) -> Result<()>;
    /// What is wrong with the storage, if that is known already.
    fn trouble(&self) -> Option<Trouble>;
    /// Writes what is pending to the main database file and closes it; the store answers
    /// [`StoreError::Broken`] afterwards. Where the disk is full the log is left beside the file, which loses nothing.
    async fn close(&self) -> Result<()>;
}
