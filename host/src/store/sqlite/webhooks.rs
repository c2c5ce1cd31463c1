//! Webhooks, the order of their changes, and what deletion leaves of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::{Json, before, one_row, page_of, rows_of};
use super::health::{self, Edit};
use super::{deliveries, headers, replays, secrets, shadows};
use crate::model::Timestamp;
use crate::model::comparison::Shadow;
use crate::model::health::{Failure, Standing};
use crate::model::ids::{UserId, WebhookId};
use crate::model::operational::Change;
use crate::model::webhook::{FilterBinding, Webhook};
use crate::store::{Added, Page, PageRequest, Removed, SealingKey, Updated, WebhookChange, WebhookWindow, Windowed};

/// The columns that [`read_without_headers`] takes, the first 35 of a row.
macro_rules! columns {
    () => {
        concat!(
            "id, uid, owner, name, url, events, project_ids, filter_id, filter_digest, filter_config, filter_on_error,
             payload_format, headers_sealed, is_enabled, health, failures_in_a_row, filter_failures_in_a_row, version,
             created_at, updated_at, ",
            health::trouble_columns!(),
            ", shadow_filter_id, shadow_filter_digest, shadow_filter_config, shadow_since"
        )
    };
}

/// The next place in the order of changes. Rows are never removed, so the largest only grows.
macro_rules! next_change {
    () => {
        "(SELECT coalesce(max(change_seq), 0) + 1 FROM webhooks)"
    };
}
pub(super) use next_change;

/// A time, or when the newest webhook was registered if that is later. An event is for the webhooks that existed when it
/// was accepted, which is told by these times: where the clock was set back, an event would else be for none of
/// the webhooks that were registered before.
macro_rules! not_before_webhooks {
    ($time:literal) => {
        concat!("max(", $time, ", coalesce((SELECT created_at FROM webhooks ORDER BY seq DESC LIMIT 1), ", $time, "))")
    };
}
pub(super) use not_before_webhooks;

pub(super) fn add(
    connection: &Connection,
    webhook: &Webhook,
    headers: &headers::Sealed,
    secret: &secrets::Sealed,
) -> rusqlite::Result<Added> {
    let (filter, shadow) = (webhook.filter.as_ref(), webhook.shadow.as_ref());
    if !are_there(connection, webhook)? {
        return Ok(Added::NoFilter);
    }
    connection
        .prepare_cached(concat!(
            "INSERT INTO webhooks (id, uid, owner, name, url, events, project_ids, filter_id, filter_digest,
               filter_config, filter_on_error, payload_format, headers_sealed, is_enabled, health, failures_in_a_row,
               filter_failures_in_a_row, version, created_at, updated_at, shadow_filter_id, shadow_filter_digest,
               shadow_filter_config, shadow_since, change_seq)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ",
            not_before_webhooks!("?19"),
            ", ?20, ?21, ?22, ?23, ?24, ",
            next_change!(),
            ")"
        ))?
        .execute(params![
            webhook.id,
            webhook.uid,
            webhook.owner,
            webhook.name,
            webhook.url,
            Json(&webhook.events),
            Json(&webhook.project_ids),
            filter.map(|filter| &filter.filter_id),
            filter.map(|filter| filter.digest),
            filter.map(|filter| &filter.config),
            filter.map(|filter| filter.on_error),
            webhook.payload_format,
            headers,
            webhook.is_enabled,
            webhook.health,
            webhook.failures_in_a_row,
            webhook.filter_failures_in_a_row,
            webhook.version,
            webhook.created_at,
            webhook.updated_at,
            shadow.map(|shadow| &shadow.filter_id),
            shadow.map(|shadow| shadow.digest),
            shadow.map(|shadow| &shadow.config),
            shadow.map(|shadow| shadow.since),
        ])?;
    let seq = connection.last_insert_rowid();
    health::set(connection, seq, &Standing::of(webhook))?;
    secrets::add(connection, seq, secret, webhook.created_at)?;
    Ok(Added::Written)
}

