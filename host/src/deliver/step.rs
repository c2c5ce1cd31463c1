//! Claims due deliveries, sends them, writes what came of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio_util::task::TaskTracker;

use super::schedule;
use crate::clock::{Clock, random_bytes};
use crate::failpoint::{self, Point};
use crate::metrics::Metrics;
use crate::model::Timestamp;
use crate::model::delivery::Attempt;
use crate::model::health::{Answer, Failure, Rules};
use crate::model::ids::WebhookId;
use crate::model::limits::{
    ATTEMPTS_GATHERED_MAX, ATTEMPTS_IN_FLIGHT_DOUBTFUL_MAX, ATTEMPTS_IN_FLIGHT_FAILING_MAX, ATTEMPTS_IN_FLIGHT_MAX,
    ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX, ATTEMPTS_UNWRITTEN_MAX, ATTEMPTS_UNWRITTEN_PER_WEBHOOK_MAX,
    ATTEMPTS_WRITTEN_BESIDE_OTHERS, ATTEMPTS_WRITTEN_PACE, LEASE, PROBES_IN_FLIGHT_MAX,
};
use crate::model::webhook::Health;
use crate::outbound::{Request, Sender, Sent, compose};
use crate::sign;
use crate::store::{
    Attempted, Bounds, Claim, ClaimedDelivery, DeliveryClaim, Gather, Next, Recorded, Store, StoreError,
};
use crate::traces::{Stage, Traces};

/// Tells a receiver that the event did not happen: its owner tests the webhook.
const WEBHOOK_TEST: &str = "webhook-test";

/// The deliver loop's state.
pub struct Deliverer {
    parts: Arc<Parts>,
}

struct Parts {
    /// What was begun; closed where nothing more is to begin.
    tasks: TaskTracker,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    sender: Arc<Sender>,
    delays: Vec<Duration>,
    places: Semaphore,
    attempts: Mutex<HashMap<WebhookId, Attempts>>,
    /// Attempts of all webhooks that were answered and are not written down yet.
    unwritten: AtomicUsize,
    /// Attempts that are to be written down.
    ended: Gather<WebhookId, (Attempted, Flight)>,
    /// Told when an attempt has ended: its webhook may have more that is due.
    poke: Arc<Notify>,
    metrics: Arc<Metrics>,
    traces: Traces,
}

/// Attempts of one webhook.
#[derive(Clone, Copy, Debug, Default)]
struct Attempts {
    /// Under way.
    in_flight: u32,
    /// Answered, and not written down yet.
    unwritten: u32,
}

impl Deliverer {
    /// A deliverer that retries after `delays`, and tells `poke` whenever it has room again.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        sender: Arc<Sender>,
        delays: Vec<Duration>,
        poke: Arc<Notify>,
        metrics: Arc<Metrics>,
        traces: Traces,
    ) -> Self {
        let places = Semaphore::new(ATTEMPTS_IN_FLIGHT_MAX);
        let ended = Gather::new(Bounds {
            of_one: ATTEMPTS_WRITTEN_BESIDE_OTHERS,
            of_all: ATTEMPTS_GATHERED_MAX,
            pace: ATTEMPTS_WRITTEN_PACE,
        });
        let parts = Parts {
            tasks: TaskTracker::new(),
            store,
            clock,
            sender,
            delays,
            places,
            attempts: Mutex::default(),
            unwritten: AtomicUsize::new(0),
            ended,
            poke,
            metrics,
            traces,
        };
        Self { parts: Arc::new(parts) }
    }

    /// Claims what is due and there is room for, and begins to send it; how many deliveries that are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn step(&self) -> Result<usize, StoreError> {
        let parts = &self.parts;
        // Nobody else takes any, so these are there.
        let free = u32::try_from(parts.places.available_permits()).unwrap_or(u32::MAX);
        let mut places = parts.places.acquire_many(free).await.expect("the semaphore is never closed");
        let claimed = parts.store.claim_deliveries(parts.claim(free)).await?;
        failpoint::hit(Point::DeliveriesClaimed)?;
        let count = claimed.len();
        for delivery in claimed {
            let place = places.split(1).expect("no more is claimed than there are places");
            let flight = Flight::begin(parts, &delivery.webhook.id, place);
            let own = Arc::clone(parts);
            parts.tasks.spawn(async move { own.attempts_of_one(delivery, flight).await });
        }
        Ok(count)
    }

    /// Waits until what was begun is done, for at most `grace`; whether it is. Nothing more begins meanwhile.
    pub async fn drain(&self, grace: Duration) -> bool {
        let tasks = &self.parts.tasks;
        tasks.close();
        let is_done = tokio::time::timeout(grace, tasks.wait()).await.is_ok();
        tasks.reopen();
        is_done
    }
}

/// One attempt until it is written down: a place in all, and a share of its webhook's, until it has landed.
struct Flight {
    parts: Arc<Parts>,
    webhook: WebhookId,
    has_landed: bool,
}

