//! Deliveries and their attempts, from the decision to the end. Claiming them is in `claims`, beginning anew in
//! `resends`.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};

use super::columns::{Count, Finished, one_row};
use super::health;
use super::lease::Leases;
use super::touched::Touched;
use crate::model::Timestamp;
use crate::model::delivery::{Attempt, Delivery, DeliveryState};
use crate::model::event::EventSeq;
use crate::model::ids::{DeliveryId, ProjectId, UserId, WebhookId};
use crate::model::limits::ATTEMPTS_KEPT_MAX;
use crate::model::operational::Change;
use crate::store::{Attempted, NewDelivery, Next, Recorded};

/// The columns that [`read`] takes, of `d`, `e` and `w`.
macro_rules! columns {
    () => {
        "d.id, d.event_seq, e.id, w.id, d.state, d.attempt_count, d.due_at, d.created_at, d.finished_at,
         e.test_webhook_seq IS NOT NULL, d.attempts_before"
    };
}
pub(super) use columns;

/// Keeps a delivery.
pub(super) const INSERT: &str =
    "INSERT INTO deliveries (id, event_seq, webhook_seq, snapshot_version, state, due_at, created_at, finished_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)";
/// Counts an attempt of a pending delivery, and says what comes next.
pub(super) const END_ATTEMPT: &str =
    "UPDATE deliveries SET state = ?3, attempt_count = attempt_count + 1, due_at = coalesce(?4, due_at), finished_at = ?5
     WHERE seq = ?1 AND id = ?2 AND state = 'pending'";
/// Keeps a line of the attempt log.
pub(super) const INSERT_ATTEMPT: &str =
    "INSERT INTO attempts (delivery_seq, number, started_at, duration_ms, status, error, error_detail, response)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Keeps a delivery that is owed. One to a webhook that was deleted meanwhile is canceled at once.
///
/// No `INSERT` here takes its row from a `SELECT`: SQLite opens a journal for such a statement, and what that costs grows
/// with what the transaction has changed already, so that ten thousand took seconds.
pub(super) fn add(connection: &Connection, event: EventSeq, delivery: &NewDelivery) -> rusqlite::Result<()> {
    let (snapshot, at) = (&delivery.snapshot, delivery.created_at);
    let (webhook_seq, is_deleted): (i64, bool) = connection
        .prepare_cached("SELECT seq, deleted_at IS NOT NULL FROM webhooks WHERE id = ?1")?
        .query_one((&delivery.webhook_id,), |row| Ok((row.get(0)?, row.get(1)?)))?;
    connection
        .prepare_cached(
            "INSERT INTO webhook_snapshots (webhook_seq, version, payload_format, object) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
        )?
        .execute((webhook_seq, snapshot.version, snapshot.format, &snapshot.object))?;
    let (state, finished_at) =
        if is_deleted { (DeliveryState::Canceled, Some(at)) } else { (DeliveryState::Pending, None) };
    let row = (&delivery.id, event, webhook_seq, snapshot.version, state, at, Finished(finished_at));
    one_row(connection.prepare_cached(INSERT)?.execute(row)?)
}

/// Writes what attempts came to, in their order, and what each changed of its webhook's health.
pub(super) fn record_attempts(
    connection: &Connection,
    attempted: &[Attempted],
    leases: &Leases,
    touched: &Touched,
) -> rusqlite::Result<Vec<(Recorded, Option<Change>)>> {
    let mut record = Record::prepare(connection, touched)?;
    attempted.iter().map(|attempted| record.attempt(attempted, leases)).collect()
}

/// Writes attempts, one after the other.
struct Record<'a> {
    end: CachedStatement<'a>,
    log: Log<'a>,
    health: health::Answers<'a>,
    touched: &'a Touched,
}

impl<'a> Record<'a> {
    fn prepare(connection: &'a Connection, touched: &'a Touched) -> rusqlite::Result<Self> {
        let end = connection.prepare_cached(END_ATTEMPT)?;
        Ok(Self {
            end,
            log: Log::prepare(connection)?,
            health: health::Answers::prepare(connection, touched)?,
            touched,
        })
    }

    fn attempt(&mut self, attempted: &Attempted, leases: &Leases) -> rusqlite::Result<(Recorded, Option<Change>)> {
        let Some(seq) = leases.row(attempted.fence) else { return Ok((Recorded::LeaseLost, None)) };
        let ended_at = attempted.answer.at;
        let (state, retry_at, finished_at) = match attempted.next {
            Next::Delivered => (DeliveryState::Delivered, None, Some(ended_at)),
            Next::Failed => (DeliveryState::Failed, None, Some(ended_at)),
            Next::RetryAt(at) => (DeliveryState::Pending, Some(at), None),
        };
        // One that was canceled meanwhile stays so.
        let ended = self.end.execute((seq, &attempted.delivery_id, state, retry_at, Finished(finished_at)))?;
        if ended == 0 {
            return Ok((Recorded::LeaseLost, None));
        }
        let (webhook, change) = self.health.attempt_ended(seq, attempted)?;
        if let Some(webhook) = webhook.filter(|_| attempted.next == Next::Delivered) {
            self.touched.delivered(webhook, seq);
        }
        self.log.add(seq, &attempted.attempt)?;
        Ok((Recorded::Written, change))
    }
}

