//! `/metrics`: what is counted, and who may read it.

use hooksieve::client::ClientError;

use super::{Answer, anonymous, request};
use crate::app::{METRICS_TOKEN, OPERATOR_TOKEN, TestApp, created, filtered, marked, member, webhook};
use crate::receiver::{self, Receiver};
use hooksieve::wire::PatchWebhook;

/// The value of the line that begins with `name`.
fn value(metrics: &str, name: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in\n{metrics}")).parse().unwrap()
}

#[tokio::test]
async fn what_happened_is_counted_by_outcome_and_class() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    receiver.always("/fails", receiver::Answer::status(500));
    user.create_webhook(&webhook(&receiver.url("/fails"))).await.unwrap();
    user.create_webhook(&filtered(&receiver.url("/a"), "done-records", None)).await.unwrap();
    app.send(&marked("e1", true)).await;
    app.send(&marked("e2", false)).await;
    app.send(&marked("e2", false)).await;
    let refused = app.operator().send_event(&marked("e2", true)).await;
    assert!(matches!(refused, Err(ClientError::Refused(_))));
    app.operator().send_event(&created("e3")).await.unwrap();

    let metrics = app.operator().get_metrics().await.unwrap();

    for (name, expected) in [
        (r#"hooksieve_events_total{result="accepted"}"#, 3.0),
        (r#"hooksieve_events_total{result="duplicate"}"#, 1.0),
        (r#"hooksieve_events_total{result="conflict"}"#, 1.0),
        (r#"hooksieve_verdicts_total{outcome="delivered"}"#, 3.0),
        (r#"hooksieve_verdicts_total{outcome="filtered"}"#, 1.0),
        ("hooksieve_dispatch_latency_seconds_count", 2.0),
        ("hooksieve_filter_calls_total", 2.0),
        ("hooksieve_filter_call_duration_seconds_count", 2.0),
        ("hooksieve_filter_memo_hits_total", 0.0),
        (r#"hooksieve_attempts_total{result="success"}"#, 1.0),
        (r#"hooksieve_attempts_total{result="status"}"#, 2.0),
        ("hooksieve_attempt_duration_seconds_count", 3.0),
        ("hooksieve_first_attempt_wait_seconds_count", 3.0),
        ("hooksieve_attempts_under_way", 0.0),
        (r#"hooksieve_webhooks{health="healthy"}"#, 2.0),
        // The third event is not dispatched yet; the retries are not due yet.
        ("hooksieve_events_waiting", 1.0),
        ("hooksieve_deliveries_due", 0.0),
        ("hooksieve_storage_up", 1.0),
        (r#"hooksieve_http_requests_total{status="5xx"}"#, 0.0),
    ] {
        assert_eq!(value(&metrics, name), expected, "{name} in\n{metrics}");
    }
    assert!(value(&metrics, "hooksieve_filter_fuel_total") > 0.0);
    let durable = value(&metrics, r#"hooksieve_commits_total{durability="durable"}"#);
    let soft = value(&metrics, r#"hooksieve_commits_total{durability="soft"}"#);
    assert!(durable > 10.0 && soft >= 4.0, "two decisions and two steps of attempts are soft\n{metrics}");
    assert!(value(&metrics, "hooksieve_commit_writes_total") >= durable + soft);
    // Whoever asked for a durable one waited for its sync; the soft ones are synced within milliseconds.
    let syncs = value(&metrics, "hooksieve_commit_duration_seconds_count");
    assert!((durable..=durable + soft).contains(&syncs), "{syncs} syncs of {durable} and {soft}");
    assert!(value(&metrics, r#"hooksieve_http_requests_total{status="4xx"}"#) >= 1.0);
}

#[tokio::test]
async fn changes_of_health_are_counted_and_webhooks_are_counted_by_it() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    receiver.always("/gone", receiver::Answer::status(410));
    let gone = user.create_webhook(&webhook(&receiver.url("/gone"))).await.unwrap();
    user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    app.send(&created("e1")).await;
    let after_gone = app.operator().get_metrics().await.unwrap();
    receiver.always("/gone", receiver::Answer::status(500));
    user.disable_webhook(&gone.id).await.unwrap();
    let enable = PatchWebhook { enabled: Some(true), ..PatchWebhook::default() };
    user.update_webhook(&gone.id, &enable).await.unwrap();
    receiver.always("/gone", receiver::Answer::status(204));
    user.update_webhook(&gone.id, &enable).await.unwrap();

    let metrics = app.operator().get_metrics().await.unwrap();

    let change = |to: &str| format!(r#"hooksieve_webhook_health_changes_total{{to="{to}"}}"#);
    assert_eq!(value(&after_gone, &change("disabled")), 1.0);
    assert_eq!(value(&after_gone, r#"hooksieve_webhooks{health="disabled"}"#), 1.0);
    assert_eq!(value(&metrics, &change("disabled")), 1.0, "what is disabled already does not change");
    assert_eq!(value(&metrics, &change("healthy")), 1.0);
    assert_eq!(value(&metrics, &change("unhealthy")), 0.0);
}

#[tokio::test]
async fn no_line_names_a_user_a_webhook_an_event_or_a_url() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("somebody-in-particular").await;
    let registered = user.create_webhook(&webhook(&receiver.url("/somewhere"))).await.unwrap();
    app.send(&created("something-special")).await;

    let metrics = app.operator().get_metrics().await.unwrap();

    for name in ["somebody", "somewhere", "something", "127.0.0.1", &registered.id, &registered.uid] {
        assert!(!metrics.contains(name), "{name} is in\n{metrics}");
    }
}

#[tokio::test]
async fn the_metrics_token_opens_the_metrics_and_nothing_else() {
    let app = TestApp::start().await;

    let read = Answer::of(request(&app, "GET", "/metrics", METRICS_TOKEN)).await;
    let operators = Answer::of(request(&app, "GET", "/metrics", OPERATOR_TOKEN)).await;
    let wrong = Answer::of(request(&app, "GET", "/metrics", &METRICS_TOKEN[1..])).await;
    let elsewhere = Answer::of(request(&app, "GET", "/v1/event-types", METRICS_TOKEN)).await;

    assert_eq!((read.status, operators.status, wrong.status, elsewhere.status), (200, 200, 401, 401));
    assert!(read.content_type.starts_with("application/openmetrics-text; version=1.0.0"), "{}", read.content_type);
}

#[tokio::test]
async fn metrics_are_for_operators_unless_they_are_public() {
    let app = TestApp::start().await;
    let user = member(&app.operator(), "u1").await;
    let public = TestApp::start_with(|config| config.metrics.public = true).await;

    let statuses = [
        Answer::of(anonymous(&app, "GET", "/metrics")).await.status,
        Answer::of(request(&app, "GET", "/metrics", &user)).await.status,
        Answer::of(anonymous(&public, "GET", "/metrics")).await.status,
    ];

    assert_eq!(statuses, [401, 403, 200]);
}
