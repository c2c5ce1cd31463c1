//! The one thread that writes, and how it groups what is written.
//!
//! The thread owns the only connection that can write. It takes whatever has queued, up to a bound,
//! runs it in one transaction, and an idle store adds no latency, because nothing waits for company. A job that
//! fails takes nobody down with it: all is rolled back and done again, each job in a savepoint of its own. Not at
//! first, since hardly any fails, and a savepoint costs a copy of each page that its job changes, a fifth of all it
//! does. A full queue refuses what comes in at once; what the loops have done waits for its turn, for an attempt that
//! cannot be written down is made again.
//!
//! A job is **durable** or **soft**. A durable one is answered when its commit is on the disk, which is the
//! [`syncer`](super::syncer)'s part: this thread goes on writing meanwhile, so that many writes share an `fsync`.
//! A soft one is answered when it is committed. Soft are decisions on events, what attempts came to, and what deletes the aged. That is safe:
//! losing the tail of such commits in a power cut loses decisions on events that still wait for one and get the same
//! again, under the same message ids; attempts, which are made again under these; and what comes back is as old as before. So that
//! few are made again, what attempts came to is on the disk **soon**, in milliseconds, also where nothing durable follows. What came before on disk stays: WAL
//! frames are checked in order, so a lost commit cannot take away an earlier one, and the next sync covers all that precedes it.
//! The end of the process alone takes nothing back.
//!
//! What there is no [`room`](super::room) for on the disk is refused before it is begun. The log is copied to the main file by the
//! [`copier`](super::copier) when it has grown, and only the rest of it here.
//!
//! When a caller goes away, its job is committed all the same; nobody is there to hear of it.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::claims::AtHand;
use super::copier::{Copier, Turn, checkpoint};
use super::events;
use super::fault::{Condition, Fault, closed};
use super::room::{Room, Space};
use super::syncer::{Log, Syncer};
use super::thread::{Joined, PanicAlarm};
use super::touched::{Changes, Mark, Touched};
use crate::failpoint::{self, Point};
use crate::metrics::Metrics;
use crate::model::limits::{CHECKPOINT_LOOK_JOBS, CHECKPOINT_PAGES, COMMIT_JOBS_MAX, WRITER_QUEUE_MAX};
use crate::store::{Result, StoreError};

/// Whether a write must be on disk before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// It must.
    Durable,
    /// It may be lost in a power cut within [`LOG_SYNCED_WITHIN`](crate::model::limits::LOG_SYNCED_WITHIN), since it would be
    /// done again. Not when only the process ends.
    Soon,
    /// It may be lost in a power cut, since it would be done again. Not when only the process ends.
    Soft,
}

/// How many transactions were committed since the store was opened.
#[derive(Debug, Default)]
pub(super) struct Commits {
    pub(super) durable: AtomicU64,
    pub(super) soft: AtomicU64,
    /// How many transactions have touched webhooks or their secrets: what was read before the last of them is out of date.
    pub(super) webhook_writes: AtomicU64,
    /// How many times something was rolled back: what was done in memory beside it is not so any more.
    pub(super) undone: AtomicU64,
    /// The place of the last event that is committed.
    pub(super) last_event: AtomicI64,
    /// The place of the last event that is on the disk: only what survives a power cut is dispatched.
    pub(super) last_event_synced: AtomicI64,
}

/// The way to the writing thread.
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    // Waited for until what has queued is committed, so that the directory can be opened again at once.
    _thread: Joined,
    condition: Arc<Condition>,
    commits: Arc<Commits>,
    touched: Touched,
}

/// What the threads take over.
pub(super) struct Files {
    /// The only connection that can write.
    pub(super) connection: Connection,
    /// The one that the log is copied over.
    pub(super) copying: Connection,
    pub(super) log: Log,
    /// Held until the connection is closed.
    pub(super) lock: File,
}

enum Message {
    Run(Box<dyn Job>),
    Close(oneshot::Sender<Result<()>>),
}

