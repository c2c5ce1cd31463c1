//! What a sender without group commit would do: the bare cost of one commit an event, on the same disk or a slower one.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::EVENT_BYTES;
use crate::rig::event;
use crate::usage::{Usage, Used};
use crate::{Pace, per};

/// Events a second that one connection commits, one by one, as durably as the host does, where each commit takes so much
/// `longer`.
pub fn one_by_one(disk: &Path, pace: Pace, longer: Duration) -> (f64, Used) {
    let folder = TempDir::new_in(disk).unwrap();
    let database = Connection::open(folder.path().join("bare.db")).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
             CREATE TABLE events (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;",
        )
        .unwrap();
    let mut insert = database.prepare("INSERT INTO events (id, body) VALUES (?1, ?2)").unwrap();
    let mut number = 0;
    let mut commit_for = |time| {
        let (began, mut count) = (Instant::now(), 0);
        while began.elapsed() < time {
            insert.execute((format!("bare-{number:09}"), event::text("bare", number, EVENT_BYTES))).unwrap();
            // The slower disk itself.
            std::thread::sleep(longer);
            number += 1;
            count += 1;
        }
        count
    };
    commit_for(pace.warm_up);
    let usage = Usage::now(None);
    let count = commit_for(pace.measured);
    let used = usage.until(Usage::now(None));
    (per(count, used.secs), used)
}
