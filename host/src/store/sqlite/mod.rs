//! The store in one SQLite file.
//!
//! Writes go through one thread ([`writer`]), reads through a few query-only connections ([`readers`]);
//! [`open`] is the way in, and every noun has a file with its SQL. This file only says which goes where:
//! each trait method hands owned values to a function that knows one connection and nothing of threads.
//!
//! What is special about SQLite stays in this folder. Only one process can have the database open: the
//! lock file sees to it, and leases rely on it ([`lease`]).

mod backup;
mod claims;
mod columns;
mod deliveries;
mod event_types;
mod events;
mod fault;
mod filters;
mod health;
mod lease;
mod migrations;
mod open;
mod people;
mod queues;
mod readers;
mod remembered;
mod secrets;
mod tokens;
mod verdicts;
mod webhooks;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use rusqlite::Connection;

use self::claims::{Loaded, Turn, Unreadable};
use self::fault::Condition;
use self::lease::{Fences, Seen};
use self::readers::Readers;
use self::remembered::Remembered;
use self::writer::{Durability, Writer};
use super::{
    Accepted, Attempted, Claim, ClaimedDelivery, ClaimedEvent, CustomEventType, DeliveryClaim, DeliveryQuery,
    Dispatched, FilterUpload, Joined, LoggedVerdict, Page, PageRequest, Project, Recorded, Removed, Result, Revoked,
    SealingKey, Store, StoreError, Updated, User, VerdictQuery, WebhookChange, WebhookWindow, Windowed,
};
use crate::metrics::Queues;
use crate::model::Timestamp;
use crate::model::delivery::{Attempt, Delivery};
use crate::model::event::{Event, EventDigest, EventSeq, StoredEvent};
use crate::model::filter::{Filter, FilterDigest};
use crate::model::health::Failure;
use crate::model::ids::{DeliveryId, EventId, FilterId, ProjectId, UserId, WebhookId};
use crate::model::limits::{MEMBERS_REMEMBERED_MAX, TOKENS_REMEMBERED_MAX};
use crate::model::secret::Secret;
use crate::model::token::Token;
use crate::model::verdict::Verdict;
use crate::model::webhook::Webhook;

pub use self::backup::{BackupError, Copied, copy};
pub use self::open::{Create, OpenError, OpenOptions};

/// The store in one SQLite file. Dropping it waits until what has queued is committed; [`Store::close`]
/// also tidies up, so that the next start is quicker.
pub struct SqliteStore {
    writer: Writer,
    readers: Arc<Readers>,
    condition: Arc<Condition>,
    key: SealingKey,
    fences: Arc<Fences>,
    turn: Arc<Turn>,
    tokens: Arc<Remembered<String, Token>>,
    members: Arc<Remembered<ProjectId, Arc<HashSet<UserId>>>>,
}

/// How many transactions were committed since the store was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitCounts {
    /// Those that ended with an `fsync`.
    pub durable: u64,
    /// Those of claims and releases alone.
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
        let condition = Arc::new(Condition::new());
        let writer = Writer::start(opened.writer, opened.lock, Arc::clone(&condition), Arc::clone(&options.metrics))
            .map_err(|source| OpenError::Io { path: options.directory.clone(), source })?;
        Ok(Arc::new(Self {
            writer,
            readers: Arc::new(Readers::new(opened.readers, Arc::clone(&condition))),
            condition,
            key: options.key.clone(),
            fences: Arc::new(Fences::new(opened.opens)),
            turn: Arc::default(),
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

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.write(Durability::Durable, work).await
    }

    /// A write of what a loop has done: where the queue is full it waits for its turn.
    async fn record<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.write_in_turn(Durability::Durable, work).await
    }

    /// A write of leases alone, with the fences it hands out; in turn, like [`Self::record`].
    async fn lease<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &Fences) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let fences = Arc::clone(&self.fences);
        self.writer.write_in_turn(Durability::Soft, move |connection| work(connection, &fences)).await
    }

    /// Ends deliveries that cannot be read, so that no claim meets them again.
    async fn fail_unreadable(&self, unreadable: Vec<Unreadable>, at: Timestamp) -> Result<()> {
        if unreadable.is_empty() {
            return Ok(());
        }
        let fences = Arc::clone(&self.fences);
        self.record(move |connection| unreadable.iter().try_for_each(|row| row.fail(connection, at, &fences))).await
    }
}

