//! What attempts, owners and filters make of a webhook's health.
//!
//! Every change of a [`Standing`] is computed by the model, from the row as it is in the transaction that
//! writes it. A count alone is not a change that anybody is told of. What shows is: health and `is_enabled`
//! get a new version, a new place in the order of changes and, in the same transaction, an operational event;
//! a filter that begins or ceases to count as failing gets only the place, because the version stands for what
//! payloads show.

use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::columns::one_row;
use super::events;
use super::touched::Touched;
use super::webhooks::{self, next_change};
use crate::model::Timestamp;
use crate::model::event::EventDigest;
use crate::model::filter::FilterDigest;
use crate::model::health::{Failure, Hold, Standing, Trouble};
use crate::model::ids::WebhookId;
use crate::model::limits::FILTER_FAILURES_UNTIL_FAILING;
use crate::model::operational::{self, Change};
use crate::model::webhook::Webhook;
use crate::store::{Attempted, SealingKey};

/// The columns that [`read_trouble`] takes, eleven of them.
macro_rules! trouble_columns {
    () => {
        "failing_since, unhealthy_since, held_until, hold_reason, failed_probes, disabled_reason, last_error,
         last_error_status, last_error_detail, last_failed_at, recovered_at"
    };
}
pub(super) use trouble_columns;

/// The columns that [`read`] takes, fourteen of them.
macro_rules! standing_columns {
    () => {
        concat!("is_enabled, health, failures_in_a_row, ", trouble_columns!())
    };
}

/// The digest of an event that no producer sent: its id cannot be sent either, so it is never compared.
const NO_DIGEST: EventDigest = EventDigest([0; 32]);

/// What is known of failures, in the columns of a row from `first` on.
pub(super) fn read_trouble(row: &Row<'_>, first: usize) -> rusqlite::Result<Trouble> {
    let at = |place: usize| first + place;
    let hold = match row.get(at(2))? {
        Some(until) => Some(Hold { until, reason: row.get(at(3))? }),
        None => None,
    };
    let last_failure = match row.get(at(6))? {
        Some(error) => Some(Failure { error, status: row.get(at(7))?, detail: row.get(at(8))?, at: row.get(at(9))? }),
        None => None,
    };
    Ok(Trouble {
        failing_since: row.get(at(0))?,
        unhealthy_since: row.get(at(1))?,
        last_failure,
        hold,
        failed_probes: row.get(at(4))?,
        disabled: row.get(at(5))?,
        recovered_at: row.get(at(10))?,
    })
}

/// A standing, in the columns `is_enabled`, `health`, `failures_in_a_row` and those of its trouble.
fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Standing> {
    Ok(Standing {
        is_enabled: row.get(first)?,
        health: row.get(first + 1)?,
        failures_in_a_row: row.get(first + 2)?,
        trouble: read_trouble(row, first + 3)?,
    })
}

/// Writes a standing, and nothing else.
pub(super) fn set(connection: &Connection, webhook_seq: i64, standing: &Standing) -> rusqlite::Result<()> {
    let trouble = &standing.trouble;
    let failure = trouble.last_failure.as_ref();
    let updated = connection
        .prepare_cached(
            "UPDATE webhooks SET is_enabled = ?2, health = ?3, failures_in_a_row = ?4, failing_since = ?5,
                    unhealthy_since = ?6, held_until = ?7, hold_reason = ?8, failed_probes = ?9,
                    disabled_reason = ?10, last_error = ?11, last_error_status = ?12, last_error_detail = ?13,
                    last_failed_at = ?14, recovered_at = ?15
             WHERE seq = ?1",
        )?
        .execute(params![
            webhook_seq,
            standing.is_enabled,
            standing.health,
            standing.failures_in_a_row,
            trouble.failing_since,
            trouble.unhealthy_since,
            trouble.hold.map(|hold| hold.until),
            trouble.hold.map(|hold| hold.reason),
            trouble.failed_probes,
            trouble.disabled,
            failure.map(|failure| failure.error),
            failure.and_then(|failure| failure.status),
            failure.and_then(|failure| failure.detail.as_ref()),
            failure.map(|failure| failure.at),
            trouble.recovered_at,
        ])?;
    one_row(updated)
}

/// Writes what became of a standing; the change, if it shows.
fn write(
    connection: &Connection,
    webhook_seq: i64,
    before: &Standing,
    after: &Standing,
) -> rusqlite::Result<Option<Change>> {
    if before == after {
        return Ok(None);
    }
    set(connection, webhook_seq, after)?;
    Ok(Change::between(before, after))
}

/// Writes what became of a standing. If that shows, it is a new version of the webhook, and is told.
fn advance(
    connection: &Connection,
    webhook_seq: i64,
    before: &Standing,
    after: &Standing,
    at: Timestamp,
) -> rusqlite::Result<Option<Change>> {
    let Some(change) = write(connection, webhook_seq, before, after)? else { return Ok(None) };
    connection
        .prepare_cached(concat!(
            "UPDATE webhooks SET version = version + 1, updated_at = ?2, change_seq = ",
            next_change!(),
            " WHERE seq = ?1"
        ))?
        .execute((webhook_seq, at))?;
    tell(connection, webhook_seq, before, change, at)?;
    Ok(Some(change))
}

/// Accepts the operational event of a change. The webhook is written, with its new version.
fn tell(
    connection: &Connection,
    webhook_seq: i64,
    before: &Standing,
    change: Change,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let webhook = webhooks::without_headers(connection, webhook_seq)?;
    // Nobody is told of the operator's own: a webhook that cannot be told would be told of that.
    if !operational::is_operator(&webhook.owner) {
        events::accept(connection, &operational::event(&webhook, before, change, at), NO_DIGEST)?;
    }
    Ok(())
}

