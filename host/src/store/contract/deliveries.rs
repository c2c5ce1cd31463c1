//! Claiming deliveries and recording attempts.

use std::collections::HashSet;
use std::sync::Arc;

use super::samples::{
    add_webhooks, at, attempted, claim_one, delivery_claim, delivery_id, event, names, owe, record_attempt, secret,
    webhook, webhook_id,
};
use crate::model::delivery::DeliveryState;
use crate::model::snapshot::Snapshot;
use crate::model::webhook::{PayloadFormat, Webhook};
use crate::store::{Next, Recorded, Store};

pub(in crate::store) async fn a_claimed_delivery_has_all_that_an_attempt_needs(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;

    let claimed = claim_one(&*store, at(0)).await;

    assert_eq!(claimed.event, event("e"));
    assert_eq!(*claimed.webhook, webhook("w"));
    assert_eq!(claimed.secrets.iter().map(|secret| secret.expose()).collect::<Vec<_>>(), [secret().expose()]);
    let object = r#"{"id":"w"}"#.into();
    assert_eq!(*claimed.snapshot, Snapshot { version: 1, format: PayloadFormat::Full, object });
    let delivery = store.delivery(&delivery_id("e", "w")).await.unwrap().unwrap();
    assert_eq!(claimed.delivery, delivery);
}

pub(in crate::store) async fn a_delivery_belongs_to_one_claimant_until_its_lease_ends(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    let first = claim_one(&*store, at(0)).await;

    assert!(store.claim_deliveries(delivery_claim(at(59), 9, 9)).await.unwrap().is_empty());
    let second = claim_one(&*store, at(60)).await;

    assert!(second.fence > first.fence);
}

pub(in crate::store) async fn an_old_fence_records_no_attempt(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    let first = claim_one(&*store, at(0)).await;
    let second = claim_one(&*store, at(60)).await;

    let late = record_attempt(&*store, attempted(&first, Next::Failed, at(61))).await.unwrap();

    assert_eq!(late, Recorded::LeaseLost);
    assert!(store.attempts(&first.delivery.id).await.unwrap().is_empty());
    assert_eq!(store.webhook(&webhook_id("w")).await.unwrap().unwrap().failures_in_a_row, 0);
    let done = attempted(&second, Next::Delivered, at(61));
    assert_eq!(record_attempt(&*store, done.clone()).await.unwrap(), Recorded::Written);
    assert_eq!(record_attempt(&*store, done).await.unwrap(), Recorded::LeaseLost, "an attempt is recorded once");
}

pub(in crate::store) async fn a_released_delivery_is_free_at_once_and_its_fence_is_void(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    let first = claim_one(&*store, at(0)).await;

    store.release_deliveries(vec![(first.delivery.id.clone(), first.fence)]).await.unwrap();

    let late = record_attempt(&*store, attempted(&first, Next::Delivered, at(0))).await.unwrap();
    assert_eq!(late, Recorded::LeaseLost);
    let second = claim_one(&*store, at(0)).await;
    assert_eq!(second.delivery.attempt_count, 0);
    store.release_deliveries(vec![(first.delivery.id, first.fence)]).await.unwrap();
    let third = store.claim_deliveries(delivery_claim(at(0), 9, 9)).await.unwrap();
    assert!(third.is_empty(), "an old fence releases nothing");
}

pub(in crate::store) async fn a_retry_is_due_when_it_was_scheduled(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    let first = claim_one(&*store, at(0)).await;

    let recorded = record_attempt(&*store, attempted(&first, Next::RetryAt(at(30)), at(1))).await.unwrap();

    assert_eq!(recorded, Recorded::Written);
    assert_eq!(store.next_due().await.unwrap(), Some(at(30)));
    assert!(store.claim_deliveries(delivery_claim(at(29), 9, 9)).await.unwrap().is_empty());
    let second = claim_one(&*store, at(30)).await;
    assert_eq!((second.delivery.attempt_count, second.delivery.due_at), (1, at(30)));
    assert_eq!(second.delivery.state, DeliveryState::Pending);
}

