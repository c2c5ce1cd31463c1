//! What becomes of an outage, second by second, on a clock that is stepped.

use futures_util::future::join_all;

use super::*;
use crate::clock::ManualClock;
use crate::model::delivery::AttemptError;
use crate::model::event::{Event, EventDigest, EventType};
use crate::model::ids::{DeliveryId, EventId, ProjectId, UserId};
use crate::model::limits::RETRY_DELAYS;
use crate::model::secret::Secret;
use crate::model::snapshot::Snapshot;
use crate::model::webhook::Webhook;
use crate::store::sqlite::{Create, OpenOptions, SqliteStore};
use crate::store::{Added, Dispatched, NewDelivery, SealingKey};

const WEBHOOKS: usize = 1_250;
/// As many as may be under way at once: as soon as an endpoint answers again, all that it is owed comes at once.
const DUE_EACH: usize = ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX as usize;
const OUTAGE_SECS: u64 = 60;
/// The first probe comes within 45 s, the next within 90 s behind it.
const SECS: u64 = 140;

fn begin() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

/// Registers the webhooks, and owes events to each of them.
async fn owe(store: &dyn Store) {
    let webhooks: Vec<_> = (0..WEBHOOKS)
        .map(|number| {
            let (id, owner) = (WebhookId::parse(&format!("wh_{number}")).unwrap(), UserId::parse("u").unwrap());
            Webhook::new(id, "00".into(), owner, "https://example.com/".to_owned(), begin())
        })
        .collect();
    let adding = webhooks.iter().map(|webhook| store.add_webhook(webhook.clone(), Secret::new("secret")));
    join_all(adding).await.into_iter().for_each(|added| assert_eq!(added.unwrap(), Added::Written));
    for number in 0..DUE_EACH {
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
        let claimed = parts.store.claim_deliveries(parts.claim()).await.unwrap();
        if claimed.is_empty() {
            return (attempts, in_flight_max);
        }
        let mut under_way = Vec::with_capacity(claimed.len());
        for delivery in claimed {
            attempts += 1;
            under_way.push((Flight::begin(parts, &delivery.webhook.id).await, delivery));
        }
        let most = parts.attempts().values().map(|attempts| attempts.in_flight).max();
        in_flight_max = in_flight_max.max(most.unwrap_or(0));
        let ending = under_way.into_iter().map(async |(flight, delivery)| {
            let sent = match is_out {
                true => Sent { error: Some(AttemptError::Connect), ..Sent::default() },
                false => Sent { status: Some(204), ..Sent::default() },
            };
            let attempted = parts.judge(&delivery, sent, parts.clock.now(), 0);
            assert_eq!(parts.store.record_attempt(attempted).await.unwrap(), Recorded::Written);
            drop(flight);
        });
        join_all(ending).await;
    }
}

#[tokio::test]
async fn no_second_of_an_outage_has_a_twentieth_of_what_ten_thousand_deliveries_take_behind_its_first() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::new(begin())));
    let store = SqliteStore::open(&OpenOptions {
        directory: directory.path().to_owned(),
        create: Create::MayCreate,
        key: SealingKey::from_bytes([7; 32]),
        now: begin(),
        metrics: Arc::default(),
    });
    let (store, time): (Arc<dyn Store>, Arc<dyn Clock>) = (store.unwrap(), Arc::clone(&clock) as _);
    owe(&*store).await;
    let sender = Arc::new(Sender::to_nowhere());
    let deliverer =
        Deliverer::new(Arc::clone(&store), time, sender, RETRY_DELAYS.to_vec(), Arc::default(), Arc::default());

    let (mut attempts, mut in_flight_max) = (Vec::new(), 0);
    for second in 0..SECS {
        let (count, in_flight) = make_attempts(&deliverer.parts, second < OUTAGE_SECS).await;
        attempts.push(count);
        in_flight_max = in_flight_max.max(in_flight);
        clock.advance(Duration::from_secs(1));
    }

    // What was due at the beginning fails at once, until each endpoint is known to be down.
    let later = &attempts[1..];
    let (all, most): (usize, _) = (later.iter().sum(), later.iter().max().unwrap());
    assert!(all >= WEBHOOKS * DUE_EACH, "{all} attempts");
    assert!(most * 20 <= all, "{most} of {all} in one second: {attempts:?}");
    assert!(in_flight_max <= ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX, "{in_flight_max} for one webhook");
    assert_eq!(store.next_due().await.unwrap(), None, "nothing is owed any more");
}
