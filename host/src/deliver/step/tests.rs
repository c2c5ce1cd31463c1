//! What becomes of an outage, second by second, on a clock that is stepped.
//!
//! Every second counts from the end of the outage on, with all attempts that it has, whatever they are called: to an
//! endpoint that has just begun to answer, what waited and what is retried is the same.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use tempfile::TempDir;

use super::*;
use crate::clock::ManualClock;
use crate::model::delivery::{AttemptError, DeliveryState};
use crate::model::event::{Event, EventDigest, EventType};
use crate::model::ids::{DeliveryId, EventId, ProjectId, UserId};
use crate::model::limits::RETRY_DELAYS;
use crate::model::secret::Secret;
use crate::model::snapshot::Snapshot;
use crate::model::webhook::Webhook;
use crate::store::sqlite::{Create, OpenOptions, SqliteStore};
use crate::store::{Added, Dispatched, NewDelivery, SealingKey};

/// Deliveries that are due when the outage begins, to all webhooks together.
const DUE: usize = 10_000;
const OUTAGE: Duration = Duration::from_secs(60);

fn begin() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

/// A clock whose jitter is the same in every run. What many endpoints have together follows from it: probes are spread
/// over three quarters of a minute, some seconds with more luck than others.
struct Seeded {
    clock: ManualClock,
    state: AtomicU64,
}

impl Clock for Seeded {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let state = self.state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = (mixed >> 56) as u8;
        }
    }
}

/// Registers so many webhooks, and owes so many events to each of them.
async fn owe(store: &dyn Store, webhooks: usize, due_each: usize) {
    let webhooks: Vec<_> = (0..webhooks)
        .map(|number| {
            let (id, owner) = (WebhookId::parse(&format!("wh_{number}")).unwrap(), UserId::parse("u").unwrap());
            Webhook::new(id, "00".into(), owner, "https://example.com/".to_owned(), begin())
        })
        .collect();
    let adding = webhooks.iter().map(|webhook| store.add_webhook(webhook.clone(), Secret::new("secret")));
    join_all(adding).await.into_iter().for_each(|added| assert_eq!(added.unwrap(), Added::Written));
    for number in 0..due_each {
        let event = Arc::new(Event {
            id: EventId::parse(&format!("e{number}")).unwrap(),
            event_type: EventType::parse("TODO_CREATED").unwrap(),
            company_id: None,
            project_id: ProjectId::parse("p").unwrap(),
            user_id: None,
            occurred_at: begin(),
            accepted_at: begin(),
            previous_value: "null".into(),
            current_value: "{}".into(),
            trace_parent: None,
        });
        store.accept_event(Arc::clone(&event), EventDigest([0; 32])).await.unwrap();
        let claim = Claim { now: begin(), lease: LEASE, rows_max: 1 };
        let claimed = store.claim_events(claim).await.unwrap().remove(0);
        let owed = |webhook: &Webhook| NewDelivery {
            id: DeliveryId::of(&event, &webhook.id),
            webhook_id: webhook.id.clone(),
            snapshot: Arc::new(Snapshot::of(webhook)),
            created_at: begin(),
        };
        let (event, fence) = (claimed.stored.seq, claimed.fence);
        let deliveries = webhooks.iter().map(owed).collect();
        store
            .record_dispatch(Dispatched { event, fence, verdicts: vec![], deliveries, compared: vec![] })
            .await
            .unwrap();
    }
}

/// Makes all attempts that can be made at the clock's time, each of which ends at once; how many these are, and the
/// most that one webhook had under way.
async fn make_attempts(parts: &Arc<Parts>, is_out: bool) -> (usize, u32) {
    let (mut attempts, mut in_flight_max) = (0, 0);
    loop {
        let places = u32::try_from(parts.places.available_permits()).unwrap();
        let claimed = parts.store.claim_deliveries(parts.claim(places)).await.unwrap();
        if claimed.is_empty() {
            return (attempts, in_flight_max);
        }
        let mut under_way = Vec::with_capacity(claimed.len());
        for delivery in claimed {
            attempts += 1;
            let place = parts.places.try_acquire().unwrap();
            under_way.push((Flight::begin(parts, &delivery.webhook.id, place), delivery));
        }
        let most = parts.attempts().values().map(|attempts| attempts.in_flight).max();
        in_flight_max = in_flight_max.max(most.unwrap_or(0));
        let ended = under_way.into_iter().map(|(flight, delivery)| {
            let sent = match is_out {
                true => Sent { error: Some(AttemptError::Connect), ..Sent::default() },
                false => Sent { status: Some(204), ..Sent::default() },
            };
            (parts.judge(&delivery, sent, parts.clock.now(), 0), flight)
        });
        let (attempted, flights): (Vec<_>, Vec<_>) = ended.unzip();
        let recorded = parts.store.record_attempts(Arc::from(attempted)).await.unwrap();
        assert!(recorded.iter().all(|recorded| *recorded == Recorded::Written));
        drop(flights);
    }
}

