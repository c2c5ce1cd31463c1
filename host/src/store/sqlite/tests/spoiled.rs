//! Rows that somebody spoiled stop only what hangs on them.

use super::opened;
use crate::model::delivery::{AttemptError, DeliveryState};
use crate::model::secret::Secret;
use crate::store::contract::samples::{
    add_webhooks, at, attempted, delivery_claim, delivery_id, names, owe, record_attempt, webhook_id,
};
use crate::store::{Next, Rotated, Rotation, Store};

/// What can be spoiled of the delivery of `e` to `bad`.
const SPOILING: [&str; 9] = [
    "UPDATE webhook_secrets SET sealed = zeroblob(80) WHERE webhook_seq = 1",
    "UPDATE webhook_secrets SET sealed = (SELECT sealed FROM webhook_secrets WHERE webhook_seq = 2) WHERE webhook_seq = 1",
    "DELETE FROM webhook_secrets WHERE webhook_seq = 1",
    "UPDATE webhooks SET headers_sealed = zeroblob(80) WHERE id = 'bad'",
    "UPDATE webhooks SET headers_sealed = (SELECT headers_sealed FROM webhooks WHERE id = 'good') WHERE id = 'bad'",
    "UPDATE webhooks SET headers_sealed = (SELECT sealed FROM webhook_secrets WHERE webhook_seq = 1) WHERE id = 'bad'",
    "UPDATE webhook_secrets SET sealed = (SELECT headers_sealed FROM webhooks WHERE id = 'bad') WHERE webhook_seq = 1",
    "UPDATE webhooks SET id = 'b a d' WHERE id = 'bad'",
    "UPDATE deliveries SET attempt_count = -7 WHERE webhook_seq = 1",
];

#[tokio::test]
async fn a_delivery_that_cannot_be_read_fails_visibly_and_holds_up_no_other() {
    for spoil in SPOILING {
        let (store, _kept) = opened();
        add_webhooks(&*store, &["bad", "good"]).await;
        owe(&*store, "e", &["bad", "good"], at(0)).await;
        store.write(move |connection| connection.execute(spoil, ())).await.unwrap();

        let claimed = store.claim_deliveries(delivery_claim(at(5), 9, 9)).await.unwrap();

        assert_eq!(names(&claimed), [("e", "good")], "{spoil}");
        let attempts = store.attempts(&delivery_id("e", "bad")).await.unwrap();
        let [line] = attempts.as_slice() else { panic!("{spoil}: {attempts:?}") };
        assert_eq!((line.number, line.error, line.started_at), (1, Some(AttemptError::Refused), at(5)), "{spoil}");
        assert!(line.error_detail.as_ref().unwrap().contains("register the webhook anew"), "{spoil}");
        record_attempt(&*store, attempted(&claimed[0], Next::Delivered, at(5))).await.unwrap();
        assert_eq!(store.next_due().await.unwrap(), None, "{spoil}: it is not met again");
    }
}

#[tokio::test]
async fn a_delivery_that_cannot_be_read_is_listed_as_failed_and_not_held_against_the_endpoint() {
    let (store, _kept) = opened();
    add_webhooks(&*store, &["bad"]).await;
    owe(&*store, "e", &["bad"], at(0)).await;
    store.write(|connection| connection.execute(SPOILING[0], ())).await.unwrap();

    assert!(store.claim_deliveries(delivery_claim(at(5), 9, 9)).await.unwrap().is_empty());

    let delivery = store.delivery(&delivery_id("e", "bad")).await.unwrap().unwrap();
    assert_eq!((delivery.state, delivery.attempt_count), (DeliveryState::Failed, 1));
    assert_eq!(delivery.finished_at, Some(at(5)));
    assert_eq!(store.webhook(&webhook_id("bad")).await.unwrap().unwrap().failures_in_a_row, 0);
}

#[tokio::test]
async fn a_webhook_whose_headers_do_not_open_keeps_no_change_of_another_from_being_told() {
    let (store, _kept) = opened();
    add_webhooks(&*store, &["bad", "good"]).await;
    let spoil = "UPDATE webhooks SET headers_sealed = zeroblob(80) WHERE id = 'bad'";
    store.write(move |connection| connection.execute(spoil, ())).await.unwrap();

    let changes = store.webhook_changes(0, 9).await.unwrap();

    let told: Vec<_> = changes.iter().map(|change| (change.id.as_str(), change.webhook.is_some())).collect();
    assert_eq!(told, [("bad", true), ("good", true)]);
}

#[tokio::test]
async fn a_rotation_repairs_a_webhook_whose_secret_does_not_open() {
    let (store, _kept) = opened();
    add_webhooks(&*store, &["bad"]).await;
    store.write(|connection| connection.execute(SPOILING[0], ())).await.unwrap();

    let rotation = Rotation { secret: Secret::new("new"), at: at(1), overlap_ends_at: at(9), live_max: 1 };
    assert_eq!(store.rotate_secret(&webhook_id("bad"), rotation).await.unwrap(), Rotated::Written);

    owe(&*store, "e", &["bad"], at(2)).await;
    let claimed = store.claim_deliveries(delivery_claim(at(2), 9, 9)).await.unwrap();
    assert_eq!(*claimed[0].secrets, [Secret::new("new")]);
}