/// Whether the filters to take are still kept: one may have been deleted since the caller looked it up.
fn are_there(connection: &Connection, webhook: &Webhook) -> rusqlite::Result<bool> {
    let filter = webhook.filter.as_ref().map(|filter| &filter.filter_id);
    let shadow = webhook.shadow.as_ref().map(|shadow| &shadow.filter_id);
    let mut is_there = connection.prepare_cached("SELECT 1 FROM filters WHERE id = ?1")?;
    for filter in filter.into_iter().chain(shadow) {
        if !is_there.exists((filter,))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The row of a webhook that is not deleted.
pub(super) fn seq_of(connection: &Connection, id: &WebhookId) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT seq FROM webhooks WHERE id = ?1 AND deleted_at IS NULL")?
        .query_one((id,), |row| row.get(0))
        .optional()
}

/// The row of a webhook, deleted or not.
pub(super) fn any_seq_of(connection: &Connection, id: &WebhookId) -> rusqlite::Result<Option<i64>> {
    connection.prepare_cached("SELECT seq FROM webhooks WHERE id = ?1")?.query_one((id,), |row| row.get(0)).optional()
}

/// Changes what the owner chooses. What follows for health and counts begins from what they are now, not from
/// what they were when the caller read them; the failures of a filter end with its attachment. Beside it, what changed
/// of its health.
pub(super) fn update(
    connection: &Connection,
    from: i64,
    webhook: &Webhook,
    headers: &headers::Sealed,
    failed_check: Option<Failure>,
) -> rusqlite::Result<(Updated, Option<Change>)> {
    let Some(edit) = Edit::begin(connection, from, webhook)? else {
        let is_there = seq_of(connection, &webhook.id)?.is_some();
        return Ok((if is_there { Updated::Stale } else { Updated::Missing }, None));
    };
    let (filter, shadow) = (webhook.filter.as_ref(), webhook.shadow.as_ref());
    if !are_there(connection, webhook)? {
        return Ok((Updated::NoFilter, None));
    }
    shadows::begin_anew(connection, webhook)?;
    let updated = connection
        .prepare_cached(concat!(
            "UPDATE webhooks SET name = ?2, url = ?3, events = ?4, project_ids = ?5,
                    filter_failures_in_a_row = iif(filter_id IS ?6 AND filter_digest IS ?7 AND filter_config IS ?8
                      AND filter_on_error IS ?9, filter_failures_in_a_row, 0),
                    filter_id = ?6, filter_digest = ?7, filter_config = ?8, filter_on_error = ?9,
                    payload_format = ?10, headers_sealed = ?11, version = ?12, updated_at = ?13,
                    shadow_filter_id = ?14, shadow_filter_digest = ?15, shadow_filter_config = ?16,
                    shadow_since = ?17, change_seq = ",
            next_change!(),
            " WHERE id = ?1"
        ))?
        .execute(params![
            webhook.id,
            webhook.name,
            webhook.url,
            Json(&webhook.events),
            Json(&webhook.project_ids),
            filter.map(|filter| &filter.filter_id),
            filter.map(|filter| filter.digest),
            filter.map(|filter| &filter.config),
            filter.map(|filter| filter.on_error),
            webhook.payload_format,
            headers,
            webhook.version,
            webhook.updated_at,
            shadow.map(|shadow| &shadow.filter_id),
            shadow.map(|shadow| shadow.digest),
            shadow.map(|shadow| &shadow.config),
            shadow.map(|shadow| shadow.since),
        ])?;
    one_row(updated)?;
    Ok((Updated::Written, edit.end(connection, webhook, failed_check)?))
}

/// Leaves a tombstone: the log refers to it, and the order of changes tells of it.
pub(super) fn delete(connection: &Connection, id: &WebhookId, at: Timestamp) -> rusqlite::Result<Removed> {
    let deleted: Option<i64> = connection
        .prepare_cached(concat!(
            "UPDATE webhooks SET deleted_at = ?2, updated_at = ?2, is_enabled = 0, name = NULL, url = '',
                    events = '[]', project_ids = '[]', headers_sealed = NULL, filter_id = NULL, filter_digest = NULL,
                    filter_config = NULL, filter_on_error = NULL, shadow_filter_id = NULL,
                    shadow_filter_digest = NULL, shadow_filter_config = NULL, shadow_since = NULL, change_seq = ",
            next_change!(),
            " WHERE id = ?1 AND deleted_at IS NULL RETURNING seq"
        ))?
        .query_one((id, at), |row| row.get(0))
        .optional()?;
    let Some(seq) = deleted else { return Ok(Removed::Missing) };
    secrets::remove_all(connection, seq)?;
    shadows::forget(connection, seq)?;
    deliveries::cancel_all(connection, seq, at)?;
    replays::cancel_of(connection, seq, at)?;
    Ok(Removed::Removed)
}

pub(super) fn get(connection: &Connection, key: &SealingKey, id: &WebhookId) -> rusqlite::Result<Option<Arc<Webhook>>> {
    connection
        .prepare_cached(concat!("SELECT ", columns!(), " FROM webhooks WHERE id = ?1 AND deleted_at IS NULL"))?
        .query_one((id,), |row| read(row, key))
        .optional()
}

pub(super) fn by_seq(connection: &Connection, key: &SealingKey, seq: i64) -> rusqlite::Result<Arc<Webhook>> {
    connection
        .prepare_cached(concat!("SELECT ", columns!(), " FROM webhooks WHERE seq = ?1"))?
        .query_one((seq,), |row| read(row, key))
}

/// A webhook that lacks its headers, for whoever does not send.
pub(super) fn without_headers(connection: &Connection, seq: i64) -> rusqlite::Result<Webhook> {
    connection
        .prepare_cached(concat!("SELECT ", columns!(), " FROM webhooks WHERE seq = ?1"))?
        .query_one((seq,), read_without_headers)
}

pub(super) fn count(connection: &Connection, owner: &UserId) -> rusqlite::Result<usize> {
    connection
        .prepare_cached("SELECT count(*) FROM webhooks WHERE owner = ?1 AND deleted_at IS NULL")?
        .query_one((owner,), |row| row.get::<_, u32>(0))
        .map(|count| count as usize)
}

pub(super) fn of_owner(
    connection: &Connection,
    key: &SealingKey,
    owner: &UserId,
    page: &PageRequest,
) -> rusqlite::Result<Page<Arc<Webhook>>> {
    let rows = connection
        .prepare_cached(concat!(
            "SELECT ",
            columns!(),
            ", seq FROM webhooks WHERE owner = ?1 AND deleted_at IS NULL AND seq < ?2 ORDER BY seq DESC LIMIT ?3"
        ))?
        .query_map((owner, before(page), rows_of(page)), |row| Ok((row.get(35)?, read(row, key)?)))?
        .collect::<Result<_, _>>()?;
    Ok(page_of(rows, page))
}

/// Both statements see one moment: every read has a transaction.
pub(super) fn window(
    connection: &Connection,
    key: &SealingKey,
    owner: &UserId,
    window: WebhookWindow,
) -> rusqlite::Result<Windowed> {
    let WebhookWindow { is_enabled, skip, take } = window;
    let items = connection
        .prepare_cached(concat!(
            "SELECT ",
            columns!(),
            " FROM webhooks WHERE owner = ?1 AND deleted_at IS NULL AND (?2 IS NULL OR is_enabled = ?2)
             ORDER BY seq DESC LIMIT ?3 OFFSET ?4"
        ))?
        .query_map((owner, is_enabled, take, skip), |row| read(row, key))?
        .collect::<Result<_, _>>()?;
    let total = connection
        .prepare_cached(
            "SELECT count(*) FROM webhooks WHERE owner = ?1 AND deleted_at IS NULL AND (?2 IS NULL OR is_enabled = ?2)",
        )?
        .query_one((owner, is_enabled), |row| row.get::<_, u32>(0))?;
    Ok(Windowed { items, total: total as usize })
}

/// Changes, with webhooks that lack their headers: who follows them decides on events and sends nothing, and one
/// whose headers do not open keeps no other from being told.
pub(super) fn changes(connection: &Connection, after: i64, rows_max: u32) -> rusqlite::Result<Vec<WebhookChange>> {
    connection
        .prepare_cached(concat!(
            "SELECT ",
            columns!(),
            ", change_seq, deleted_at IS NOT NULL FROM webhooks WHERE change_seq > ?1 ORDER BY change_seq LIMIT ?2"
        ))?
        .query_map((after, rows_max), |row| {
            let is_deleted: bool = row.get(36)?;
            let webhook = if is_deleted { None } else { Some(Arc::new(read_without_headers(row)?)) };
            Ok(WebhookChange { change_seq: row.get(35)?, id: row.get(0)?, webhook })
        })?
        .collect()
}

fn read(row: &Row<'_>, key: &SealingKey) -> rusqlite::Result<Arc<Webhook>> {
    let mut webhook = read_without_headers(row)?;
    webhook.headers = headers::unseal(key, &webhook.id, row.get_ref(12)?.as_blob_or_null()?)?;
    Ok(Arc::new(webhook))
}

fn read_without_headers(row: &Row<'_>) -> rusqlite::Result<Webhook> {
    let filter = match row.get(7)? {
        Some(filter_id) => {
            Some(FilterBinding { filter_id, digest: row.get(8)?, config: row.get(9)?, on_error: row.get(10)? })
        }
        None => None,
    };
    let shadow = match row.get(31)? {
        Some(filter_id) => Some(Shadow { filter_id, digest: row.get(32)?, config: row.get(33)?, since: row.get(34)? }),
        None => None,
    };
    Ok(Webhook {
        id: row.get(0)?,
        uid: row.get(1)?,
        owner: row.get(2)?,
        name: row.get(3)?,
        url: row.get(4)?,
        events: row.get::<_, Json<_>>(5)?.0,
        project_ids: row.get::<_, Json<_>>(6)?.0,
        filter,
        shadow,
        payload_format: row.get(11)?,
        headers: BTreeMap::new(),
        is_enabled: row.get(13)?,
        health: row.get(14)?,
        failures_in_a_row: row.get(15)?,
        trouble: health::read_trouble(row, 20)?,
        filter_failures_in_a_row: row.get(16)?,
        version: row.get(17)?,
        created_at: row.get(18)?,
        updated_at: row.get(19)?,
    })
}