/// The rows that were taken, with their new fences.
fn won<T>(found: Vec<T>, fences: Vec<Option<i64>>, set: impl Fn(&mut T, i64)) -> Vec<T> {
    let taken = found.into_iter().zip(fences).filter_map(|(row, fence)| fence.map(|fence| (row, fence)));
    taken
        .map(|(mut row, fence)| {
            set(&mut row, fence);
            row
        })
        .collect()
}

#[async_trait]
impl Store for SqliteStore {
    async fn put_user(&self, user: User, at: Timestamp) -> Result<()> {
        self.write(move |connection| people::put_user(connection, &user, at)).await
    }

    async fn user_exists(&self, id: &UserId) -> Result<bool> {
        let id = id.clone();
        self.read(move |connection| people::user_exists(connection, &id)).await
    }

    async fn put_project(&self, project: Project, at: Timestamp) -> Result<()> {
        self.write(move |connection| people::put_project(connection, &project, at)).await
    }

    async fn project(&self, id: &ProjectId) -> Result<Option<Project>> {
        let id = id.clone();
        self.read(move |connection| people::project(connection, &id)).await
    }

    async fn add_member(&self, project: &ProjectId, user: &UserId) -> Result<Joined> {
        let (project, user, change) = (project.clone(), user.clone(), self.members.change());
        let joined = self.write(move |connection| Ok((people::add_member(connection, &project, &user)?, change)));
        Ok(joined.await?.0)
    }

    async fn remove_member(&self, project: &ProjectId, user: &UserId, at: Timestamp) -> Result<bool> {
        let (project, user, fences) = (project.clone(), user.clone(), Arc::clone(&self.fences));
        let change = self.members.change();
        let removed = self.write(move |connection| {
            deliveries::cancel_of_member(connection, &project, &user, at, &fences)?;
            Ok((people::remove_member(connection, &project, &user)?, change))
        });
        Ok(removed.await?.0)
    }

    async fn members(&self, project: &ProjectId) -> Result<Arc<HashSet<UserId>>> {
        let ticket = match self.members.get(project) {
            Ok(members) => return Ok(members),
            Err(ticket) => ticket,
        };
        let asked = project.clone();
        let members = Arc::new(self.read(move |connection| people::members(connection, &asked)).await?);
        if !members.is_empty() {
            self.members.keep(ticket, project.clone(), Arc::clone(&members), members.len());
        }
        Ok(members)
    }

    async fn projects_among(&self, user: &UserId, projects: &[ProjectId]) -> Result<HashSet<ProjectId>> {
        let (user, projects) = (user.clone(), projects.to_vec());
        self.read(move |connection| people::projects_among(connection, &user, projects)).await
    }

    async fn put_token(&self, token: Token) -> Result<()> {
        let change = self.tokens.change();
        self.write(move |connection| tokens::put(connection, &token).map(|()| change)).await.map(drop)
    }

    async fn token(&self, id: &str) -> Result<Option<Token>> {
        let ticket = match self.tokens.get(id) {
            Ok(token) => return Ok(Some(token)),
            Err(ticket) => ticket,
        };
        let asked = id.to_owned();
        let token = self.read(move |connection| tokens::get(connection, &asked)).await?;
        if let Some(token) = &token {
            self.tokens.keep(ticket, id.to_owned(), token.clone(), 1);
        }
        Ok(token)
    }

    async fn has_operator_token(&self) -> Result<bool> {
        self.read(tokens::has_operator).await
    }

    async fn revoke_token(&self, id: &str, at: Timestamp) -> Result<Revoked> {
        let (id, change) = (id.to_owned(), self.tokens.change());
        Ok(self.write(move |connection| Ok((tokens::revoke(connection, &id, at)?, change))).await?.0)
    }

    async fn put_event_type(&self, event_type: CustomEventType) -> Result<()> {
        self.write(move |connection| event_types::put(connection, &event_type)).await
    }

    async fn event_types(&self) -> Result<Vec<CustomEventType>> {
        self.read(event_types::all).await
    }

    async fn accept_event(&self, event: Arc<Event>, digest: EventDigest) -> Result<Accepted> {
        self.write(move |connection| events::accept(connection, &event, digest)).await
    }

