//! An event's way through the store: it is accepted, decided on and delivered.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use hooksieve::clock::{Clock, SystemClock, random_bytes};
use hooksieve::model::delivery::Attempt;
use hooksieve::model::event::{Event, EventDigest, EventType};
use hooksieve::model::health::{Answer, Rules};
use hooksieve::model::ids::{DeliveryId, EventId, ProjectId, UserId, WebhookId};
use hooksieve::model::limits::{DISPATCH_BATCH_MAX, DISPATCH_LEASE, LEASE};
use hooksieve::model::secret::Secret;
use hooksieve::model::snapshot::Snapshot;
use hooksieve::model::verdict::{Outcome, Verdict};
use hooksieve::model::webhook::Webhook;
use hooksieve::store::sqlite::{Create, OpenOptions, SqliteStore};
use hooksieve::store::{
    Accepted, Added, Attempted, Claim, ClaimedDelivery, ClaimedEvent, DeliveryClaim, Dispatched, NewDelivery, Next,
    Project, Recorded, SealingKey, Store, User,
};
use rustix::time::{ClockId, clock_gettime};

/// Webhooks, of which each event concerns two.
pub const WEBHOOKS: usize = 1_000;
/// Calls of the store that are under way at a time.
const AT_ONCE: usize = 64;
/// What the records of events weigh.
const RECORD_BYTES: usize = 1_000;

/// The pauses before the probes of a webhook that fails, which none does.
const PROBE_INTERVALS: [Duration; 1] = [Duration::from_secs(60)];

/// What one event cost in a stage.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    pub cpu_us: f64,
    wall_us: f64,
}

impl Cost {
    pub fn sum(costs: &[Self]) -> Self {
        let sum = |of: fn(&Self) -> f64| costs.iter().map(of).sum();
        Self { cpu_us: sum(|cost| cost.cpu_us), wall_us: sum(|cost| cost.wall_us) }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} ({:.0})", self.cpu_us, self.wall_us)
    }
}

/// A store as a host has it, with webhooks.
pub struct Host {
    pub store: Arc<SqliteStore>,
    webhooks: Vec<Arc<Webhook>>,
}

impl Host {
    /// Opens the database, or makes it with its webhooks.
    pub async fn open(data: &Path) -> Self {
        let store = SqliteStore::open(&OpenOptions {
            directory: data.to_owned(),
            create: Create::MayCreate,
            key: SealingKey::from_bytes([7; 32]),
            now: SystemClock.now(),
            metrics: Arc::default(),
        });
        let store = store.unwrap();
        let now = SystemClock.now();
        store.put_user(User { id: owner(), name: None }, now).await.unwrap();
        store.put_project(Project { id: project(), name: None, company_id: None }, now).await.unwrap();
        store.add_member(&project(), &owner()).await.unwrap();
        if store.count_webhooks(&owner()).await.unwrap() == 0 {
            let adding = (0..WEBHOOKS).map(|number| store.add_webhook(webhook(number), Secret::new("secret")));
            stream::iter(adding)
                .buffer_unordered(AT_ONCE)
                .for_each(async |added| assert_eq!(added.unwrap(), Added::Written))
                .await;
        }
        let webhooks = (0..WEBHOOKS).map(|number| Arc::new(webhook(number))).collect();
        Self { store, webhooks }
    }

    pub async fn close(self) {
        self.store.close().await.unwrap();
    }

    /// What accepting, deciding on and delivering so many events costs for one.
    pub async fn measure(&self, events: u32) -> [Cost; 3] {
        let accepting = (0..events).map(|_| self.accept());
        let accept = timed(events, stream::iter(accepting).buffer_unordered(AT_ONCE).count()).await;
        let decide = timed(events, self.decide_all(events)).await;
        let deliver = timed(events, self.deliver_all(events)).await;
        [accept, decide, deliver]
    }

    pub async fn accept(&self) {
        let accepted = self.store.accept_event(Arc::new(event()), EventDigest(random_bytes(&SystemClock))).await;
        assert_eq!(accepted.unwrap(), Accepted::New);
    }

    /// Decides on events until so many are decided on.
    pub async fn decide_all(&self, events: u32) -> usize {
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
        let number = claimed.stored.seq.0 as usize;
        let [owed, other] = [number, number + 1].map(|number| &self.webhooks[number % WEBHOOKS]);
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
                per_webhook_max: 8,
                per_unhealthy_max: 1,
                failing_max: 128,
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
        assert_eq!(self.store.record_attempt(attempted).await.unwrap(), Recorded::Written);
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
fn event() -> Event {
    let now = SystemClock.now();
    let id: String = random_bytes::<10>(&SystemClock).iter().map(|byte| format!("{byte:02x}")).collect();
    Event {
        id: EventId::parse(&id).unwrap(),
        event_type: EventType::parse("TODO_CREATED").unwrap(),
        company_id: None,
        project_id: project(),
        user_id: None,
        occurred_at: now,
        accepted_at: now,
        previous_value: "null".into(),
        current_value: format!(r#"{{"title":"{}"}}"#, "x".repeat(RECORD_BYTES)).into(),
        trace_parent: None,
    }
}

fn webhook(number: usize) -> Webhook {
    let id = WebhookId::parse(&format!("wh_{number:08}")).unwrap();
    let (url, beginning) = (format!("https://example.com/{number}"), hooksieve::model::Timestamp::from_millis(0));
    Webhook {
        events: vec![EventType::parse("TODO_CREATED").unwrap()],
        project_ids: vec![project()],
        ..Webhook::new(id, "00".into(), owner(), url, beginning)
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

fn project() -> ProjectId {
    ProjectId::parse("project-1").unwrap()
}

fn owner() -> UserId {
    UserId::parse("owner").unwrap()
}
