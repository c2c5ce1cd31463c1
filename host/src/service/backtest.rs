//! What a candidate filter would have made of the events that are stored.
//!
//! The past is judged as dispatch judges the present ([`scope`]), for the webhook as it is now and its creator's
//! projects of now, as if it had been there and enabled all the time: so a webhook can be tried on what happened
//! before it. Nothing is written and nothing is sent.
//!
//! A backtest is read by whoever asked for it, step by step: what nobody reads any more is not done. All backtests
//! together do one thing at a time, a read of the store or a call of a filter, and rest after each for as long as it
//! took: so dispatch has the readers and the filters' threads nearly to itself.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::access::owner;
use super::places::Place;
use super::shadows::CandidateChoice;
use super::webhooks::Taken;
use super::{Places, Result, Service, ServiceError};
use crate::filter::projection::{EventFields, Value};
use crate::filter::{Batches, Configured, FilterHost};
use crate::model::Timestamp;
use crate::model::comparison::{Agreement, Agreements, Difference, Judged};
use crate::model::event::StoredEvent;
use crate::model::ids::{ProjectId, UserId};
use crate::model::limits::{
    BACKTEST_EVENTS_DEFAULT, BACKTEST_EVENTS_MAX, BACKTEST_SAMPLES_MAX, BACKTEST_TIME_MAX, BACKTESTS_AT_ONCE_MAX,
    BACKTESTS_PER_OWNER_MAX, PAGE_ITEMS_MAX,
};
use crate::model::matching::{Scope, scope};
use crate::model::token::Caller;
use crate::model::verdict::Outcome;
use crate::model::webhook::Webhook;
use crate::store::{EventQuery, EventScope, PageRequest, Store};

/// How often progress is told.
const PROGRESS_PAUSE: Duration = Duration::from_millis(200);

/// What to ask about the past.
#[derive(Clone, Debug, Default)]
pub struct NewBacktest {
    /// The candidate.
    pub filter: CandidateChoice,
    /// Only events accepted at or after; all that are stored if absent.
    pub since: Option<Timestamp>,
    /// How many events at the most, the newest.
    pub limit: Option<u32>,
}

/// What a backtest tells, in the order of things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BacktestStep {
    /// How far it is.
    Progress {
        /// Events that the candidate was asked about.
        asked: u32,
        /// How many it will be at the most.
        limit: u32,
    },
    /// An event on which the candidate does not agree, or fails.
    Sample(Difference),
    /// The end.
    Summary(BacktestSummary),
}

/// What a backtest came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BacktestSummary {
    /// Events that the candidate was asked about.
    pub asked: u32,
    /// What had become of them.
    pub before: Outcomes,
    /// What would have become of them.
    pub after: Outcomes,
    /// How the two compare, where there are two.
    pub agreements: Agreements,
    /// Whether these were all events there are: neither the limit, nor the time, nor a stop of the host ended it.
    pub is_complete: bool,
}

/// How many events became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Sent.
    pub delivered: u64,
    /// Kept back by the filter.
    pub filtered: u64,
    /// Kept back because the filter failed.
    pub errors: u64,
    /// No filter was asked: the webhook was not there, disabled or out of scope, or dispatch has yet to come to
    /// the event.
    pub undecided: u64,
}

impl Outcomes {
    fn count(&mut self, outcome: Option<Outcome>) {
        *match outcome {
            Some(Outcome::Delivered) => &mut self.delivered,
            Some(Outcome::Filtered) => &mut self.filtered,
            Some(Outcome::FilterError) => &mut self.errors,
            Some(Outcome::OutOfScope | Outcome::Disabled) | None => &mut self.undecided,
        } += 1;
    }
}

/// What all backtests share.
pub(super) struct Share {
    places: Places<UserId>,
    turn: Arc<Semaphore>,
    stopping: CancellationToken,
}

impl Default for Share {
    fn default() -> Self {
        let places = Places::new(BACKTESTS_AT_ONCE_MAX, BACKTESTS_PER_OWNER_MAX);
        Self { places, turn: Arc::new(Semaphore::new(1)), stopping: CancellationToken::new() }
    }
}

