//! The calls of the store: each hands owned values to a function that knows one connection and nothing of threads.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;

use super::room::Space;
use super::touched::Touched;
use super::{
    SqliteStore, deliveries, delivery_list, event_list, event_types, events, filters, headers, health, leftovers,
    people, queues, replay_pages, replays, resends, retention, secrets, shadows, stats, tokens, verdicts, webhooks,
};
use crate::metrics::{DELETED_LEFTOVERS, DELETED_ROWS, Queues};
use crate::model::Timestamp;
use crate::model::comparison::{Agreements, Difference, Judged};
use crate::model::delivery::{Attempt, Delivery};
use crate::model::event::{Event, EventDigest, EventSeq, EventType, StoredEvent};
use crate::model::filter::{Filter, FilterDigest};
use crate::model::health::Failure;
use crate::model::ids::{DeliveryId, EventId, FilterId, ProjectId, ReplayId, UserId, WebhookId};
use crate::model::replay::{Replay, ReplayState};
use crate::model::secret::Secret;
use crate::model::token::Token;
use crate::model::verdict::Verdict;
use crate::model::webhook::Webhook;
use crate::store::{
    Accepted, Added, Attempted, Claim, ClaimedDelivery, ClaimedEvent, CustomEventType, Deleted, DeliveryClaim,
    DeliveryQuery, Dispatched, EventBounds, EventQuery, FilterUpload, FilterUsage, Joined, Leftovers, LeftoversPlace,
    LeftoversStep, LoggedVerdict, NewReplay, Next, Page, PageRequest, Project, Recorded, Removed, ReplayBegun,
    ReplayCounted, ReplayPage, ReplayRange, ReplayStep, Result, Retained, Retention, RetentionPlace, Retried, Revoked,
    Rotated, Rotation, RunningReplay, Stats, StatsQuery, Store, StoreError, TestAccepted, TestOf, Trouble, Updated,
    User, VerdictQuery, WebhookChange, WebhookWindow, Windowed,
};

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
        let (project, user) = (project.clone(), user.clone());
        let add = move |connection: &Connection| people::add_member(connection, &project, &user);
        self.write(self.members.change().by(add)).await
    }

    async fn remove_member(&self, project: &ProjectId, user: &UserId, at: Timestamp) -> Result<bool> {
        let (project, user) = (project.clone(), user.clone());
        let remove = move |connection: &Connection| {
            deliveries::cancel_of_member(connection, &project, &user, at)?;
            people::remove_member(connection, &project, &user)
        };
        self.relieve(self.members.change().by(remove)).await
    }

    async fn members(&self, project: &ProjectId) -> Result<Arc<HashSet<UserId>>> {
        let asked = project.clone();
        let read = self.read(move |connection| people::members(connection, &asked));
        let members = self.members.get_or(project, read, |members| members.len()).await?;
        Ok(members.unwrap_or_default())
    }

    async fn projects_among(&self, user: &UserId, projects: &[ProjectId]) -> Result<HashSet<ProjectId>> {
        let (user, projects) = (user.clone(), projects.to_vec());
        self.read(move |connection| people::projects_among(connection, &user, projects)).await
    }

    async fn put_token(&self, token: Token) -> Result<()> {
        let put = move |connection: &Connection| tokens::put(connection, &token);
        // The operator's comes with every start, and they need it to make room.
        self.relieve(self.tokens.change().by(put)).await
    }

    async fn token(&self, id: &str) -> Result<Option<Token>> {
        let asked = id.to_owned();
        let read = self.read(move |connection| tokens::get(connection, &asked));
        self.tokens.get_or(id, read, |_| 1).await
    }

    async fn has_operator_token(&self) -> Result<bool> {
        self.read(tokens::has_operator).await
    }

    async fn revoke_token(&self, id: &str, at: Timestamp) -> Result<Revoked> {
        let id = id.to_owned();
        let revoke = move |connection: &Connection| tokens::revoke(connection, &id, at);
        self.relieve(self.tokens.change().by(revoke)).await
    }

    async fn put_event_type(&self, event_type: CustomEventType, types_max: u32) -> Result<bool> {
        self.write(move |connection| event_types::put(connection, &event_type, types_max)).await
    }

    async fn event_types(&self) -> Result<Vec<CustomEventType>> {
        self.read(event_types::all).await
    }

    async fn event_type(&self, name: &EventType) -> Result<Option<CustomEventType>> {
        let name = name.clone();
        self.read(move |connection| event_types::get(connection, &name)).await
    }

    async fn event_type_names(&self) -> Result<Vec<EventType>> {
        self.read(event_types::names).await
    }

    async fn event_type_exists(&self, name: &EventType) -> Result<bool> {
        let name = name.clone();
        self.read(move |connection| event_types::exists(connection, &name)).await
    }

    async fn accept_event(&self, event: Arc<Event>, digest: EventDigest) -> Result<Accepted> {
        let touched = self.writer.touched().clone();
        self.write(move |connection| accept(connection, &event, digest, &touched)).await
    }

    async fn accept_test(&self, event: Arc<Event>, digest: EventDigest, test: TestOf) -> Result<TestAccepted> {
        self.write(move |connection| events::accept_test(connection, &event, digest, &test)).await
    }

    async fn accept_events(&self, events: Vec<(Arc<Event>, EventDigest)>) -> Result<Vec<Accepted>> {
        let touched = self.writer.touched().clone();
        let accept_all = move |connection: &Connection| {
            events.iter().map(|(event, digest)| accept(connection, event, *digest, &touched)).collect()
        };
        self.write(accept_all).await
    }

    async fn events(&self, query: EventQuery, page: PageRequest) -> Result<Page<StoredEvent>> {
        self.read(move |connection| event_list::page(connection, &query, &page)).await
    }

    async fn event(&self, id: &EventId) -> Result<Option<StoredEvent>> {
        let id = id.clone();
        self.read(move |connection| events::get(connection, &id)).await
    }

    async fn claim_events(&self, claim: Claim) -> Result<Vec<ClaimedEvent>> {
        self.check_room(Space::Work)?;
        self.claim_free_events(claim).await
    }

    async fn record_dispatch(&self, dispatched: Dispatched) -> Result<Recorded> {
        let (fence, leases, placer) = (dispatched.fence, Arc::clone(&self.event_leases), Arc::clone(&self.placer));
        let record = move |connection: &Connection| events::record_dispatch(connection, &dispatched, &leases, &placer);
        let recorded = self.decide(record).await?;
        self.event_leases.end(fence);
        Ok(recorded)
    }

    async fn release_events(&self, claims: Vec<(EventSeq, i64)>, free_at: Timestamp) -> Result<()> {
        self.check_disk()?;
        claims.into_iter().for_each(|(_, fence)| self.event_leases.put_off(fence, free_at));
        Ok(())
    }

    async fn add_webhook(&self, webhook: Webhook, secret: Secret) -> Result<Added> {
        let headers = headers::seal(&self.key, &webhook.id, &webhook.headers);
        let secret = secrets::seal(&self.key, &webhook.id, &secret);
        self.write(move |connection| webhooks::add(connection, &webhook, &headers, &secret)).await
    }

    async fn webhook(&self, id: &WebhookId) -> Result<Option<Arc<Webhook>>> {
        let (id, key) = (id.clone(), self.key.clone());
        self.read(move |connection| webhooks::get(connection, &key, &id)).await
    }

    async fn count_webhooks(&self, owner: &UserId) -> Result<usize> {
        let owner = owner.clone();
        self.read(move |connection| webhooks::count(connection, &owner)).await
    }

    async fn webhooks(&self, owner: &UserId, page: PageRequest) -> Result<Page<Arc<Webhook>>> {
        let (owner, key) = (owner.clone(), self.key.clone());
        self.read(move |connection| webhooks::of_owner(connection, &key, &owner, &page)).await
    }

    async fn webhook_window(&self, owner: &UserId, window: WebhookWindow) -> Result<Windowed> {
        let (owner, key) = (owner.clone(), self.key.clone());
        self.read(move |connection| webhooks::window(connection, &key, &owner, window)).await
    }

    async fn update_webhook(&self, from: i64, webhook: Webhook) -> Result<Updated> {
        let headers = headers::seal(&self.key, &webhook.id, &webhook.headers);
        self.change(move |connection| webhooks::update(connection, from, &webhook, &headers, None)).await
    }

    async fn update_failed_webhook(&self, from: i64, webhook: Webhook, check: Failure) -> Result<Updated> {
        let headers = headers::seal(&self.key, &webhook.id, &webhook.headers);
        self.change(move |connection| webhooks::update(connection, from, &webhook, &headers, Some(check.clone()))).await
    }

    async fn disable_webhook(&self, id: &WebhookId, at: Timestamp) -> Result<Option<Arc<Webhook>>> {
        let (id, key) = (id.clone(), self.key.clone());
        let work = move |connection: &Connection| health::disable(connection, &key, &id, at);
        Ok(self.counted(self.relieve(work).await?))
    }

    async fn rotate_secret(&self, webhook: &WebhookId, rotation: Rotation) -> Result<Rotated> {
        let (webhook, key) = (webhook.clone(), self.key.clone());
        self.write(move |connection| secrets::rotate(connection, &key, &webhook, &rotation)).await
    }

    async fn forget_secrets(&self, now: Timestamp) -> Result<usize> {
        self.relieve(move |connection| secrets::forget(connection, now)).await
    }

    async fn delete_webhook(&self, id: &WebhookId, at: Timestamp) -> Result<Removed> {
        let id = id.clone();
        self.relieve(move |connection| webhooks::delete(connection, &id, at)).await
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
        let changes = self.webhook_writes();
        if self.index_is_at(changes, after) {
            return Ok(Vec::new());
        }
        let found = self.read(move |connection| webhooks::changes(connection, after, rows_max)).await?;
        if found.is_empty() {
            self.set_index_at(changes, after);
        }
        Ok(found)
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

    async fn filter_owner(&self, digest: &FilterDigest) -> Result<Option<UserId>> {
        let digest = *digest;
        self.read(move |connection| filters::owner(connection, &digest)).await
    }

    async fn filter_usage(&self, owner: &UserId) -> Result<FilterUsage> {
        let owner = owner.clone();
        self.read(move |connection| filters::usage(connection, &owner)).await
    }

    async fn delete_filter(&self, id: &FilterId) -> Result<Removed> {
        let id = id.clone();
        self.relieve(move |connection| filters::delete(connection, &id)).await
    }

    async fn claim_deliveries(&self, claim: DeliveryClaim) -> Result<Vec<ClaimedDelivery>> {
        self.check_room(Space::Work)?;
        self.claim_due_deliveries(&claim).await
    }

    fn claim_next(&self, webhook: &WebhookId, now: Timestamp, lease: Duration) -> Option<ClaimedDelivery> {
        // The writer has just looked at the disk.
        let is_in_trouble = self.check_disk().is_err() || self.room.trouble().is_some();
        if is_in_trouble { None } else { self.claim_next_due(webhook, now, lease) }
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        self.find_next_due().await
    }

    async fn record_attempts(&self, attempted: Arc<[Attempted]>) -> Result<Vec<Recorded>> {
        let (recorded, leases) = (Arc::clone(&attempted), Arc::clone(&self.delivery_leases));
        let touched = self.writer.touched().clone();
        let record =
            move |connection: &Connection| deliveries::record_attempts(connection, &recorded, &leases, &touched);
        let recorded: Vec<_> = self.record_soon(record).await?.into_iter().map(|one| self.counted(one)).collect();
        for (one, recorded) in attempted.iter().zip(&recorded) {
            match (recorded, one.next) {
                (Recorded::Written, Next::Delivered | Next::Failed) => self.delivery_leases.end_with_row(one.fence),
                _ => self.delivery_leases.end(one.fence),
            }
        }
        Ok(recorded)
    }

    async fn release_deliveries(&self, claims: Vec<(DeliveryId, i64)>) -> Result<()> {
        self.check_disk()?;
        claims.into_iter().for_each(|(_, fence)| self.delivery_leases.end(fence));
        Ok(())
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
        self.read(move |connection| delivery_list::page(connection, &webhook, &query, &page)).await
    }

    async fn retry_delivery(&self, id: &DeliveryId, at: Timestamp) -> Result<Retried> {
        let (id, leases) = (id.clone(), Arc::clone(&self.delivery_leases));
        self.write(move |connection| resends::retry(connection, &id, at, &leases)).await
    }

    async fn event_bounds(&self, since: Timestamp, until: Timestamp) -> Result<EventBounds> {
        self.read(move |connection| replay_pages::bounds(connection, since, until)).await
    }

    async fn count_replay(&self, range: &ReplayRange, position: EventSeq, rows_max: u32) -> Result<ReplayCounted> {
        let range = range.clone();
        self.read(move |connection| replay_pages::count(connection, &range, position, rows_max)).await
    }

    async fn add_replay(&self, new: NewReplay) -> Result<ReplayBegun> {
        self.write(move |connection| replays::add(connection, &new)).await
    }

    async fn replay(&self, id: &ReplayId) -> Result<Option<Replay>> {
        let id = id.clone();
        self.read(move |connection| replays::get(connection, &id)).await
    }

    async fn replays(&self, webhook: &WebhookId, page: PageRequest) -> Result<Page<Replay>> {
        let webhook = webhook.clone();
        self.read(move |connection| replays::of_webhook(connection, &webhook, &page)).await
    }

    async fn end_replay(
        &self,
        id: &ReplayId,
        state: ReplayState,
        failure: Option<String>,
        at: Timestamp,
    ) -> Result<Option<Replay>> {
        let id = id.clone();
        self.relieve(move |connection| replays::end(connection, &id, state, failure.as_deref(), at)).await
    }

    async fn running_replays(&self, now: Timestamp, waiting_max: u32) -> Result<Vec<RunningReplay>> {
        self.check_room(Space::Growth)?;
        self.read(move |connection| replays::running(connection, now, waiting_max)).await
    }

    async fn replay_page(&self, range: &ReplayRange, position: EventSeq, candidates_max: u32) -> Result<ReplayPage> {
        let range = range.clone();
        self.read(move |connection| replay_pages::page(connection, &range, position, candidates_max)).await
    }

    async fn record_replay(&self, step: ReplayStep) -> Result<Recorded> {
        let leases = Arc::clone(&self.delivery_leases);
        self.record(move |connection| replays::record(connection, &step, &leases)).await
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

    async fn recorded(&self, webhook: &WebhookId, events: Vec<EventSeq>) -> Result<HashMap<EventSeq, Judged>> {
        let webhook = webhook.clone();
        self.read(move |connection| verdicts::recorded(connection, &webhook, events)).await
    }

    async fn stats(&self, webhook: &WebhookId, query: StatsQuery) -> Result<Stats> {
        let webhook = webhook.clone();
        self.read(move |connection| stats::of_webhook(connection, &webhook, &query)).await
    }

    async fn agreements(&self, ids: Vec<WebhookId>) -> Result<HashMap<WebhookId, Agreements>> {
        self.read(move |connection| shadows::agreements(connection, ids)).await
    }

    async fn shadow_samples(&self, webhook: &WebhookId) -> Result<Vec<Difference>> {
        let webhook = webhook.clone();
        self.read(move |connection| shadows::samples(connection, &webhook)).await
    }

    async fn forget(&self, retention: Retention, from: RetentionPlace) -> Result<Retained> {
        // What a power cut brings back is deleted again.
        let step = move |connection: &Connection| retention::step(connection, &retention, from);
        let retained = self.decide(step).await?;
        let Deleted { events, verdicts, deliveries, attempts } = retained.deleted;
        let counts = [events, verdicts, deliveries, attempts];
        DELETED_ROWS.into_iter().zip(counts).for_each(|(what, count)| self.metrics.deleted.add(what, count));
        Ok(retained)
    }

    async fn forget_leftovers(&self, before: Timestamp, rows_max: u32, from: LeftoversPlace) -> Result<LeftoversStep> {
        // What a power cut brings back is deleted again.
        let step = self.decide(move |connection| leftovers::step(connection, before, rows_max, from)).await?;
        let Leftovers { replays, snapshots, webhooks } = step.deleted;
        for (what, count) in DELETED_LEFTOVERS.into_iter().zip([replays, snapshots, webhooks]) {
            self.metrics.deleted.add(what, count);
        }
        Ok(step)
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

    fn trouble(&self) -> Option<Trouble> {
        self.condition.trouble().or_else(|| self.room.trouble())
    }

    async fn close(&self) -> Result<()> {
        self.readers.close().await;
        self.writer.close().await
    }
}

/// Accepts an event, which is at hand from then on.
fn accept(
    connection: &Connection,
    event: &Arc<Event>,
    digest: EventDigest,
    touched: &Touched,
) -> rusqlite::Result<Accepted> {
    let (accepted, placed) = events::accept(connection, event, digest)?;
    touched.accepted(event, placed);
    Ok(accepted)
}
