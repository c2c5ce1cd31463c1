//! How the loops get what is free: from memory, and from the database where memory ends.
//!
//! Nearly always all that a claim needs is in memory: the rows ([`Waiting`], [`Pending`](super::pending)), the events that
//! were accepted last and the webhooks. So no other thread is asked.

mod ahead;
mod known;
mod load;
mod pick;

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use self::known::Known;
use self::load::{Loaded, Unreadable};
use self::pick::{Pick, Picked, pick, pick_next};
use super::pending::{Pending, Place};
use super::recent::RecentEvents;
use super::waiting::{Found, Waiting};
use super::{SqliteStore, events};
use crate::model::Timestamp;
use crate::model::event::EventSeq;
use crate::model::ids::WebhookId;
use crate::model::limits::RECENT_EVENTS_BYTES_MAX;
use crate::store::{Claim, ClaimedDelivery, ClaimedEvent, DeliveryClaim, Result, SealingKey};

/// What claims have in memory. The writer keeps it as it is in the database.
pub(super) struct AtHand {
    key: SealingKey,
    known: Known,
    pub(super) recent: RecentEvents,
    pub(super) waiting: Waiting,
    pub(super) pending: Pending,
    /// Held by whoever reads deliveries: of two reads of the same ones the later would take what the earlier found.
    pub(super) reading: Arc<tokio::sync::Mutex<()>>,
}

impl AtHand {
    pub(super) fn new(key: SealingKey, pending: Pending) -> Self {
        let recent = RecentEvents::new(RECENT_EVENTS_BYTES_MAX);
        let known = Known::default();
        Self { key, known, recent, waiting: Waiting::new(), pending, reading: Arc::default() }
    }
}

impl SqliteStore {
    /// Claims events that wait, the oldest first.
    pub(super) async fn claim_free_events(&self, claim: Claim) -> Result<Vec<ClaimedEvent>> {
        let claiming = self.event_leases.begin().await;
        let found = self.events_to_claim(claim).await?;
        let mut claimed = match events::claimed(&found, &self.at_hand.recent, |_| Err(())) {
            Ok(claimed) => claimed,
            Err(()) => {
                let at_hand = Arc::clone(&self.at_hand);
                let read = move |connection: &Connection| {
                    events::claimed(&found, &at_hand.recent, |seq| events::stored_by_seq(connection, seq))
                };
                self.read(read).await?
            }
        };
        for row in &mut claimed {
            row.fence = claiming.take(row.stored.seq.0, claim.now + claim.lease);
        }
        Ok(claimed)
    }

    /// Claims deliveries that are due, fairly.
    pub(super) async fn claim_due_deliveries(&self, claim: &DeliveryClaim) -> Result<Vec<ClaimedDelivery>> {
        let claiming = self.delivery_leases.begin().await;
        let (lease, changes) = (claim.claim, self.webhook_writes());
        loop {
            let picks = self.deliveries_to_claim(claim).await?;
            self.read_ahead(&picks, lease.now);
            let loaded = load::load_from_memory(&picks, lease.now, &self.at_hand, changes);
            let Loaded { claims: found, unreadable } = match loaded {
                Some(loaded) => loaded,
                None => {
                    let at_hand = Arc::clone(&self.at_hand);
                    let read =
                        move |connection: &Connection| load::load(connection, &picks, lease.now, &at_hand, changes);
                    self.read(read).await?
                }
            };
            let is_spoiled = !unreadable.is_empty();
            self.fail_unreadable(unreadable, lease.now).await?;
            // What cannot be read may have stood before what can.
            if found.is_empty() && is_spoiled {
                continue;
            }
            let take = |(seq, row)| ClaimedDelivery { fence: claiming.take(seq, lease.now + lease.lease), ..row };
            return Ok(found.into_iter().map(take).collect());
        }
    }

    /// Claims the next due delivery of a webhook, where no other claim goes on for long and all of it is at hand.
    pub(super) fn claim_next_due(
        &self,
        webhook: &WebhookId,
        now: Timestamp,
        lease: Duration,
    ) -> Option<ClaimedDelivery> {
        let claiming = self.delivery_leases.try_begin()?;
        let changes = self.webhook_writes();
        let pick = pick_next(&mut self.at_hand.pending.state(), webhook, now, &self.delivery_leases)?;
        let picks = [pick];
        self.read_ahead(&picks, now);
        let loaded = load::load_from_memory(&picks, now, &self.at_hand, changes)?;
        let (seq, row) = loaded.claims.into_iter().next()?;
        Some(ClaimedDelivery { fence: claiming.take(seq, now + lease), ..row })
    }

    /// When the next delivery can be attempted that nobody has.
    pub(super) async fn find_next_due(&self) -> Result<Option<Timestamp>> {
        let _claiming = self.delivery_leases.begin().await;
        loop {
            let next = self.at_hand.pending.state().next_due(&self.delivery_leases);
            match next {
                Some((_, Some(unread))) => self.read_deliveries(vec![unread]).await?,
                told => return Ok(told.map(|(at, _)| at)),
            }
        }
    }

    /// The free events for a claim, of which some may have to be read.
    async fn events_to_claim(&self, claim: Claim) -> Result<Vec<EventSeq>> {
        let last = self.last_event_synced();
        loop {
            match self.at_hand.waiting.find_free(&claim, last, &self.event_leases) {
                Found::Events(events) => return Ok(events),
                Found::Unread(from) => {
                    let read = self.read(move |connection| Waiting::read(connection, from)).await?;
                    self.at_hand.waiting.end_reading(read);
                }
            }
        }
    }

    /// The free deliveries for a claim, of which some may have to be read.
    async fn deliveries_to_claim(&self, claim: &DeliveryClaim) -> Result<Vec<Pick>> {
        loop {
            let picked = pick(&mut self.at_hand.pending.state(), claim, &self.delivery_leases);
            match picked {
                Picked::Deliveries(picks) => return Ok(picks),
                Picked::Unread(unread) => self.read_deliveries(unread).await?,
            }
        }
    }

    /// Reads what is owed to webhooks, from a place on. Where that may be what others are reading, waits for them.
    async fn read_deliveries(&self, unread: Vec<(i64, Place)>) -> Result<()> {
        let Ok(_reading) = self.at_hand.reading.try_lock() else {
            drop(self.at_hand.reading.lock().await);
            return Ok(());
        };
        ahead::read_deliveries(&self.at_hand, &self.readers, unread).await
    }

    /// Ends deliveries that cannot be read, so that no claim meets them again.
    async fn fail_unreadable(&self, unreadable: Vec<Unreadable>, at: Timestamp) -> Result<()> {
        if unreadable.is_empty() {
            return Ok(());
        }
        self.record(move |connection| unreadable.iter().try_for_each(|row| row.fail(connection, at))).await
    }
}
