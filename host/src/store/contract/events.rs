//! Accepting, claiming and deciding on events.

use std::sync::Arc;

use super::samples::{
    accepted, add_webhooks, at, claim, delivery_id, digest, event, event_id, event_of_type, owe, owed, verdict,
};
use crate::model::delivery::DeliveryState;
use crate::model::event::Event;
use crate::model::limits::CLAIM_BYTES_MAX;
use crate::model::verdict::Outcome;
use crate::store::{Accepted, ClaimedEvent, Dispatched, Recorded, Store, StoreError};

fn claimed_names(claimed: &[ClaimedEvent]) -> Vec<&str> {
    claimed.iter().map(|row| row.stored.event.id.as_str()).collect()
}

async fn accept(store: &dyn Store, names: &[&str]) {
    for name in names {
        assert_eq!(store.accept_event(event(name), digest(0)).await.unwrap(), Accepted::New);
    }
}

pub(in crate::store) async fn an_event_is_accepted_once_and_another_with_its_id_conflicts(store: Arc<dyn Store>) {
    assert_eq!(store.accept_event(event("e"), digest(1)).await.unwrap(), Accepted::New);
    assert_eq!(store.accept_event(event("e"), digest(1)).await.unwrap(), Accepted::Duplicate);
    assert_eq!(store.accept_event(event("e"), digest(2)).await.unwrap(), Accepted::Conflict);
    assert_eq!(store.accept_event(event("f"), digest(1)).await.unwrap(), Accepted::New);

    let claimed = store.claim_events(claim(at(0), 10)).await.unwrap();
    assert_eq!(claimed_names(&claimed), ["e", "f"]);
}

pub(in crate::store) async fn an_accepted_event_reads_back_as_it_was(store: Arc<dyn Store>) {
    let bare = Event { company_id: None, user_id: None, ..event_of_type("bare", "B") };
    for event in [event("e"), Arc::new(bare)] {
        store.accept_event(Arc::clone(&event), digest(1)).await.unwrap();

        let stored = store.event(&event.id).await.unwrap().unwrap();
        assert_eq!(stored.event, event);
        assert!(!stored.is_dispatched);
    }
    assert_eq!(store.event(&event_id("other")).await.unwrap(), None);
}

pub(in crate::store) async fn events_are_claimed_oldest_first_and_by_one_claimant(store: Arc<dyn Store>) {
    accept(&*store, &["c", "a", "b"]).await;

    let first = store.claim_events(claim(at(0), 2)).await.unwrap();
    let second = store.claim_events(claim(at(0), 2)).await.unwrap();
    let third = store.claim_events(claim(at(0), 2)).await.unwrap();

    assert_eq!(claimed_names(&first), ["c", "a"]);
    assert_eq!(claimed_names(&second), ["b"]);
    assert!(third.is_empty());
}

pub(in crate::store) async fn a_lapsed_event_lease_is_claimed_again_under_a_larger_fence(store: Arc<dyn Store>) {
    accept(&*store, &["e"]).await;
    let first = store.claim_events(claim(at(0), 1)).await.unwrap().remove(0);

    assert!(store.claim_events(claim(at(59), 1)).await.unwrap().is_empty());
    let second = store.claim_events(claim(at(60), 1)).await.unwrap().remove(0);

    assert!(second.fence > first.fence);
    let decide =
        |fence| Dispatched { event: first.stored.seq, fence, verdicts: vec![], deliveries: vec![], compared: vec![] };
    assert_eq!(store.record_dispatch(decide(first.fence)).await.unwrap(), Recorded::LeaseLost);
    assert_eq!(store.record_dispatch(decide(second.fence)).await.unwrap(), Recorded::Written);
}

pub(in crate::store) async fn a_released_event_is_free_when_it_was_said_and_its_fence_is_void(store: Arc<dyn Store>) {
    let (event, fence) = accepted(&*store, "e").await;

    store.release_events(vec![(event, fence), (event, fence - 1)], at(5)).await.unwrap();

    let late = Dispatched { event, fence, verdicts: vec![], deliveries: vec![], compared: vec![] };
    assert_eq!(store.record_dispatch(late).await.unwrap(), Recorded::LeaseLost);
    assert!(store.claim_events(claim(at(4), 1)).await.unwrap().is_empty());
    let again = store.claim_events(claim(at(5), 1)).await.unwrap();
    assert!(again[0].fence > fence);
    store.release_events(vec![(event, fence)], at(5)).await.unwrap();
    assert!(store.claim_events(claim(at(5), 1)).await.unwrap().is_empty(), "an old fence releases nothing");
}

