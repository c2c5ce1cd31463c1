//! Claims events, has the filters asked, writes verdicts and deliveries in one transaction an event.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio_util::task::TaskTracker;

use super::ask::{Asker, Budgets, Part};
use super::index::{Entry, Index};
use super::put_off::{Fault, PutOff};
use super::shadow::{Beside, compare};
use crate::clock::Clock;
use crate::failpoint::{self, Point};
use crate::filter::{Decision, Evaluation, FilterHost, Refused};
use crate::metrics::Metrics;
use crate::model::Timestamp;
use crate::model::event::{EventSeq, StoredEvent};
use crate::model::ids::DeliveryId;
use crate::model::limits::{DISPATCH_BATCH_MAX, DISPATCH_LEASE, HOST_FAULT_PAUSES};
use crate::model::matching::{Scope, scope, scope_of_test};
use crate::model::verdict::{Outcome, ReasonClass, Verdict};
use crate::model::webhook::OnError;
use crate::store::{Claim, ClaimedEvent, Compared, Dispatched, NewDelivery, Recorded, Store, StoreError};
use crate::traces::{Open, Stage, Traces};

/// Webhook changes read at a time.
const CHANGES_MAX: u32 = 1_000;

/// What became of an event.
enum Dispatch {
    /// It was written, or another claimant has it.
    Ended(Recorded),
    /// A fault of the host's; to be begun again after the pause.
    PutOff(Duration),
}

/// The dispatch loop's state.
pub struct Dispatcher {
    parts: Arc<Parts>,
    tasks: TaskTracker,
    places: Arc<Semaphore>,
}

/// What deciding takes; replays decide with it too.
pub(super) struct Parts {
    pub(super) store: Arc<dyn Store>,
    pub(super) asker: Asker,
    put_off: PutOff<EventSeq>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) index: Mutex<Index>,
    pub(super) deliver_poke: Arc<Notify>,
    metrics: Arc<Metrics>,
    traces: Traces,
}

impl Dispatcher {
    /// A dispatcher that tells `deliver_poke` when deliveries are owed.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        filters: Arc<FilterHost>,
        clock: Arc<dyn Clock>,
        deliver_poke: Arc<Notify>,
        metrics: Arc<Metrics>,
        traces: Traces,
    ) -> Self {
        let parts = Parts {
            store,
            asker: Asker::new(filters),
            put_off: PutOff::default(),
            clock,
            index: Mutex::default(),
            deliver_poke,
            metrics,
            traces,
        };
        let places = Arc::new(Semaphore::new(DISPATCH_BATCH_MAX as usize));
        Self { parts: Arc::new(parts), tasks: TaskTracker::new(), places }
    }

    /// Claims what waits and there is room for, and begins to dispatch it; how many events that are. With
    /// no room it waits until an event ends. The events go their own ways: a slow filter on one does not
    /// hold up the next.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn step(&self) -> Result<usize, StoreError> {
        // Places are only taken below, so what is free from here on stays free.
        drop(self.places.acquire().await.expect("the semaphore is never closed"));
        let rows_max = u32::try_from(self.places.available_permits()).unwrap_or(DISPATCH_BATCH_MAX);
        let claim = Claim { now: self.parts.clock.now(), lease: DISPATCH_LEASE, rows_max };
        let claimed = self.parts.store.claim_events(claim).await?;
        if claimed.is_empty() {
            return Ok(0);
        }
        let refreshed = async {
            failpoint::hit(Point::EventsClaimed)?;
            self.parts.refresh_index().await
        };
        if let Err(error) = refreshed.await {
            let claims = claimed.iter().map(|event| (event.stored.seq, event.fence)).collect();
            self.parts.release(claims, claim.now).await;
            return Err(error);
        }
        let count = claimed.len();
        for event in claimed {
            let place = Arc::clone(&self.places).acquire_owned().await.expect("the semaphore is never closed");
            let parts = Arc::clone(&self.parts);
            self.tasks.spawn(async move {
                parts.dispatch_or_release(event).await;
                drop(place);
            });
        }
        Ok(count)
    }

    pub(super) fn parts(&self) -> &Arc<Parts> {
        &self.parts
    }

    /// Waits until what was begun is done, for at most `grace`; whether it is.
    pub async fn drain(&self, grace: Duration) -> bool {
        self.tasks.close();
        let is_done = tokio::time::timeout(grace, self.tasks.wait()).await.is_ok();
        self.tasks.reopen();
        is_done
    }
}

impl Parts {
    /// Has the index follow what changed in the store.
    pub(super) async fn refresh_index(&self) -> Result<(), StoreError> {
        let mut index = self.index.lock().await;
        loop {
            let changes = self.store.webhook_changes(index.change_seq(), CHANGES_MAX).await?;
            let is_last = changes.len() < CHANGES_MAX as usize;
            changes.into_iter().for_each(|change| index.apply(change));
            if is_last {
                return Ok(());
            }
        }
    }

