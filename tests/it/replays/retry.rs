//! One delivery, attempted again at its owner's wish.

use std::time::Duration;

use hooksieve::client::Client;
use hooksieve::model::limits::RETRY_DELAYS as DELAYS;
use hooksieve::wire::{DeliveryState, PatchWebhook, Webhook};

use crate::app::{PROJECT, TestApp, created, failed_once, only_delivery, problem, webhook};
use crate::receiver::{Answer, Receiver};

/// A webhook whose only delivery failed for good.
pub async fn given_up(app: &TestApp, receiver: &Receiver) -> (Client, Webhook) {
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    receiver.always("/a", Answer::status(500));
    app.send(&created("e1")).await;
    for _ in DELAYS {
        app.run_next_attempt(&only_delivery(&user, &webhook).await.delivery).await;
    }
    assert_eq!(only_delivery(&user, &webhook).await.delivery.state, DeliveryState::Failed);
    // The last failure holds the webhook back.
    app.run_after(Duration::from_secs(3600)).await;
    (user, webhook)
}

#[tokio::test]
async fn a_delivery_that_was_given_up_is_sent_again_under_its_id_with_a_schedule_of_its_own() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = given_up(&app, &receiver).await;
    let before = only_delivery(&user, &webhook).await;

    let (retried, now) = (user.retry_delivery(&before.delivery.id).await.unwrap(), app.now());
    app.run_until_idle().await;
    let failed_again = only_delivery(&user, &webhook).await;
    receiver.always("/a", Answer::status(204));
    app.run_after(Duration::from_secs(3600)).await;

    assert_eq!((retried.state, retried.next_attempt_at), (DeliveryState::Pending, Some(now)));
    let made = u32::try_from(DELAYS.len()).unwrap() + 1;
    assert_eq!((before.delivery.attempt_count, failed_again.delivery.attempt_count), (made, made + 1));
    assert_eq!(failed_again.delivery.state, DeliveryState::Pending, "the schedule began anew");
    let wait = failed_again.delivery.next_attempt_at.unwrap().since(failed_again.attempts.last().unwrap().started_at);
    assert!(wait <= DELAYS[0].mul_f64(1.5), "{wait:?}");
    let delivered = only_delivery(&user, &webhook).await;
    assert_eq!((delivered.delivery.state, delivered.attempts.len()), (DeliveryState::Delivered, DELAYS.len() + 3));
    let received = receiver.on("/a");
    let first = &received[0];
    assert_eq!(received.len(), DELAYS.len() + 3);
    assert!(received.iter().all(|one| one.message_id() == first.message_id() && one.body == first.body));
}

#[tokio::test]
async fn what_waits_for_a_later_attempt_is_sent_at_once() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook, delivery) = failed_once(&app, &receiver).await;

    user.retry_delivery(&delivery.id).await.unwrap();
    let twice = problem(user.retry_delivery(&delivery.id).await);
    app.run_until_idle().await;

    assert_eq!((twice.status, twice.detail.as_str()), (409, "an attempt of this delivery is due or under way already"));
    assert_eq!(receiver.on("/a").len(), 2);
    assert_eq!(only_delivery(&user, &webhook).await.delivery.state, DeliveryState::Delivered);
}

#[tokio::test]
async fn what_cannot_be_retried_is_refused_with_what_helps() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = given_up(&app, &receiver).await;
    let delivery = only_delivery(&user, &webhook).await.delivery;
    let refused = async || {
        let problem = problem(user.retry_delivery(&delivery.id).await);
        assert_eq!((problem.status, problem.code.as_str()), (409, "CONFLICT"), "{problem:?}");
        problem.detail
    };

    user.disable_webhook(&webhook.id).await.unwrap();
    assert!(refused().await.contains(r#"enable it with `{"enabled": true}`"#));
    receiver.always("/a", Answer::status(204));
    let enable = PatchWebhook { enabled: Some(true), ..PatchWebhook::default() };
    assert!(user.update_webhook(&webhook.id, &enable).await.unwrap().enabled);
    app.operator().remove_member(PROJECT, "u1").await.unwrap();
    assert!(refused().await.contains("not a member of the event's project"));
    app.operator().add_member(PROJECT, "u1").await.unwrap();
    user.retry_delivery(&delivery.id).await.unwrap();
    app.run_until_idle().await;
    assert!(refused().await.contains(r#"a replay with `"only": "all"`"#));
    user.delete_webhook(&webhook.id).await.unwrap();
    assert_eq!(problem(user.retry_delivery(&delivery.id).await).code, "DELIVERY_NOT_FOUND");
}

#[tokio::test]
async fn clients_that_retry_at_once_cause_one_attempt() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = given_up(&app, &receiver).await;
    let id = only_delivery(&user, &webhook).await.delivery.id;
    let before = receiver.on("/a").len();

    let answers = futures_util::future::join_all((0..8).map(|_| user.retry_delivery(&id))).await;
    app.run_until_idle().await;

    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for refused in answers.into_iter().filter(Result::is_err) {
        assert_eq!(problem(refused).code, "CONFLICT");
    }
    assert_eq!(receiver.on("/a").len(), before + 1);
}
