//! Filters, and the bytes they were uploaded as.

use std::sync::Arc;

use rusqlite::{Connection, MAIN_DB, OptionalExtension, Row, params};

use super::columns::{Count, before, page_of, rows_of};
use crate::model::filter::{About, Filter, FilterDigest};
use crate::model::ids::{FilterId, UserId};
use crate::store::{FilterUpload, FilterUsage, Page, PageRequest, Removed};

/// The columns that [`read`] takes, the first 11 of a row.
macro_rules! columns {
    () => {
        "id, owner, name, digest, size_bytes, wit_version, about_name, about_version, about_description,
         config_schema, created_at"
    };
}

/// Keeps a filter, or replaces the one with the same id.
pub(super) fn add(connection: &Connection, upload: &FilterUpload) -> rusqlite::Result<()> {
    let FilterUpload { filter, wasm } = upload;
    let replaced: Option<FilterDigest> = connection
        .prepare_cached("SELECT digest FROM filters WHERE id = ?1")?
        .query_one((&filter.id,), |row| row.get(0))
        .optional()?;
    let added = connection
        .prepare_cached("INSERT INTO filter_modules (digest, wasm) VALUES (?1, zeroblob(?2)) ON CONFLICT DO NOTHING")?
        .execute((filter.digest, Count(wasm.len() as u64)))?;
    if added == 1 {
        // Written where it goes: SQLite would copy a bound value twice.
        connection
            .blob_open(MAIN_DB, "filter_modules", "wasm", connection.last_insert_rowid(), false)?
            .write_all_at(wasm, 0)?;
    }
    connection
        .prepare_cached(concat!(
            "INSERT INTO filters (",
            columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (id) DO UPDATE SET
               owner = excluded.owner, name = excluded.name, digest = excluded.digest,
               size_bytes = excluded.size_bytes, wit_version = excluded.wit_version,
               about_name = excluded.about_name, about_version = excluded.about_version,
               about_description = excluded.about_description, config_schema = excluded.config_schema,
               created_at = excluded.created_at"
        ))?
        .execute(params![
            filter.id,
            filter.owner,
            filter.name,
            filter.digest,
            Count(filter.size_bytes),
            filter.wit_version,
            filter.about.name,
            filter.about.version,
            filter.about.description,
            filter.about.config_schema,
            filter.created_at,
        ])?;
    replaced.map_or(Ok(()), |digest| drop_unused_module(connection, &digest))
}

pub(super) fn get(connection: &Connection, id: &FilterId) -> rusqlite::Result<Option<Filter>> {
    connection
        .prepare_cached(concat!("SELECT ", columns!(), " FROM filters WHERE id = ?1"))?
        .query_one((id,), read)
        .optional()
}

pub(super) fn usable_by(
    connection: &Connection,
    owner: Option<&UserId>,
    page: &PageRequest,
) -> rusqlite::Result<Page<Filter>> {
    let rows = connection
        .prepare_cached(concat!(
            "SELECT ",
            columns!(),
            ", seq FROM filters WHERE owner = ?1 AND seq < ?2 UNION ALL SELECT ",
            columns!(),
            ", seq FROM filters WHERE owner IS NULL AND seq < ?2 ORDER BY seq DESC LIMIT ?3"
        ))?
        .query_map((owner, before(page), rows_of(page)), |row| Ok((row.get(11)?, read(row)?)))?
        .collect::<Result<_, _>>()?;
    Ok(page_of(rows, page))
}

pub(super) fn wasm(connection: &Connection, digest: &FilterDigest) -> rusqlite::Result<Option<Arc<[u8]>>> {
    connection
        .prepare_cached("SELECT wasm FROM filter_modules WHERE digest = ?1")?
        .query_one((digest,), |row| row.get(0))
        .optional()
}

pub(super) fn owner(connection: &Connection, digest: &FilterDigest) -> rusqlite::Result<Option<UserId>> {
    let owner: Option<Option<UserId>> = connection
        .prepare_cached("SELECT owner FROM filters WHERE digest = ?1 ORDER BY owner IS NOT NULL, seq LIMIT 1")?
        .query_one((digest,), |row| row.get(0))
        .optional()?;
    Ok(owner.flatten())
}

pub(super) fn usage(connection: &Connection, owner: &UserId) -> rusqlite::Result<FilterUsage> {
    connection
        .prepare_cached("SELECT COUNT(*), COALESCE(SUM(size_bytes), 0) FROM filters WHERE owner = ?1")?
        .query_one((owner,), |row| {
            Ok(FilterUsage { count: row.get::<_, Count>(0)?.0, bytes: row.get::<_, Count>(1)?.0 })
        })
}

pub(super) fn delete(connection: &Connection, id: &FilterId) -> rusqlite::Result<Removed> {
    let used =
        "SELECT 1 FROM webhooks WHERE filter_id = ?1 UNION ALL SELECT 1 FROM webhooks WHERE shadow_filter_id = ?1";
    if connection.prepare_cached(used)?.exists((id,))? {
        return Ok(Removed::InUse);
    }
    let digest: Option<FilterDigest> = connection
        .prepare_cached("DELETE FROM filters WHERE id = ?1 RETURNING digest")?
        .query_one((id,), |row| row.get(0))
        .optional()?;
    let Some(digest) = digest else { return Ok(Removed::Missing) };
    drop_unused_module(connection, &digest)?;
    Ok(Removed::Removed)
}

fn drop_unused_module(connection: &Connection, digest: &FilterDigest) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM filter_modules WHERE digest = ?1
             AND NOT EXISTS (SELECT 1 FROM filters WHERE filters.digest = ?1)
             AND NOT EXISTS (SELECT 1 FROM webhooks WHERE filter_digest = ?1)
             AND NOT EXISTS (SELECT 1 FROM webhooks WHERE shadow_filter_digest = ?1)",
        )?
        .execute((digest,))?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Filter> {
    Ok(Filter {
        id: row.get(0)?,
        owner: row.get(1)?,
        name: row.get(2)?,
        digest: row.get(3)?,
        size_bytes: row.get::<_, Count>(4)?.0,
        wit_version: row.get(5)?,
        about: About { name: row.get(6)?, version: row.get(7)?, description: row.get(8)?, config_schema: row.get(9)? },
        created_at: row.get(10)?,
    })
}
