//! Event types that the operator added to the catalogue.

use rusqlite::Connection;

use crate::store::CustomEventType;

pub(super) fn put(connection: &Connection, event_type: &CustomEventType) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO event_types (name, description, group_name) VALUES (?1, ?2, ?3)")?
        .execute((&event_type.name, &event_type.description, &event_type.group))?;
    Ok(())
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<CustomEventType>> {
    connection
        .prepare_cached("SELECT name, description, group_name FROM event_types ORDER BY name")?
        .query_map((), |row| Ok(CustomEventType { name: row.get(0)?, description: row.get(1)?, group: row.get(2)? }))?
        .collect()
}
