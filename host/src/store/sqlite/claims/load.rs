//! All that an attempt needs, read for the rows that a claim picked.
//!
//! A row that cannot be read, because its secret does not open or somebody changed it by hand into
//! nonsense, is set aside and ended: it must neither stop what can be sent nor be met again by every claim.

use std::collections::HashSet;
use std::sync::{Arc, MutexGuard};

use rusqlite::{Connection, OptionalExtension};

use super::AtHand;
use super::known::State;

use crate::model::Timestamp;
use crate::model::delivery::{Attempt, AttemptError, Delivery, DeliveryState};
use crate::model::event::{Event, EventSeq};
use crate::model::limits::CLAIM_BYTES_MAX;
use crate::model::secret::Secret;
use crate::model::snapshot::Snapshot;
use crate::model::webhook::Webhook;
use crate::store::ClaimedDelivery;
use crate::store::sqlite::{deliveries, events, secrets, webhooks};

/// What the attempt log says of a delivery that could not be read.
const UNREADABLE: &str = "nothing was sent: the webhook's signing secret, or something else that is stored for this \
    delivery, cannot be read; register the webhook anew, or have the operator restore the data folder from a backup";

/// What was read of the rows that a claim picked.
#[derive(Default)]
pub(in crate::store::sqlite) struct Loaded {
    /// Those to attempt, by their place. They have no fence yet.
    pub(in crate::store::sqlite) claims: Vec<(i64, ClaimedDelivery)>,
    /// Those that cannot be attempted.
    pub(in crate::store::sqlite) unreadable: Vec<Unreadable>,
}

/// A delivery that cannot be read, and why.
pub(in crate::store::sqlite) struct Unreadable {
    seq: i64,
    error: rusqlite::Error,
}

impl Unreadable {
    /// Ends the delivery, with a line in its log that says what helps. Nothing is held against the
    /// endpoint, which was not asked.
    pub(in crate::store::sqlite) fn fail(&self, connection: &Connection, at: Timestamp) -> rusqlite::Result<()> {
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
        deliveries::add_attempt(connection, self.seq, &attempt)
    }
}

/// Whether the row is at fault, and not the disk or the statement.
fn is_unreadable(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code().is_none()
}

/// All that an attempt needs, until the events weigh too much to be claimed at once.
pub(super) fn load(
    connection: &Connection,
    seqs: impl Iterator<Item = i64>,
    now: Timestamp,
    at_hand: &AtHand,
    changes: u64,
) -> rusqlite::Result<Loaded> {
    let known = at_hand.known.at(changes, now);
    let mut loader = Loader { connection, at_hand, now, known, weighed: HashSet::new(), bytes: 0 };
    let mut loaded = Loaded::default();
    for seq in seqs {
        match loader.delivery(seq) {
            Ok(delivery) => loaded.claims.push((seq, delivery)),
            Err(error) if is_unreadable(&error) => loaded.unreadable.push(Unreadable { seq, error }),
            Err(error) => return Err(error),
        }
        if loader.bytes > CLAIM_BYTES_MAX {
            break;
        }
    }
    Ok(loaded)
}

/// Reads each event and each webhook once, however many deliveries share it, and none that is at hand.
struct Loader<'a> {
    connection: &'a Connection,
    at_hand: &'a AtHand,
    now: Timestamp,
    known: MutexGuard<'a, State>,
    /// Events that are counted in `bytes`.
    weighed: HashSet<EventSeq>,
    bytes: usize,
}

impl Loader<'_> {
    fn delivery(&mut self, seq: i64) -> rusqlite::Result<ClaimedDelivery> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, event_seq, attempt_count, due_at, created_at, webhook_seq, snapshot_version, attempts_before
             FROM deliveries WHERE seq = ?1",
        )?;
        statement.query_one((seq,), |row| {
            let (event_seq, webhook_seq) = (row.get(1)?, row.get(5)?);
            let (event, is_test) = self.event(event_seq)?;
            let (webhook, secrets) = self.webhook(webhook_seq)?;
            let snapshot = self.snapshot(webhook_seq, row.get(6)?)?;
            let delivery = Delivery {
                id: row.get(0)?,
                event_seq,
                event_id: event.id.clone(),
                is_test,
                webhook_id: webhook.id.clone(),
                state: DeliveryState::Pending,
                attempt_count: row.get(2)?,
                attempts_before: row.get(7)?,
                due_at: row.get(3)?,
                created_at: row.get(4)?,
                finished_at: None,
            };
            Ok(ClaimedDelivery { delivery, fence: 0, event, snapshot, webhook, secrets })
        })
    }

    /// The event, and whether it is a test.
    fn event(&mut self, seq: EventSeq) -> rusqlite::Result<(Arc<Event>, bool)> {
        let (event, test_of) = match self.at_hand.recent.get(seq) {
            Some(kept) => kept,
            None => {
                let stored = events::stored_by_seq(self.connection, seq)?;
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
        let key = &self.at_hand.key;
        let webhook = webhooks::by_seq(self.connection, key, seq)?;
        let secrets = secrets::signing(self.connection, key, seq, &webhook.id, self.now)?;
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
        let mut statement = self.connection.prepare_cached(
            "SELECT version, payload_format, object FROM webhook_snapshots WHERE webhook_seq = ?1 AND version = ?2",
        )?;
        let read = statement.query_one((webhook_seq, version), |row| {
            Ok(Arc::new(Snapshot { version: row.get(0)?, format: row.get(1)?, object: row.get(2)? }))
        })?;
        self.known.snapshots.insert((webhook_seq, version), Arc::clone(&read));
        Ok(read)
    }
}
