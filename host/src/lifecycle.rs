//! The loops, and how the process ends.
//!
//! A loop re-reads the store. A poke only tells it that reading is worth while now; a poke that is lost
//! costs a tick, never an event.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::deliver::Deliverer;
use crate::dispatch::{Dispatcher, Looked, Replayer};
use crate::failpoint::{self, Point};
use crate::model::Timestamp;
use crate::model::limits::{
    REPLAY_PAUSE_MIN, REPLAYS_HOLD_MAX, RETENTION_MIN, RETENTION_PAUSE, RETENTION_REST_MIN, RETENTION_ROWS_PER_STEP,
    UPKEEP_PAUSE,
};
use crate::store::{LeftoversPlace, Retention, RetentionPlace, Store, StoreError};

/// How long a loop rests when nothing pokes it.
const TICK: Duration = Duration::from_secs(1);

/// What tells the loops that reading is worth while.
#[derive(Clone, Debug, Default)]
pub struct Pokes {
    /// An event was accepted.
    pub dispatch: Arc<Notify>,
    /// A delivery is owed, or an attempt ended.
    pub deliver: Arc<Notify>,
    /// A replay was asked for, or a step of one ended.
    pub replay: Arc<Notify>,
}

/// When and why to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Cancelled when the process should end.
    pub requested: CancellationToken,
    /// Cancelled as well when it should end because the storage fails.
    pub storage_failed: CancellationToken,
}

impl Stop {
    /// Asks to end because the storage fails.
    pub fn storage_fails(&self) {
        self.storage_failed.cancel();
        self.requested.cancel();
    }

    /// Ends the process if the storage fails: an event must not be acknowledged that may be lost.
    fn judge(&self, error: &StoreError) {
        match error {
            StoreError::Broken(_) => {
                tracing::error!(error = error as &dyn std::error::Error, "the storage fails; stopping");
                self.storage_fails();
            }
            StoreError::Busy | StoreError::Full | StoreError::Internal(_) => {
                tracing::warn!(error = error as &dyn std::error::Error, "the store refused a loop; trying again");
            }
        }
    }
}

/// Dispatches until `stop`.
pub async fn run_dispatch(dispatcher: &Dispatcher, pokes: &Pokes, stop: &Stop) {
    while !stop.requested.is_cancelled() {
        // Who else can run goes first, and may have more to decide on.
        tokio::task::yield_now().await;
        match dispatcher.step().await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => stop.judge(&error),
        }
        rest(&pokes.dispatch, TICK, stop).await;
    }
}

/// Delivers until `stop`.
pub async fn run_deliver(deliverer: &Deliverer, store: &dyn Store, clock: &dyn Clock, pokes: &Pokes, stop: &Stop) {
    while !stop.requested.is_cancelled() {
        // Who else can run goes first, and may make more due.
        tokio::task::yield_now().await;
        match deliverer.step().await {
            Ok(0) => {}
            // What is due beyond these waits for one of them to end, which pokes: looking again at once would
            // find nothing.
            Ok(_) => {
                rest(&pokes.deliver, TICK, stop).await;
                continue;
            }
            Err(error) => stop.judge(&error),
        }
        let next_due = store.next_due().await.ok().flatten();
        // Something due that could not be claimed waits for an attempt to end, which pokes.
        let until_due = next_due.map(|due| due.since(clock.now())).filter(|wait| !wait.is_zero());
        rest(&pokes.deliver, until_due.unwrap_or(TICK).min(TICK), stop).await;
    }
}

/// Replays until `stop`. Nothing tells of room for what a replay sends, so it is looked for, ever more seldom while
/// there is none.
pub async fn run_replays(replayer: &Replayer, pokes: &Pokes, stop: &Stop) {
    let mut pause = REPLAY_PAUSE_MIN;
    while !stop.requested.is_cancelled() {
        let looked = replayer.step().await.unwrap_or_else(|error| {
            stop.judge(&error);
            Looked::Idle
        });
        pause = match looked {
            Looked::Idle => TICK,
            Looked::Waiting => TICK.min(2 * pause),
            Looked::Begun(_) => REPLAY_PAUSE_MIN,
        };
        rest(&pokes.replay, pause, stop).await;
    }
}

