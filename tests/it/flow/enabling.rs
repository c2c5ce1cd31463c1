//! Enabling a webhook: its endpoint is asked first.

use std::sync::Arc;
use std::time::Duration;

use hooksieve::client::Client;
use hooksieve::model::limits::HEALTH_CHECKS_PER_OWNER_MAX;
use hooksieve::model::secret::Secret;
use hooksieve::sign;
use hooksieve::wire::{
    AttemptError, DisabledReason, NewWebhook, PageQuery, PatchWebhook, PayloadFormat, Webhook, WebhookStatus,
};
use serde_json::{Value, json};

use crate::app::{TestApp, created, failed_once, problem, webhook};
use crate::receiver::{Answer, Receiver};

fn enable() -> PatchWebhook {
    PatchWebhook { enabled: Some(true), ..PatchWebhook::default() }
}

/// A user's disabled webhook to the receiver's `/a`.
async fn disabled(app: &TestApp, receiver: &Receiver) -> (Client, Webhook) {
    let user = app.user("u1").await;
    let new = NewWebhook { enabled: Some(false), ..webhook(&receiver.url("/a")) };
    let webhook = user.create_webhook(&new).await.unwrap();
    (user, webhook)
}

#[tokio::test]
async fn the_endpoint_of_a_disabled_webhook_is_asked_before_it_is_enabled() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = disabled(&app, &receiver).await;
    let secret = webhook.secret.clone().unwrap();
    user.disable_webhook(&webhook.id).await.unwrap();

    let enabled = user.update_webhook(&webhook.id, &enable()).await.unwrap();

    assert_eq!((enabled.enabled, enabled.status), (true, WebhookStatus::Healthy));
    assert_eq!((enabled.health.reason, enabled.health.disabled_reason), (None, None));
    let asked = receiver.only("/a");
    let body = asked.json();
    assert_eq!(body["event"], "WEBHOOK_HEALTH_CHECK");
    assert_eq!((&body["webhook"]["id"], &body["webhook"]["enabled"]), (&json!(webhook.id), &json!(false)));
    assert_eq!((&body["previousValue"], &body["currentValue"]), (&Value::Null, &Value::Null));
    let at = app.now().as_secs();
    let signed = sign::headers(&[Secret::new(secret.expose())], asked.message_id(), at, asked.body.as_bytes());
    for (name, value) in signed {
        assert_eq!(asked.header(name), value, "{name}");
    }
    app.send(&created("e1")).await;
    assert_eq!(receiver.on("/a").len(), 2, "it gets events now");
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_2xx_in_time_leaves_the_webhook_disabled_and_all_else_changed() {
    let app = TestApp::start_with(|config| config.delivery.attempt_timeout_secs = 1).await;
    let receiver = Receiver::start().await;
    let (user, webhook) = disabled(&app, &receiver).await;

    for (answer, error, status) in [
        (Answer::status(500), AttemptError::Status, Some(500)),
        (Answer::status(410), AttemptError::Status, Some(410)),
        (Answer::status(302).header("location", &receiver.url("/b")), AttemptError::Redirect, Some(302)),
        (Answer::held(), AttemptError::Timeout, None),
    ] {
        receiver.always("/a", answer);
        let name = format!("after {error:?}");
        let patch = PatchWebhook { name: Some(Some(name.clone())), ..enable() };
        let refused = user.update_webhook(&webhook.id, &patch).await.unwrap();

        assert_eq!((refused.enabled, refused.status), (false, WebhookStatus::Unhealthy), "{name}");
        assert_eq!(refused.name.as_ref(), Some(&name));
        assert_eq!(refused.health.disabled_reason, Some(DisabledReason::HealthCheck));
        let failure = refused.health.last_failure.unwrap();
        assert_eq!((failure.error, failure.status), (error, status), "{name}");
        assert!(refused.health.reason.unwrap().contains("did not answer the health check: "));
    }
    assert!(receiver.on("/b").is_empty(), "a redirect is not followed");
    app.send(&created("e1")).await;
    assert_eq!(receiver.on("/a").len(), 4, "it gets no events");

    for status in [200, 299] {
        receiver.always("/a", Answer::status(status));
        let passed = user.update_webhook(&webhook.id, &enable()).await.unwrap();
        assert_eq!((passed.enabled, passed.status), (true, WebhookStatus::Healthy), "{status}");
        user.disable_webhook(&webhook.id).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_enabled_already_is_not_asked() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();

    let patch = PatchWebhook { name: Some(Some("New".to_owned())), url: Some(receiver.url("/b")), ..enable() };
    user.update_webhook(&webhook.id, &patch).await.unwrap();

    assert!(receiver.on("/a").is_empty() && receiver.on("/b").is_empty());
}

#[tokio::test]
async fn the_url_headers_and_shape_of_the_same_change_are_the_ones_that_are_asked() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = disabled(&app, &receiver).await;

    let patch = PatchWebhook {
        url: Some(receiver.url("/b")),
        headers: Some([("x-key".to_owned(), Some("k".into()))].into()),
        payload_format: Some(PayloadFormat::Compact),
        ..enable()
    };
    user.update_webhook(&webhook.id, &patch).await.unwrap();

    let asked = receiver.only("/b");
    assert_eq!((asked.header("x-key"), &asked.json()["record"]), ("k", &Value::Null));
    assert!(asked.json().get("webhook").is_none());
    assert!(receiver.on("/a").is_empty());
}