/// A deliverer that owes something.
struct Owing {
    clock: Arc<Seeded>,
    deliverer: Deliverer,
    _directory: TempDir,
}

/// One that owes so many webhooks so many deliveries each.
async fn owing(webhooks: usize, due_each: usize) -> Owing {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(Seeded { clock: ManualClock::new(begin()), state: AtomicU64::new(1) });
    let store = SqliteStore::open(&OpenOptions {
        directory: directory.path().to_owned(),
        create: Create::MayCreate,
        key: SealingKey::from_bytes([7; 32]),
        now: begin(),
        metrics: Arc::default(),
    });
    let (store, time): (Arc<dyn Store>, Arc<dyn Clock>) = (store.unwrap(), Arc::clone(&clock) as _);
    owe(&*store, webhooks, due_each).await;
    let sender = Arc::new(Sender::to_nowhere());
    let (delays, traces) = (RETRY_DELAYS.to_vec(), Traces::default());
    let deliverer = Deliverer::new(store, time, sender, delays, Arc::default(), Arc::default(), traces);
    Owing { clock, deliverer, _directory: directory }
}

/// Attempts by second from the beginning of an outage until nothing is owed, and the most that one webhook had under
/// way at a time.
async fn outage(webhooks: usize) -> (Vec<usize>, u32) {
    let Owing { clock, deliverer, _directory } = owing(webhooks, DUE / webhooks).await;
    let store = &deliverer.parts.store;
    let (mut seconds, mut in_flight_max) = (Vec::new(), 0);
    loop {
        let passed = clock.now().since(begin());
        let (count, in_flight) = make_attempts(&deliverer.parts, passed < OUTAGE).await;
        let second = usize::try_from(passed.as_secs()).unwrap();
        seconds.resize(seconds.len().max(second + 1), 0);
        seconds[second] += count;
        in_flight_max = in_flight_max.max(in_flight);
        // As the loop does: it rests until something is due and nothing holds it back.
        let Some(due) = store.next_due().await.unwrap() else { return (seconds, in_flight_max) };
        clock.clock.advance(due.since(clock.now()));
    }
}

/// No second from the end of the outage on has more than 5% of what was due, and nothing is left.
async fn assert_spread(webhooks: usize) {
    let (seconds, in_flight_max) = outage(webhooks).await;

    let later = &seconds[usize::try_from(OUTAGE.as_secs()).unwrap()..];
    let (all, most): (usize, _) = (later.iter().sum(), later.iter().max().unwrap());
    println!("{webhooks} webhooks: at most {most} attempts a second, the last in second {}", seconds.len());
    assert!(all >= DUE, "{all} attempts");
    assert!(most * 20 <= DUE, "{most} in one second: {later:?}");
    assert!(in_flight_max <= ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX, "{in_flight_max} for one webhook");
}

#[tokio::test]
async fn one_endpoint_with_ten_thousand_due_gets_no_twentieth_of_them_in_any_second_after_an_outage() {
    assert_spread(1).await;
}

#[tokio::test]
async fn eight_endpoints_with_ten_thousand_due_get_no_twentieth_of_them_in_any_second_after_an_outage() {
    assert_spread(8).await;
}

#[tokio::test]
async fn a_thousand_endpoints_with_ten_thousand_due_get_no_twentieth_of_them_in_any_second_after_an_outage() {
    assert_spread(1_250).await;
}

