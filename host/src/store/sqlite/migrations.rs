//! Brings a database to the schema of this program: forward only, one transaction each.
//!
//! The schema's version is SQLite's `user_version`, set in the transaction that reaches it. A database
//! of a newer program is refused: going on with it could lose what this program does not know of.
//! Released migrations are never edited.

use rusqlite::Connection;

use super::headers;
use crate::store::SealingKey;

/// The migrations in order; the first one makes version 1.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/sqlite/0001_first.sql"),
    include_str!("../../../migrations/sqlite/0002_health.sql"),
    include_str!("../../../migrations/sqlite/0003_events.sql"),
    include_str!("../../../migrations/sqlite/0004_hooks.sql"),
    include_str!("../../../migrations/sqlite/0005_replays.sql"),
    include_str!("../../../migrations/sqlite/0006_shadows.sql"),
    include_str!("../../../migrations/sqlite/0007_verdict_places.sql"),
    include_str!("../../../migrations/sqlite/0008_retention.sql"),
    include_str!("../../../migrations/sqlite/0009_webhooks_by_health.sql"),
    include_str!("../../../migrations/sqlite/0010_leases_in_memory.sql"),
    include_str!("../../../migrations/sqlite/0011_operations.sql"),
    include_str!("../../../migrations/sqlite/0012_cheaper_rows.sql"),
    include_str!("../../../migrations/sqlite/0013_due_in_memory.sql"),
    include_str!("../../../migrations/sqlite/0014_attempts_by_delivery.sql"),
];

/// The version of the schema that this program works with.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// The version of the schema of a database, 0 for an empty one.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Applies what `from` lacks; `key` seals what earlier versions kept in plain text.
pub(super) fn apply(connection: &mut Connection, from: i64, key: &SealingKey) -> rusqlite::Result<()> {
    headers::lend_function(connection, key)?;
    for (migration, version) in MIGRATIONS.iter().zip(1..).filter(|(_, version)| *version > from) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    headers::take_function_back(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_numbered_file_is_applied_and_numbered_without_a_gap() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite");
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();

        assert_eq!(names.len(), MIGRATIONS.len());
        for (name, number) in names.iter().zip(1..) {
            assert!(name.starts_with(&format!("{number:04}_")), "{name}");
        }
    }

    #[test]
    fn every_column_is_explained() {
        let lines: Vec<_> = MIGRATIONS.iter().flat_map(|text| text.lines()).collect();
        let is_column = |line: &str| {
            let mut words = line.trim_start().split(' ');
            let name = words.next().unwrap_or_default();
            let kind = words.next().unwrap_or_default().trim_end_matches([',', ';']);
            line.starts_with("  ")
                && name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit())
                && ["INTEGER", "TEXT", "BLOB"].contains(&kind)
        };
        let columns: Vec<_> = (1..lines.len()).filter(|&at| is_column(lines[at])).collect();

        assert!(columns.len() > 100, "{}", columns.len());
        for at in columns {
            assert!(lines[at - 1].trim_start().starts_with("--"), "{}", lines[at]);
        }
    }
}