    /// An event that cannot be written now is given back: another step takes it up again.
    async fn dispatch_or_release(&self, claimed: ClaimedEvent) {
        let (seq, fence) = (claimed.stored.seq, claimed.fence);
        // Nothing is changed but by the last write, so a panic leaves nothing half done. The lease alone would end late.
        let dispatched = AssertUnwindSafe(self.dispatch(claimed)).catch_unwind().await;
        let pause = match dispatched.unwrap_or_else(|_| self.panicked(seq)) {
            Ok(Dispatch::Ended(recorded)) => {
                if recorded == Recorded::LeaseLost {
                    tracing::warn!(event_seq = seq.0, "the lease on an event was lost");
                }
                self.put_off.forget(&seq);
                return;
            }
            Ok(Dispatch::PutOff(pause)) => pause,
            Err(error) => {
                tracing::error!(event_seq = seq.0, error = &error as &dyn std::error::Error, "dispatch failed");
                HOST_FAULT_PAUSES[0]
            }
        };
        self.release(vec![(seq, fence)], self.clock.now() + pause).await;
    }

    /// An event that makes us panic is put off, ever longer, and does so again in the end: nothing is dropped.
    fn panicked(&self, seq: EventSeq) -> Result<Dispatch, StoreError> {
        tracing::error!(event_seq = seq.0, "dispatch panicked");
        let longest = HOST_FAULT_PAUSES[HOST_FAULT_PAUSES.len() - 1];
        Ok(Dispatch::PutOff(self.put_off.pause(seq, Fault::Other).unwrap_or(longest)))
    }

    async fn release(&self, claims: Vec<(EventSeq, i64)>, free_at: Timestamp) {
        let released = async {
            failpoint::hit(Point::ReleaseBegin)?;
            self.store.release_events(claims, free_at).await
        };
        if let Err(error) = released.await {
            // The leases end by themselves.
            tracing::warn!(error = &error as &dyn std::error::Error, "release failed");
        }
    }

    async fn dispatch(&self, claimed: ClaimedEvent) -> Result<Dispatch, StoreError> {
        failpoint::hit(Point::DispatchBegin)?;
        let event = Arc::clone(&claimed.stored.event);
        let mut span = self.traces.begin(Stage::Dispatch, &event);
        let (mut verdicts, mut asked, mut owed) = (Vec::new(), Vec::new(), Vec::new());
        let mut beside = Beside::of(&claimed.stored);
        for (entry, scope) in self.candidates(&claimed.stored).await? {
            match scope {
                Scope::Elsewhere => {}
                Scope::Disabled => verdicts.push(self.verdict(&entry, Outcome::Disabled, "the webhook was disabled")),
                Scope::NotAMember => {
                    let reason = "the webhook's creator was not a member of the project";
                    verdicts.push(self.verdict(&entry, Outcome::OutOfScope, reason));
                }
                Scope::Inside => match &entry.webhook.filter {
                    None => {
                        let verdict = self.delivered(&entry);
                        beside.note(&entry, &verdict);
                        owed.push((verdict, entry));
                    }
                    Some(_) => asked.push(entry),
                },
            }
        }
        let mut budgets = Budgets::default();
        let mut asking = span.as_ref().filter(|_| !asked.is_empty()).map(|span| span.child(Stage::Filters));
        let answers = self.asker.ask(&event, asked, Part::Active, &mut budgets).await;
        asking.iter_mut().for_each(Open::end);
        failpoint::hit(Point::FiltersAsked)?;
        let refusals = answers.iter().filter_map(|(_, answer)| answer.as_ref().err());
        let faults = refusals.filter_map(|refused| Some((Fault::of(refused)?, refused)));
        // While one filter is being compiled there is no hurry to give up another.
        if let Some((fault, refused)) = faults.max_by_key(|(fault, _)| *fault) {
            let pause = self.put_off.pause(claimed.stored.seq, fault);
            tracing::error!(event_seq = claimed.stored.seq.0, %refused, ?pause, "the host could not run a filter");
            if let Some(pause) = pause {
                span.iter_mut().for_each(|span| span.fail("put_off"));
                return Ok(Dispatch::PutOff(pause));
            }
        }
        for (entry, answer) in answers {
            let verdict = match answer {
                Ok(evaluation) => self.judged(&entry, evaluation),
                Err(refused) => self.unprepared(&entry, &refused),
            };
            asking.iter_mut().for_each(|asking| asking.verdict(&verdict));
            beside.note(&entry, &verdict);
            match verdict.outcome {
                Outcome::Delivered => owed.push((verdict, entry)),
                _ => verdicts.push(verdict),
            }
        }
        span.iter_mut().for_each(|span| span.decided(owed.len(), verdicts.len()));
        let compared = compare(&self.asker, &event, beside, &mut budgets).await;
        Ok(Dispatch::Ended(self.record(&claimed, verdicts, owed, compared).await?))
    }

