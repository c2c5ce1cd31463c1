//! What attempts need of webhooks, read once for as long as nothing changes: the webhook, its secrets and its snapshots.
//!
//! This is right only because no other process can have the database open: the writer counts the transactions that
//! touched a webhook or a secret, and what was read before the last of them is read again. A secret ends without
//! any write; so nothing is known for longer than [`WEBHOOKS_KNOWN_FOR`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::Timestamp;
use crate::model::limits::{WEBHOOKS_KNOWN_FOR, WEBHOOKS_KNOWN_MAX};
use crate::model::secret::Secret;
use crate::model::snapshot::Snapshot;
use crate::model::webhook::Webhook;

/// The webhooks that claims have read.
#[derive(Debug, Default)]
pub(in crate::store::sqlite) struct Known(Mutex<State>);

#[derive(Debug, Default)]
pub(super) struct State {
    /// The writer's count before they were read, and when that was.
    as_of: (u64, Option<Timestamp>),
    pub(super) webhooks: HashMap<i64, (Arc<Webhook>, Arc<[Secret]>)>,
    /// By webhook and version.
    pub(super) snapshots: HashMap<(i64, i64), Arc<Snapshot>>,
}

impl Known {
    /// What is known and still true at `now`, if the writer's count was `changes` before the snapshot of the database
    /// began that is read from.
    pub(super) fn at(&self, changes: u64, now: Timestamp) -> MutexGuard<'_, State> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (counted, read_at) = state.as_of;
        let is_fresh = read_at.is_some_and(|read_at| read_at <= now && now.since(read_at) < WEBHOOKS_KNOWN_FOR);
        let known = state.webhooks.len().max(state.snapshots.len());
        if counted != changes || !is_fresh || known >= WEBHOOKS_KNOWN_MAX {
            *state = State { as_of: (changes, Some(now)), ..State::default() };
        }
        state
    }
}