pub(in crate::store) async fn a_dispatched_event_has_its_verdicts_and_deliveries_and_is_not_claimed_again(
    store: Arc<dyn Store>,
) {
    add_webhooks(&*store, &["w"]).await;

    let event = owe(&*store, "e", &["w"], at(3)).await;

    assert!(store.event(&event_id("e")).await.unwrap().unwrap().is_dispatched);
    assert!(store.claim_events(claim(at(1_000), 1)).await.unwrap().is_empty());
    let verdicts = store.verdicts_on(event, None).await.unwrap();
    assert_eq!(verdicts[0].delivery_id, Some(delivery_id("e", "w")));
    let delivery = store.delivery(&delivery_id("e", "w")).await.unwrap().unwrap();
    assert_eq!((delivery.state, delivery.event_seq), (DeliveryState::Pending, event));
    assert_eq!((delivery.due_at, delivery.created_at, delivery.attempt_count), (at(3), at(3), 0));
    assert_eq!((delivery.event_id.as_str(), delivery.webhook_id.as_str()), ("e", "w"));
    assert_eq!(delivery.finished_at, None);
}

pub(in crate::store) async fn a_lost_event_lease_writes_nothing(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    let (event, fence) = accepted(&*store, "e").await;
    store.claim_events(claim(at(60), 1)).await.unwrap();

    let late = Dispatched {
        event,
        fence,
        verdicts: vec![verdict("w", Outcome::Delivered)],
        deliveries: vec![owed("e", "w", at(60))],
        compared: vec![],
    };

    assert_eq!(store.record_dispatch(late).await.unwrap(), Recorded::LeaseLost);
    assert!(store.verdicts_on(event, None).await.unwrap().is_empty());
    assert_eq!(store.delivery(&delivery_id("e", "w")).await.unwrap(), None);
    assert!(!store.event(&event_id("e")).await.unwrap().unwrap().is_dispatched);
}

pub(in crate::store) async fn a_dispatch_that_cannot_be_written_leaves_the_event_claimed(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    let (event, fence) = accepted(&*store, "e").await;
    let verdicts = vec![verdict("w", Outcome::Filtered), verdict("never_added", Outcome::Filtered)];

    let failed =
        store.record_dispatch(Dispatched { event, fence, verdicts, deliveries: vec![], compared: vec![] }).await;

    assert!(matches!(failed, Err(StoreError::Internal(_))), "{failed:?}");
    assert!(store.verdicts_on(event, None).await.unwrap().is_empty());
    let retried = Dispatched { event, fence, verdicts: vec![], deliveries: vec![], compared: vec![] };
    assert_eq!(store.record_dispatch(retried).await.unwrap(), Recorded::Written);
}

pub(in crate::store) async fn a_claim_stops_when_its_events_weigh_too_much(store: Arc<dyn Store>) {
    let heavy = "x".repeat(CLAIM_BYTES_MAX / 2 + 1).into_boxed_str();
    for name in ["a", "b", "c"] {
        let event = Event { current_value: heavy.clone(), ..event_of_type(name, "A") };
        store.accept_event(Arc::new(event), digest(0)).await.unwrap();
    }

    let first = store.claim_events(claim(at(0), 10)).await.unwrap();
    let second = store.claim_events(claim(at(0), 10)).await.unwrap();

    assert_eq!(claimed_names(&first), ["a", "b"]);
    assert_eq!(claimed_names(&second), ["c"]);
}

pub(in crate::store) async fn events_are_accepted_together_each_with_its_own_answer(store: Arc<dyn Store>) {
    accept(&*store, &["a"]).await;
    let posted = [("b", 1), ("a", 0), ("b", 1), ("a", 9), ("b", 2), ("c", 1)];
    let posted = posted.map(|(name, content)| (event(name), digest(content))).to_vec();

    let accepted = store.accept_events(posted).await.unwrap();

    use Accepted::{Conflict, Duplicate, New};
    assert_eq!(accepted, [New, Duplicate, Duplicate, Conflict, Conflict, New]);
    let claimed = store.claim_events(claim(at(0), 10)).await.unwrap();
    assert_eq!(claimed_names(&claimed), ["a", "b", "c"]);
    assert!(store.accept_events(Vec::new()).await.unwrap().is_empty());
}
