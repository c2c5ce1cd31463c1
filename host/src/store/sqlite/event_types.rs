//! Event types that the operator added to the catalogue.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::model::event::EventType;
use crate::store::CustomEventType;

/// The columns that [`read`] takes.
macro_rules! columns {
    () => {
        "name, description, group_name, example, schema"
    };
}

/// Adds or changes a type, if it is there already or there is room for one more.
pub(super) fn put(connection: &Connection, event_type: &CustomEventType, types_max: u32) -> rusqlite::Result<bool> {
    let is_room: bool = connection
        .prepare_cached("SELECT count(*) < ?1 FROM event_types WHERE name <> ?2")?
        .query_one((types_max, &event_type.name), |row| row.get(0))?;
    if !is_room {
        return Ok(false);
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO event_types (name, description, group_name, example, schema)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((
            &event_type.name,
            &event_type.description,
            &event_type.group,
            &event_type.example,
            &event_type.schema,
        ))?;
    Ok(true)
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<CustomEventType>> {
    connection
        .prepare_cached(concat!("SELECT ", columns!(), " FROM event_types ORDER BY name"))?
        .query_map((), read)?
        .collect()
}

pub(super) fn get(connection: &Connection, name: &EventType) -> rusqlite::Result<Option<CustomEventType>> {
    connection
        .prepare_cached(concat!("SELECT ", columns!(), " FROM event_types WHERE name = ?1"))?
        .query_one((name,), read)
        .optional()
}

pub(super) fn names(connection: &Connection) -> rusqlite::Result<Vec<EventType>> {
    connection.prepare_cached("SELECT name FROM event_types ORDER BY name")?.query_map((), |row| row.get(0))?.collect()
}

pub(super) fn exists(connection: &Connection, name: &EventType) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM event_types WHERE name = ?1")?.exists((name,))
}

fn read(row: &Row<'_>) -> rusqlite::Result<CustomEventType> {
    Ok(CustomEventType {
        name: row.get(0)?,
        description: row.get(1)?,
        group: row.get(2)?,
        example: row.get(3)?,
        schema: row.get(4)?,
    })
}
