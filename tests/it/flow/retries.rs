//! Attempts that fail: when the next one is made, what it sends, and where it ends.

use std::collections::HashSet;
use std::time::Duration;

use hooksieve::client::Client;
use hooksieve::model::limits::RETRY_DELAYS as DELAYS;
use hooksieve::wire::{AttemptError, DeliveryState, Outcome, Webhook, WebhookStatus};

use crate::app::{TestApp, created, only_delivery, verdict, webhook};
use crate::receiver::{Answer, Receiver};

async fn registered(app: &TestApp, receiver: &Receiver) -> (Client, Webhook) {
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    (user, webhook)
}

#[tokio::test]
async fn retries_carry_the_same_bytes_and_id_although_the_webhooks_health_changes() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = registered(&app, &receiver).await;
    receiver.script("/a", (0..6).map(|_| Answer::status(500)));

    app.send(&created("e1")).await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(user.get_webhook(&webhook.id).await.unwrap().status);
        app.run_next_attempt(&only_delivery(&user, &webhook).await.delivery).await;
    }

    let healthy = |count| statuses[..count].iter().all(|status| *status == WebhookStatus::Healthy);
    assert!(healthy(4) && statuses[4..].iter().all(|status| *status == WebhookStatus::Unhealthy), "{statuses:?}");
    let received = receiver.on("/a");
    let distinct = |of: fn(&crate::receiver::Received) -> &str| received.iter().map(of).collect::<HashSet<_>>().len();
    assert_eq!(received.len(), 7);
    assert_eq!(distinct(|received| &received.body), 1);
    assert_eq!(distinct(|received| received.message_id()), 1);
    assert_eq!(distinct(|received| received.header("x-signature")), 1);
    assert_eq!(distinct(|received| received.header("webhook-timestamp")), 7);
    let healed = user.get_webhook(&webhook.id).await.unwrap();
    assert_eq!((healed.status, healed.failures_in_a_row), (WebhookStatus::Healthy, 0));
    let delivery = only_delivery(&user, &webhook).await.delivery;
    assert_eq!((delivery.state, delivery.attempt_count), (DeliveryState::Delivered, 7));
}

#[tokio::test]
async fn each_retry_is_due_at_its_scheduled_delay_with_jitter_until_none_is_left() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = registered(&app, &receiver).await;
    receiver.always("/a", Answer::status(500));

    app.send(&created("e1")).await;
    for delay in DELAYS {
        let delivery = only_delivery(&user, &webhook).await.delivery;
        let wait = delivery.next_attempt_at.unwrap().since(app.now());
        assert!(delay.mul_f64(0.5) <= wait && wait <= delay.mul_f64(1.5), "{wait:?} for {delay:?}");
        app.run_next_attempt(&delivery).await;
    }

    let detail = only_delivery(&user, &webhook).await;
    assert_eq!(detail.delivery.state, DeliveryState::Failed);
    assert_eq!((detail.delivery.next_attempt_at, detail.delivery.finished_at), (None, Some(app.now())));
    assert_eq!(detail.attempts.len(), DELAYS.len() + 1);
    app.run_after(Duration::from_secs(48 * 3600)).await;
    assert_eq!(receiver.on("/a").len(), DELAYS.len() + 1);
}

#[tokio::test]
async fn nothing_is_sent_before_it_is_due() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = registered(&app, &receiver).await;
    receiver.script("/a", [Answer::status(500)]);

    app.send(&created("e1")).await;
    let due = only_delivery(&user, &webhook).await.delivery.next_attempt_at.unwrap();
    app.run_after(due.since(app.now()) - Duration::from_millis(1)).await;
    assert_eq!(receiver.on("/a").len(), 1);

    app.run_after(Duration::from_millis(1)).await;
    assert_eq!(receiver.on("/a").len(), 2);
}

#[tokio::test]
async fn retry_after_puts_an_attempt_off_and_never_hurries_it() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = registered(&app, &receiver).await;
    let unavailable = |seconds: &str| Answer::status(503).header("retry-after", seconds);
    receiver.script("/a", [unavailable("3600"), unavailable("0"), unavailable("99999999")]);

    app.send(&created("e1")).await;
    let mut waits = Vec::new();
    for _ in 0..3 {
        let delivery = only_delivery(&user, &webhook).await.delivery;
        waits.push(delivery.next_attempt_at.unwrap().since(app.now()).as_secs());
        app.run_next_attempt(&delivery).await;
    }

    assert_eq!(waits[0], 3600);
    assert!((15..=45).contains(&waits[1]), "{waits:?}");
    assert_eq!(waits[2], 24 * 3600);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_disables_its_webhook_at_once() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = registered(&app, &receiver).await;
    receiver.always("/a", Answer::status(410));

    app.send(&created("e1")).await;
    let event = app.send(&created("e2")).await;

    let disabled = user.get_webhook(&webhook.id).await.unwrap();
    assert!(!disabled.enabled);
    assert_eq!(disabled.status, WebhookStatus::Unhealthy);
    assert_eq!(verdict(&user, &event, &webhook).await.outcome, Outcome::Disabled);
    assert_eq!(receiver.on("/a").len(), 1);
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = registered(&app, &receiver).await;
    let elsewhere = receiver.url("/elsewhere");
    receiver
        .script("/a", [301, 302, 303, 307, 308].map(|status| Answer::status(status).header("location", &elsewhere)));

    app.send(&created("e1")).await;
    for _ in 0..5 {
        app.run_next_attempt(&only_delivery(&user, &webhook).await.delivery).await;
    }

    let attempts = only_delivery(&user, &webhook).await.attempts;
    assert!(attempts[..5].iter().all(|attempt| attempt.error == Some(AttemptError::Redirect)), "{attempts:?}");
    assert_eq!(attempts[5].error, None);
    assert!(receiver.on("/elsewhere").is_empty());
}

#[tokio::test]
async fn the_attempt_log_keeps_what_the_endpoint_said_up_to_its_bound() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = registered(&app, &receiver).await;
    receiver.script("/a", [Answer::status(500).body("no tea today"), Answer::status(200).body(&"x".repeat(20_000))]);

    app.send(&created("e1")).await;
    let begun = app.now();
    app.run_next_attempt(&only_delivery(&user, &webhook).await.delivery).await;

    let [first, second] = <[_; 2]>::try_from(only_delivery(&user, &webhook).await.attempts).unwrap();
    assert_eq!((first.number, first.status, first.error), (1, Some(500), Some(AttemptError::Status)));
    assert_eq!((first.response.as_str(), first.started_at), ("no tea today", begun));
    assert_eq!((second.number, second.status, second.error), (2, Some(200), None));
    assert_eq!((second.response.len(), second.started_at), (16 << 10, app.now()));
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_is_told_apart_from_one_that_does_not_answer() {
    let (app, receiver) =
        (TestApp::start_with(|config| config.delivery.attempt_timeout_secs = 1).await, Receiver::start().await);
    let (user, silent) = registered(&app, &receiver).await;
    receiver.always("/a", Answer::held());
    // Bound, so that nobody else gets the port, but not listening.
    let deaf = tokio::net::TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let deaf_url = format!("http://{}/b", deaf.local_addr().unwrap());
    let unreachable = user.create_webhook(&webhook(&deaf_url)).await.unwrap();

    app.send(&created("e1")).await;

    let error = async |webhook| only_delivery(&user, webhook).await.attempts[0].error;
    assert_eq!(error(&silent).await, Some(AttemptError::Timeout));
    assert_eq!(error(&unreachable).await, Some(AttemptError::Connect));
}
