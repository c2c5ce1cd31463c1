//! The store in one SQLite file.
//!
//! Writes go through one thread ([`writer`]), reads through a few query-only connections ([`readers`]);
//! [`open`] is the way in, every noun has a file with its SQL, and [`calls`] says which goes where.
//!
//! What is special about SQLite stays in this folder. Only one process can have the database open: the
//! lock file sees to it, and leases rely on it ([`lease`]).

mod backup;
mod beginning;
mod calls;
mod claims;
mod columns;
mod copier;
mod deliveries;
mod delivery_list;
mod event_list;
mod event_types;
mod events;
mod fault;
mod filters;
mod headers;
mod health;
mod lease;
mod leftovers;
mod migrations;
mod open;
mod pending;
mod people;
mod queues;
mod readers;
mod recent;
mod remembered;
mod replay_pages;
mod replays;
mod resends;
mod retention;
mod room;
mod secrets;
mod shadows;
mod stats;
mod syncer;
mod thread;
mod tokens;
mod touched;
mod verdict_places;
mod verdicts;
mod waiting;
mod webhooks;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use self::claims::AtHand;
use self::fault::Condition;
use self::lease::Leases;
use self::readers::Readers;
use self::remembered::Remembered;
use self::room::{Room, Space};
use self::verdict_places::Placer;
use self::writer::{Durability, Writer};
use super::{Result, SealingKey, StoreError};
use crate::failpoint::{self, Point};
use crate::metrics::Metrics;
use crate::model::ids::{ProjectId, UserId};
use crate::model::limits::{MEMBERS_REMEMBERED_MAX, TOKENS_REMEMBERED_MAX};
use crate::model::operational::Change;
use crate::model::token::Token;

pub use self::backup::{BackupError, Copied, copy};
pub use self::open::{Create, OpenError, OpenOptions};

/// The store in one SQLite file. Dropping it waits until what has queued is committed; [`Store::close`](super::Store::close)
/// also tidies up, so that the next start is quicker.
pub struct SqliteStore {
    writer: Writer,
    readers: Arc<Readers>,
    room: Arc<Room>,
    condition: Arc<Condition>,
    key: SealingKey,
    event_leases: Arc<Leases>,
    delivery_leases: Arc<Leases>,
    at_hand: Arc<AtHand>,
    placer: Arc<Placer>,
    /// How many times webhooks had been written when nothing was found behind that place in the order of their changes.
    index_at: Mutex<Option<(u64, i64)>>,
    metrics: Arc<Metrics>,
    tokens: Arc<Remembered<String, Token>>,
    members: Arc<Remembered<ProjectId, Arc<HashSet<UserId>>>>,
}

/// How many transactions were committed since the store was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitCounts {
    /// Those in which something had to be on the disk before it was answered.
    pub durable: u64,
    /// Those of decisions on events and deletions of the aged alone.
    pub soft: u64,
}

impl SqliteStore {
    /// Whether the directory has a database already.
    #[must_use]
    pub fn exists_in(directory: &Path) -> bool {
        directory.join(open::FILE).exists()
    }

    /// Opens the database of a data directory. Blocks: after an unclean stop the whole file is checked.
    ///
    /// # Errors
    /// When it cannot be used as it is; the error says what to do.
    pub fn open(options: &OpenOptions) -> std::result::Result<Arc<Self>, OpenError> {
        let opened = open::open(options)?;
        failpoint::hit(Point::Opened).map_err(|injected| OpenError::Io {
            path: options.directory.clone(),
            source: std::io::Error::other(injected),
        })?;
        let condition = Arc::new(Condition::new());
        let room = Arc::new(opened.room);
        let (its_room, its_condition) = (Arc::clone(&room), Arc::clone(&condition));
        let at_hand = Arc::new(AtHand::new(options.key.clone(), opened.pending));
        let (its_memory, metrics) = (Arc::clone(&at_hand), Arc::clone(&options.metrics));
        let writer = Writer::start(opened.files, its_memory, its_room, its_condition, metrics)
            .map_err(|source| OpenError::Io { path: options.directory.clone(), source })?;
        let placer = Arc::new(Placer::new(verdict_places::BOUNDS, Arc::clone(writer.commits())));
        Ok(Arc::new(Self {
            writer,
            room,
            readers: Arc::new(Readers::new(opened.readers, Arc::clone(&condition))),
            condition,
            key: options.key.clone(),
            event_leases: Arc::new(Leases::new(opened.opens)),
            delivery_leases: Arc::new(Leases::new(opened.opens)),
            at_hand,
            placer,
            index_at: Mutex::default(),
            metrics: Arc::clone(&options.metrics),
            tokens: Remembered::new(TOKENS_REMEMBERED_MAX),
            members: Remembered::new(MEMBERS_REMEMBERED_MAX),
        }))
    }