/// Writes the attempt log.
pub(super) struct Log<'a> {
    connection: &'a Connection,
    insert: CachedStatement<'a>,
}

impl<'a> Log<'a> {
    pub(super) fn prepare(connection: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self { connection, insert: connection.prepare_cached(INSERT_ATTEMPT)? })
    }

    /// Keeps a line of it, and drops one that is older than may be.
    pub(super) fn add(&mut self, delivery_seq: i64, attempt: &Attempt) -> rusqlite::Result<()> {
        self.insert.execute((
            delivery_seq,
            attempt.number,
            attempt.started_at,
            Count(attempt.duration_ms),
            attempt.status,
            attempt.error,
            &attempt.error_detail,
            &attempt.response,
        ))?;
        let too_old = attempt.number.saturating_sub(ATTEMPTS_KEPT_MAX);
        if too_old > 0 {
            self.connection
                .prepare_cached("DELETE FROM attempts WHERE delivery_seq = ?1 AND number <= ?2")?
                .execute((delivery_seq, too_old))?;
        }
        Ok(())
    }
}

/// Cancels what is owed to a webhook. What an attempt under way comes to is not written.
pub(super) fn cancel_all(connection: &Connection, webhook_seq: i64, at: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE deliveries SET state = 'canceled', finished_at = ?2 WHERE webhook_seq = ?1 AND state = 'pending'",
        )?
        .execute((webhook_seq, at))?;
    Ok(())
}

/// Cancels what is owed to a user's webhooks of a project's events. What an attempt under way comes to is not written.
pub(super) fn cancel_of_member(
    connection: &Connection,
    project: &ProjectId,
    user: &UserId,
    at: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE deliveries SET state = 'canceled', finished_at = ?3
             WHERE state = 'pending'
               AND webhook_seq IN (SELECT seq FROM webhooks WHERE owner = ?2 AND deleted_at IS NULL)
               AND (SELECT project_id FROM events WHERE events.seq = event_seq) = ?1",
        )?
        .execute((project, user, at))?;
    Ok(())
}

/// When the earliest pending delivery of each webhook is due.
pub(super) fn next_attempts(
    connection: &Connection,
    ids: Vec<WebhookId>,
) -> rusqlite::Result<HashMap<WebhookId, Timestamp>> {
    let mut statement = connection.prepare_cached(
        "SELECT min(d.due_at) FROM webhooks w CROSS JOIN deliveries d INDEXED BY deliveries_due ON d.webhook_seq = w.seq
         WHERE w.id = ?1 AND d.state = 'pending'",
    )?;
    let mut next = HashMap::new();
    for id in ids {
        if let Some(due_at) = statement.query_one((&id,), |row| row.get(0))? {
            next.insert(id, due_at);
        }
    }
    Ok(next)
}

pub(super) fn get(connection: &Connection, id: &DeliveryId) -> rusqlite::Result<Option<Delivery>> {
    connection
        .prepare_cached(concat!(
            "SELECT ",
            columns!(),
            " FROM deliveries d JOIN events e ON e.seq = d.event_seq JOIN webhooks w ON w.seq = d.webhook_seq
             WHERE d.id = ?1"
        ))?
        .query_one((id,), read)
        .optional()
}

pub(super) fn attempts(connection: &Connection, id: &DeliveryId) -> rusqlite::Result<Vec<Attempt>> {
    connection
        .prepare_cached(
            "SELECT number, started_at, duration_ms, status, error, error_detail, response FROM attempts
             WHERE delivery_seq = (SELECT seq FROM deliveries WHERE id = ?1) ORDER BY number",
        )?
        .query_map((id,), |row| {
            Ok(Attempt {
                number: row.get(0)?,
                started_at: row.get(1)?,
                duration_ms: row.get::<_, Count>(2)?.0,
                status: row.get(3)?,
                error: row.get(4)?,
                error_detail: row.get(5)?,
                response: row.get(6)?,
            })
        })?
        .collect()
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: row.get(0)?,
        event_seq: row.get(1)?,
        event_id: row.get(2)?,
        webhook_id: row.get(3)?,
        state: row.get(4)?,
        attempt_count: row.get(5)?,
        due_at: row.get(6)?,
        created_at: row.get(7)?,
        finished_at: row.get::<_, Finished>(8)?.0,
        is_test: row.get(9)?,
        attempts_before: row.get(10)?,
    })
}
