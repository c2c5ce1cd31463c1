//! Replays: takes up what a webhook did not get, a step at a time.
//!
//! A replay is a row that remembers a place among the events, and a step of it is like a dispatch: it reads what comes
//! next, asks the filter where one has to decide anew, and writes all of it in one transaction. What it sends again are
//! deliveries that the deliver loop claims like any others. So that they delay nothing that happens meanwhile, a step
//! adds no more of them than keep the webhook's endpoint busy ([`REPLAY_WAITING_MAX`]): what comes new waits behind
//! those few, however long the replay is. The filters' calls are counted among their owner's, as in a dispatch.
//!
//! Nothing decides here twice: a step whose replay was moved or ended meanwhile is not written.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::try_join_all;
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;

use super::ask::{Budgets, Part};
use super::index::Entry;
use super::put_off::{Fault, PutOff};
use super::step::{Dispatcher, Parts};
use crate::failpoint::{self, Point};
use crate::filter::Refused;
use crate::model::Timestamp;
use crate::model::event::{Event, EventSeq};
use crate::model::ids::{DeliveryId, ReplayId};
use crate::model::limits::{HOST_FAULT_PAUSES, REPLAY_STEPS_AT_ONCE_MAX, REPLAY_WAITING_MAX};
use crate::model::matching::{Scope, scope};
use crate::model::replay::{ReplayCounts, ReplayState, Treatment};
use crate::model::verdict::{Outcome, Verdict};
use crate::store::{DecidedAnew, NewDelivery, Recorded, ReplayPage, ReplayStep, RunningReplay, StoreError};

/// What a look at the replays came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// None goes on.
    Idle,
    /// None can go on now: their endpoints have enough to do, or they were put off.
    Waiting,
    /// A step of so many was begun.
    Begun(usize),
}

/// The replay loop's state.
pub struct Replayer {
    parts: Arc<Parts>,
    work: Arc<Work>,
    tasks: TaskTracker,
}

/// What is known of replays in this process alone.
struct Work {
    /// Told when a step has ended.
    poke: Arc<Notify>,
    places: Semaphore,
    put_off: PutOff<ReplayId>,
    busy: Mutex<HashMap<ReplayId, Busy>>,
}

/// Why a replay gets no step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Busy {
    /// One is under way.
    Step,
    /// It was put off.
    Until(Timestamp),
}

/// Why a step came to nothing.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// The filter cannot be run, which is the host's fault and says nothing of any event.
    #[error("the host could not run the filter, which is not the filter's fault: {0}")]
    Filter(Refused),
    /// The step panicked: a mistake of ours.
    #[error("the host made a mistake; its log says which")]
    Panicked,
    /// The store did not do as it was asked.
    #[error("the host could not read or write what the replay needs")]
    Store(#[from] StoreError),
}

impl Trouble {
    /// How long it may last if it may be of this replay alone. Anything else passes, or ends the process.
    fn of_replay(&self) -> Option<Fault> {
        match self {
            Self::Filter(refused) => Fault::of(refused),
            Self::Panicked | Self::Store(StoreError::Internal(_)) => Some(Fault::Other),
            Self::Store(_) => None,
        }
    }
}

impl Replayer {
    /// A replayer that decides as the dispatcher does, and tells `poke` whenever a step has ended.
    #[must_use]
    pub fn new(dispatcher: &Dispatcher, poke: Arc<Notify>) -> Self {
        let places = Semaphore::new(REPLAY_STEPS_AT_ONCE_MAX);
        let work = Work { poke, places, put_off: PutOff::default(), busy: Mutex::default() };
        Self { parts: Arc::clone(dispatcher.parts()), work: Arc::new(work), tasks: TaskTracker::new() }
    }

