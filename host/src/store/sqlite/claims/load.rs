//! All that an attempt needs, read for the rows that a claim picked.
//!
//! A row that cannot be read, because its secret does not open or somebody changed it by hand into
//! nonsense, is set aside and ended: it must neither stop what can be sent nor be met again by every claim.

use std::collections::HashSet;
use std::sync::{Arc, MutexGuard};

use rusqlite::{Connection, OptionalExtension};

use super::known::State;
use super::{AtHand, Pick};

use crate::model::Timestamp;
use crate::model::delivery::{Attempt, AttemptError, Delivery, DeliveryState};
use crate::model::event::{Event, EventSeq};
use crate::model::limits::CLAIM_BYTES_MAX;
use crate::model::secret::Secret;
use crate::model::snapshot::Snapshot;
use crate::model::webhook::Webhook;
use crate::store::ClaimedDelivery;
use crate::store::sqlite::pending::Detail;
use crate::store::sqlite::touched::DELIVERY;
use crate::store::sqlite::{deliveries, events, secrets, webhooks};

/// What the attempt log says of a delivery that could not be read.
const UNREADABLE: &str = "nothing was sent: the webhook's signing secret, or something else that is stored for this \
    delivery, cannot be read; register the webhook anew, or have the operator restore the data folder from a backup";

/// What was read of the rows that a claim picked.
#[derive(Default)]
pub(super) struct Loaded {
    /// Those to attempt, by their place. They have no fence yet.
    pub(super) claims: Vec<(i64, ClaimedDelivery)>,
    /// Those that cannot be attempted.
    pub(super) unreadable: Vec<Unreadable>,
}

/// A delivery that cannot be read, and why.
pub(super) struct Unreadable {
    seq: i64,
    error: rusqlite::Error,
}

impl Unreadable {
    /// Ends the delivery, with a line in its log that says what helps. Nothing is held against the
    /// endpoint, which was not asked.
    pub(super) fn fail(&self, connection: &Connection, at: Timestamp) -> rusqlite::Result<()> {
        // The count may be what is spoiled; the log's own numbers are not.
        let failed: Option<(String, u32)> = connection
            .prepare_cached(
                "UPDATE deliveries SET state = 'failed', finished_at = ?2,
                        attempt_count = (SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE delivery_seq = ?1)
                 WHERE seq = ?1 AND state = 'pending' RETURNING id, attempt_count",
            )?
            .query_one((self.seq, at), |row| {
                let id = String::from_utf8_lossy(row.get_ref(0)?.as_bytes()?).into_owned();
                Ok((id, row.get(1)?))
            })
            .optional()?;
        let Some((id, number)) = failed else { return Ok(()) };
        let error = &self.error as &dyn std::error::Error;
        tracing::error!(delivery = %id, error, "a delivery cannot be read and has failed");
        let attempt = Attempt {
            number,
            started_at: at,
            duration_ms: 0,
            status: None,
            error: Some(AttemptError::Refused),
            error_detail: Some(UNREADABLE.to_owned()),
            response: Vec::new(),
        };
        deliveries::Log::prepare(connection)?.add(self.seq, &attempt)
    }
}

/// Whether the row is at fault, and not the disk or the statement.
fn is_unreadable(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code().is_none()
}

/// All that an attempt needs of what is picked, until the events weigh too much to be claimed at once. Of webhooks the writer
/// had counted `changes` before the snapshot began that is read here.
pub(super) fn load(
    connection: &Connection,
    picks: &[Pick],
    now: Timestamp,
    at_hand: &AtHand,
    changes: u64,
) -> rusqlite::Result<Loaded> {
    Loader::new(Some(connection), at_hand, now, changes)
        .load(picks, |seq, error| if is_unreadable(&error) { Ok(Unreadable { seq, error }) } else { Err(error) })
}

/// The same without the database; `None` unless all of it is in memory.
pub(super) fn load_from_memory(picks: &[Pick], now: Timestamp, at_hand: &AtHand, changes: u64) -> Option<Loaded> {
    Loader::new(None, at_hand, now, changes).load(picks, |_, _| Err(())).ok()
}

/// Reads each event and each webhook once, however many deliveries share it, and none that is at hand.
struct Loader<'a> {
    /// `None` where only what is at hand is wanted.
    connection: Option<&'a Connection>,
    at_hand: &'a AtHand,
    now: Timestamp,
    known: MutexGuard<'a, State>,
    /// Events that are counted in `bytes`.
    weighed: HashSet<EventSeq>,
    bytes: usize,
}