/// Deletes what has had its time, now and then until `stop`.
pub async fn run_upkeep(store: &dyn Store, clock: &dyn Clock, keep: Keep, stop: &Stop) {
    let never = Notify::new();
    while !stop.requested.is_cancelled() {
        if let Err(error) = keep_up(store, clock).await {
            stop.judge(&error);
        }
        let before = keep.at(clock.now()).before;
        let step =
            |place| async move { Ok(store.forget_leftovers(before, RETENTION_ROWS_PER_STEP, place).await?.next) };
        delete_in_steps(LeftoversPlace::default(), step, stop).await;
        rest(&never, UPKEEP_PAUSE, stop).await;
    }
}

/// Deletes secrets that have had their time by now.
///
/// # Errors
/// When the store fails.
pub async fn keep_up(store: &dyn Store, clock: &dyn Clock) -> Result<(), StoreError> {
    failpoint::hit(Point::Upkeep)?;
    let forgotten = store.forget_secrets(clock.now()).await?;
    if forgotten > 0 {
        tracing::info!(forgotten, "signing secrets that were replaced a day ago are deleted");
    }
    Ok(())
}

/// How long events are kept, and all that hangs on them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keep {
    /// So long at the most; `None` for ever.
    pub age: Option<Duration>,
    /// Less long, though never less than [`RETENTION_MIN`], while the database has more bytes.
    pub bytes_max: Option<u64>,
}

impl Keep {
    /// What has had its time at `now`.
    fn at(self, now: Timestamp) -> Retention {
        let ever = Timestamp::from_millis(i64::MIN);
        let before = self.age.map_or(ever, |age| now - age.max(RETENTION_MIN));
        Retention {
            before,
            before_if_large: self.bytes_max.map_or(ever, |_| now - RETENTION_MIN),
            bytes_max: self.bytes_max.unwrap_or(u64::MAX),
            replays_since: now - self.age.unwrap_or(REPLAYS_HOLD_MAX),
            rows_max: RETENTION_ROWS_PER_STEP,
        }
    }
}

/// Deletes events that have had their time, until `stop`.
pub async fn run_retention(store: &dyn Store, clock: &dyn Clock, keep: Keep, stop: &Stop) {
    let never = Notify::new();
    while !stop.requested.is_cancelled() {
        let retention = keep.at(clock.now());
        let step = |place| async move { Ok(store.forget(retention, place).await?.next) };
        delete_in_steps(RetentionPlace::begin(), step, stop).await;
        rest(&never, RETENTION_PAUSE, stop).await;
    }
}

/// Deletes all events that have had their time by now, and what nothing refers to then, without a rest.
///
/// # Errors
/// When the store fails.
pub async fn forget(store: &dyn Store, clock: &dyn Clock, keep: Keep) -> Result<(), StoreError> {
    let retention = keep.at(clock.now());
    let mut from = Some(RetentionPlace::begin());
    while let Some(place) = from {
        from = store.forget(retention, place).await?.next;
    }
    let mut from = Some(LeftoversPlace::default());
    while let Some(place) = from {
        from = store.forget_leftovers(retention.before, RETENTION_ROWS_PER_STEP, place).await?.next;
    }
    Ok(())
}

/// Makes one pass of deletions, step by step, and leaves the writer to others behind each for twice as long as it took.
async fn delete_in_steps<P, F>(from: P, step: impl Fn(P) -> F, stop: &Stop)
where
    F: Future<Output = Result<Option<P>, StoreError>>,
{
    let never = Notify::new();
    let mut from = Some(from);
    while let Some(place) = from
        && !stop.requested.is_cancelled()
    {
        let began = Instant::now();
        from = step(place).await.unwrap_or_else(|error| {
            stop.judge(&error);
            None
        });
        rest(&never, (2 * began.elapsed()).max(RETENTION_REST_MIN), stop).await;
    }
}

async fn rest(poke: &Notify, at_most: Duration, stop: &Stop) {
    tokio::select! {
        () = poke.notified() => {}
        () = tokio::time::sleep(at_most) => {}
        () = stop.requested.cancelled() => {}
    }
}
