//! Deliveries that are attempted again at their owner's wish.

use std::sync::Arc;

use super::samples::{
    add_webhooks, at, attempted, claim_one, delivery_claim, delivery_id, owe, project, record_attempt, user, webhook,
    webhook_id,
};
use crate::model::delivery::DeliveryState;
use crate::model::limits::ATTEMPTS_KEPT_MAX;
use crate::model::webhook::Webhook;
use crate::store::{Next, Project, Retried, Store, User};

/// Makes the owner of the webhooks a member of the project of the events.
pub(in crate::store) async fn join(store: &dyn Store) {
    store.put_user(User { id: user("owner"), name: None }, at(0)).await.unwrap();
    store.put_project(Project { id: project("project"), name: None, company_id: None }, at(0)).await.unwrap();
    store.add_member(&project("project"), &user("owner")).await.unwrap();
}

/// Owes an event to a webhook and has its only attempt come to `next`.
pub(in crate::store) async fn owe_until(store: &dyn Store, event: &str, webhook: &str, next: Next) {
    owe(store, event, &[webhook], at(0)).await;
    let claimed = claim_one(store, at(0)).await;
    record_attempt(store, attempted(&claimed, next, at(1))).await.unwrap();
}

pub(in crate::store) async fn a_delivery_that_was_given_up_is_due_again_with_its_attempts_and_a_new_schedule(
    store: Arc<dyn Store>,
) {
    add_webhooks(&*store, &["w"]).await;
    join(&*store).await;
    owe_until(&*store, "e", "w", Next::Failed).await;

    let retried = store.retry_delivery(&delivery_id("e", "w"), at(100)).await.unwrap();

    assert_eq!(retried, Retried::Due);
    let claimed = claim_one(&*store, at(100)).await;
    assert_eq!((claimed.delivery.attempt_count, claimed.delivery.attempts_before), (1, 1));
    assert_eq!((claimed.delivery.due_at, claimed.delivery.finished_at), (at(100), None));
    assert_eq!(claimed.snapshot.version, 1);
    record_attempt(&*store, attempted(&claimed, Next::Delivered, at(101))).await.unwrap();
    let numbers: Vec<_> = store.attempts(&claimed.delivery.id).await.unwrap().iter().map(|one| one.number).collect();
    assert_eq!(numbers, [1, 2]);
}

pub(in crate::store) async fn an_attempt_that_is_due_later_is_made_now(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    join(&*store).await;
    owe_until(&*store, "e", "w", Next::RetryAt(at(9_999))).await;

    assert_eq!(store.retry_delivery(&delivery_id("e", "w"), at(100)).await.unwrap(), Retried::Due);
    assert_eq!(store.retry_delivery(&delivery_id("e", "w"), at(100)).await.unwrap(), Retried::UnderWay);

    let claimed = claim_one(&*store, at(100)).await;
    let late = store.retry_delivery(&delivery_id("e", "w"), at(101)).await.unwrap();
    assert_eq!(late, Retried::UnderWay, "its attempt is under way");
    let recorded = record_attempt(&*store, attempted(&claimed, Next::Delivered, at(102))).await.unwrap();
    assert_eq!(recorded, crate::store::Recorded::Written, "the lease was left alone");
}

pub(in crate::store) async fn what_cannot_be_retried_says_why_and_stays_as_it_is(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe_until(&*store, "out", "w", Next::Failed).await;
    let retry = async |event: &str| store.retry_delivery(&delivery_id(event, "w"), at(100)).await.unwrap();
    let state = async |event: &str| store.delivery(&delivery_id(event, "w")).await.unwrap().unwrap().state;

    assert_eq!(retry("out").await, Retried::OutOfScope);
    join(&*store).await;
    owe_until(&*store, "done", "w", Next::Delivered).await;
    assert_eq!(retry("done").await, Retried::Delivered);
    assert_eq!(retry("nothing").await, Retried::Missing);
    let disabled = Webhook { is_enabled: false, version: 2, ..webhook("w") };
    store.update_webhook(1, disabled).await.unwrap();
    assert_eq!(retry("out").await, Retried::Disabled);
    store.delete_webhook(&webhook_id("w"), at(50)).await.unwrap();
    assert_eq!(retry("out").await, Retried::Missing);

    assert_eq!((state("out").await, state("done").await), (DeliveryState::Failed, DeliveryState::Delivered));
    assert!(store.claim_deliveries(delivery_claim(at(9_999), 9, 9)).await.unwrap().is_empty());
}

pub(in crate::store) async fn what_was_canceled_when_its_owner_left_is_sent_when_they_are_back(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    join(&*store).await;
    owe(&*store, "e", &["w"], at(0)).await;
    store.remove_member(&project("project"), &user("owner"), at(1)).await.unwrap();

    let away = store.retry_delivery(&delivery_id("e", "w"), at(2)).await.unwrap();
    join(&*store).await;
    let back = store.retry_delivery(&delivery_id("e", "w"), at(3)).await.unwrap();

    assert_eq!((away, back), (Retried::OutOfScope, Retried::Due));
    assert_eq!(claim_one(&*store, at(3)).await.delivery.id, delivery_id("e", "w"));
}

pub(in crate::store) async fn the_log_of_a_delivery_that_is_retried_for_ever_has_an_end(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    join(&*store).await;
    owe_until(&*store, "e", "w", Next::Failed).await;
    let id = delivery_id("e", "w");
    for time in 0..i64::from(ATTEMPTS_KEPT_MAX) + 4 {
        let when = at(100 * (time + 1));
        assert_eq!(store.retry_delivery(&id, when).await.unwrap(), Retried::Due);
        let claimed = claim_one(&*store, when).await;
        record_attempt(&*store, attempted(&claimed, Next::Failed, when)).await.unwrap();
    }

    let kept = store.attempts(&id).await.unwrap();

    let last = ATTEMPTS_KEPT_MAX + 5;
    assert_eq!((kept.len(), kept[0].number), (ATTEMPTS_KEPT_MAX as usize, 6));
    assert_eq!(store.delivery(&id).await.unwrap().unwrap().attempt_count, last);
}