    /// Begins a step of each replay that can go on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn step(&self) -> Result<Looked, StoreError> {
        let now = self.parts.clock.now();
        let running = self.parts.store.running_replays(now, REPLAY_WAITING_MAX).await?;
        self.work.forget_others(&running);
        if running.is_empty() {
            return Ok(Looked::Idle);
        }
        let mut begun = 0;
        for replay in running {
            if replay.room == 0 || !self.work.begin(&replay.id, now) {
                continue;
            }
            begun += 1;
            let (parts, work) = (Arc::clone(&self.parts), Arc::clone(&self.work));
            self.tasks.spawn(async move { work.run(&parts, replay).await });
        }
        Ok(if begun == 0 { Looked::Waiting } else { Looked::Begun(begun) })
    }

    /// Waits until what was begun is done, for at most `grace`; whether it is.
    pub async fn drain(&self, grace: Duration) -> bool {
        self.tasks.close();
        let is_done = tokio::time::timeout(grace, self.tasks.wait()).await.is_ok();
        self.tasks.reopen();
        is_done
    }
}

impl Work {
    /// Whether a step may begin; it is under way then.
    fn begin(&self, id: &ReplayId, now: Timestamp) -> bool {
        let mut busy = self.busy();
        let is_free = match busy.get(id) {
            None => true,
            Some(Busy::Step) => false,
            Some(Busy::Until(until)) => *until <= now,
        };
        if is_free {
            busy.insert(id.clone(), Busy::Step);
        }
        is_free
    }

    async fn run(&self, parts: &Parts, replay: RunningReplay) {
        let place = self.places.acquire().await.expect("the semaphore is never closed");
        // As in dispatch: nothing is half done, and without this the replay would count as under way for ever.
        let stepped = AssertUnwindSafe(parts.replay_step(&replay)).catch_unwind().await;
        let pause = match stepped.unwrap_or(Err(Trouble::Panicked)) {
            Ok(()) => {
                self.put_off.forget(&replay.id);
                None
            }
            Err(trouble) => self.meet(parts, &replay.id, &trouble).await,
        };
        drop(place);
        match pause {
            None => self.busy().remove(&replay.id),
            Some(pause) => self.busy().insert(replay.id, Busy::Until(parts.clock.now() + pause)),
        };
        self.poke.notify_one();
    }

    /// How long the replay is put off. One that is put off too often has failed: nothing is written that says
    /// something of its events.
    async fn meet(&self, parts: &Parts, id: &ReplayId, trouble: &Trouble) -> Option<Duration> {
        let fault = trouble.of_replay();
        let pause = fault.map_or(Some(HOST_FAULT_PAUSES[0]), |fault| self.put_off.pause(id.clone(), fault));
        tracing::error!(replay = %id, error = trouble as &dyn std::error::Error, ?pause, "a step of a replay failed");
        if pause.is_some() {
            return pause;
        }
        let (failure, now) = (Some(trouble.to_string()), parts.clock.now());
        match parts.store.end_replay(id, ReplayState::Failed, failure, now).await {
            Ok(_) => {
                self.put_off.forget(id);
                None
            }
            Err(error) => {
                tracing::error!(replay = %id, error = &error as &dyn std::error::Error, "a replay could not be ended");
                Some(HOST_FAULT_PAUSES[0])
            }
        }
    }

    /// Forgets what was put off and does not go on any more.
    fn forget_others(&self, running: &[RunningReplay]) {
        let running: HashSet<&ReplayId> = running.iter().map(|replay| &replay.id).collect();
        self.busy().retain(|id, busy| {
            let is_kept = *busy == Busy::Step || running.contains(id);
            if !is_kept {
                self.put_off.forget(id);
            }
            is_kept
        });
    }