/// A backtest under way.
pub struct Backtest {
    store: Arc<dyn Store>,
    filters: Arc<FilterHost>,
    turn: Arc<Semaphore>,
    stopping: CancellationToken,
    _place: Place<UserId>,
    /// As if it had been there and enabled all the time.
    webhook: Webhook,
    configured: Arc<Configured>,
    batches: Batches,
    query: EventQuery,
    /// Behind which event the next page begins, if not at the newest.
    after: Option<i64>,
    /// Whether there is a next page.
    has_more: bool,
    /// Events to ask about, with what was decided.
    waiting: VecDeque<(StoredEvent, Option<Judged>)>,
    /// What is to be told next.
    told: VecDeque<BacktestStep>,
    limit: u32,
    samples: usize,
    summary: BacktestSummary,
    is_over: bool,
    deadline: Instant,
    progress_at: Instant,
}

impl Service {
    /// Asks a candidate about the stored events that the caller's webhook would get without a filter, the newest
    /// first. Nothing is done until it is read.
    ///
    /// # Errors
    /// When there is no such webhook, the filter cannot be taken, the limit cannot be, or too many backtests are
    /// under way.
    pub async fn backtest(&self, caller: &Caller, webhook: &str, new: NewBacktest) -> Result<Backtest> {
        let owner = owner(caller);
        let webhook = self.own_webhook(&owner, webhook).await?;
        let limit = new.limit.unwrap_or(BACKTEST_EVENTS_DEFAULT);
        if !(1..=BACKTEST_EVENTS_MAX).contains(&limit) {
            let detail = format!("a backtest asks about 1 to {BACKTEST_EVENTS_MAX} events");
            return Err(ServiceError::bad_field("/limit", detail));
        }
        let CandidateChoice { id, config } = new.filter;
        let Taken { configured, .. } = self.take(&owner, &id, config.as_deref(), "/filter").await?;
        let place = self.backtests.places.enter(&owner)?;
        let scope = match webhook.project_ids.as_slice() {
            [] => EventScope::ProjectsOf(owner),
            projects => EventScope::Projects(projects.to_vec()),
        };
        let now = Instant::now();
        Ok(Backtest {
            store: Arc::clone(&self.store),
            filters: Arc::clone(&self.filters),
            turn: Arc::clone(&self.backtests.turn),
            stopping: self.backtests.stopping.clone(),
            _place: place,
            batches: Batches::new(Arc::clone(&configured)),
            configured,
            query: EventQuery { scope, event_types: webhook.events.clone(), since: new.since, until: None },
            // Without event types there is nothing to look for; a query without types would look for any.
            has_more: !webhook.events.is_empty(),
            after: None,
            webhook: Webhook {
                is_enabled: true,
                created_at: Timestamp::from_millis(i64::MIN),
                ..Webhook::clone(&webhook)
            },
            waiting: VecDeque::new(),
            told: VecDeque::from([BacktestStep::Progress { asked: 0, limit }]),
            limit,
            samples: 0,
            summary: BacktestSummary { is_complete: webhook.events.is_empty(), ..BacktestSummary::default() },
            is_over: false,
            deadline: now + BACKTEST_TIME_MAX,
            progress_at: now + PROGRESS_PAUSE,
        })
    }

    /// Ends the backtests under way where they are, and those to come at once: the host is stopping, and whoever
    /// reads one would hold it up.
    pub fn end_backtests(&self) {
        self.backtests.stopping.cancel();
    }
}

impl Backtest {
    /// What is to be told next; `None` after the summary.
    ///
    /// # Errors
    /// When the store fails, or the host cannot run the filter. There is nothing to be told then.
    pub async fn next(&mut self) -> Result<Option<BacktestStep>> {
        while self.told.is_empty() && !self.is_over {
            let stopping = self.stopping.clone();
            tokio::select! {
                () = stopping.cancelled() => self.end(false),
                gone_on = self.go_on() => gone_on?,
            }
        }
        Ok(self.told.pop_front())
    }

    async fn go_on(&mut self) -> Result<()> {
        let _turn = Arc::clone(&self.turn).acquire_owned().await.expect("the semaphore is never closed");
        let began = Instant::now();
        if self.waiting.is_empty() {
            self.read_page_or_end().await?;
        } else {
            self.ask().await?;
        }
        self.look_at_the_clock();
        tokio::time::sleep(began.elapsed()).await;
        Ok(())
    }

