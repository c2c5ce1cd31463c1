//! What became of a webhook's events lately, counted.

use std::time::Duration;

use hooksieve::wire::{
    AttemptError, ErrorCount, KeptOutcome, OutcomeCount, Percentiles, ReasonClass, StatsQuery, UploadQuery,
};

use super::{Answer, request};
use crate::app::{TestApp, created, filtered, marked, member, webhook};
use crate::guests::HOSTILE;
use crate::receiver::{self, Receiver};

#[tokio::test]
async fn statistics_count_outcomes_reasons_attempts_and_latencies() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let registered = user.create_webhook(&filtered(&receiver.url("/a"), "done-records", None)).await.unwrap();
    let other = user.create_webhook(&webhook(&receiver.url("/b"))).await.unwrap();
    receiver.script("/a", [receiver::Answer::status(500)]);
    app.send(&marked("done", true)).await;
    app.run_after(Duration::from_secs(60)).await;
    for id in ["e1", "e2"] {
        app.send(&marked(id, false)).await;
    }
    app.send(&created("broken")).await;

    let stats = user.get_webhook_stats(&registered.id, &StatsQuery::default()).await.unwrap();

    assert_eq!((stats.events, stats.cut, stats.until), (4, false, app.now()));
    assert_eq!(stats.since, app.now() - Duration::from_secs(24 * 3600));
    let count = |outcome| stats.outcomes.iter().find(|counted| counted.outcome == outcome).map(|counted| counted.count);
    assert_eq!(count(KeptOutcome::Delivered), Some(1));
    assert_eq!(stats.outcomes.iter().map(|counted: &OutcomeCount| counted.count).sum::<u64>(), 4);
    let (most, count) = (&stats.reasons[0], stats.reasons[0].count);
    assert_eq!((most.reason.as_str(), most.outcome, count), ("the record is not done", KeptOutcome::Filtered, 3));
    assert_eq!(stats.attempts_succeeded, 1);
    assert_eq!(stats.attempt_errors, [ErrorCount { error: AttemptError::Status, count: 1 }]);
    assert!(stats.attempt_latency.is_some());
    // The clock stands but for the minute until the second attempt.
    let minute = Percentiles { p50_ms: 60_000, p95_ms: 60_000, p99_ms: 60_000 };
    assert_eq!(stats.delivery_latency, Some(minute));
    let plain = user.get_webhook_stats(&other.id, &StatsQuery::default()).await.unwrap();
    assert_eq!((plain.events, plain.attempts_succeeded, plain.reasons.len()), (4, 4, 0));
}

#[tokio::test]
async fn statistics_tell_how_a_filter_fails_also_where_its_events_are_sent() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let filter = user.upload_filter(&UploadQuery::default(), HOSTILE.to_vec()).await.unwrap().id;
    let mut new = filtered(&receiver.url("/a"), &filter, Some(r#"{"do":"loop"}"#));
    new.filter.as_mut().unwrap().on_error = Some(hooksieve::wire::OnError::Deliver);
    let registered = user.create_webhook(&new).await.unwrap();
    app.send(&created("e1")).await;

    let stats = user.get_webhook_stats(&registered.id, &StatsQuery::default()).await.unwrap();

    assert_eq!(stats.outcomes, [OutcomeCount { outcome: KeptOutcome::Delivered, count: 1 }]);
    assert_eq!((stats.reason_classes[0].reason_class, stats.reason_classes[0].count), (ReasonClass::Fuel, 1));
    assert_eq!(stats.reasons[0].reason_class, Some(ReasonClass::Fuel));
}

#[tokio::test]
async fn a_window_begins_when_it_is_asked_to_and_is_bounded() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let token = member(&app.operator(), "u1").await;
    let user = app.client(&token);
    let id = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap().id;
    app.send(&created("old")).await;
    app.run_after(Duration::from_secs(3600)).await;
    app.send(&created("new")).await;
    let counted = async |since: Duration| {
        let query = StatsQuery { since: Some(app.now() - since) };
        user.get_webhook_stats(&id, &query).await.unwrap().events
    };

    assert_eq!([counted(Duration::from_secs(3600)).await, counted(Duration::from_secs(3599)).await], [2, 1]);
    assert_eq!([counted(Duration::ZERO).await, counted(Duration::from_secs(31 * 24 * 3600)).await], [1, 2]);
    for since in ["2020-01-01T00:00:00Z", "yesterday", ""] {
        let path = format!("/v1/webhooks/{id}/stats?since={since}");
        let refused = Answer::of(request(&app, "GET", &path, &token)).await.problem();
        assert_eq!((refused.status, refused.errors[0].pointer.as_str()), (400, "/since"), "{refused:?}");
    }
    let later = StatsQuery { since: Some(app.now() + Duration::from_secs(9)) };
    assert_eq!(user.get_webhook_stats(&id, &later).await.unwrap().events, 0);
}
