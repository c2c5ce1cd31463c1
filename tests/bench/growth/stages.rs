//! An event's way through the store, by calls in this process: it is accepted, decided on and delivered. It tells where
//! the growth of the whole event comes from.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use hooksieve::clock::{Clock, SystemClock, random_bytes};
use hooksieve::model::delivery::Attempt;
use hooksieve::model::event::{Event, EventDigest, EventType};
use hooksieve::model::health::{Answer, Rules};
use hooksieve::model::ids::{DeliveryId, EventId, ProjectId, UserId};
use hooksieve::model::limits::{
    ATTEMPTS_IN_FLIGHT_DOUBTFUL_MAX, ATTEMPTS_IN_FLIGHT_FAILING_MAX, ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX,
    DISPATCH_BATCH_MAX, DISPATCH_LEASE, LEASE, PROBES_IN_FLIGHT_MAX,
};
use hooksieve::model::snapshot::Snapshot;
use hooksieve::model::verdict::{Outcome, Verdict};
use hooksieve::model::webhook::Webhook;
use hooksieve::store::sqlite::{Create, OpenOptions, SqliteStore};
use hooksieve::store::{
    Accepted, Attempted, Claim, ClaimedDelivery, ClaimedEvent, DeliveryClaim, Dispatched, NewDelivery, Next,
    PageRequest, Recorded, SealingKey, Store,
};
use rustix::time::{ClockId, clock_gettime};

use crate::rig::stage::USER;
use crate::world::{HELD, SEALING_KEY, WEBHOOKS, number_of, project, random};

/// Calls of the store that are under way at a time.
const AT_ONCE: usize = 64;
/// What the records of events weigh.
const RECORD_BYTES: usize = 1_000;

/// The pauses before the probes of a webhook that fails, which none does.
const PROBE_INTERVALS: [Duration; 1] = [Duration::from_secs(60)];

/// What one event cost in a stage.
pub struct Cost {
    cpu_us: f64,
    wall_us: f64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} ({:.0})", self.cpu_us, self.wall_us)
    }
}

/// A host's store, without the host.
pub struct Host {
    pub store: Arc<SqliteStore>,
    webhooks: Vec<Arc<Webhook>>,
    accepted: AtomicUsize,
}

/// What the stages of one event cost at a host that does not run.
pub async fn measure(data: &Path, events: u32) -> [Cost; 3] {
    let host = Host::open(data).await;
    // The first ones read what was never read since the start.
    host.measure(events / 5).await;
    let costs = host.measure(events).await;
    host.close().await;
    costs
}

impl Host {
    /// Opens the database of a host that does not run and has its webhooks.
    pub async fn open(data: &Path) -> Self {
        let store = SqliteStore::open(&OpenOptions {
            directory: data.to_owned(),
            create: Create::MustExist,
            key: SealingKey::parse(SEALING_KEY).unwrap(),
            now: SystemClock.now(),
            metrics: Arc::default(),
        });
        let store = store.unwrap();
        let all = PageRequest { items_max: (WEBHOOKS + HELD) as u32, after: None };
        let mut webhooks = store.webhooks(&UserId::parse(USER).unwrap(), all).await.unwrap().items;
        // The newest is the first of the list, and those that are held came last.
        webhooks.reverse();
        assert_eq!(webhooks.len(), WEBHOOKS + HELD);
        webhooks.truncate(WEBHOOKS);
        Self { store, webhooks, accepted: AtomicUsize::new(0) }
    }

    pub async fn close(self) {
        self.store.close().await.unwrap();
    }

    /// What accepting, deciding on and delivering so many events costs for one.
    async fn measure(&self, events: u32) -> [Cost; 3] {
        let accepting = (0..events).map(|_| self.accept());
        let accept = timed(events, stream::iter(accepting).buffer_unordered(AT_ONCE).count()).await;
        let decide = timed(events, self.decide_all(events)).await;
        let deliver = timed(events, self.deliver_all(events)).await;
        [accept, decide, deliver]
    }

    pub async fn accept(&self) {
        let number = self.accepted.fetch_add(1, Ordering::Relaxed);
        let accepted = self.store.accept_event(Arc::new(event(number)), EventDigest(random_bytes(&SystemClock))).await;
        assert_eq!(accepted.unwrap(), Accepted::New);
    }

    /// Decides on events until so many are decided on.
    async fn decide_all(&self, events: u32) -> usize {
        let mut decided = 0;
        while decided < events as usize {
            let claim = Claim { now: SystemClock.now(), lease: DISPATCH_LEASE, rows_max: DISPATCH_BATCH_MAX };
            let claimed = self.store.claim_events(claim).await.unwrap();
            assert!(!claimed.is_empty(), "all of them wait");
            decided += claimed.len();
            let deciding = claimed.into_iter().map(|event| self.decide(event));
            stream::iter(deciding).buffer_unordered(AT_ONCE).count().await;
        }
        decided
    }