    async fn event(&self, id: &EventId) -> Result<Option<StoredEvent>> {
        let id = id.clone();
        self.read(move |connection| events::get(connection, &id)).await
    }

    async fn claim_events(&self, claim: Claim) -> Result<Vec<ClaimedEvent>> {
        let floor = self.fences.floor();
        loop {
            let found = self.read(move |connection| events::find_free(connection, &claim, floor)).await?;
            if found.is_empty() {
                return Ok(found);
            }
            let seen: Vec<_> = found.iter().map(|row| Seen { seq: row.stored.seq.0, fence: row.fence }).collect();
            let fences = self.lease(move |connection, fences| events::take(connection, &seen, &claim, fences)).await?;
            let won = won(found, fences, |row, fence| row.fence = fence);
            // Nothing won means that somebody else won: there may be more further on.
            if !won.is_empty() {
                return Ok(won);
            }
        }
    }

    async fn record_dispatch(&self, dispatched: Dispatched) -> Result<Recorded> {
        self.record(move |connection| events::record_dispatch(connection, &dispatched)).await
    }

    async fn release_events(&self, claims: Vec<(EventSeq, i64)>, free_at: Timestamp) -> Result<()> {
        self.lease(move |connection, fences| events::release(connection, &claims, free_at, fences)).await
    }

    async fn add_webhook(&self, webhook: Webhook, secret: Secret) -> Result<()> {
        let sealed = secrets::seal(&self.key, &webhook.id, &secret);
        self.write(move |connection| webhooks::add(connection, &webhook, &sealed)).await
    }

    async fn webhook(&self, id: &WebhookId) -> Result<Option<Arc<Webhook>>> {
        let id = id.clone();
        self.read(move |connection| webhooks::get(connection, &id)).await
    }

    async fn count_webhooks(&self, owner: &UserId) -> Result<usize> {
        let owner = owner.clone();
        self.read(move |connection| webhooks::count(connection, &owner)).await
    }

    async fn webhooks(&self, owner: &UserId, page: PageRequest) -> Result<Page<Arc<Webhook>>> {
        let owner = owner.clone();
        self.read(move |connection| webhooks::of_owner(connection, &owner, &page)).await
    }

    async fn webhook_window(&self, owner: &UserId, window: WebhookWindow) -> Result<Windowed> {
        let owner = owner.clone();
        self.read(move |connection| webhooks::window(connection, &owner, window)).await
    }

    async fn update_webhook(&self, from: i64, webhook: Webhook) -> Result<Updated> {
        self.write(move |connection| webhooks::update(connection, from, &webhook, None)).await
    }

    async fn update_failed_webhook(&self, from: i64, webhook: Webhook, check: Failure) -> Result<Updated> {
        self.write(move |connection| webhooks::update(connection, from, &webhook, Some(check))).await
    }

    async fn disable_webhook(&self, id: &WebhookId, at: Timestamp) -> Result<Option<Arc<Webhook>>> {
        let id = id.clone();
        self.write(move |connection| health::disable(connection, &id, at)).await
    }

    async fn delete_webhook(&self, id: &WebhookId, at: Timestamp) -> Result<Removed> {
        let (id, fences) = (id.clone(), Arc::clone(&self.fences));
        self.write(move |connection| webhooks::delete(connection, &id, at, &fences)).await
    }

    async fn signing_secrets(&self, id: &WebhookId, at: Timestamp) -> Result<Vec<Secret>> {
        let (id, key) = (id.clone(), self.key.clone());
        self.read(move |connection| secrets::of_webhook(connection, &key, &id, at)).await
    }

    async fn next_attempts(&self, ids: &[WebhookId]) -> Result<HashMap<WebhookId, Timestamp>> {
        let ids = ids.to_vec();
        self.read(move |connection| deliveries::next_attempts(connection, ids)).await
    }

    async fn webhook_changes(&self, after: i64, rows_max: u32) -> Result<Vec<WebhookChange>> {
        self.read(move |connection| webhooks::changes(connection, after, rows_max)).await
    }

    async fn add_filter(&self, upload: FilterUpload) -> Result<()> {
        self.write(move |connection| filters::add(connection, &upload)).await
    }

