//! Databases of earlier programs, brought to the schema of this one.

use std::fs;

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Null;

use super::files::contains;
use super::{open, options};
use crate::model::Timestamp;
use crate::model::delivery::AttemptError::{Connect, Status, Timeout};
use crate::model::secret::Secret;
use crate::model::verdict::Outcome;
use crate::store::contract::samples::{decide, delivery_id, page, verdict, webhook_id};
use crate::store::sqlite::migrations::MIGRATIONS;
use crate::store::{Store, VerdictQuery};

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

/// The same folder as a later version of the schema left it; nothing in it has headers to seal.
fn of_version(version: usize) -> (Connection, tempfile::TempDir) {
    let directory = of_first_version();
    let connection = Connection::open(options(&directory).directory.join("hooksieve.db")).unwrap();
    connection.execute_batch("UPDATE webhooks SET headers = '{}'").unwrap();
    connection.create_scalar_function("seal_headers", 2, FunctionFlags::default(), |_| Ok(Null)).unwrap();
    MIGRATIONS[1..version].iter().for_each(|migration| connection.execute_batch(migration).unwrap());
    connection.pragma_update(None, "user_version", version as i64).unwrap();
    (connection, directory)
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

#[tokio::test]
async fn verdicts_of_before_are_found_by_their_webhooks_like_those_that_come_after() {
    let (connection, directory) = of_version(6);
    let rows = "INSERT INTO users (id, updated_at) VALUES ('owner', 0);
        INSERT INTO events (seq, id, digest, event_type, project_id, occurred_at, accepted_at, previous_value, current_value)
          SELECT value, 'e' || value, zeroblob(32), 'TODO_CREATED', 'p', 0, 0, 'null', 'null'
          FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 100) SELECT value FROM n);
        INSERT INTO verdicts (event_seq, webhook_seq, outcome, decided_at) SELECT seq, 1, 'filtered', 0 FROM events;
        INSERT INTO verdicts (event_seq, webhook_seq, outcome, decided_at) SELECT seq, 2, 'disabled', 0 FROM events
          WHERE seq % 10 = 0;";
    connection.execute_batch(rows).unwrap();

    let store = open(&directory).unwrap();

    decide(&*store, "new", vec![verdict("with", Outcome::Filtered), verdict("without", Outcome::Filtered)]).await;
    let found = async |webhook| {
        let found = store.verdicts_for(&webhook_id(webhook), VerdictQuery::default(), page(250, None)).await.unwrap();
        found.items.into_iter().map(|item| item.event_id.to_string()).collect::<Vec<_>>()
    };
    let with: Vec<_> =
        ["new".to_owned()].into_iter().chain((1..=100).rev().map(|number| format!("e{number}"))).collect();
    assert_eq!(found("with").await, with);
    assert_eq!(found("without").await, ["new", "e100", "e90", "e80", "e70", "e60", "e50", "e40", "e30", "e20", "e10"]);
    let check: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let keys = "SELECT count(*) FROM pragma_foreign_key_list('verdicts')";
    assert_eq!(connection.query_row(keys, (), |row| row.get::<_, u32>(0)).unwrap(), 0);
}

#[tokio::test]
async fn the_attempt_log_of_before_is_found_by_its_deliveries_and_goes_on() {
    let (connection, directory) = of_version(13);
    let rows = "INSERT INTO users (id, updated_at) VALUES ('owner', 0);
        INSERT INTO events (seq, id, digest, event_type, project_id, occurred_at, accepted_at, previous_value, current_value)
          VALUES (1, 'e', zeroblob(32), 'TODO_CREATED', 'p', 0, 0, 'null', 'null');
        INSERT INTO webhook_snapshots VALUES (1, 1, 'full', '{}'), (2, 1, 'full', '{}');
        INSERT INTO deliveries (id, event_seq, webhook_seq, snapshot_version, state, attempt_count, due_at, created_at)
          VALUES ('msg_e-first', 1, 1, 1, 'failed', 2, 0, 0), ('msg_e-second', 1, 2, 1, 'failed', 1, 0, 0);
        INSERT INTO attempts (delivery_seq, number, started_at, duration_ms, status, error, error_detail, response)
          VALUES (1, 2, 9, 1, 500, 'status', 'no', zeroblob(9000)), (2, 1, 7, 1, NULL, 'connect', NULL, x''),
                 (1, 1, 5, 1, NULL, 'timeout', NULL, x'');";
    connection.execute_batch(rows).unwrap();

    let store = open(&directory).unwrap();

    let ms = Timestamp::from_millis;
    let attempts = async |id: &str| {
        let attempts = store.attempts(&delivery_id("e", id)).await.unwrap();
        let told = attempts
            .into_iter()
            .map(|attempt| (attempt.number, attempt.started_at, attempt.status, attempt.error, attempt.response.len()));
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        attempts("first").await,
        [(1, ms(5), None, Some(Timeout), 0), (2, ms(9), Some(500), Some(Status), 9000)]
    );
    assert_eq!(attempts("second").await, [(1, ms(7), None, Some(Connect), 0)]);
    let check: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}
