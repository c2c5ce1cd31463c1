//! What goes into the store and comes out of it.
//!
//! Plain values: the store decides nothing, so whatever it writes beyond the model's own types is said by one of
//! these, and what became of a write is told by another.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::model::Timestamp;
use crate::model::delivery::{Attempt, Delivery, DeliveryState};
use crate::model::event::{Event, EventSeq, EventType, StoredEvent};
use crate::model::filter::Filter;
use crate::model::health::{Answer, Rules};
use crate::model::ids::{CompanyId, DeliveryId, EventId, ProjectId, UserId, WebhookId};
use crate::model::secret::Secret;
use crate::model::snapshot::Snapshot;
use crate::model::storage::StorageFault;
use crate::model::verdict::{Outcome, Verdict};
use crate::model::webhook::Webhook;
use crate::store::Compared;

/// What is wrong with the storage, and for how long it has been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong.
    pub fault: StorageFault,
    /// Since it was noticed.
    pub lasted: Duration,
}

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
    /// A complete event of this type, as it would be posted; canonical JSON.
    pub example: Option<Box<str>>,
    /// The JSON Schema of such an event; canonical JSON.
    pub schema: Option<Box<str>>,
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

/// Among which events a list looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventScope {
    /// All there are.
    All,
    /// Those of these projects.
    Projects(Vec<ProjectId>),
    /// Those of the projects that the user is a member of now.
    ProjectsOf(UserId),
}

/// Which events to list.
#[derive(Clone, Debug)]
pub struct EventQuery {
    /// Among which.
    pub scope: EventScope,
    /// Only those of these types; of any if empty.
    pub event_types: Vec<EventType>,
    /// Only those accepted at or after.
    pub since: Option<Timestamp>,
    /// Only those accepted before.
    pub until: Option<Timestamp>,
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

/// A webhook that is to be tested.
#[derive(Clone, Debug)]
pub struct TestOf {
    /// Which webhook.
    pub webhook: WebhookId,
    /// Since when its tests count.
    pub since: Timestamp,
    /// How many it may have had since then, the new one included.
    pub tests_max: u32,
}

/// What became of an event that was to test a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestAccepted {
    /// It is on disk.
    New,
    /// The webhook was tested too often: nothing was written.
    TooMany,
    /// There is no such webhook.
    Missing,
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
    /// What the candidates beside the filters said.
    pub compared: Vec<Compared>,
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
    pub snapshot: Arc<Snapshot>,
    /// The webhook now: its URL and headers are used, and whether it is enabled.
    pub webhook: Arc<Webhook>,
    /// The secrets that sign now, the newest first; never empty.
    pub secrets: Arc<[Secret]>,
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
    /// How many for those and for all that were not delivered to since the store was opened, or since they have their URL:
    /// what these endpoints do is not known.
    pub doubtful_max: u32,
    /// How many are under way in this process already, for the webhooks that have any.
    pub in_flight: Vec<(WebhookId, u32)>,
}

/// What one attempt came to.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// Which delivery.
    pub delivery_id: DeliveryId,
    /// To whom.
    pub webhook_id: WebhookId,
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

/// What became of a webhook that was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is kept.
    Written,
    /// Its filter, or its shadow, is gone: nothing was kept.
    NoFilter,
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
    /// The filter or the shadow that it was to take is gone: nothing was changed.
    NoFilter,
}

/// A secret that is to sign from now on.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The secret.
    pub secret: Secret,
    /// The clock's time.
    pub at: Timestamp,
    /// Until when the present secret goes on signing beside it.
    pub overlap_ends_at: Timestamp,
    /// How many secrets may sign at a time.
    pub live_max: usize,
}

/// What became of a secret that was to be rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// It signs.
    Written,
    /// It is the one that signs first already: nothing was changed.
    Present,
    /// As many sign as may: nothing was changed.
    TooMany {
        /// When the first of them ends.
        first_ends_at: Timestamp,
    },
    /// There is no such webhook.
    Missing,
}

/// What became of a webhook or filter that was to be deleted.
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
    /// Only those of events of this type.
    pub event_type: Option<EventType>,
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
    /// Whether the event is a test of the webhook.
    pub is_test: bool,
    /// The verdict.
    pub verdict: Verdict,
}

/// The filters that a user has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilterUsage {
    /// How many they are.
    pub count: u64,
    /// Bytes of all together, as they were uploaded.
    pub bytes: u64,
}

/// A filter and its uploaded bytes.
#[derive(Clone, Debug)]
pub struct FilterUpload {
    /// What is known of it.
    pub filter: Filter,
    /// The bytes as they were uploaded.
    pub wasm: Bytes,
}
