//! All that an attempt needs, read for the rows that a claim picked.
//!
//! A row that cannot be read, because its secret does not open or somebody changed it by hand into
//! nonsense, is set aside and ended: it must neither stop what can be sent nor be met again by every claim.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use crate::model::Timestamp;
use crate::model::delivery::{Attempt, AttemptError, Delivery, DeliveryState};
use crate::model::event::{Event, EventSeq};
use crate::model::limits::CLAIM_BYTES_MAX;
use crate::model::secret::Secret;
use crate::model::snapshot::Snapshot;
use crate::model::webhook::Webhook;
use crate::store::sqlite::lease::{Fences, Seen};
use crate::store::sqlite::{deliveries, events, secrets, webhooks};
use crate::store::{ClaimedDelivery, SealingKey};

/// What the attempt log says of a delivery that could not be read.
const UNREADABLE: &str = "nothing was sent: the webhook's signing secret, or something else that is stored for this \
    delivery, cannot be read; register the webhook anew, or have the operator restore the data folder from a backup";

/// What was read of the rows that a claim picked.
#[derive(Default)]
pub(in crate::store::sqlite) struct Loaded {
    /// Those to attempt.
    pub(in crate::store::sqlite) claims: Vec<(Seen, ClaimedDelivery)>,
    /// Those that cannot be attempted.
    pub(in crate::store::sqlite) unreadable: Vec<Unreadable>,
}

/// A delivery that cannot be read, and why.
pub(in crate::store::sqlite) struct Unreadable {
    row: Seen,
    error: rusqlite::Error,
}

impl Unreadable {
    /// Ends the delivery, with a line in its log that says what helps. Nothing is held against the
    /// endpoint, which was not asked.
    pub(in crate::store::sqlite) fn fail(
        &self,
        connection: &Connection,
        at: Timestamp,
        fences: &Fences,
    ) -> rusqlite::Result<()> {
        // The count may be what is spoiled; the log's own numbers are not.
        let failed: Option<(String, u32)> = connection
            .prepare_cached(
                "UPDATE deliveries SET state = 'failed', finished_at = ?3, leased_until = 0, fence = ?4,
                        attempt_count = (SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE delivery_seq = ?1)
                 WHERE seq = ?1 AND fence = ?2 AND state = 'pending' RETURNING id, attempt_count",
            )?
            .query_one((self.row.seq, self.row.fence, at, fences.next()), |row| {
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
        deliveries::add_attempt(connection, self.row.seq, &attempt)
    }
}

/// Whether the row is at fault, and not the disk or the statement.
fn is_unreadable(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code().is_none()
}

/// All that an attempt needs, until the events weigh too much to be claimed at once.
pub(super) fn load(
    connection: &Connection,
    rows: impl Iterator<Item = Seen>,
    now: Timestamp,
    key: &SealingKey,
) -> rusqlite::Result<Loaded> {
    let mut loader = Loader { connection, key, now, events: HashMap::new(), webhooks: HashMap::new(), bytes: 0 };
    let mut loaded = Loaded::default();
    for row in rows {
        match loader.delivery(row) {
            Ok(delivery) => loaded.claims.push((row, delivery)),
            Err(error) if is_unreadable(&error) => loaded.unreadable.push(Unreadable { row, error }),
            Err(error) => return Err(error),
        }
        if loader.bytes > CLAIM_BYTES_MAX {
            break;
        }
    }
    Ok(loaded)
}

/// Reads each event and each webhook once, however many deliveries share it.
struct Loader<'a> {
    connection: &'a Connection,
    key: &'a SealingKey,
    now: Timestamp,
    events: HashMap<EventSeq, (Arc<Event>, bool)>,
    webhooks: HashMap<i64, (Arc<Webhook>, Vec<Secret>)>,
    bytes: usize,
}

impl Loader<'_> {
    fn delivery(&mut self, seen: Seen) -> rusqlite::Result<ClaimedDelivery> {
        let mut statement = self.connection.prepare_cached(
            "SELECT d.id, d.event_seq, d.attempt_count, d.due_at, d.created_at, d.webhook_seq, s.version,
                    s.payload_format, s.object, d.attempts_before
             FROM deliveries d JOIN webhook_snapshots s ON s.webhook_seq = d.webhook_seq
               AND s.version = d.snapshot_version
             WHERE d.seq = ?1",
        )?;
        statement.query_one((seen.seq,), |row| {
            let event_seq = row.get(1)?;
            let (event, is_test) = self.event(event_seq)?;
            let (webhook, secrets) = self.webhook(row.get(5)?)?;
            let delivery = Delivery {
                id: row.get(0)?,
                event_seq,
                event_id: event.id.clone(),
                is_test,
                webhook_id: webhook.id.clone(),
                state: DeliveryState::Pending,
                attempt_count: row.get(2)?,
                attempts_before: row.get(9)?,
                due_at: row.get(3)?,
                created_at: row.get(4)?,
                finished_at: None,
            };
            let snapshot = Snapshot { version: row.get(6)?, format: row.get(7)?, object: row.get(8)? };
            Ok(ClaimedDelivery { delivery, fence: seen.fence, event, snapshot, webhook, secrets })
        })
    }

    /// The event, and whether it is a test.
    fn event(&mut self, seq: EventSeq) -> rusqlite::Result<(Arc<Event>, bool)> {
        if let Some(known) = self.events.get(&seq) {
            return Ok(known.clone());
        }
        let stored = events::stored_by_seq(self.connection, seq)?;
        self.bytes += events::weight(&stored.event);
        let known = (stored.event, stored.test_of.is_some());
        self.events.insert(seq, known.clone());
        Ok(known)
    }

    fn webhook(&mut self, seq: i64) -> rusqlite::Result<(Arc<Webhook>, Vec<Secret>)> {
        if let Some(known) = self.webhooks.get(&seq) {
            return Ok(known.clone());
        }
        let webhook = webhooks::by_seq(self.connection, self.key, seq)?;
        let secrets = secrets::signing(self.connection, self.key, seq, &webhook.id, self.now)?;
        // Nothing is sent unsigned.
        if secrets.is_empty() {
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
        self.webhooks.insert(seq, (Arc::clone(&webhook), secrets.clone()));
        Ok((webhook, secrets))
    }
}