    /// The webhooks that an event may concern, and what it is to each.
    async fn candidates(&self, stored: &StoredEvent) -> Result<Vec<(Arc<Entry>, Scope)>, StoreError> {
        if let Some(webhook) = &stored.test_of {
            let tested = self.index.lock().await.entry(webhook);
            return Ok(tested.map(|entry| (Arc::clone(&entry), scope_of_test(&entry.webhook))).into_iter().collect());
        }
        let event = &stored.event;
        let members = self.store.members(&event.project_id).await?;
        let candidates = self.index.lock().await.candidates(event, &members);
        let judged = candidates.into_iter().map(|entry| {
            let scope = scope(event, &entry.webhook, members.contains(&entry.webhook.owner));
            (entry, scope)
        });
        Ok(judged.collect())
    }

    async fn record(
        &self,
        claimed: &ClaimedEvent,
        mut verdicts: Vec<Verdict>,
        owed: Vec<(Verdict, Arc<Entry>)>,
        compared: Vec<Compared>,
    ) -> Result<Recorded, StoreError> {
        let created_at = self.clock.now();
        let mut deliveries = Vec::with_capacity(owed.len());
        for (mut verdict, entry) in owed {
            let id = DeliveryId::of(&claimed.stored.event, &entry.webhook.id);
            verdict.delivery_id = Some(id.clone());
            verdicts.push(verdict);
            let (webhook_id, snapshot) = (entry.webhook.id.clone(), Arc::clone(&entry.snapshot));
            deliveries.push(NewDelivery { id, webhook_id, snapshot, created_at });
        }
        let is_owed = !deliveries.is_empty();
        let decided: Vec<_> = verdicts.iter().map(|verdict| (verdict.outcome, verdict.reason_class)).collect();
        let (event, fence) = (claimed.stored.seq, claimed.fence);
        let dispatched = Dispatched { event, fence, verdicts, deliveries, compared };
        let recorded = self.store.record_dispatch(dispatched).await?;
        failpoint::hit(Point::DispatchRecorded)?;
        if recorded == Recorded::Written {
            self.count(claimed, &decided);
        }
        if is_owed {
            self.deliver_poke.notify_one();
        }
        Ok(recorded)
    }

    fn count(&self, claimed: &ClaimedEvent, decided: &[(Outcome, Option<ReasonClass>)]) {
        decided.iter().for_each(|(outcome, class)| self.count_verdict(*outcome, *class));
        self.metrics.dispatch_latency.observe(self.clock.now().since(claimed.stored.event.accepted_at));
    }

    pub(super) fn count_verdict(&self, outcome: Outcome, class: Option<ReasonClass>) {
        self.metrics.verdicts.count(outcome.as_str());
        if let Some(class) = class {
            self.metrics.filter_failures.count(class.as_str());
        }
    }

    pub(super) fn delivered(&self, entry: &Entry) -> Verdict {
        Verdict { reason: None, ..self.verdict(entry, Outcome::Delivered, "") }
    }

    fn verdict(&self, entry: &Entry, outcome: Outcome, reason: &str) -> Verdict {
        Verdict {
            webhook_id: entry.webhook.id.clone(),
            outcome,
            reason: Some(reason.to_owned()),
            reason_class: None,
            filter_digest: None,
            fuel: None,
            duration_us: None,
            delivery_id: None,
            decided_at: self.clock.now(),
            first_decided_at: None,
        }
    }

    pub(super) fn judged(&self, entry: &Entry, evaluation: Evaluation) -> Verdict {
        let (outcome, reason, reason_class) = match evaluation.decision {
            Decision::Deliver => (Outcome::Delivered, None, None),
            Decision::Skip(reason) => (Outcome::Filtered, reason, None),
            Decision::Failed(failure) => (on_error(entry), Some(failure.message), Some(failure.class)),
        };
        Verdict {
            reason,
            reason_class,
            filter_digest: entry.webhook.filter.as_ref().map(|binding| binding.digest),
            fuel: Some(evaluation.fuel),
            duration_us: Some(evaluation.duration_us),
            ..self.verdict(entry, outcome, "")
        }
    }

    /// A filter that took its configuration once and does not now, or that the host cannot run. The
    /// latter names no filter and no class, so it does not count as a failure of the filter.
    pub(super) fn unprepared(&self, entry: &Entry, refused: &Refused) -> Verdict {
        if refused.is_hosts_fault() {
            let reason = format!("the host could not run the filter, which is not the filter's fault: {refused}");
            return self.verdict(entry, on_error(entry), &reason);
        }
        Verdict {
            reason_class: Some(refused.class()),
            filter_digest: entry.webhook.filter.as_ref().map(|binding| binding.digest),
            ..self.verdict(entry, on_error(entry), &refused.to_string())
        }
    }
}

fn on_error(entry: &Entry) -> Outcome {
    match entry.webhook.filter.as_ref().map(|binding| binding.on_error) {
        Some(OnError::Deliver) => Outcome::Delivered,
        Some(OnError::Skip) | None => Outcome::FilterError,
    }
}
