//! What has had its time, and how it is deleted: in steps, each a short transaction.

use crate::model::Timestamp;

/// What has had its time.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Events accepted before, with all that hangs on them.
    pub before: Timestamp,
    /// Those accepted before this as well, while the database is too large.
    pub before_if_large: Timestamp,
    /// Bytes beyond which the database is too large, not counting room that it has to use again.
    pub bytes_max: u64,
    /// Replays that began at or after keep the events that they have yet to look at.
    pub replays_since: Timestamp,
    /// Rows that one step deletes, about.
    pub rows_max: u32,
}

/// Where a pass goes on: through the events, the oldest first, and then through what still points to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionPlace {
    /// Behind this event.
    Events {
        /// When it was accepted.
        accepted_at: Timestamp,
        /// Its place.
        seq: i64,
        /// The last event of which a verdict was deleted; 0 if there is none.
        last: i64,
    },
    /// Behind this verdict, among those that webhooks look for.
    Verdicts {
        /// Of which webhook.
        webhook: i64,
        /// On which event.
        event: i64,
        /// The last event of which a verdict was deleted.
        last: i64,
    },
}

impl RetentionPlace {
    /// Where a pass begins.
    #[must_use]
    pub fn begin() -> Self {
        Self::Events { accepted_at: Timestamp::from_millis(i64::MIN), seq: 0, last: 0 }
    }
}

/// What a step deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Events.
    pub events: u64,
    /// Verdicts.
    pub verdicts: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// Attempts.
    pub attempts: u64,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retained {
    /// What it deleted.
    pub deleted: Deleted,
    /// Where the next one goes on; `None` at the end of the pass.
    pub next: Option<RetentionPlace>,
}