impl Flight {
    fn begin(parts: &Arc<Parts>, webhook: &WebhookId, place: SemaphorePermit<'_>) -> Self {
        place.forget();
        parts.attempts().entry(webhook.clone()).or_default().in_flight += 1;
        parts.metrics.attempts_under_way.inc();
        Self::of(parts, webhook)
    }

    /// One that has its share and its place already.
    fn of(parts: &Arc<Parts>, webhook: &WebhookId) -> Self {
        Self { parts: Arc::clone(parts), webhook: webhook.clone(), has_landed: false }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.has_landed {
            self.parts.unwritten.fetch_sub(1, Ordering::Relaxed);
            self.parts.one_less(&self.webhook, |own| &mut own.unwritten);
        } else {
            drop(Share { parts: &self.parts, webhook: &self.webhook });
        }
    }
}

/// What an attempt has until it has landed: a share of its webhook's, and a place in all.
struct Share<'a> {
    parts: &'a Arc<Parts>,
    webhook: &'a WebhookId,
}

impl<'a> Share<'a> {
    /// The endpoint has answered, and can have the next request while this attempt is written down: how much it
    /// gets hangs on what it can take, and not on our disk. Only some, for all of them come twice if the process
    /// is killed now.
    fn left_by(flight: &mut Flight, parts: &'a Arc<Parts>, webhook: &'a WebhookId) -> Option<Self> {
        if parts.unwritten.load(Ordering::Relaxed) >= ATTEMPTS_UNWRITTEN_MAX {
            return None;
        }
        let mut attempts = parts.attempts();
        let own = attempts.get_mut(webhook).filter(|own| own.unwritten < ATTEMPTS_UNWRITTEN_PER_WEBHOOK_MAX)?;
        own.unwritten += 1;
        parts.unwritten.fetch_add(1, Ordering::Relaxed);
        flight.has_landed = true;
        Some(Self { parts, webhook })
    }

    /// Begins the next attempt of the webhook, if that is at hand and nobody waits for a place. Otherwise the next claim
    /// says who is served.
    fn take_next(self) -> Option<(ClaimedDelivery, Flight)> {
        let Self { parts, webhook } = self;
        if parts.tasks.is_closed() {
            return None;
        }
        let next = parts.store.claim_next(webhook, parts.clock.now(), LEASE)?;
        std::mem::forget(self);
        Some((next, Flight::of(parts, webhook)))
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.parts.one_less(self.webhook, |own| &mut own.in_flight);
        self.parts.metrics.attempts_under_way.dec();
        self.parts.places.add_permits(1);
        self.parts.poke.notify_one();
    }
}

impl Parts {
    /// As much as there is room for, where so many places are free.
    fn claim(&self, places: u32) -> DeliveryClaim {
        DeliveryClaim {
            claim: Claim { now: self.clock.now(), lease: LEASE, rows_max: places },
            per_webhook_max: ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX,
            per_unhealthy_max: PROBES_IN_FLIGHT_MAX,
            failing_max: ATTEMPTS_IN_FLIGHT_FAILING_MAX,
            doubtful_max: ATTEMPTS_IN_FLIGHT_DOUBTFUL_MAX,
            in_flight: self.attempts().iter().map(|(id, attempts)| (id.clone(), attempts.in_flight)).collect(),
        }
    }

    fn attempts(&self) -> MutexGuard<'_, HashMap<WebhookId, Attempts>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one attempt of a webhook less.
    fn one_less(&self, webhook: &WebhookId, count: impl FnOnce(&mut Attempts) -> &mut u32) {
        let mut attempts = self.attempts();
        let Some(own) = attempts.get_mut(webhook) else { return };
        *count(own) -= 1;
        if own.in_flight == 0 && own.unwritten == 0 {
            attempts.remove(webhook);
        }
    }

    /// Makes attempts of one webhook, one after the other, for as long as the next is at hand.
    async fn attempts_of_one(self: Arc<Self>, first: ClaimedDelivery, flight: Flight) {
        let mut next = Some((first, flight));
        while let Some((claimed, flight)) = next {
            next = self.attempt(&claimed, flight).await;
        }
    }

    /// Makes an attempt and hands over what came of it; the next one of the webhook that begins with its end.
    async fn attempt(
        self: &Arc<Self>,
        claimed: &ClaimedDelivery,
        mut flight: Flight,
    ) -> Option<(ClaimedDelivery, Flight)> {
        if let Err(injected) = failpoint::hit(Point::SendBegin) {
            tracing::error!(error = &injected as &dyn std::error::Error, "an attempt was not made");
            return None;
        }
        let started_at = self.clock.now();
        let began = Instant::now();
        let span = self.traces.begin(Stage::Attempt, &claimed.event);
        if claimed.delivery.attempt_count == 0 {
            self.metrics.first_attempt_wait.observe(started_at.since(claimed.delivery.created_at));
        }
        let sent = self.send(claimed, started_at).await;
        let took = began.elapsed();
        self.metrics.count_attempt(sent.error, took);
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let attempted = self.judge(claimed, sent, started_at, duration_ms);
        if let Some(mut span) = span {
            span.attempted(&claimed.delivery, &attempted.attempt, &claimed.webhook.url);
        }
        // What a failure means for the next attempt is known when it is written down, and how long one that is spared waits.
        let is_spared = claimed.webhook.trouble.recovered_at.is_some();
        let has_next = attempted.answer.failure.is_none() && claimed.webhook.health == Health::Healthy && !is_spared;
        let webhook = &claimed.webhook.id;
        let share = if has_next { Share::left_by(&mut flight, self, webhook) } else { None };
        // One that did not land keeps its share until it is written.
        let is_urgent = !flight.has_landed;
        if self.ended.add(webhook.clone(), (attempted, flight), is_urgent) {
            let own = Arc::clone(self);
            self.tasks.spawn(async move { own.write_what_ended().await });
        }
        share?.take_next()
    }

