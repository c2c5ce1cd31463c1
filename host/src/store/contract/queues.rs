//! What waits, as whoever watches the host is told.

use std::sync::Arc;
use std::time::Duration;

use super::samples::{add_webhooks, at, delivery_claim, digest, event, owe, secret, webhook, webhook_id};
use crate::metrics::{Queues, WebhookCounts};
use crate::model::webhook::{Health, Webhook};
use crate::store::{Store, Updated};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(in crate::store) async fn what_waits_is_counted_with_its_age(store: Arc<dyn Store>) {
    assert_eq!(store.queues(at(9)).await.unwrap(), Queues::default());
    add_webhooks(&*store, &["w", "v"]).await;
    owe(&*store, "e1", &["w", "v"], at(3)).await;
    owe(&*store, "e2", &["w"], at(5)).await;
    for name in ["e3", "e4"] {
        store.accept_event(event(name), digest(1)).await.unwrap();
    }

    let before = store.queues(at(9)).await.unwrap();
    // What is under way still waits.
    store.claim_deliveries(delivery_claim(at(9), 1, 1)).await.unwrap();
    let after = store.queues(at(9)).await.unwrap();

    // The samples were accepted at 0.
    let webhooks = WebhookCounts { healthy: 2, ..WebhookCounts::default() };
    let expected =
        Queues { events_waiting: 2, events_age: secs(9), deliveries_due: 3, deliveries_age: secs(6), webhooks };
    assert_eq!(before, expected);
    assert_eq!(after, expected);
}

pub(in crate::store) async fn webhooks_are_counted_by_their_health(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["healthy", "disabled", "deleted"]).await;
    store.add_webhook(Webhook { health: Health::Unhealthy, ..webhook("unhealthy") }, secret()).await.unwrap();
    store.disable_webhook(&webhook_id("disabled"), at(1)).await.unwrap();
    store.delete_webhook(&webhook_id("deleted"), at(1)).await.unwrap();

    let counted = store.queues(at(2)).await.unwrap().webhooks;

    assert_eq!(counted, WebhookCounts { healthy: 1, unhealthy: 1, disabled: 1 });
}

pub(in crate::store) async fn what_rests_or_is_not_due_does_not_count(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["later", "resting"]).await;
    owe(&*store, "e1", &["later"], at(60)).await;
    owe(&*store, "e2", &["resting"], at(1)).await;
    let disabled = Webhook { is_enabled: false, version: 2, ..webhook("resting") };
    assert_eq!(store.update_webhook(1, disabled).await.unwrap(), Updated::Written);

    // That the webhook was disabled is an event of its own, which waits for dispatch.
    let due = async |when| {
        let queues = store.queues(at(when)).await.unwrap();
        (queues.deliveries_due, queues.deliveries_age)
    };
    assert_eq!(due(9).await, (0, secs(0)));
    assert_eq!(due(61).await, (1, secs(1)));
}
