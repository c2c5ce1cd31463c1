//! Copies the log to the main file, beside the thread that writes the log.
//!
//! The writer would keep everybody waiting for as long as that takes. So it only says when there is enough, and this thread
//! copies over a connection of its own, then what has come meanwhile, and so on, until that is little. That rest the
//! writer copies between two commits: a log begins anew only when nothing of it is left, which is never the case where
//! it is copied and written side by side.
//!
//! SQLite says nothing when what it copies by itself after a commit fails, and a sync that failed unseen would be trusted
//! the next time. Here a failure breaks the store, as every failure of the disk does.

use std::sync::{Arc, mpsc};

use rusqlite::Connection;

use super::fault::{Condition, Fault};
use super::room::Room;
use super::thread::{Joined, PanicAlarm};
use crate::model::limits::{CHECKPOINT_PAGES_MAX, CHECKPOINT_REST_PAGES};

/// The way to the copying thread, and where it stands.
pub(super) struct Copier {
    asked: mpsc::Sender<()>,
    done: mpsc::Receiver<()>,
    is_copying: bool,
    // Waited for until what it copies is copied, since nobody else can before.
    _thread: Joined,
}

/// What the writer has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing: the thread copies.
    Copying,
    /// The rest is to be copied.
    Rest,
    /// The thread waits until there is enough.
    Idle,
}

impl Copier {
    /// Starts the thread, which copies over `connection`.
    pub(super) fn start(connection: Connection, condition: Arc<Condition>, room: Arc<Room>) -> std::io::Result<Self> {
        let ((asked, requests), (finished, done)) = (mpsc::channel(), mpsc::channel());
        let thread = Thread { connection, condition, room };
        let thread = Joined::start("copier", move || thread.run(&requests, &finished))?;
        Ok(Self { asked, done, is_copying: false, _thread: thread })
    }

    /// What is to be done now. The rest is to be copied once.
    pub(super) fn turn(&mut self) -> Turn {
        if !self.is_copying {
            return Turn::Idle;
        }
        if self.done.try_recv().is_err() {
            // For ever, where the thread has panicked: nothing is written then.
            return Turn::Copying;
        }
        self.is_copying = false;
        Turn::Rest
    }

    /// Has the log copied.
    pub(super) fn ask(&mut self) {
        self.is_copying = self.asked.send(()).is_ok();
    }
}

/// What the copying thread owns.
struct Thread {
    connection: Connection,
    condition: Arc<Condition>,
    room: Arc<Room>,
}

impl Thread {
    fn run(self, requests: &mpsc::Receiver<()>, finished: &mpsc::Sender<()>) {
        let _alarm = PanicAlarm(Arc::clone(&self.condition));
        while let Ok(()) = requests.recv() {
            if let Err(fault) = self.copy() {
                self.room.note(&fault, &self.condition);
            }
            // Nobody listens any more when the store is closed.
            let _: Result<(), _> = finished.send(());
        }
    }

    /// Copies the log until little has come meanwhile, or until it is so long that nothing more should come.
    fn copy(&self) -> Result<(), Fault> {
        let mut copied_before = 0;
        loop {
            self.condition.check()?;
            let copied = checkpoint(&self.connection, "PASSIVE")?;
            if copied - copied_before <= CHECKPOINT_REST_PAGES || copied >= CHECKPOINT_PAGES_MAX {
                return Ok(());
            }
            copied_before = copied;
        }
    }
}

/// Copies the log to the main file, and syncs both, whatever `PRAGMA synchronous` says; how many of its pages are
/// copied now.
pub(super) fn checkpoint(connection: &Connection, mode: &str) -> Result<i64, Fault> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    Ok(connection.query_row(&sql, (), |row| row.get(2))?)
}