pub(in crate::store) async fn a_finished_delivery_is_never_claimed_again(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    for (name, next, state) in
        [("d", Next::Delivered, DeliveryState::Delivered), ("f", Next::Failed, DeliveryState::Failed)]
    {
        owe(&*store, name, &["w"], at(0)).await;
        let claimed = claim_one(&*store, at(0)).await;
        record_attempt(&*store, attempted(&claimed, next, at(7))).await.unwrap();

        let delivery = store.delivery(&claimed.delivery.id).await.unwrap().unwrap();
        assert_eq!((delivery.state, delivery.finished_at, delivery.attempt_count), (state, Some(at(7)), 1));
        assert!(store.claim_deliveries(delivery_claim(at(9_999), 9, 9)).await.unwrap().is_empty());
        assert_eq!(store.next_due().await.unwrap(), None);
    }
}

pub(in crate::store) async fn deliveries_of_a_disabled_webhook_rest_until_it_is_enabled(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    let disabled = Webhook { is_enabled: false, version: 2, ..webhook("w") };
    store.update_webhook(1, disabled).await.unwrap();

    assert!(store.claim_deliveries(delivery_claim(at(9), 9, 9)).await.unwrap().is_empty());
    store.update_webhook(2, Webhook { version: 3, ..webhook("w") }).await.unwrap();

    assert_eq!(claim_one(&*store, at(9)).await.delivery.id, delivery_id("e", "w"));
}

pub(in crate::store) async fn a_deleted_webhook_takes_the_lease_from_whoever_attempts(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    let claimed = claim_one(&*store, at(0)).await;

    store.delete_webhook(&webhook_id("w"), at(1)).await.unwrap();

    let late = record_attempt(&*store, attempted(&claimed, Next::Delivered, at(2))).await.unwrap();
    assert_eq!(late, Recorded::LeaseLost);
    let delivery = store.delivery(&claimed.delivery.id).await.unwrap().unwrap();
    assert_eq!(delivery.state, DeliveryState::Canceled);
}

pub(in crate::store) async fn the_snapshot_of_the_decision_stays_when_the_webhook_changes(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    let moved = Webhook { url: "https://new.example.com".into(), version: 2, ..webhook("w") };
    store.update_webhook(1, moved).await.unwrap();

    let claimed = claim_one(&*store, at(0)).await;

    assert_eq!((claimed.snapshot.version, claimed.webhook.version), (1, 2));
    assert_eq!(claimed.webhook.url, "https://new.example.com");
}

pub(in crate::store) async fn next_due_is_the_earliest_due_time_or_end_of_a_lease(store: Arc<dyn Store>) {
    assert_eq!(store.next_due().await.unwrap(), None);
    add_webhooks(&*store, &["v", "w"]).await;
    owe(&*store, "later", &["v"], at(500)).await;
    assert_eq!(store.next_due().await.unwrap(), Some(at(500)));
    owe(&*store, "sooner", &["w"], at(100)).await;
    assert_eq!(store.next_due().await.unwrap(), Some(at(100)));

    let claimed = claim_one(&*store, at(100)).await;
    assert_eq!(store.next_due().await.unwrap(), Some(at(160)), "when the lease ends");

    owe(&*store, "last", &["w"], at(130)).await;
    assert_eq!(store.next_due().await.unwrap(), Some(at(130)));
    store.release_deliveries(vec![(claimed.delivery.id, claimed.fence)]).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(100)));
}

pub(in crate::store) async fn next_due_ignores_disabled_webhooks(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["v", "w"]).await;
    owe(&*store, "e", &["v"], at(5)).await;
    owe(&*store, "f", &["w"], at(7)).await;

    store.update_webhook(1, Webhook { is_enabled: false, version: 2, ..webhook("v") }).await.unwrap();

    assert_eq!(store.next_due().await.unwrap(), Some(at(7)));
}

pub(in crate::store) async fn concurrent_claims_never_share_a_delivery(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["v", "w"]).await;
    for number in 0..30 {
        owe(&*store, &format!("e{number}"), &["v", "w"], at(0)).await;
    }

    let claiming: Vec<_> = (0..20)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.claim_deliveries(delivery_claim(at(0), 3, 60)).await })
        })
        .collect();
    let mut claimed = Vec::new();
    for claim in claiming {
        claimed.extend(claim.await.unwrap().unwrap());
    }

    let distinct: HashSet<_> = names(&claimed).into_iter().collect();
    assert_eq!(distinct.len(), claimed.len());
    let rest = store.claim_deliveries(delivery_claim(at(0), 60, 60)).await.unwrap();
    assert_eq!(claimed.len() + rest.len(), 60, "none is lost");
}
