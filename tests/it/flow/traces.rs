//! One trace for an event, from its producer to the last attempt, and nothing that waits for whoever collects it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use hooksieve::config::Config;
use hooksieve::model::limits::{STOP_GRACE, TRACE_FINISH_TIME_MAX};
use hooksieve::resolve::Resolver;
use hooksieve::wire::NewEvent;
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::app::{COLLECTOR_TOKEN, OPERATOR_TOKEN, TestApp, created, failed_once, filtered, http, marked, webhook};
use crate::collector::{Collected, Collector, Manner, text};
use crate::receiver::{Answer, Receiver};

/// The specification's own example.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PRODUCERS_SPAN: &str = "00f067aa0ba902b7";

fn to(collector: &Collector) -> impl FnOnce(&mut Config) {
    let url = collector.url.clone();
    move |config| config.telemetry.otlp_endpoint = url
}

/// Posts events as a producer does that traces itself.
async fn post(app: &TestApp, path: &str, body: &impl serde::Serialize, flags: &str) {
    let request = http().post(app.url(path)).bearer_auth(OPERATOR_TOKEN).json(body);
    let request = request.header("traceparent", format!("00-{TRACE}-{PRODUCERS_SPAN}-{flags}"));
    assert_eq!(request.send().await.unwrap().status(), 202);
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

fn only<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let [only] = named(spans, name).try_into().unwrap();
    only
}

fn traces(collected: &Collected) -> HashSet<String> {
    collected.spans.iter().map(|span| hex::encode(&span.trace_id)).collect()
}

#[tokio::test]
async fn an_event_is_one_trace_from_its_producer_over_filters_and_a_restart_to_the_last_attempt() {
    let (collector, receiver) = (Collector::start(Manner::Takes).await, Receiver::start().await);
    let app = TestApp::start_with(to(&collector)).await;
    let user = app.user("u1").await;
    receiver.script("/a", [Answer::status(500)]);
    user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    user.create_webhook(&filtered(&receiver.url("/b"), "done-records", None)).await.unwrap();
    user.create_webhook(&filtered(&receiver.url("/c"), "due-date-moved", None)).await.unwrap();
    post(&app, "/v1/events", &marked("e1", true), "01").await;
    app.run_until_idle().await;

    let app = app.reconfigured(to(&collector)).await;
    app.run_after(Duration::from_secs(3600)).await;
    let collected = collector.with(6).await;

    let spans = &collected.spans;
    assert_eq!(traces(&collected), [TRACE.to_owned()].into());
    let (accept, dispatch, filters) = (only(spans, "accept"), only(spans, "dispatch"), only(spans, "filters"));
    assert_eq!(hex::encode(&accept.parent_span_id), PRODUCERS_SPAN);
    assert_eq!(dispatch.parent_span_id, accept.span_id);
    assert_eq!(filters.parent_span_id, dispatch.span_id);
    let outcomes: Vec<_> =
        filters.events.iter().map(|event| text(&event.attributes, "hooksieve.verdict.outcome")).collect();
    assert!(outcomes.contains(&"delivered".to_owned()) && outcomes.len() == 2, "{outcomes:?}");
    let attempts = named(spans, "attempt");
    assert!(attempts.iter().all(|attempt| attempt.parent_span_id == accept.span_id));
    let to_a: Vec<_> = attempts.iter().filter(|attempt| text(&attempt.attributes, "error.type") == "status").collect();
    assert_eq!(text(&to_a[0].attributes, "http.response.status_code"), "500");
    assert!(attempts.iter().any(|attempt| text(&attempt.attributes, "hooksieve.attempt.number") == "2"));
    assert_eq!(collected.services.iter().collect::<HashSet<_>>(), HashSet::from([&"hooksieve".to_owned()]));
    let ids: HashSet<_> = spans.iter().map(|span| &span.span_id).collect();
    assert_eq!(ids.len(), spans.len());
    assert!(spans.iter().all(|span| span.start_time_unix_nano <= span.end_time_unix_nano));
}

#[tokio::test]
async fn an_event_whose_producer_says_nothing_has_a_trace_of_its_own_that_outlasts_a_restart() {
    let (collector, receiver) = (Collector::start(Manner::Takes).await, Receiver::start().await);
    let app = TestApp::start_with(to(&collector)).await;
    failed_once(&app, &receiver).await;
    let before = collector.with(3).await;

    let app = app.reconfigured(to(&collector)).await;
    app.run_after(Duration::from_secs(3600)).await;
    let other = app.send(&created("e2")).await;
    let collected = collector.with(7).await;

    let of_first: HashSet<_> = named(&collected.spans, "attempt")[..2].iter().map(|span| &span.trace_id).collect();
    assert_eq!(traces(&before).len(), 1);
    assert_eq!(of_first.len(), 1, "the retry is in the trace of its event");
    assert_eq!(traces(&collected).len(), 2, "{other} has another");
}

#[tokio::test]
async fn a_batch_is_part_of_its_producers_trace_event_by_event_and_what_is_there_already_is_told_once() {
    let collector = Collector::start(Manner::Takes).await;
    let app = TestApp::start_with(to(&collector)).await;
    let batch: Vec<NewEvent> = ["e1", "e2", "e1"].map(created).to_vec();

    post(&app, "/v1/events/batch", &batch, "01").await;
    post(&app, "/v1/events", &created("e2"), "01").await;
    app.run_until_idle().await;
    let collected = collector.with(4).await;

    let accepts = named(&collected.spans, "accept");
    let events: Vec<_> = accepts.iter().map(|span| text(&span.attributes, "hooksieve.event.id")).collect();
    assert_eq!(events, ["e1", "e2"]);
    assert_eq!(traces(&collected), [TRACE.to_owned()].into());
}