    /// Writes down what has ended, until nothing is left or others do.
    async fn write_what_ended(&self) {
        while let Some((ended, turn)) = self.ended.next().await {
            self.write(ended).await;
            drop(turn);
        }
    }

    /// Writes down what attempts came to.
    async fn write(&self, ended: Vec<(Attempted, Flight)>) {
        let (attempted, _flights): (Vec<_>, Vec<_>) = ended.into_iter().unzip();
        let attempted = Arc::from(attempted);
        match self.record(Arc::clone(&attempted)).await {
            // One that cannot be written must not take others with it.
            Err(StoreError::Internal(_)) if attempted.len() > 1 => {
                for one in attempted.iter() {
                    let one: Arc<[_]> = Arc::new([one.clone()]);
                    tell(&one, self.record(Arc::clone(&one)).await);
                }
            }
            recorded => tell(&attempted, recorded),
        }
    }

    async fn record(&self, attempted: Arc<[Attempted]>) -> Result<Vec<Recorded>, StoreError> {
        failpoint::hit(Point::Sent)?;
        let recorded = self.store.record_attempts(attempted).await?;
        failpoint::hit(Point::AttemptRecorded)?;
        Ok(recorded)
    }

    async fn send(&self, claimed: &ClaimedDelivery, at: Timestamp) -> Sent {
        let body = compose(&claimed.event, &claimed.snapshot);
        let mut signed = sign::headers(&claimed.secrets, claimed.delivery.id.as_str(), at.as_secs(), body.as_bytes());
        if claimed.delivery.is_test {
            signed.push((WEBHOOK_TEST, "true".to_owned()));
        }
        let webhook = &claimed.webhook;
        self.sender.send(Request { url: &webhook.url, headers: &webhook.headers, signed, body }).await
    }

    fn judge(&self, claimed: &ClaimedDelivery, sent: Sent, started_at: Timestamp, duration_ms: u64) -> Attempted {
        let now = self.clock.now();
        let number = claimed.delivery.attempt_count + 1;
        let retry_after = sent.retry_after.as_deref().and_then(|value| schedule::parse_retry_after(value, now));
        let result = schedule::Result { status: sent.status, error: sent.error, retry_after };
        let in_schedule = number.saturating_sub(claimed.delivery.attempts_before);
        // Nothing is spread after a success, and the kernel takes its time to be asked.
        let jitter = || if sent.error.is_some() { self.jitter() } else { 0.0 };
        let next = schedule::next(&result, in_schedule, &self.delays, now, jitter());
        let failure = sent.error.map(|error| {
            let (status, detail) = (sent.status, sent.error_detail.clone());
            Failure { error, status, detail, at: now }
        });
        Attempted {
            delivery_id: claimed.delivery.id.clone(),
            webhook_id: claimed.webhook.id.clone(),
            fence: claimed.fence,
            next,
            url: claimed.webhook.url.clone(),
            answer: Answer {
                failure,
                started_at,
                at: now,
                is_gone: schedule::is_gone(&result),
                is_exhausted: next == Next::Failed,
                asked_until: schedule::asked(&result).map(|asked| now + asked),
                jitter: jitter(),
            },
            rules: Rules::STANDARD,
            attempt: Attempt {
                number,
                started_at,
                duration_ms,
                status: sent.status,
                error: sent.error,
                error_detail: sent.error_detail,
                response: sent.response,
            },
        }
    }

    /// From 0 to 1.
    fn jitter(&self) -> f64 {
        f64::from(u32::from_be_bytes(random_bytes(self.clock.as_ref()))) / f64::from(u32::MAX)
    }
}

/// Tells of attempts that were not written down. Their leases end by themselves; the deliveries are then attempted again.
fn tell(attempted: &[Attempted], recorded: Result<Vec<Recorded>, StoreError>) {
    let ids = attempted.iter().map(|attempted| &attempted.delivery_id);
    match recorded {
        Ok(recorded) => {
            let lost = ids.zip(recorded).filter(|(_, recorded)| *recorded == Recorded::LeaseLost);
            lost.for_each(|(id, _)| tracing::warn!(delivery = %id, "the lease on a delivery was lost"));
        }
        Err(error) => ids.for_each(|id| {
            tracing::error!(delivery = %id, error = &error as &dyn std::error::Error, "an attempt was not written");
        }),
    }
}

#[cfg(test)]
mod tests;