    /// Whether the disk or the file failed. It stays so: the process should end.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.condition.is_broken()
    }

    /// Waits until the disk or the file fails, which is for ever in a good life.
    pub async fn until_broken(&self) {
        self.condition.until_broken().await;
    }

    /// How many transactions were committed since the store was opened.
    #[must_use]
    pub fn commits(&self) -> CommitCounts {
        let commits = self.writer.commits();
        CommitCounts { durable: commits.durable.load(Ordering::Relaxed), soft: commits.soft.load(Ordering::Relaxed) }
    }

    /// How many writes wait for the writing thread now, up to
    /// [`WRITER_QUEUE_MAX`](crate::model::limits::WRITER_QUEUE_MAX).
    #[must_use]
    pub fn writes_waiting(&self) -> usize {
        self.writer.queued()
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read(query).await
    }

    /// A write of something new, which is refused where the disk is nearly full.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.write(Durability::Durable, Space::Growth, work).await
    }

    /// A write that ends or deletes something, and is done as long as it can be.
    async fn relieve<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.write(Durability::Durable, Space::Least, work).await
    }

    /// A write that may change a webhook's health, which is counted.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<(T, Option<Change>)> + Send + 'static,
    ) -> Result<T> {
        Ok(self.counted(self.write(work).await?))
    }

    fn counted<T>(&self, (written, change): (T, Option<Change>)) -> T {
        change.iter().for_each(|&change| self.metrics.count_health_change(change));
        written
    }

    /// A write of what a loop has done: where the queue is full it waits for its turn.
    async fn record<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.write_in_turn(Durability::Durable, Space::Least, work).await
    }

    /// As [`Self::record`], of what would be done again after a power cut: answered before it is on the disk, and there soon after.
    async fn record_soon<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.write_in_turn(Durability::Soon, Space::Least, work).await
    }

    /// As [`Self::record_soon`], of what is easily done again: on the disk with what follows it.
    async fn decide<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.write_in_turn(Durability::Soft, Space::Least, work).await
    }

    /// The place of the last event that survives a power cut.
    fn last_event_synced(&self) -> i64 {
        self.writer.commits().last_event_synced.load(Ordering::Acquire)
    }

    /// How many transactions have touched webhooks or their secrets.
    fn webhook_writes(&self) -> u64 {
        self.writer.commits().webhook_writes.load(Ordering::Acquire)
    }

    /// Whether nothing was behind that place in the order of webhooks' changes when they had been written as often.
    fn index_is_at(&self, writes: u64, change_seq: i64) -> bool {
        *self.index_at.lock().unwrap_or_else(PoisonError::into_inner) == Some((writes, change_seq))
    }

    fn set_index_at(&self, writes: u64, change_seq: i64) {
        *self.index_at.lock().unwrap_or_else(PoisonError::into_inner) = Some((writes, change_seq));
    }

    /// Refuses once the disk has failed.
    fn check_disk(&self) -> Result<()> {
        Ok(self.condition.check()?)
    }

    /// Refuses where there is no such room: what is begun might not be written down.
    fn check_room(&self, needs: Space) -> Result<()> {
        if self.room.look() < needs { Err(StoreError::Full) } else { Ok(()) }
    }
}