#[tokio::test]
async fn a_producer_that_does_not_collect_its_trace_and_a_share_of_none_collect_nothing() {
    let (collector, receiver) = (Collector::start(Manner::Takes).await, Receiver::start().await);
    let url = collector.url.clone();
    let app = TestApp::start_with(|config| {
        config.telemetry.otlp_endpoint = url;
        config.telemetry.sample_ratio = 0.0;
    });
    let app = app.await;
    let user = app.user("u1").await;
    user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();

    post(&app, "/v1/events", &created("unsampled"), "00").await;
    app.send(&created("untraced")).await;
    post(&app, "/v1/events", &created("sampled"), "01").await;
    app.run_until_idle().await;
    let collected = collector.with(3).await;

    let events: HashSet<_> = collected.spans.iter().map(|span| text(&span.attributes, "hooksieve.event.id")).collect();
    assert_eq!(events, ["sampled".to_owned()].into());
    assert_eq!(receiver.on("/a").len(), 3);
}

#[tokio::test]
async fn where_traces_are_off_nothing_is_kept_of_a_producers() {
    let (collector, receiver) = (Collector::start(Manner::Takes).await, Receiver::start().await);
    let app = TestApp::start().await;
    let user = app.user("u1").await;
    user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    post(&app, "/v1/events", &created("e1"), "01").await;

    let app = app.reconfigured(to(&collector)).await;
    app.run_until_idle().await;
    let collected = collector.with(2).await;

    assert!(!traces(&collected).contains(TRACE));
}

#[tokio::test]
async fn no_span_tells_a_record_a_secret_or_more_of_a_url_than_its_host() {
    let (collector, receiver) = (Collector::start(Manner::Takes).await, Receiver::start().await);
    let app = TestApp::start_with(to(&collector)).await;
    let user = app.user("u1").await;
    let mut new = filtered(&receiver.url("/path-secret?key=query-secret"), "done-records", None);
    new.secret = Some("signing-secret-of-somebody".to_owned().into());
    user.create_webhook(&new).await.unwrap();
    receiver.always("/path-secret", Answer::status(500).body("what the endpoint says"));

    app.send(&marked("e1", true)).await;
    let collected = collector.with(4).await;

    let told = String::from_utf8_lossy(&collected.bytes);
    assert!(told.contains("127.0.0.1"));
    for secret in [
        "path-secret",
        "query-secret",
        "signing-secret",
        "what the endpoint says",
        "\"done\"",
        COLLECTOR_TOKEN,
        OPERATOR_TOKEN,
    ] {
        assert!(!told.contains(secret), "{secret}");
    }
}

/// The value of the line of the metrics that begins so.
async fn spans(app: &TestApp, result: &str) -> u64 {
    let metrics = app.operator().get_metrics().await.unwrap();
    let name = format!(r#"hooksieve_trace_spans_total{{result="{result}"}} "#);
    metrics.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
}

/// Waits until so many spans have come to that end.
async fn until(app: &TestApp, result: &str, count: u64) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while spans(app, result).await < count {
        assert!(Instant::now() < deadline, "{}", spans(app, result).await);
    }
}

#[tokio::test]
async fn a_collector_that_refuses_or_is_not_there_costs_spans_and_nothing_else() {
    let refusing = Collector::start(Manner::Refuses).await;
    let rejecting = Collector::start(Manner::RejectsOne).await;
    let gone = "http://127.0.0.1:9".to_owned();
    for (url, exported, failed) in [(refusing.url.clone(), 0, 3), (rejecting.url.clone(), 2, 1), (gone, 0, 3)] {
        let receiver = Receiver::start().await;
        let app = TestApp::start_with(|config| config.telemetry.otlp_endpoint = url).await;
        let user = app.user("u1").await;
        user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();

        app.send(&created("e1")).await;

        assert_eq!(receiver.on("/a").len(), 1);
        until(&app, "failed", failed).await;
        assert_eq!((spans(&app, "exported").await, spans(&app, "failed").await), (exported, failed));
    }
}

#[tokio::test]
async fn a_collector_that_never_answers_delays_neither_deliveries_nor_the_stop_beyond_its_share() {
    let (collector, receiver) = (Collector::start(Manner::NeverAnswers).await, Receiver::start().await);
    let app = TestApp::start_running_with(Resolver::System, to(&collector)).await;
    let user = app.user("u1").await;
    user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    app.operator().send_event(&created("e1")).await.unwrap();
    collector.with(1).await;

    app.operator().send_event(&created("e2")).await.unwrap();
    receiver.wait_for("/a", 2).await;
    let began = Instant::now();
    app.stop().await;

    let took = began.elapsed();
    assert!(took < STOP_GRACE / 2 && took >= TRACE_FINISH_TIME_MAX / 2, "{took:?}");
}

#[tokio::test]
async fn what_is_left_when_a_host_stops_is_still_told() {
    let (collector, receiver) = (Collector::start(Manner::Takes).await, Receiver::start().await);
    let app = TestApp::start_running_with(Resolver::System, to(&collector)).await;
    let user = app.user("u1").await;
    user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    app.operator().send_event(&created("e1")).await.unwrap();
    receiver.wait_for("/a", 1).await;

    app.stop().await;

    let collected = collector.so_far();
    assert_eq!(named(&collected.spans, "attempt").len(), 1);
    assert_eq!(named(&collected.spans, "accept").len(), 1);
}
