//! What nothing refers to any more, and how it is deleted: in steps, each a short transaction.

use crate::model::Timestamp;

/// Where a pass goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeftoversPlace {
    /// At the replays that have ended.
    #[default]
    Replays,
    /// Behind this webhook as deliveries had it.
    Snapshots {
        /// Which webhook.
        webhook: i64,
        /// In which version.
        version: i64,
    },
    /// Behind this webhook that was deleted.
    Webhooks {
        /// When it was.
        deleted_at: Timestamp,
        /// Its place.
        seq: i64,
    },
}

/// What a step deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Replays that had ended.
    pub replays: u64,
    /// Webhooks as deliveries had them.
    pub snapshots: u64,
    /// Webhooks that were deleted.
    pub webhooks: u64,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftoversStep {
    /// What it deleted.
    pub deleted: Leftovers,
    /// Where the next one goes on; `None` at the end of the pass.
    pub next: Option<LeftoversPlace>,
}
