//! Has the log synced, beside the thread that writes it, and answers those who wait for that.
//!
//! SQLite would sync at the end of each commit (`synchronous=FULL`), and nothing could be written meanwhile. A sync
//! takes a hundred times as long as a commit, so here a commit ends when it is in the log, and this thread then makes
//! the same call on the same file. One sync serves all commits that came before it; nobody is answered earlier.
//!
//! A sync that failed is not tried again: it breaks the store, as every failure of the disk does.

use std::fs::File;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use super::fault::{Condition, Fault};
use super::thread::{Joined, PanicAlarm};
use super::writer::{Commits, Job};
use crate::metrics::Metrics;

/// The log's file.
pub(super) struct Log {
    pub(super) file: File,
    /// The place of the last event that is on the disk.
    pub(super) last_event: i64,
}

/// The jobs of a commit that are answered once it is on the disk.
pub(super) struct Unsynced {
    pub(super) jobs: Vec<Box<dyn Job>>,
    /// The last event that was accepted until then.
    pub(super) last_event: i64,
}

/// The way to the syncing thread.
pub(super) struct Syncer {
    queue: mpsc::Sender<Unsynced>,
    // Waited for until all that has queued is answered.
    _thread: Joined,
}

impl Syncer {
    /// Starts the thread, which syncs `log`.
    pub(super) fn start(
        log: Log,
        condition: Arc<Condition>,
        commits: Arc<Commits>,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Self> {
        let (queue, unsynced) = mpsc::channel();
        commits.last_event_synced.store(log.last_event, Ordering::Release);
        let thread = Thread { file: log.file, condition, commits, metrics };
        let thread = Joined::start("syncer", move || thread.run(&unsynced))?;
        Ok(Self { queue, _thread: thread })
    }

    /// Answers the jobs when they are on the disk.
    pub(super) fn answer_when_synced(&self, unsynced: Unsynced) {
        // Dropped with its jobs if the thread has panicked, which their callers take for the end of the store.
        drop(self.queue.send(unsynced));
    }
}

/// What the syncing thread owns.
struct Thread {
    file: File,
    condition: Arc<Condition>,
    commits: Arc<Commits>,
    metrics: Arc<Metrics>,
}

impl Thread {
    fn run(self, queue: &mpsc::Receiver<Unsynced>) {
        let _alarm = PanicAlarm(Arc::clone(&self.condition));
        while let Ok(first) = queue.recv() {
            let mut unsynced = vec![first];
            unsynced.extend(queue.try_iter());
            let synced = self.sync();
            match (&synced, unsynced.last()) {
                (Ok(()), Some(last)) => self.commits.last_event_synced.store(last.last_event, Ordering::Release),
                (Err(fault), _) => self.condition.note(fault),
                (Ok(()), None) => {}
            }
            for job in unsynced.into_iter().flat_map(|commit| commit.jobs) {
                job.reply(synced.clone());
            }
        }
    }

    fn sync(&self) -> Result<(), Fault> {
        self.condition.check()?;
        let began = Instant::now();
        self.file.sync_data().map_err(Fault::unsynced)?;
        self.metrics.commit_time.observe(began.elapsed());
        Ok(())
    }
}
