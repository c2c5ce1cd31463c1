//! What lies in the directory, and which directories are refused.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::{open, opened, options};
use crate::model::secret::Secret;
use crate::model::webhook::Webhook;
use crate::store::contract::samples::{
    accepted, add_webhooks, at, claim, claim_one, delivery_claim, digest, event, event_id, owe, secret, webhook,
    webhook_id,
};
use crate::store::sqlite::{Create, OpenError, OpenOptions, SqliteStore, migrations};
use crate::store::{Accepted, SealingKey, Store};

#[tokio::test]
async fn everything_is_there_after_a_stop_without_closing() {
    let (store, directory) = opened();
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    store.accept_event(event("f"), digest(1)).await.unwrap();
    drop(store);

    let store = open(&directory).unwrap();

    assert!(store.event(&event_id("e")).await.unwrap().unwrap().is_dispatched);
    assert_eq!(store.accept_event(event("f"), digest(1)).await.unwrap(), Accepted::Duplicate);
    assert!(store.webhook(&webhook_id("w")).await.unwrap().is_some());
    assert_eq!(claim_one(&*store, at(0)).await.secrets[0].expose(), secret().expose());
}

#[tokio::test]
async fn leases_of_an_earlier_process_are_void() {
    let (store, directory) = opened();
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    let claimed = claim_one(&*store, at(0)).await;
    let (_, event_fence) = accepted(&*store, "f").await;
    drop(store);

    let store = open(&directory).unwrap();

    assert_eq!(store.next_due().await.unwrap(), Some(at(0)));
    assert!(claim_one(&*store, at(0)).await.fence > claimed.fence);
    assert!(store.claim_events(claim(at(0), 1)).await.unwrap()[0].fence > event_fence);
    assert!(store.claim_deliveries(delivery_claim(at(0), 9, 9)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_closed_store_answers_no_more_and_leaves_an_empty_log() {
    let (store, directory) = opened();
    add_webhooks(&*store, &["w"]).await;

    store.close().await.unwrap();

    assert!(matches!(store.webhook(&webhook_id("w")).await, Err(crate::store::StoreError::Broken(_))));
    assert!(matches!(store.check().await, Err(crate::store::StoreError::Broken(_))));
    assert!(matches!(store.close().await, Err(crate::store::StoreError::Broken(_))));
    assert!(!store.is_broken(), "closing is not a failure");
    let log = options(&directory).directory.join("hooksieve.db-wal");
    assert_eq!(fs::metadata(log).map_or(0, |metadata| metadata.len()), 0);
    let reopened = open(&directory).unwrap();
    assert!(reopened.webhook(&webhook_id("w")).await.unwrap().is_some());
}

#[tokio::test]
async fn the_files_are_readable_by_their_owner_only() {
    let (store, directory) = opened();
    add_webhooks(&*store, &["w"]).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;

    let folder = options(&directory).directory;
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 5, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{file:?}");
    }
}

/// Whether any file of the folder has the text in it.
pub(super) fn contains(folder: &Path, needle: &str) -> bool {
    let mut files = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    files.any(|bytes| bytes.windows(needle.len()).any(|window| window == needle.as_bytes()))
}

#[tokio::test]
async fn no_file_has_a_secret_in_plain_text() {
    let (store, directory) = opened();
    let headers = BTreeMap::from([("x-secret-name".to_owned(), Secret::new("hush-hush"))]);
    store.add_webhook(Webhook { headers, ..webhook("w") }, secret()).await.unwrap();
    let contains = |needle| contains(&options(&directory).directory, needle);

    assert!(contains("https://w.example.com"), "the search finds what is there");
    for _ in 0..2 {
        assert!(!contains("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "of the signing secret");
        assert!(!contains("x-secret-name") && !contains("hush-hush"), "nor headers");
        drop(store.close().await);
    }
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let (store, directory) = opened();

    let refused = open(&directory).map(drop).unwrap_err();
    assert!(matches!(refused, OpenError::LockedByOther(_)), "{refused}");
    drop(store);

    assert!(open(&directory).is_ok());
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let (store, directory) = opened();
    store.close().await.unwrap();
    let path = options(&directory).directory.join("hooksieve.db");
    let newer = migrations::VERSION + 1;
    Connection::open(&path).unwrap().pragma_update(None, "user_version", newer).unwrap();
    let before = fs::read(&path).unwrap();

    let refused = open(&directory).map(drop).unwrap_err();

    assert!(matches!(refused, OpenError::NewerSchema { found, .. } if found == newer), "{refused}");
    assert!(refused.to_string().contains("use a newer version"), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn another_key_is_refused() {
    let (store, directory) = opened();
    store.close().await.unwrap();

    let other = OpenOptions { key: SealingKey::from_bytes([8; 32]), ..options(&directory) };
    let refused = SqliteStore::open(&other).map(drop).unwrap_err();

    assert!(matches!(refused, OpenError::WrongKey(_)), "{refused}");
    assert!(open(&directory).is_ok());
}

#[tokio::test]
async fn a_database_whose_first_start_was_cut_short_is_opened() {
    let (store, directory) = opened();
    store.close().await.unwrap();
    let path = options(&directory).directory.join("hooksieve.db");
    Connection::open(&path).unwrap().execute("DELETE FROM store_state", ()).unwrap();

    let store = open(&directory).unwrap();

    add_webhooks(&*store, &["w"]).await;
    drop(store);
    assert!(open(&directory).is_ok());
}

#[tokio::test]
async fn no_database_is_made_where_one_was_expected() {
    let directory = tempfile::tempdir().unwrap();
    let expecting = OpenOptions { create: Create::MustExist, ..options(&directory) };

    let refused = SqliteStore::open(&expecting).map(drop).unwrap_err();
    assert!(matches!(refused, OpenError::Missing(_)), "{refused}");
    assert!(!expecting.directory.exists());

    fs::create_dir(&expecting.directory).unwrap();
    fs::write(expecting.directory.join("hooksieve.db"), "").unwrap();
    assert!(matches!(SqliteStore::open(&expecting).map(drop), Err(OpenError::Missing(_))));
    open(&directory).unwrap();
    assert!(SqliteStore::open(&expecting).is_ok());
}

#[tokio::test]
async fn a_file_of_something_else_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let folder = options(&directory).directory;
    fs::create_dir(&folder).unwrap();
    let path = folder.join("hooksieve.db");

    fs::write(&path, "not a database at all, ".repeat(500)).unwrap();
    assert!(matches!(open(&directory).map(drop), Err(OpenError::NotADatabase(_))));
    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(open(&directory).map(drop), Err(OpenError::NotADatabase(_))));
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// Fills the database, closes it as `is_clean` says, and spoils a page in its middle.
async fn spoiled(is_clean: bool) -> tempfile::TempDir {
    let (store, directory) = opened();
    for number in 0..200 {
        let mut event = (*event(&format!("e{number}"))).clone();
        event.current_value = "x".repeat(1_000).into();
        store.accept_event(Arc::new(event), digest(0)).await.unwrap();
    }
    store.close().await.unwrap();
    drop(store);
    let path = options(&directory).directory.join("hooksieve.db");
    if !is_clean {
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("UPDATE store_state SET is_clean = 0; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    }
    let mut bytes = fs::read(&path).unwrap();
    let page = bytes.len() / 2 / 4096 * 4096;
    bytes[page..page + 3 * 4096].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    directory
}

#[tokio::test]
async fn damage_is_found_at_the_start_after_an_unclean_stop() {
    let directory = spoiled(false).await;

    let refused = open(&directory).map(drop).unwrap_err();

    assert!(matches!(refused, OpenError::Corrupt { .. }), "{refused}");
}

#[tokio::test]
async fn damage_that_a_query_meets_breaks_the_store_for_good() {
    let directory = spoiled(true).await;
    let store = open(&directory).unwrap();

    let answer = store.claim_events(claim(at(0), 200)).await;

    assert!(matches!(answer, Err(crate::store::StoreError::Broken(_))), "{answer:?}");
    store.until_broken().await;
    assert!(store.is_broken());
    let refused = store.accept_event(event("new"), digest(0)).await;
    assert!(matches!(refused, Err(crate::store::StoreError::Broken(_))), "{refused:?}");
}