    /// What it guards is whole between any two statements, so a panic elsewhere spoils nothing.
    fn busy(&self) -> MutexGuard<'_, HashMap<ReplayId, Busy>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parts {
    async fn replay_step(&self, replay: &RunningReplay) -> Result<(), Trouble> {
        failpoint::hit(Point::ReplayStep).map_err(StoreError::from)?;
        self.refresh_index().await?;
        let Some(entry) = self.index.lock().await.entry(&replay.range.webhook) else { return Ok(()) };
        // Disabled since the replay was found: it rests until the webhook is enabled again.
        if !entry.webhook.is_enabled {
            return Ok(());
        }
        let page = self.store.replay_page(&replay.range, replay.position, replay.room).await?;
        let step = self.decide_on(&entry, replay, page).await.map_err(Trouble::Filter)?;
        let verdicts: Vec<_> =
            step.decided.iter().map(|decided| (decided.verdict.outcome, decided.verdict.reason_class)).collect();
        let is_owed = !step.send_again.is_empty() || step.decided.iter().any(|decided| decided.delivery.is_some());
        failpoint::hit(Point::ReplayDecided).map_err(StoreError::from)?;
        let recorded = self.store.record_replay(step).await?;
        failpoint::hit(Point::ReplayRecorded).map_err(StoreError::from)?;
        if recorded == Recorded::Written {
            verdicts.into_iter().for_each(|(outcome, class)| self.count_verdict(outcome, class));
        }
        if is_owed {
            self.deliver_poke.notify_one();
        }
        Ok(())
    }

    /// What becomes of the events of a page.
    async fn decide_on(
        &self,
        entry: &Arc<Entry>,
        replay: &RunningReplay,
        page: ReplayPage,
    ) -> Result<ReplayStep, Refused> {
        let mut counts = ReplayCounts::default();
        let (mut send_again, mut undecided) = (Vec::new(), Vec::new());
        for candidate in page.candidates {
            match (candidate.treatment, candidate.event) {
                (Treatment::UnderWay, _) => counts.under_way += 1,
                _ if !candidate.is_in_scope => counts.out_of_scope += 1,
                (Treatment::DecideAnew, Some(event)) if is_wanted(entry, &event) => {
                    undecided.push((candidate.seq, event));
                }
                (Treatment::DecideAnew, _) => counts.out_of_scope += 1,
                (Treatment::SendAgain, _) => send_again.push(candidate.seq),
            }
        }
        let deciding = undecided.into_iter().map(async |(seq, event)| self.decide_anew(entry, seq, &event).await);
        let decided = try_join_all(deciding).await?;
        let (from, to) = (replay.position, page.position);
        let (id, at) = (replay.id.clone(), self.clock.now());
        Ok(ReplayStep { id, from, to, is_last: page.is_last, send_again, decided, counts, at })
    }

    /// Decides on one event as dispatch does; an error is the host's fault.
    async fn decide_anew(&self, entry: &Arc<Entry>, seq: EventSeq, event: &Event) -> Result<DecidedAnew, Refused> {
        let mut verdict = match &entry.webhook.filter {
            None => self.delivered(entry),
            Some(_) => self.asked_anew(entry, event).await?,
        };
        let mut delivery = None;
        if verdict.outcome == Outcome::Delivered {
            let created_at = self.clock.now();
            let id = DeliveryId::of(event, &entry.webhook.id);
            verdict.delivery_id = Some(id.clone());
            let (webhook_id, snapshot) = (entry.webhook.id.clone(), Arc::clone(&entry.snapshot));
            delivery = Some(NewDelivery { id, webhook_id, snapshot, created_at });
        }
        Ok(DecidedAnew { event: seq, verdict, delivery })
    }

    async fn asked_anew(&self, entry: &Arc<Entry>, event: &Event) -> Result<Verdict, Refused> {
        let asked = vec![Arc::clone(entry)];
        let answers = self.asker.ask(event, asked, Part::Active, &mut Budgets::default()).await;
        let (_, answer) = answers.into_iter().next().expect("there is an answer for each that is asked");
        match answer {
            Ok(evaluation) => Ok(self.judged(entry, evaluation)),
            Err(fault) if fault.is_hosts_fault() => Err(fault),
            Err(refused) => Ok(self.unprepared(entry, &refused)),
        }
    }
}

/// Whether the webhook subscribes to such an event as it is now, given that its creator may see it.
fn is_wanted(entry: &Entry, event: &Event) -> bool {
    entry.webhook.events.contains(&event.event_type) && scope(event, &entry.webhook, true) == Scope::Inside
}