impl<'a> Loader<'a> {
    fn new(connection: Option<&'a Connection>, at_hand: &'a AtHand, now: Timestamp, changes: u64) -> Self {
        let known = at_hand.known.at(changes, now);
        Self { connection, at_hand, now, known, weighed: HashSet::new(), bytes: 0 }
    }

    /// Loads what is picked. `set_aside` says what becomes of one that cannot be read.
    fn load<E>(
        mut self,
        picks: &[Pick],
        set_aside: impl Fn(i64, rusqlite::Error) -> Result<Unreadable, E>,
    ) -> Result<Loaded, E> {
        let mut loaded = Loaded::default();
        for pick in picks {
            match self.delivery(pick) {
                Ok(delivery) => loaded.claims.push((pick.owed.seq, delivery)),
                Err(error) => loaded.unreadable.push(set_aside(pick.owed.seq, error)?),
            }
            if self.bytes > CLAIM_BYTES_MAX {
                break;
            }
        }
        Ok(loaded)
    }

    fn connection(&self) -> rusqlite::Result<&'a Connection> {
        self.connection.ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    fn delivery(&mut self, pick: &Pick) -> rusqlite::Result<ClaimedDelivery> {
        let detail = match &pick.owed.detail {
            Some(detail) => detail.clone(),
            // Says what of it cannot be read.
            None => self.connection()?.prepare_cached(DELIVERY)?.query_one((pick.owed.seq,), Detail::read)?,
        };
        let (event, is_test) = self.event(detail.event)?;
        let (webhook, secrets) = self.webhook(pick.webhook)?;
        let snapshot = self.snapshot(pick.webhook, detail.snapshot_version)?;
        let delivery = Delivery {
            id: detail.id,
            event_seq: detail.event,
            event_id: event.id.clone(),
            is_test,
            webhook_id: webhook.id.clone(),
            state: DeliveryState::Pending,
            attempt_count: detail.attempt_count,
            attempts_before: detail.attempts_before,
            due_at: pick.owed.due_at,
            created_at: detail.created_at,
            finished_at: None,
        };
        Ok(ClaimedDelivery { delivery, fence: 0, event, snapshot, webhook, secrets })
    }

    /// The event, and whether it is a test.
    fn event(&mut self, seq: EventSeq) -> rusqlite::Result<(Arc<Event>, bool)> {
        let (event, test_of) = match self.at_hand.recent.get(seq) {
            Some(kept) => kept,
            None => {
                let stored = events::stored_by_seq(self.connection()?, seq)?;
                self.at_hand.recent.keep(seq, (Arc::clone(&stored.event), stored.test_of.clone()));
                (stored.event, stored.test_of)
            }
        };
        if self.weighed.insert(seq) {
            self.bytes += events::weight(&event);
        }
        Ok((event, test_of.is_some()))
    }

    fn webhook(&mut self, seq: i64) -> rusqlite::Result<(Arc<Webhook>, Arc<[Secret]>)> {
        if let Some(known) = self.known.webhooks.get(&seq) {
            return Ok(known.clone());
        }
        let (connection, key) = (self.connection()?, &self.at_hand.key);
        let webhook = webhooks::by_seq(connection, key, seq)?;
        let secrets = secrets::signing(connection, key, seq, &webhook.id, self.now)?;
        // Nothing is sent unsigned.
        if secrets.is_empty() {
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
        let read = (webhook, Arc::from(secrets));
        self.known.webhooks.insert(seq, read.clone());
        Ok(read)
    }

    fn snapshot(&mut self, webhook_seq: i64, version: i64) -> rusqlite::Result<Arc<Snapshot>> {
        if let Some(known) = self.known.snapshots.get(&(webhook_seq, version)) {
            return Ok(Arc::clone(known));
        }
        let mut statement = self.connection()?.prepare_cached(
            "SELECT version, payload_format, object FROM webhook_snapshots WHERE webhook_seq = ?1 AND version = ?2",
        )?;
        let read = statement.query_one((webhook_seq, version), |row| {
            Ok(Arc::new(Snapshot { version: row.get(0)?, format: row.get(1)?, object: row.get(2)? }))
        })?;
        self.known.snapshots.insert((webhook_seq, version), Arc::clone(&read));
        Ok(read)
    }
}
