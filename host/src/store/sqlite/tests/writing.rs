//! Grouping, refusing and failing of writes.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use rusqlite::{Connection, ffi};

use super::opened;
use crate::model::limits::{BATCH_EVENTS_MAX, CHECKPOINT_PAGES, COMMIT_JOBS_MAX, WRITER_QUEUE_MAX};
use crate::store::contract::samples::{accepted, at, claim, digest, event, event_id, user};
use crate::store::sqlite::{SqliteStore, events, room::Space, writer::Durability};
use crate::store::{Accepted, ClaimedEvent, Dispatched, Store, StoreError, User};

/// Keeps the writing thread busy until the sender is dropped.
fn hold_writer(store: &Arc<SqliteStore>) -> (mpsc::Sender<()>, tokio::task::JoinHandle<()>) {
    let (release, released) = mpsc::channel::<()>();
    let (began, begun) = mpsc::channel();
    let store = Arc::clone(store);
    let held = tokio::spawn(async move {
        let holding = store.write(move |_| {
            began.send(()).unwrap();
            assert!(released.recv().is_err(), "released by dropping the sender");
            Ok(())
        });
        holding.await.unwrap();
    });
    tokio::task::block_in_place(|| begun.recv().unwrap());
    (release, held)
}

/// Lets every spawned task go as far as it can.
async fn until_queued(store: &SqliteStore, jobs: usize) {
    while store.writes_waiting() < jobs {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_queue_are_committed_together() {
    let (store, _kept) = opened();
    let before = store.commits();
    let (release, held) = hold_writer(&store);

    let writes: Vec<_> = (0..2 * COMMIT_JOBS_MAX)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.accept_event(event(&format!("e{number}")), digest(0)).await })
        })
        .collect();
    until_queued(&store, writes.len()).await;
    drop(release);
    held.await.unwrap();
    for write in writes {
        assert_eq!(write.await.unwrap().unwrap(), Accepted::New);
    }

    assert_eq!(store.commits().durable - before.durable, 3, "the one that held it, and two groups");
}

#[tokio::test]
async fn claims_write_nothing_a_decision_waits_for_no_sync_and_an_acceptance_does() {
    let (store, _kept) = opened();
    let before = store.commits();

    store.accept_event(event("e"), digest(0)).await.unwrap();
    let syncs = |store: &SqliteStore| (store.commits().durable - before.durable, store.commits().soft - before.soft);
    assert_eq!(syncs(&store), (1, 0));

    let claimed = store.claim_events(claim(at(0), 1)).await.unwrap().remove(0);
    store.release_events(vec![(claimed.stored.seq, claimed.fence)], at(0)).await.unwrap();
    let claimed = store.claim_events(claim(at(0), 1)).await.unwrap().remove(0);
    let (event, fence) = (claimed.stored.seq, claimed.fence);
    let decided = Dispatched { event, fence, verdicts: vec![], deliveries: vec![], compared: vec![] };
    store.record_dispatch(decided).await.unwrap();

    assert_eq!(syncs(&store), (1, 1));
}

#[tokio::test]
async fn an_event_that_a_power_cut_could_take_back_is_not_dispatched() {
    let (store, _kept) = opened();
    store.accept_event(event("synced"), digest(0)).await.unwrap();
    let accept = |connection: &Connection| events::accept(connection, &event("unsynced"), digest(0));

    store.writer.write(Durability::Soft, Space::Growth, accept).await.unwrap();
    let before = store.claim_events(claim(at(0), 9)).await.unwrap();
    store.check().await.unwrap();
    let after = store.claim_events(claim(at(0), 9)).await.unwrap();

    let names =
        |claimed: &[ClaimedEvent]| claimed.iter().map(|row| row.stored.event.id.to_string()).collect::<Vec<_>>();
    assert_eq!((names(&before), names(&after)), (vec!["synced".to_owned()], vec!["unsynced".to_owned()]));
}

#[tokio::test]
async fn what_is_to_be_on_the_disk_soon_is_synced_though_nothing_follows_that_waits_for_it() {
    let (store, _kept) = opened();
    let before = store.commits();
    let accept = |connection: &Connection| events::accept(connection, &event("soon"), digest(0));

    store.writer.write(Durability::Soon, Space::Growth, accept).await.unwrap();
    let synced = async {
        while store.claim_events(claim(at(0), 9)).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };

    tokio::time::timeout(Duration::from_secs(30), synced).await.expect("only what is on the disk is claimed");
    assert_eq!((store.commits().durable, store.commits().soft), (before.durable, before.soft + 1));
}

