//! Has the log synced, beside the thread that writes it, and answers those who wait for that.
//!
//! SQLite would sync at the end of each commit (`synchronous=FULL`), and nothing could be written meanwhile. A sync
//! takes a hundred times as long as a commit, so here a commit ends when it is in the log, and this thread then makes
//! the same call on the same file. One sync serves all commits that came before it; nobody is answered earlier. Where nobody waits,
//! but something is to be on the disk soon, it waits for company for a few milliseconds.
//!
//! A sync that failed is not tried again: it breaks the store, as every failure of the disk does.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use super::fault::{Condition, Fault};
use super::thread::{Joined, PanicAlarm};
use super::writer::{Commits, Job};
use crate::metrics::Metrics;
use crate::model::limits::LOG_SYNCED_WITHIN;

/// The log's file.
pub(super) struct Log {
    pub(super) file: File,
    /// The place of the last event that is on the disk.
    pub(super) last_event: i64,
}

/// The jobs of a commit that are answered once it is on the disk; none where nobody waits for that.
type Unsynced = Vec<Box<dyn Job>>;

/// The way to the syncing thread.
pub(super) struct Syncer {
    queue: mpsc::Sender<Unsynced>,
    is_asked: Arc<AtomicBool>,
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
        let is_asked = Arc::new(AtomicBool::new(false));
        commits.last_event.store(log.last_event, Ordering::Release);
        commits.last_event_synced.store(log.last_event, Ordering::Release);
        let thread = Thread { file: log.file, condition, commits, metrics, is_asked: Arc::clone(&is_asked) };
        let thread = Joined::start("syncer", move || thread.run(&unsynced))?;
        Ok(Self { queue, is_asked, _thread: thread })
    }

    /// Answers the jobs of the last commit when they are on the disk.
    pub(super) fn answer_when_synced(&self, jobs: Unsynced) {
        // Dropped if the thread has panicked, which their callers take for the end of the store.
        drop(self.queue.send(jobs));
    }

    /// Has the last commit be on the disk soon.
    pub(super) fn sync_soon(&self) {
        if !self.is_asked.swap(true, Ordering::AcqRel) {
            drop(self.queue.send(Vec::new()));
        }
    }
}

/// What the syncing thread owns.
struct Thread {
    file: File,
    condition: Arc<Condition>,
    commits: Arc<Commits>,
    metrics: Arc<Metrics>,
    /// Whether there is to be a sync soon that has not begun.
    is_asked: Arc<AtomicBool>,
}

impl Thread {
    fn run(self, queue: &mpsc::Receiver<Unsynced>) {
        let _alarm = PanicAlarm(Arc::clone(&self.condition));
        while let Ok(mut jobs) = queue.recv() {
            let until = Instant::now() + LOG_SYNCED_WITHIN;
            while jobs.is_empty()
                && let Ok(more) = queue.recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                jobs = more;
            }
            jobs.extend(queue.try_iter().flatten());
            // What is committed from here on asks again.
            self.is_asked.swap(false, Ordering::AcqRel);
            let last_event = self.commits.last_event.load(Ordering::Acquire);
            let synced = self.sync();
            match &synced {
                Ok(()) => self.commits.last_event_synced.store(last_event, Ordering::Release),
                Err(fault) => self.condition.note(fault),
            }
            for job in jobs {
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