    async fn decide(&self, claimed: ClaimedEvent) {
        let now = SystemClock.now();
        let number = number_of(claimed.stored.event.project_id.as_str());
        let [owed, other] = [number, number + WEBHOOKS - 1].map(|number| &self.webhooks[number % WEBHOOKS]);
        let id = DeliveryId::of(&claimed.stored.event, &owed.id);
        let delivered = Verdict { delivery_id: Some(id.clone()), ..verdict(owed, Outcome::Delivered) };
        let filtered =
            Verdict { reason: Some("the record is not done".to_owned()), ..verdict(other, Outcome::Filtered) };
        let dispatched = Dispatched {
            event: claimed.stored.seq,
            fence: claimed.fence,
            verdicts: vec![delivered, filtered],
            deliveries: vec![NewDelivery {
                id,
                webhook_id: owed.id.clone(),
                snapshot: Arc::new(Snapshot::of(owed)),
                created_at: now,
            }],
            compared: Vec::new(),
        };
        assert_eq!(self.store.record_dispatch(dispatched).await.unwrap(), Recorded::Written);
    }

    async fn deliver_all(&self, events: u32) -> usize {
        let mut delivered = 0;
        while delivered < events as usize {
            let claim = DeliveryClaim {
                claim: Claim { now: SystemClock.now(), lease: LEASE, rows_max: 256 },
                per_webhook_max: ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX,
                per_unhealthy_max: PROBES_IN_FLIGHT_MAX,
                failing_max: ATTEMPTS_IN_FLIGHT_FAILING_MAX,
                doubtful_max: ATTEMPTS_IN_FLIGHT_DOUBTFUL_MAX,
                in_flight: Vec::new(),
            };
            let claimed = self.store.claim_deliveries(claim).await.unwrap();
            assert!(!claimed.is_empty(), "all of them are due");
            delivered += claimed.len();
            let recording = claimed.into_iter().map(|delivery| self.deliver(delivery));
            stream::iter(recording).buffer_unordered(AT_ONCE).count().await;
        }
        delivered
    }

    async fn deliver(&self, claimed: ClaimedDelivery) {
        let now = SystemClock.now();
        let attempted = Attempted {
            delivery_id: claimed.delivery.id.clone(),
            webhook_id: claimed.webhook.id.clone(),
            fence: claimed.fence,
            attempt: Attempt {
                number: 1,
                started_at: now,
                duration_ms: 5,
                status: Some(200),
                error: None,
                error_detail: None,
                response: b"ok".to_vec(),
            },
            next: Next::Delivered,
            url: claimed.webhook.url.clone(),
            answer: Answer {
                failure: None,
                started_at: now,
                at: now,
                is_gone: false,
                is_exhausted: false,
                asked_until: None,
                jitter: 0.0,
            },
            rules: Rules {
                failures_until_unhealthy: 5,
                probe_intervals: &PROBE_INTERVALS,
                disabled_after: Duration::from_secs(5 * 86_400),
            },
        };
        assert_eq!(self.store.record_attempts(Arc::new([attempted])).await.unwrap(), [Recorded::Written]);
    }
}

async fn timed(events: u32, work: impl Future<Output = usize>) -> Cost {
    let (cpu, began) = (cpu_time(), Instant::now());
    assert_eq!(work.await, events as usize);
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(events);
    Cost { cpu_us: each(cpu_time() - cpu), wall_us: each(began.elapsed()) }
}

/// The processor time of this process.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}

/// An event like those that are there, under a random id.
fn event(number: usize) -> Event {
    let now = SystemClock.now();
    Event {
        id: EventId::parse(&random::<10>()).unwrap(),
        event_type: EventType::parse("TODO_CREATED").unwrap(),
        company_id: None,
        project_id: ProjectId::parse(&project(number)).unwrap(),
        user_id: None,
        occurred_at: now,
        accepted_at: now,
        previous_value: "null".into(),
        current_value: format!(r#"{{"title":"{}"}}"#, "x".repeat(RECORD_BYTES)).into(),
        trace_parent: None,
    }
}

fn verdict(webhook: &Webhook, outcome: Outcome) -> Verdict {
    Verdict {
        webhook_id: webhook.id.clone(),
        outcome,
        reason: None,
        reason_class: None,
        filter_digest: None,
        fuel: None,
        duration_us: None,
        delivery_id: None,
        decided_at: SystemClock.now(),
        first_decided_at: None,
    }
}
