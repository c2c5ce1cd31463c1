//! What attempts and filter runs mean for a webhook, counted in conditional updates.
//!
//! A count alone is not a change that anybody is told of. What shows is: health and `is_enabled` get a
//! new version and a new place in the order of changes; a filter that begins or ceases to count as
//! failing gets only the place, because the version stands for what payloads show.

use std::sync::Arc;

use rusqlite::Connection;

use super::webhooks::{self, next_change};
use crate::model::Timestamp;
use crate::model::filter::FilterDigest;
use crate::model::ids::WebhookId;
use crate::model::limits::FILTER_FAILURES_UNTIL_FAILING;
use crate::model::webhook::Webhook;
use crate::store::SealingKey;

/// The endpoint answered 2xx. A disabled webhook stays UNHEALTHY until somebody enables it.
pub(super) fn attempt_succeeded(connection: &Connection, webhook_seq: i64, at: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE webhooks SET failures_in_a_row = 0 WHERE seq = ?1 AND failures_in_a_row > 0")?
        .execute((webhook_seq,))?;
    connection
        .prepare_cached(concat!(
            "UPDATE webhooks SET health = 'HEALTHY', version = version + 1, updated_at = ?2, change_seq = ",
            next_change!(),
            " WHERE seq = ?1 AND health = 'UNHEALTHY' AND is_enabled"
        ))?
        .execute((webhook_seq, at))?;
    Ok(())
}

/// An attempt failed; `failures_max` in a row make the webhook UNHEALTHY.
pub(super) fn attempt_failed(
    connection: &Connection,
    webhook_seq: i64,
    failures_max: u32,
    at: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE webhooks SET failures_in_a_row = failures_in_a_row + 1 WHERE seq = ?1")?
        .execute((webhook_seq,))?;
    connection
        .prepare_cached(concat!(
            "UPDATE webhooks SET health = 'UNHEALTHY', version = version + 1, updated_at = ?2, change_seq = ",
            next_change!(),
            " WHERE seq = ?1 AND health = 'HEALTHY' AND failures_in_a_row >= ?3"
        ))?
        .execute((webhook_seq, at, failures_max))?;
    Ok(())
}

/// The endpoint said that it is gone.
pub(super) fn disable(connection: &Connection, webhook_seq: i64, at: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(concat!(
            "UPDATE webhooks SET is_enabled = 0, health = 'UNHEALTHY', version = version + 1, updated_at = ?2,
                    change_seq = ",
            next_change!(),
            " WHERE seq = ?1 AND is_enabled"
        ))?
        .execute((webhook_seq, at))?;
    Ok(())
}

/// The owner said so. Unlike an endpoint that is gone, this makes a webhook UNHEALTHY that was disabled before.
pub(super) fn disable_at_wish(
    connection: &Connection,
    key: &SealingKey,
    id: &WebhookId,
    at: Timestamp,
) -> rusqlite::Result<Option<Arc<Webhook>>> {
    connection
        .prepare_cached(concat!(
            "UPDATE webhooks SET is_enabled = 0, health = 'UNHEALTHY', version = version + 1, updated_at = ?2,
                    change_seq = ",
            next_change!(),
            " WHERE id = ?1 AND deleted_at IS NULL AND (is_enabled OR health = 'HEALTHY')"
        ))?
        .execute((id, at))?;
    webhooks::get(connection, key, id)
}

/// A filter ran for the webhook. What a filter did that the webhook no longer has is not counted.
pub(super) fn filter_ran(
    connection: &Connection,
    webhook: &WebhookId,
    digest: &FilterDigest,
    failed: bool,
) -> rusqlite::Result<()> {
    let sql = if failed {
        concat!(
            "UPDATE webhooks SET filter_failures_in_a_row = filter_failures_in_a_row + 1,
                    change_seq = iif(filter_failures_in_a_row + 1 = ?3, ",
            next_change!(),
            ", change_seq) WHERE id = ?1 AND filter_digest = ?2"
        )
    } else {
        concat!(
            "UPDATE webhooks SET filter_failures_in_a_row = 0,
                    change_seq = iif(filter_failures_in_a_row >= ?3, ",
            next_change!(),
            ", change_seq) WHERE id = ?1 AND filter_digest = ?2 AND filter_failures_in_a_row > 0"
        )
    };
    connection.prepare_cached(sql)?.execute((webhook, digest, FILTER_FAILURES_UNTIL_FAILING))?;
    Ok(())
}