#[tokio::test]
async fn a_claim_that_finds_nothing_writes_nothing() {
    let (store, _kept) = opened();
    let before = store.commits();

    assert!(store.claim_events(claim(at(0), 1)).await.unwrap().is_empty());

    assert_eq!(store.commits(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_written_all_the_time_is_copied_and_begins_anew() {
    const PAGE_BYTES: usize = 4_096;
    const JOB_PAGES: usize = 50;
    let enough = 4 * CHECKPOINT_PAGES as usize / JOB_PAGES;
    let (store, kept) = opened();
    let name = "x".repeat(JOB_PAGES * PAGE_BYTES);
    let put = |number: usize| store.put_user(User { id: user(&format!("u{number}")), name: Some(name.clone()) }, at(0));

    // Two at a time, so that there is always one that waits.
    let written = stream::iter(0..enough).map(put).buffer_unordered(2).all(async |put| put.is_ok()).await;

    let log = kept.path().join("data/hooksieve.db-wal").metadata().unwrap().len();
    assert!(written);
    assert!(log < 3 * CHECKPOINT_PAGES.unsigned_abs() * PAGE_BYTES as u64, "the log has grown to {log} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_takes_nobody_down_with_it() {
    let (store, _kept) = opened();
    let (release, held) = hold_writer(&store);
    let before = store.commits();
    let spawn_put = |name: &'static str| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.put_user(User { id: user(name), name: None }, at(0)).await })
    };

    let first = spawn_put("first");
    until_queued(&store, 1).await;
    let failing = tokio::spawn({
        let store = Arc::clone(&store);
        let work = |connection: &Connection| {
            connection.execute("INSERT INTO users (id, updated_at) VALUES ('half', 0)", ())?;
            connection.execute("INSERT INTO no_such_table VALUES (1)", ())
        };
        async move { store.write(work).await }
    });
    until_queued(&store, 2).await;
    let last = spawn_put("last");
    until_queued(&store, 3).await;
    drop(release);
    held.await.unwrap();

    assert!(matches!(failing.await.unwrap(), Err(StoreError::Internal(_))));
    first.await.unwrap().unwrap();
    last.await.unwrap().unwrap();
    assert_eq!(store.commits().durable - before.durable, 2, "the holder's and one for all three");
    for (name, is_there) in [("first", true), ("half", false), ("last", true)] {
        assert_eq!(store.user_exists(&user(name)).await.unwrap(), is_there, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_at_once_and_what_queued_is_written() {
    let (store, _kept) = opened();
    let (release, held) = hold_writer(&store);
    let spawn_put = |number: usize| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.put_user(User { id: user(&format!("u{number}")), name: None }, at(0)).await })
    };

    let queued: Vec<_> = (0..WRITER_QUEUE_MAX).map(spawn_put).collect();
    until_queued(&store, WRITER_QUEUE_MAX).await;
    let refused = store.put_user(User { id: user("late"), name: None }, at(0)).await;
    drop(release);
    held.await.unwrap();

    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    for put in queued {
        put.await.unwrap().unwrap();
    }
    assert!(!store.user_exists(&user("late")).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_caller_went_away_is_committed_all_the_same() {
    let (store, _kept) = opened();
    let (release, held) = hold_writer(&store);
    let abandoned = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.accept_event(event("e"), digest(0)).await }
    });
    until_queued(&store, 1).await;

    abandoned.abort();
    assert!(abandoned.await.unwrap_err().is_cancelled());
    drop(release);
    held.await.unwrap();
    store.check().await.unwrap();

    assert!(store.event(&event_id("e")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_full_disk_refuses_writes_until_there_is_room() {
    let (store, _kept) = opened();
    let pages_max = |pages: i64| {
        store.write(move |connection| {
            connection.query_row(&format!("PRAGMA max_page_count = {pages}"), (), |row| row.get::<_, i64>(0))
        })
    };
    pages_max(1).await.unwrap();
    let large = || {
        let mut large = (*event("large")).clone();
        large.current_value = "x".repeat(1 << 20).into();
        Arc::new(large)
    };

    let refused = store.accept_event(large(), digest(0)).await;
    assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    assert!(store.event(&event_id("large")).await.unwrap().is_none());
    assert!(!store.is_broken());
    pages_max(1 << 30).await.unwrap();

    assert_eq!(store.accept_event(large(), digest(0)).await.unwrap(), Accepted::New);
}

#[tokio::test]
async fn a_disk_that_is_full_before_the_end_of_a_batch_takes_none_of_it() {
    let (store, _kept) = opened();
    let pages_max = |pages: i64| {
        store.write(move |connection| {
            let now: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            let pages = now + pages;
            connection.query_row(&format!("PRAGMA max_page_count = {pages}"), (), |row| row.get::<_, i64>(0))
        })
    };
    let mut large = (*event("large")).clone();
    large.current_value = "x".repeat(1 << 20).into();
    let large = Arc::new(large);
    let batch = || vec![(event("first"), digest(0)), (Arc::clone(&large), digest(0)), (event("last"), digest(0))];
    pages_max(8).await.unwrap();

    let refused = store.accept_events(batch()).await;
    assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    for name in ["first", "large", "last"] {
        assert!(store.event(&event_id(name)).await.unwrap().is_none(), "{name}");
    }
    store.accept_event(event("small"), digest(0)).await.unwrap();
    pages_max(1 << 20).await.unwrap();

    assert_eq!(store.accept_events(batch()).await.unwrap(), [Accepted::New; 3]);
}

#[tokio::test]
async fn a_batch_is_one_commit() {
    let (store, _kept) = opened();
    let before = store.commits();
    let batch = (0..BATCH_EVENTS_MAX).map(|number| (event(&format!("e{number}")), digest(0))).collect();

    let accepted = store.accept_events(batch).await.unwrap();

    assert!(accepted.iter().all(|accepted| *accepted == Accepted::New));
    assert_eq!(store.commits().durable - before.durable, 1);
}

#[tokio::test]
async fn a_failing_disk_ends_the_group_and_every_later_call() {
    let (store, _kept) = opened();
    let (event_seq, fence) = accepted(&*store, "e").await;

    let failed: Result<(), _> = store
        .write(|connection| {
            connection.execute("INSERT INTO users (id, updated_at) VALUES ('u', 0)", ())?;
            Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC), None))
        })
        .await;

    assert!(matches!(failed, Err(StoreError::Broken(_))), "{failed:?}");
    store.until_broken().await;
    assert!(matches!(store.user_exists(&user("u")).await, Err(StoreError::Broken(_))));
    assert!(matches!(store.release_events(vec![(event_seq, fence)], at(0)).await, Err(StoreError::Broken(_))));
    assert!(matches!(store.close().await, Err(StoreError::Broken(_))));
}
