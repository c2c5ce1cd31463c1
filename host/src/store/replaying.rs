//! What goes into the store and comes out of it where something is sent again.

use std::sync::Arc;

use super::NewDelivery;
use crate::model::Timestamp;
use crate::model::event::{Event, EventSeq};
use crate::model::ids::{ReplayId, WebhookId};
use crate::model::replay::{Foreseen, ReplayCounts, ReplayOnly, Treatment};
use crate::model::verdict::Verdict;

/// What became of a delivery that was to be attempted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is due now, at the beginning of its schedule.
    Due,
    /// An attempt is due or under way already.
    UnderWay,
    /// It was delivered.
    Delivered,
    /// Its webhook is disabled.
    Disabled,
    /// The webhook's creator is not a member of the event's project now.
    OutOfScope,
    /// There is no such delivery, or its webhook was deleted.
    Missing,
}

/// Which events of a webhook a replay goes through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayRange {
    /// The webhook.
    pub webhook: WebhookId,
    /// What it takes up.
    pub only: ReplayOnly,
    /// Of the events accepted at or after.
    pub since: Timestamp,
    /// Of the events accepted before.
    pub until: Timestamp,
    /// The last event to look at.
    pub last: EventSeq,
}

/// The places of the events of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventBounds {
    /// The place before the first.
    pub before: EventSeq,
    /// The place of the last; no larger if there are none.
    pub last: EventSeq,
}

/// A replay that is to begin.
#[derive(Clone, Debug)]
pub struct NewReplay {
    /// Its id.
    pub id: ReplayId,
    /// What it goes through.
    pub range: ReplayRange,
    /// The place before the first event to look at.
    pub before: EventSeq,
    /// When it begins.
    pub created_at: Timestamp,
    /// How many of its owner's may be under way, this one included.
    pub running_max: u32,
    /// How many of the webhook's are kept, this one included.
    pub kept_max: u32,
}

/// What became of a replay that was to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayBegun {
    /// It is under way.
    Written,
    /// This one of the webhook's is under way: nothing was written.
    Running(ReplayId),
    /// As many of the owner's are under way as may be: nothing was written.
    TooMany,
    /// The webhook is disabled: nothing was written.
    Disabled,
    /// There is no such webhook.
    Missing,
}

/// A replay that goes on.
#[derive(Clone, Debug)]
pub struct RunningReplay {
    /// Its id.
    pub id: ReplayId,
    /// What it goes through.
    pub range: ReplayRange,
    /// The last event that was looked at.
    pub position: EventSeq,
    /// How many deliveries it may add beside those that are due now.
    pub room: u32,
}

/// One event that a replay takes up.
#[derive(Clone, Debug)]
pub struct ReplayCandidate {
    /// Its place.
    pub seq: EventSeq,
    /// What is to be done about it.
    pub treatment: Treatment,
    /// Whether the webhook's creator is a member of its project now.
    pub is_in_scope: bool,
    /// The event, where it is to be decided on.
    pub event: Option<Arc<Event>>,
}

/// What one step of a replay looks at.
#[derive(Clone, Debug)]
pub struct ReplayPage {
    /// What it takes up, the oldest first.
    pub candidates: Vec<ReplayCandidate>,
    /// The last event that was looked at.
    pub position: EventSeq,
    /// Whether nothing comes behind it.
    pub is_last: bool,
}

/// What a replay would take up of the events up to a place.
#[derive(Clone, Copy, Debug)]
pub struct ReplayCounted {
    /// How many.
    pub foreseen: Foreseen,
    /// The last event that was looked at.
    pub position: EventSeq,
    /// Whether nothing comes behind it.
    pub is_last: bool,
}

/// What one step of a replay came to. It is written whole, or not at all.
#[derive(Clone, Debug)]
pub struct ReplayStep {
    /// Of which replay.
    pub id: ReplayId,
    /// Where it was when the step began.
    pub from: EventSeq,
    /// Where it is now.
    pub to: EventSeq,
    /// Whether it is done with that.
    pub is_last: bool,
    /// Events whose delivery is attempted again.
    pub send_again: Vec<EventSeq>,
    /// Events that were decided on anew.
    pub decided: Vec<DecidedAnew>,
    /// Those of which nothing came.
    pub counts: ReplayCounts,
    /// When all of this was decided.
    pub at: Timestamp,
}

/// Another verdict on an event.
#[derive(Clone, Debug)]
pub struct DecidedAnew {
    /// On which event.
    pub event: EventSeq,
    /// The verdict.
    pub verdict: Verdict,
    /// The delivery that is owed, if one is.
    pub delivery: Option<NewDelivery>,
}