    fn end(&mut self, is_complete: bool) {
        self.is_over = true;
        self.summary.is_complete = is_complete;
        self.told.push_back(BacktestStep::Summary(self.summary));
    }

    async fn read_page_or_end(&mut self) -> Result<()> {
        let left = self.limit - self.summary.asked;
        if !self.has_more || left == 0 || Instant::now() >= self.deadline {
            self.end(self.summary.is_complete);
            return Ok(());
        }
        let page = PageRequest { items_max: left.min(PAGE_ITEMS_MAX), after: self.after };
        let events = self.store.events(self.query.clone(), page).await?;
        (self.after, self.has_more) = (events.next, events.next.is_some());
        self.summary.is_complete = !self.has_more;
        let items = self.in_scope(events.items).await?;
        let places = items.iter().map(|stored| stored.seq).collect();
        let mut recorded = self.store.recorded(&self.webhook.id, places).await?;
        self.waiting.extend(items.into_iter().map(|stored| {
            let judged = recorded.remove(&stored.seq);
            (stored, judged)
        }));
        Ok(())
    }

    /// Those of the events that the webhook would get without a filter, by the memberships of now.
    async fn in_scope(&self, events: Vec<StoredEvent>) -> Result<Vec<StoredEvent>> {
        let projects: HashSet<ProjectId> = events.iter().map(|stored| stored.event.project_id.clone()).collect();
        let projects: Vec<ProjectId> = projects.into_iter().collect();
        let own = self.store.projects_among(&self.webhook.owner, &projects).await?;
        let is_inside = |stored: &StoredEvent| {
            scope(&stored.event, &self.webhook, own.contains(&stored.event.project_id)) == Scope::Inside
        };
        Ok(events.into_iter().filter(is_inside).collect())
    }

    /// Asks about the first of the events that wait, in one call.
    async fn ask(&mut self) -> Result<()> {
        let project = |(stored, _): &(StoredEvent, _)| self.configured.project(&EventFields::of(&stored.event));
        let values: Arc<[Vec<Value>]> = self.waiting.iter().take(self.batches.events_max()).map(project).collect();
        let decided = self.filters.decide_some(&mut self.batches, &values).await;
        for decision in decided.map_err(|refused| ServiceError::refused("", &refused))? {
            let (stored, recorded) = self.waiting.pop_front().expect("there is no decision without an event");
            self.compare(&stored, recorded, decision.into());
        }
        Ok(())
    }

    /// Tells how far it is now and then, and ends what takes too long.
    fn look_at_the_clock(&mut self) {
        let now = Instant::now();
        if now >= self.progress_at && !self.is_over {
            self.progress_at = now + PROGRESS_PAUSE;
            self.told.push_back(BacktestStep::Progress { asked: self.summary.asked, limit: self.limit });
        }
        if now >= self.deadline {
            self.summary.is_complete &= self.waiting.is_empty();
            self.waiting.clear();
        }
    }

    fn compare(&mut self, stored: &StoredEvent, recorded: Option<Judged>, candidate: Judged) {
        let is_decided = |judged: &Judged| !matches!(judged.outcome, Outcome::OutOfScope | Outcome::Disabled);
        let recorded = recorded.filter(is_decided);
        let agreement = recorded.as_ref().map(|recorded| Agreement::between(recorded, &candidate));
        let summary = &mut self.summary;
        summary.asked += 1;
        summary.before.count(recorded.as_ref().map(|recorded| recorded.outcome));
        summary.after.count(Some(candidate.outcome));
        agreement.into_iter().for_each(|agreement| summary.agreements.count(agreement));
        // A candidate that fails where nothing was decided is worth knowing, too.
        let agrees = agreement.map_or(candidate.outcome != Outcome::FilterError, |one| one == Agreement::Agreed);
        if !agrees && self.samples < BACKTEST_SAMPLES_MAX {
            self.samples += 1;
            let event_id = stored.event.id.clone();
            self.told.push_back(BacktestStep::Sample(Difference { event_id, recorded, candidate }));
        }
    }
}