/// What endpoints answered, one after the other.
pub(super) struct Answers<'a> {
    connection: &'a Connection,
    standing: CachedStatement<'a>,
    touched: &'a Touched,
}

impl<'a> Answers<'a> {
    pub(super) fn prepare(connection: &'a Connection, touched: &'a Touched) -> rusqlite::Result<Self> {
        let standing = connection.prepare_cached(concat!(
            "SELECT w.seq, ",
            standing_columns!(),
            " FROM deliveries d CROSS JOIN webhooks w ON w.seq = d.webhook_seq WHERE d.seq = ?1 AND w.url = ?2"
        ))?;
        Ok(Self { connection, standing, touched })
    }

    /// An attempt of a delivery ended; to which webhook, and what that changed of it. What an endpoint said at a URL that the
    /// webhook no longer has is not held against the new one.
    pub(super) fn attempt_ended(
        &mut self,
        delivery_seq: i64,
        attempted: &Attempted,
    ) -> rusqlite::Result<(Option<i64>, Option<Change>)> {
        let (webhook, answer) = (&attempted.webhook_id, &attempted.answer);
        let sound = self.touched.sound(webhook, &attempted.url).filter(|_| answer.failure.is_none());
        if sound.is_some() {
            return Ok((sound, None));
        }
        let found = self
            .standing
            .query_one((delivery_seq, &attempted.url), |row| Ok((row.get(0)?, read(row, 1)?)))
            .optional()?;
        let Some((webhook_seq, before)): Option<(i64, Standing)> = found else { return Ok((None, None)) };
        let after = before.after(answer, &attempted.rules);
        let change = advance(self.connection, webhook_seq, &before, &after, answer.at)?;
        if after.is_sound() {
            self.touched.is_sound(webhook, &attempted.url, webhook_seq);
        }
        Ok((Some(webhook_seq), change))
    }
}

/// The owner said so; the webhook as it is then, and what changed.
pub(super) fn disable(
    connection: &Connection,
    key: &SealingKey,
    id: &WebhookId,
    at: Timestamp,
) -> rusqlite::Result<(Option<Arc<Webhook>>, Option<Change>)> {
    let found = connection
        .prepare_cached(concat!(
            "SELECT seq, ",
            standing_columns!(),
            " FROM webhooks WHERE id = ?1 AND deleted_at IS NULL"
        ))?
        .query_one((id,), |row| Ok((row.get(0)?, read(row, 1)?)))
        .optional()?;
    let Some((seq, before)): Option<(i64, Standing)> = found else { return Ok((None, None)) };
    let change = advance(connection, seq, &before, &before.disabled_by_owner(at), at)?;
    Ok((webhooks::get(connection, key, id)?, change))
}

/// An edit by the owner, between what it began from and what it makes of the webhook's standing.
pub(super) struct Edit {
    seq: i64,
    before: Standing,
    is_url_new: bool,
}

impl Edit {
    /// Begins an edit of a webhook that still has the version `from`.
    pub(super) fn begin(connection: &Connection, from: i64, webhook: &Webhook) -> rusqlite::Result<Option<Self>> {
        connection
            .prepare_cached(concat!(
                "SELECT seq, url IS NOT ?3, ",
                standing_columns!(),
                " FROM webhooks WHERE id = ?1 AND version = ?2 AND deleted_at IS NULL"
            ))?
            .query_one((&webhook.id, from, &webhook.url), |row| {
                Ok(Self { seq: row.get(0)?, is_url_new: row.get(1)?, before: read(row, 2)? })
            })
            .optional()
    }

    /// Writes what it means for the standing, once the rest is written; what changed.
    pub(super) fn end(
        self,
        connection: &Connection,
        webhook: &Webhook,
        failed_check: Option<Failure>,
    ) -> rusqlite::Result<Option<Change>> {
        let edited = self.before.edited(webhook.is_enabled, self.is_url_new);
        let after = match failed_check {
            Some(failure) => edited.check_failed(failure),
            None => edited,
        };
        let change = write(connection, self.seq, &self.before, &after)?;
        if let Some(change) = change {
            tell(connection, self.seq, &self.before, change, webhook.updated_at)?;
        }
        Ok(change)
    }
}

/// Whether any webhook's filter failed the last time it ran.
pub(super) fn any_filter_fails(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM webhooks INDEXED BY webhooks_with_failing_filter
                            WHERE filter_failures_in_a_row > 0)",
        )?
        .query_one((), |row| row.get(0))
}

/// A filter ran for the webhook. What a filter did that the webhook no longer has is not counted.
pub(super) fn filter_ran(
    connection: &Connection,
    webhook_seq: i64,
    digest: &FilterDigest,
    failed: bool,
) -> rusqlite::Result<()> {
    let sql = if failed {
        concat!(
            "UPDATE webhooks SET filter_failures_in_a_row = filter_failures_in_a_row + 1,
                    change_seq = iif(filter_failures_in_a_row + 1 = ?3, ",
            next_change!(),
            ", change_seq) WHERE seq = ?1 AND filter_digest = ?2"
        )
    } else {
        concat!(
            "UPDATE webhooks INDEXED BY webhooks_with_failing_filter SET filter_failures_in_a_row = 0,
                    change_seq = iif(filter_failures_in_a_row >= ?3, ",
            next_change!(),
            ", change_seq) WHERE seq = ?1 AND filter_digest = ?2 AND filter_failures_in_a_row > 0"
        )
    };
    connection.prepare_cached(sql)?.execute((webhook_seq, digest, FILTER_FAILURES_UNTIL_FAILING))?;
    Ok(())
}