impl Writer {
    /// Starts the thread, and those that sync and copy the log.
    pub(super) fn start(
        files: Files,
        at_hand: Arc<AtHand>,
        room: Arc<Room>,
        condition: Arc<Condition>,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Self> {
        let Files { mut connection, copying, log, lock } = files;
        let (queue, jobs) = mpsc::channel(WRITER_QUEUE_MAX);
        let commits = Arc::new(Commits::default());
        let syncer = Syncer::start(log, Arc::clone(&condition), Arc::clone(&commits), Arc::clone(&metrics))?;
        let copier = Copier::start(copying, Arc::clone(&condition), Arc::clone(&room))?;
        let touched = Touched::watch(&mut connection).map_err(std::io::Error::other)?;
        let (its_condition, its_commits, its_touched) = (Arc::clone(&condition), Arc::clone(&commits), touched.clone());
        let thread = Thread {
            connection,
            syncer,
            copier,
            room,
            condition: its_condition,
            commits: its_commits,
            metrics,
            touched: its_touched,
            at_hand,
            jobs_since_look: 0,
        };
        let thread = Joined::start("writer", move || thread.run(jobs, lock))?;
        Ok(Self { queue, _thread: thread, condition, commits, touched })
    }

    pub(super) fn commits(&self) -> &Arc<Commits> {
        &self.commits
    }

    /// Where a write says what is at hand once it is committed.
    pub(super) fn touched(&self) -> &Touched {
        &self.touched
    }

    /// Runs `work` in a transaction and answers once it is committed. Refuses at once when too many wait.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        needs: Space,
        work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.condition.check()?;
        let (message, answer) = job(durability, needs, work);
        self.queue.try_send(message).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => closed(),
        })?;
        answer.await.map_err(|_| closed())?
    }

    /// As [`Self::write`], but waits for its turn: for what was done already and must be written down, by
    /// callers that are bounded themselves.
    pub(super) async fn write_in_turn<T: Send + 'static>(
        &self,
        durability: Durability,
        needs: Space,
        work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.condition.check()?;
        let (message, answer) = job(durability, needs, work);
        self.queue.send(message).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Commits what has queued, writes everything to the main file, closes it and ends the thread.
    pub(super) async fn close(&self) -> Result<()> {
        self.condition.check()?;
        let (reply, answer) = oneshot::channel();
        self.queue.send(Message::Close(reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// How many jobs wait for the thread.
    pub(super) fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}

/// A write on its way: type-erased so that one queue holds them all.
pub(super) trait Job: Send {
    fn durability(&self) -> Durability;

    /// What there must be room for.
    fn needs(&self) -> Space;

    /// Does the work and keeps the outcome; whether it was done. An error is one that ends the whole transaction.
    fn run(&mut self, connection: &Connection) -> std::result::Result<Ran, Fault>;

    /// Answers the caller, with the kept outcome if the transaction was committed.
    fn reply(self: Box<Self>, committed: std::result::Result<(), Fault>);
}

/// What a job that did not end the transaction came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ran {
    Done,
    /// It failed, and may have been half done.
    Failed,
}

/// A job for the queue, and where its answer will be.
fn job<T: Send + 'static>(
    durability: Durability,
    needs: Space,
    work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> (Message, oneshot::Receiver<Result<T>>) {
    let (reply, answer) = oneshot::channel();
    let task = Task { durability, needs, work, outcome: None, reply };
    (Message::Run(Box::new(task)), answer)
}

struct Task<T, F> {
    durability: Durability,
    needs: Space,
    work: F,
    outcome: Option<std::result::Result<T, Fault>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnMut(&Connection) -> rusqlite::Result<T> + Send,
{
    fn durability(&self) -> Durability {
        self.durability
    }

    fn needs(&self) -> Space {
        self.needs
    }

    fn run(&mut self, connection: &Connection) -> std::result::Result<Ran, Fault> {
        let outcome = (self.work)(connection).map_err(Fault::from);
        let ran = match &outcome {
            Ok(_) => Ran::Done,
            Err(fault) if fault.ends_transaction() => return Err(fault.clone()),
            Err(_) => Ran::Failed,
        };
        self.outcome = Some(outcome);
        Ok(ran)
    }

    fn reply(self: Box<Self>, committed: std::result::Result<(), Fault>) {
        let Self { work, outcome, reply, .. } = *self;
        // What it holds until the commit.
        drop(work);
        let answer = committed.and_then(|()| outcome.expect("a committed job has run"));
        // Nobody listens any more if the caller was dropped; the row is there all the same.
        drop(reply.send(answer.map_err(StoreError::from)));
    }
}

fn execute(connection: &Connection, sql: &str) -> std::result::Result<(), Fault> {
    connection.prepare_cached(sql)?.execute(())?;
    Ok(())
}

/// What the writing thread owns.
struct Thread {
    connection: Connection,
    syncer: Syncer,
    copier: Copier,
    room: Arc<Room>,
    condition: Arc<Condition>,
    commits: Arc<Commits>,
    metrics: Arc<Metrics>,
    touched: Touched,
    at_hand: Arc<AtHand>,
    /// Jobs that were run since the length of the log was looked at.
    jobs_since_look: usize,
}

impl Thread {
    fn run(mut self, mut queue: mpsc::Receiver<Message>, lock: File) {
        let _alarm = PanicAlarm(Arc::clone(&self.condition));
        while let Some(message) = queue.blocking_recv() {
            // Whoever else can run goes first, and may have more to write.
            std::thread::yield_now();
            let Gathered { jobs, close } = gather(message, &mut queue);
            let jobs = self.admit(jobs);
            if !jobs.is_empty() {
                self.jobs_since_look += jobs.len();
                self.commit(jobs);
                self.checkpoint_if_due();
            }
            if let Some(reply) = close {
                let closed = self.close();
                drop(lock);
                drop(reply.send(closed));
                return;
            }
        }
    }

    /// Refuses the jobs that there is no room for; the others.
    fn admit(&self, jobs: Vec<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
        let space = self.room.look_inside(|| self.reusable());
        let (admitted, refused): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.needs() <= space);
        refused.into_iter().for_each(|job| job.reply(Err(Fault::Full)));
        admitted
    }

    /// Bytes of the database that new rows can use; none if that cannot be told.
    fn reusable(&self) -> u64 {
        let pragma = |name| self.connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0)).unwrap_or(0);
        u64::from(pragma("freelist_count")) * u64::from(pragma("page_size"))
    }

    /// Runs the jobs in one transaction and answers each, those that have to be on the disk when they are.
    fn commit(&self, mut jobs: Vec<Box<dyn Job>>) {
        let committed = self.transact(&mut jobs);
        let (unsynced, answered): (Vec<_>, Vec<_>) = match &committed {
            Ok(()) => jobs.into_iter().partition(|job| job.durability() == Durability::Durable),
            Err(fault) => {
                self.room.note(fault, &self.condition);
                (Vec::new(), jobs)
            }
        };
        if !unsynced.is_empty() {
            self.syncer.answer_when_synced(unsynced);
        } else if committed.is_ok() && answered.iter().any(|job| job.durability() == Durability::Soon) {
            self.syncer.sync_soon();
        }
        for job in answered {
            job.reply(committed.clone());
        }
    }

    /// Runs the jobs in one transaction.
    fn transact(&self, jobs: &mut [Box<dyn Job>]) -> std::result::Result<(), Fault> {
        self.condition.check()?;
        failpoint::hit(Point::CommitBegin)?;
        let committed = self.run_jobs(jobs).and_then(|()| {
            failpoint::hit(Point::Commit)?;
            let last_event = events::last(&self.connection)?;
            let changes = self.touched.changes(&self.connection, &self.at_hand)?;
            execute(&self.connection, "COMMIT")?;
            self.commits.last_event.store(last_event, Ordering::Release);
            self.show(changes);
            Ok(())
        });
        if committed.is_err() {
            self.roll_back()?;
        }
        if committed.is_ok() {
            let is_durable = jobs.iter().any(|job| job.durability() == Durability::Durable);
            let (counter, name) =
                if is_durable { (&self.commits.durable, "durable") } else { (&self.commits.soft, "soft") };
            counter.fetch_add(1, Ordering::Relaxed);
            self.metrics.commits.count(name);
            self.metrics.commit_writes.inc_by(jobs.len() as u64);
            failpoint::hit(Point::Committed)?;
        }
        committed
    }

    /// Has what is in memory be as it was committed.
    fn show(&self, changes: Changes) {
        if changes.are_webhooks_touched {
            self.commits.webhook_writes.fetch_add(1, Ordering::Release);
        }
        changes.apply(&self.at_hand);
    }

    /// Begins a transaction and runs the jobs in it. Those that fail leave nothing in it.
    fn run_jobs(&self, jobs: &mut [Box<dyn Job>]) -> std::result::Result<(), Fault> {
        execute(&self.connection, "BEGIN IMMEDIATE")?;
        for job in &mut *jobs {
            if job.run(&self.connection)? == Ran::Failed {
                self.roll_back()?;
                execute(&self.connection, "BEGIN IMMEDIATE")?;
                return jobs.iter_mut().try_for_each(|job| self.run_apart(&mut **job));
            }
        }
        Ok(())
    }

    /// Ends the transaction without a trace. SQLite has done that by itself after some failures.
    fn roll_back(&self) -> std::result::Result<(), Fault> {
        self.commits.undone.fetch_add(1, Ordering::Relaxed);
        self.touched.roll_back_to(Mark::default());
        if self.connection.is_autocommit() { Ok(()) } else { execute(&self.connection, "ROLLBACK") }
    }

    /// Runs a job so that it leaves nothing where it fails.
    fn run_apart(&self, job: &mut dyn Job) -> std::result::Result<(), Fault> {
        execute(&self.connection, "SAVEPOINT job")?;
        let mark = self.touched.mark();
        if job.run(&self.connection)? == Ran::Failed {
            self.commits.undone.fetch_add(1, Ordering::Relaxed);
            self.touched.roll_back_to(mark);
            execute(&self.connection, "ROLLBACK TO job")?;
        }
        execute(&self.connection, "RELEASE job")
    }

    /// Has the log copied to the main file when it has grown, which is looked at now and then.
    fn checkpoint_if_due(&mut self) {
        let copied = self.condition.check().and_then(|()| {
            failpoint::hit(Point::Checkpoint)?;
            match self.copier.turn() {
                Turn::Copying => return Ok(()),
                // Nothing is left then, and the next commit begins the log anew.
                Turn::Rest => return checkpoint(&self.connection, "PASSIVE").map(drop),
                Turn::Idle if self.jobs_since_look < CHECKPOINT_LOOK_JOBS => return Ok(()),
                Turn::Idle => self.jobs_since_look = 0,
            }
            let pending: i64 = self
                .connection
                .prepare_cached("PRAGMA wal_checkpoint(NOOP)")?
                .query_row((), |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?))?;
            if pending >= CHECKPOINT_PAGES {
                self.copier.ask();
            }
            Ok(())
        });
        if let Err(fault) = copied {
            self.room.note(&fault, &self.condition);
        }
    }

    fn close(self) -> Result<()> {
        let Self { connection, syncer, copier, room, condition, .. } = self;
        // Everybody is answered, and nobody else copies.
        drop((syncer, copier));
        let closed = condition.check().and_then(|()| {
            failpoint::hit(Point::CloseBegin)?;
            room.look();
            // Everything is in the main file before it is called clean, and so is that word.
            checkpoint(&connection, "TRUNCATE")?;
            execute(&connection, "UPDATE store_state SET is_clean = 1")?;
            checkpoint(&connection, "TRUNCATE").map(drop)
        });
        if matches!(closed, Err(Fault::Full)) {
            tracing::warn!("the disk is full, so the database is left with its log; the next start checks it");
            return Ok(());
        }
        if let Err(fault) = &closed {
            condition.note(fault);
        }
        Ok(closed?)
    }
}

/// One commit's worth of jobs, and who asked to close behind them.
struct Gathered {
    jobs: Vec<Box<dyn Job>>,
    close: Option<oneshot::Sender<Result<()>>>,
}

/// The message and what has queued behind it.
fn gather(first: Message, queue: &mut mpsc::Receiver<Message>) -> Gathered {
    let mut jobs = Vec::new();
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Run(job) => jobs.push(job),
            Message::Close(reply) => return Gathered { jobs, close: Some(reply) },
        }
        next = if jobs.len() < COMMIT_JOBS_MAX { queue.try_recv().ok() } else { None };
    }
    Gathered { jobs, close: None }
}