#[tokio::test]
async fn an_attempt_that_cannot_be_written_takes_none_with_it_that_is_written_together_with_it() {
    let Owing { clock, deliverer, _directory } = owing(2, 1).await;
    let parts = &deliverer.parts;
    let judge = |delivery: &ClaimedDelivery, sent| parts.judge(delivery, sent, clock.now(), 0);
    let claimed = parts.store.claim_deliveries(parts.claim(9)).await.unwrap();
    let failed = judge(&claimed[0], Sent { error: Some(AttemptError::Connect), ..Sent::default() });
    parts.store.record_attempts(Arc::new([failed])).await.unwrap();
    clock.clock.advance(2 * RETRY_DELAYS[0]);
    let again = parts.store.claim_deliveries(parts.claim(9)).await.unwrap().remove(0);
    let succeeded = || Sent { status: Some(204), ..Sent::default() };
    let mut spoiled = judge(&again, succeeded());
    // The log has this one already.
    spoiled.attempt.number = 1;
    let mut ended = Vec::new();
    for attempted in [spoiled, judge(&claimed[1], succeeded())] {
        let flight = Flight::begin(parts, &attempted.webhook_id, parts.places.try_acquire().unwrap());
        ended.push((attempted, flight));
    }

    parts.write(ended).await;

    let mut states = Vec::new();
    for delivery in &claimed {
        states.push(parts.store.delivery(&delivery.delivery.id).await.unwrap().unwrap().state);
    }
    assert_eq!(states, [DeliveryState::Pending, DeliveryState::Delivered]);
    assert_eq!(parts.places.available_permits(), ATTEMPTS_IN_FLIGHT_MAX, "both have left their places");
}

#[tokio::test]
async fn an_attempt_that_has_landed_hands_its_place_to_the_next_of_its_webhook() {
    let Owing { clock, deliverer, _directory } = owing(1, 3).await;
    let parts = &deliverer.parts;
    let one = || DeliveryClaim { per_webhook_max: 1, ..parts.claim(9) };
    let first = parts.store.claim_deliveries(one()).await.unwrap().remove(0);
    let delivered = parts.judge(&first, Sent { status: Some(204), ..Sent::default() }, clock.now(), 0);
    parts.store.record_attempts(Arc::new([delivered])).await.unwrap();
    let webhook = &first.webhook.id;
    let second = parts.store.claim_deliveries(one()).await.unwrap().remove(0);
    let land = || {
        let mut flight = Flight::begin(parts, webhook, parts.places.try_acquire().unwrap());
        let next = Share::left_by(&mut flight, parts, webhook).unwrap().take_next();
        (flight, next)
    };
    let state = || {
        let counts = parts.attempts().get(webhook).map(|own| (own.in_flight, own.unwritten));
        (counts, ATTEMPTS_IN_FLIGHT_MAX - parts.places.available_permits(), parts.unwritten.load(Ordering::Relaxed))
    };

    parts.tasks.close();
    let (at_the_end, none_at_the_end) = land();
    parts.tasks.reopen();
    let after_the_end = state();
    let (landed, next) = land();
    let (third, flight) = next.unwrap();
    let handed_on = state();
    let (last, nothing_left) = land();

    assert!(none_at_the_end.is_none() && nothing_left.is_none());
    assert_eq!((after_the_end, handed_on), ((Some((0, 1)), 0, 1), (Some((1, 2)), 1, 2)));
    assert!(third.delivery.id != second.delivery.id && third.fence > second.fence);
    drop((at_the_end, landed, last));
    assert_eq!(state(), (Some((1, 0)), 1, 0), "one is under way");
    drop(flight);
    assert_eq!(state(), (None, 0, 0));
}

#[tokio::test]
async fn who_may_have_no_more_unwritten_keeps_the_place_until_it_is_written() {
    let Owing { deliverer, _directory, .. } = owing(1, 1).await;
    let parts = &deliverer.parts;
    let webhook = WebhookId::parse("wh_0").unwrap();
    let begin = |_| Flight::begin(parts, &webhook, parts.places.try_acquire().unwrap());
    let mut flights: Vec<_> = (0..=ATTEMPTS_UNWRITTEN_PER_WEBHOOK_MAX).map(begin).collect();

    let landed = flights.iter_mut().filter_map(|flight| Share::left_by(flight, parts, &webhook)).count();
    let of_all = parts.unwritten.swap(ATTEMPTS_UNWRITTEN_MAX, Ordering::Relaxed);
    let other = WebhookId::parse("wh_1").unwrap();
    let mut flight = Flight::begin(parts, &other, parts.places.try_acquire().unwrap());

    assert!(Share::left_by(&mut flight, parts, &other).is_none(), "so many are unwritten in all");
    assert_eq!((landed, of_all), (flights.len() - 1, flights.len() - 1));
    assert_eq!(parts.places.available_permits(), ATTEMPTS_IN_FLIGHT_MAX - 2);
}