    async fn filter(&self, id: &FilterId) -> Result<Option<Filter>> {
        let id = id.clone();
        self.read(move |connection| filters::get(connection, &id)).await
    }

    async fn filters(&self, owner: Option<&UserId>, page: PageRequest) -> Result<Page<Filter>> {
        let owner = owner.cloned();
        self.read(move |connection| filters::usable_by(connection, owner.as_ref(), &page)).await
    }

    async fn filter_wasm(&self, digest: &FilterDigest) -> Result<Option<Arc<[u8]>>> {
        let digest = *digest;
        self.read(move |connection| filters::wasm(connection, &digest)).await
    }

    async fn delete_filter(&self, id: &FilterId) -> Result<Removed> {
        let id = id.clone();
        self.write(move |connection| filters::delete(connection, &id)).await
    }

    async fn claim_deliveries(&self, claim: DeliveryClaim) -> Result<Vec<ClaimedDelivery>> {
        let claim = Arc::new(claim);
        loop {
            let (wanted, turn, key) = (Arc::clone(&claim), Arc::clone(&self.turn), self.key.clone());
            let floor = self.fences.floor();
            let found = self.read(move |connection| claims::find_free(connection, &wanted, floor, &turn, &key)).await?;
            let Loaded { claims: found, unreadable } = found;
            let lease = claim.claim;
            if found.is_empty() && unreadable.is_empty() {
                return Ok(Vec::new());
            }
            self.fail_unreadable(unreadable, lease.now).await?;
            let (seen, found): (Vec<_>, Vec<_>) = found.into_iter().unzip();
            let fences = self.lease(move |connection, fences| claims::take(connection, &seen, &lease, fences)).await?;
            let won = won(found, fences, |row, fence| row.fence = fence);
            // As with events.
            if !won.is_empty() {
                return Ok(won);
            }
        }
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        let floor = self.fences.floor();
        self.read(move |connection| claims::next_due(connection, floor)).await
    }

    async fn record_attempt(&self, attempted: Attempted) -> Result<Recorded> {
        let fences = Arc::clone(&self.fences);
        self.record(move |connection| deliveries::record_attempt(connection, &attempted, &fences)).await
    }

    async fn release_deliveries(&self, claims: Vec<(DeliveryId, i64)>) -> Result<()> {
        self.lease(move |connection, fences| claims::release(connection, &claims, fences)).await
    }

    async fn delivery(&self, id: &DeliveryId) -> Result<Option<Delivery>> {
        let id = id.clone();
        self.read(move |connection| deliveries::get(connection, &id)).await
    }

    async fn attempts(&self, id: &DeliveryId) -> Result<Vec<Attempt>> {
        let id = id.clone();
        self.read(move |connection| deliveries::attempts(connection, &id)).await
    }

    async fn deliveries(&self, webhook: &WebhookId, query: DeliveryQuery, page: PageRequest) -> Result<Page<Delivery>> {
        let webhook = webhook.clone();
        self.read(move |connection| deliveries::of_webhook(connection, &webhook, &query, &page)).await
    }

    async fn verdicts_on(&self, event: EventSeq, owner: Option<&UserId>) -> Result<Vec<Verdict>> {
        let owner = owner.cloned();
        self.read(move |connection| verdicts::on_event(connection, event, owner.as_ref())).await
    }

    async fn verdicts_for(
        &self,
        webhook: &WebhookId,
        query: VerdictQuery,
        page: PageRequest,
    ) -> Result<Page<LoggedVerdict>> {
        let webhook = webhook.clone();
        self.read(move |connection| verdicts::of_webhook(connection, &webhook, &query, &page)).await
    }

    async fn queues(&self, now: Timestamp) -> Result<Queues> {
        self.read(move |connection| queues::at(connection, now)).await
    }

    async fn check(&self) -> Result<()> {
        let written = self.write(|connection| {
            connection.query_one("UPDATE store_state SET checks = checks + 1 RETURNING checks", (), |row| row.get(0))
        });
        let written: i64 = written.await?;
        let read: i64 = self
            .read(|connection| connection.query_one("SELECT checks FROM store_state", (), |row| row.get(0)))
            .await?;
        if read < written {
            return Err(StoreError::Internal("a reader does not see what was committed before".into()));
        }
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        self.readers.close().await;
        self.writer.close().await
    }
}
