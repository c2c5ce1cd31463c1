//! Databases of earlier programs, brought to the schema of this one.

use std::fs;

use rusqlite::Connection;

use super::files::contains;
use super::{open, options};
use crate::model::secret::Secret;
use crate::store::Store;
use crate::store::contract::samples::webhook_id;

/// What an endpoint asks for: long enough to have pages of its own, which nobody overwrites by chance.
fn credential() -> String {
    "hush-hush ".repeat(1_600)
}

/// A data folder as the first version of the schema left it, with a webhook that has a header and one that has
/// none, and no process that closed it.
fn of_first_version() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let folder = options(&directory).directory;
    fs::create_dir(&folder).unwrap();
    let connection = Connection::open(folder.join("hooksieve.db")).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL").unwrap();
    connection.execute_batch(include_str!("../../../../migrations/sqlite/0001_first.sql")).unwrap();
    let row = |id: &str, headers: &str, change: u32| {
        format!(
            "INSERT INTO webhooks (id, uid, owner, url, events, project_ids, payload_format, headers, is_enabled, health,
                                   failures_in_a_row, filter_failures_in_a_row, version, change_seq, created_at,
                                   updated_at)
             VALUES ('{id}', '00', 'owner', 'https://{id}.example.com', '[]', '[]', 'full', '{headers}', 1, 'HEALTHY',
                     0, 0, 1, {change}, 0, 0);"
        )
    };
    connection.execute_batch(&row("with", &format!(r#"{{"authorization":"{}"}}"#, credential()), 1)).unwrap();
    connection.execute_batch(&row("without", "{}", 2)).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    directory
}

#[tokio::test]
async fn headers_that_lay_open_are_sealed_and_the_plain_text_is_nowhere_any_more() {
    let directory = of_first_version();
    let folder = options(&directory).directory;
    assert!(contains(&folder, "hush-hush"));

    let store = open(&directory).unwrap();

    assert!(!contains(&folder, "hush-hush"));
    let with = store.webhook(&webhook_id("with")).await.unwrap().unwrap();
    let without = store.webhook(&webhook_id("without")).await.unwrap().unwrap();
    assert_eq!(with.headers, [("authorization".to_owned(), Secret::new(credential()))].into());
    assert!(without.headers.is_empty());
}

#[tokio::test]
async fn a_migration_that_is_cut_short_is_begun_again_from_what_was_there() {
    let directory = of_first_version();
    let path = options(&directory).directory.join("hooksieve.db");
    // In the way of the last statements, so that all before them have run when it fails.
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE INDEX in_the_way ON webhooks (headers)").unwrap();

    assert!(open(&directory).is_err());
    let kept = "SELECT headers FROM webhooks WHERE id = 'with'";
    let kept: String = connection.query_row(kept, (), |row| row.get(0)).unwrap();
    assert!(kept.contains(&credential()));
    connection.execute_batch("DROP INDEX in_the_way").unwrap();

    let store = open(&directory).unwrap();
    let with = store.webhook(&webhook_id("with")).await.unwrap().unwrap();
    assert_eq!(with.headers["authorization"], Secret::new(credential()));
}