#[tokio::test]
async fn a_private_url_is_refused_and_never_asked() {
    let app = TestApp::start_with(|config| config.dev = false).await;
    let user = app.user("u1").await;
    let new = NewWebhook { enabled: Some(false), ..webhook("https://example.com/") };
    let webhook = user.create_webhook(&new).await.unwrap();

    let patch = PatchWebhook { url: Some("http://127.0.0.1:9/".to_owned()), ..enable() };
    let refused = problem(user.update_webhook(&webhook.id, &patch).await);

    assert_eq!((refused.status, refused.detail.as_str()), (400, "URL points to a private network"));
    assert_eq!(user.get_webhook(&webhook.id).await.unwrap().url, "https://example.com/");
}

/// Begins to enable a webhook and waits until its endpoint is asked.
async fn begin_enabling(
    user: &Client,
    webhook: &Webhook,
    receiver: &Receiver,
    requests: usize,
) -> tokio::task::JoinHandle<hooksieve::client::Result<Webhook>> {
    let (client, id) = (user.clone(), webhook.id.clone());
    let enabling = tokio::spawn(async move { client.update_webhook(&id, &enable()).await });
    receiver.wait_for("/a", requests).await;
    enabling
}

#[tokio::test]
async fn two_clients_that_enable_at_once_both_see_it_enabled() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = disabled(&app, &receiver).await;
    receiver.always("/a", Answer::held());

    let first = begin_enabling(&user, &webhook, &receiver, 1).await;
    let second = begin_enabling(&user, &webhook, &receiver, 2).await;
    // Neither holds a lock: others read and write meanwhile.
    let patch = PatchWebhook { name: Some(Some("Meanwhile".to_owned())), ..Default::default() };
    user.update_webhook(&webhook.id, &patch).await.unwrap();
    receiver.release();

    for enabled in [first.await.unwrap().unwrap(), second.await.unwrap().unwrap()] {
        assert_eq!((enabled.enabled, enabled.status), (true, WebhookStatus::Healthy));
        assert_eq!(enabled.name.as_deref(), Some("Meanwhile"), "the change between is kept");
    }
    assert_eq!(receiver.on("/a").len(), 2, "an answer counts for the same URL, whatever else changed");
}

#[tokio::test]
async fn a_url_that_was_changed_meanwhile_is_asked_itself() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = disabled(&app, &receiver).await;
    receiver.always("/a", Answer::held());
    receiver.always("/b", Answer::status(500));

    let enabling = begin_enabling(&user, &webhook, &receiver, 1).await;
    let patch = PatchWebhook { url: Some(receiver.url("/b")), ..Default::default() };
    user.update_webhook(&webhook.id, &patch).await.unwrap();
    receiver.release();

    let refused = enabling.await.unwrap().unwrap();
    assert_eq!((refused.enabled, refused.url), (false, receiver.url("/b")));
    assert_eq!(receiver.on("/b").len(), 1);
}

#[tokio::test]
async fn a_webhook_that_is_deleted_while_its_endpoint_is_asked_is_missing() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = disabled(&app, &receiver).await;
    receiver.always("/a", Answer::held());

    let enabling = begin_enabling(&user, &webhook, &receiver, 1).await;
    user.delete_webhook(&webhook.id).await.unwrap();
    receiver.release();

    assert_eq!(problem(enabling.await.unwrap()).code, "WEBHOOK_NOT_FOUND");
}

#[tokio::test]
async fn one_user_cannot_take_all_places_for_checks() {
    let (app, receiver) = (Arc::new(TestApp::start().await), Receiver::start().await);
    let (user, webhook) = disabled(&app, &receiver).await;
    receiver.always("/a", Answer::held());
    let mut enabling = Vec::new();
    for number in 1..=HEALTH_CHECKS_PER_OWNER_MAX {
        enabling.push(begin_enabling(&user, &webhook, &receiver, number).await);
    }

    let refused = problem(user.update_webhook(&webhook.id, &enable()).await);
    let other = app.user("u2").await;
    let new = NewWebhook { enabled: Some(false), ..crate::app::webhook(&receiver.url("/b")) };
    let others = other.create_webhook(&new).await.unwrap();
    let others = other.update_webhook(&others.id, &enable()).await.unwrap();
    receiver.release();

    assert_eq!((refused.status, refused.code.as_str()), (503, "BUSY"));
    assert!(others.enabled);
    for enabled in enabling {
        assert!(enabled.await.unwrap().unwrap().enabled);
    }
}

#[tokio::test]
async fn what_was_owed_to_a_disabled_webhook_is_delivered_once_it_is_enabled() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook, _) = failed_once(&app, &receiver).await;
    user.disable_webhook(&webhook.id).await.unwrap();
    app.run_after(Duration::from_secs(60)).await;
    let resting = receiver.on("/a").len();

    let enabled = user.update_webhook(&webhook.id, &enable()).await.unwrap();
    app.run_until_idle().await;

    assert_eq!((resting, enabled.failures_in_a_row), (1, 0));
    let events: Vec<_> = receiver.on("/a").iter().map(|received| received.json()["event"].clone()).collect();
    assert_eq!(events, ["TODO_CREATED", "WEBHOOK_HEALTH_CHECK", "TODO_CREATED"]);
    assert_eq!(user.list_webhooks(&PageQuery::default()).await.unwrap().items[0].health.next_attempt_at, None);
}
