//! Backtests: what a candidate would have made of the past, and who may ask.

use std::time::Instant;

use hooksieve::client::{Client, ClientError};
use hooksieve::model::limits::STOP_GRACE;
use hooksieve::wire::{
    Agreements, BacktestLine, BacktestSummary, Candidate, Difference, KeptOutcome, NewBacktest, NewEvent, NewWebhook,
    OutcomeCounts, PatchWebhook, UploadQuery, Webhook,
};
use reqwest::Response;
use tokio::sync::oneshot;

use crate::app::{PROJECT, TestApp, created, filtered, marked, problem, raw, webhook};
use crate::guests::HOSTILE;
use crate::receiver::Receiver;

const DONE: &str = r#"{"pointer":"/currentValue/done","operator":"eq","value":true}"#;

fn candidate(filter: &str, config: Option<&str>) -> NewBacktest {
    let filter = Candidate { id: filter.to_owned(), config: config.map(raw) };
    NewBacktest { filter, ..NewBacktest::default() }
}

async fn run(
    user: &Client,
    webhook: &Webhook,
    new: &NewBacktest,
) -> Result<(BacktestSummary, Vec<Difference>), ClientError> {
    let (mut samples, mut progress) = (Vec::new(), 0);
    let summary = user.backtest_filter(&webhook.id, new, |line| match line {
        BacktestLine::Sample(sample) => samples.push(sample),
        BacktestLine::Progress(_) => progress += 1,
        other => panic!("{other:?}"),
    });
    let summary = summary.await?;
    assert!(progress > 0);
    Ok((summary, samples))
}

async fn summary(user: &Client, webhook: &Webhook, new: &NewBacktest) -> BacktestSummary {
    run(user, webhook, new).await.unwrap().0
}

async fn hostile(user: &Client) -> String {
    user.upload_filter(&UploadQuery::default(), HOSTILE.to_vec()).await.unwrap().id
}

/// Events that were posted, all of them at once.
async fn post(app: &TestApp, events: impl IntoIterator<Item = NewEvent>) {
    let events: Vec<_> = events.into_iter().collect();
    app.operator().send_events(&events).await.unwrap();
    app.run_until_idle().await;
}

#[tokio::test]
async fn a_stop_ends_a_backtest_where_it_is_and_its_reader_is_told() {
    let (app, receiver) = (TestApp::start_running().await, Receiver::start().await);
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&self::webhook(&receiver.url("/a"))).await.unwrap();
    let events: Vec<_> = (0..300).map(|number| marked(&format!("e{number}"), true)).collect();
    app.operator().send_events(&events).await.unwrap();
    let slow = candidate(&hostile(&user).await, Some(r#"{"do":"loop"}"#));

    let (began, told) = oneshot::channel();
    let mut began = Some(began);
    let reading = user.backtest_filter(&webhook.id, &slow, |line| {
        if let (BacktestLine::Progress(_), Some(began)) = (line, began.take()) {
            began.send(()).unwrap();
        }
    });
    let stopping = async {
        told.await.unwrap();
        let asked_at = Instant::now();
        app.stop().await;
        asked_at.elapsed()
    };
    let (summary, took) = tokio::join!(reading, stopping);

    let summary = summary.unwrap();
    assert!(!summary.complete && summary.asked < 300, "{summary:?}");
    assert!(took < STOP_GRACE, "{took:?}");
}

#[tokio::test]
async fn a_backtest_tells_what_would_change_and_changes_nothing() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&filtered(&receiver.url("/a"), "done-records", None)).await.unwrap();
    // The filter sends the first: it has just been done. The candidate sends whatever is not done.
    post(&app, (0..5).map(|number| marked(&format!("e{number}"), number == 0))).await;
    let before = user.get_webhook(&webhook.id).await.unwrap();

    let not_done = DONE.replace("true", "false");
    let (summary, samples) = run(&user, &webhook, &candidate("field-match", Some(&not_done))).await.unwrap();

    let expected = BacktestSummary {
        asked: 5,
        before: OutcomeCounts { delivered: 1, filtered: 4, ..OutcomeCounts::default() },
        after: OutcomeCounts { delivered: 4, filtered: 1, ..OutcomeCounts::default() },
        agreements: Agreements { delivered_but_skips: 1, skipped_but_delivers: 4, ..Agreements::default() },
        complete: true,
    };
    assert_eq!(summary, expected);
    let events: Vec<_> = samples.iter().map(|sample| sample.event_id.as_str()).collect();
    assert_eq!(events, ["e4", "e3", "e2", "e1", "e0"]);
    let recorded = samples[0].recorded.as_ref().unwrap();
    assert_eq!(recorded.reason.as_deref(), Some("the record is not done"));
    assert_eq!((recorded.outcome, samples[0].candidate.outcome), (KeptOutcome::Filtered, KeptOutcome::Delivered));
    assert!(samples[4].candidate.reason.as_ref().unwrap().contains("/currentValue/done"), "{samples:?}");
    app.run_until_idle().await;
    assert_eq!(receiver.on("/a").len(), 1);
    let after = user.get_webhook(&webhook.id).await.unwrap();
    assert_eq!((after.updated_at, after.filter.unwrap().id), (before.updated_at, before.filter.unwrap().id));
}

#[tokio::test]
async fn a_backtest_asks_about_what_the_webhook_would_get_and_its_creator_may_see_now() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let operator = app.operator();
    operator.put_project("elsewhere", &Default::default()).await.unwrap();
    operator.put_project("left", &Default::default()).await.unwrap();
    for project in ["elsewhere", "left"] {
        operator.add_member(project, "u1").await.unwrap();
    }
    let in_project = |id: &str, project: &str| NewEvent { project_id: project.to_owned(), ..created(id) };
    let other_type = NewEvent { id: Some("other".to_owned()), ..NewEvent::new("COMMENT_CREATED", PROJECT) };
    let events =
        [created("here"), in_project("there", "elsewhere"), in_project("gone", "left"), in_project("never", "nowhere")];
    post(&app, events.into_iter().chain([other_type])).await;
    app.operator().remove_member("left", "u1").await.unwrap();
    app.run_after(std::time::Duration::from_secs(60)).await;
    // Registered after all of this happened, and disabled.
    let new = NewWebhook { enabled: Some(false), ..webhook(&receiver.url("/a")) };
    let every = user.create_webhook(&new).await.unwrap();
    let named =
        user.create_webhook(&NewWebhook { project_ids: vec![PROJECT.to_owned()], ..new.clone() }).await.unwrap();
    let nothing = user.create_webhook(&NewWebhook { events: Vec::new(), ..new }).await.unwrap();
    let failing = hostile(&user).await;
    let failing = candidate(&failing, Some(r#"{"do":"error"}"#));

    let (of_every, samples) = run(&user, &every, &failing).await.unwrap();

    let events: Vec<_> = samples.iter().map(|sample| sample.event_id.as_str()).collect();
    assert_eq!(events, ["there", "here"]);
    assert!(samples.iter().all(|sample| sample.recorded.is_none()), "{samples:?}");
    let undecided = OutcomeCounts { undecided: 2, ..OutcomeCounts::default() };
    let errors = OutcomeCounts { errors: 2, ..OutcomeCounts::default() };
    assert_eq!((of_every.asked, of_every.before, of_every.after), (2, undecided, errors));
    assert_eq!(of_every.agreements, Agreements::default());
    assert_eq!(summary(&user, &named, &failing).await.asked, 1);
    let of_nothing = summary(&user, &nothing, &failing).await;
    assert_eq!((of_nothing.asked, of_nothing.complete), (0, true));
    let since = NewBacktest { since: Some(app.now()), ..failing };
    assert_eq!(summary(&user, &every, &since).await.asked, 0);
}

#[tokio::test]
async fn a_backtest_ends_at_its_limit_and_shows_no_more_samples_than_it_may() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    post(&app, (0..300).map(|number| marked(&format!("e{number}"), false))).await;
    let limited = |limit| NewBacktest { limit: Some(limit), ..candidate("field-match", Some(DONE)) };

    let (first, samples) = run(&user, &webhook, &limited(260)).await.unwrap();
    let all = summary(&user, &webhook, &limited(300)).await;
    let one = summary(&user, &webhook, &limited(1)).await;

    assert_eq!((first.asked, first.complete, samples.len()), (260, false, 50));
    assert_eq!(first.agreements.delivered_but_skips, 260);
    assert_eq!((all.asked, all.complete, all.before.delivered, all.after.filtered), (300, true, 300, 300));
    assert_eq!((one.asked, one.complete), (1, false));
    for limit in [0, 100_001] {
        let refused = problem(run(&user, &webhook, &limited(limit)).await);
        assert_eq!((refused.status, refused.errors[0].pointer.as_str()), (400, "/limit"));
    }
}

#[tokio::test]
async fn each_event_is_judged_as_if_it_were_alone() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    post(&app, (0..40).map(|number| marked(&format!("e{number}"), false))).await;
    let filter = hostile(&user).await;

    for (deed, outcome, reason) in [
        ("count", KeptOutcome::Filtered, "event number 1"),
        ("error", KeptOutcome::FilterError, "as the configuration says"),
        ("panic", KeptOutcome::FilterError, "unreachable"),
        ("loop", KeptOutcome::FilterError, "fuel"),
        ("huge-reason", KeptOutcome::FilterError, ""),
    ] {
        let config = format!(r#"{{"do":"{deed}"}}"#);
        let (summary, samples) = run(&user, &webhook, &candidate(&filter, Some(&config))).await.unwrap();

        assert_eq!((summary.asked, samples.len()), (40, 40), "{deed}");
        for sample in samples {
            assert_eq!(sample.candidate.outcome, outcome, "{deed}: {sample:?}");
            assert!(sample.candidate.reason.as_ref().unwrap().contains(reason), "{deed}: {sample:?}");
        }
    }
}

#[tokio::test]
async fn a_candidate_that_cannot_be_used_is_refused_by_its_place() {
    let app = TestApp::start().await;
    let (user, other) = (app.user("u1").await, app.user("u2").await);
    let webhook = user.create_webhook(&webhook("https://127.0.0.1:8443/")).await.unwrap();
    let theirs = hostile(&other).await;

    for (filter, config, pointer) in [
        ("nothing", None, "/filter/id"),
        (theirs.as_str(), Some(r#"{"do":"deliver"}"#), "/filter/id"),
        ("field-match", Some("{}"), "/filter/config"),
    ] {
        let refused = problem(run(&user, &webhook, &candidate(filter, config)).await);

        assert_eq!((refused.status, refused.errors[0].pointer.as_str()), (400, pointer), "{refused:?}");
    }
    let refused = problem(run(&other, &webhook, &candidate("done-records", None)).await);
    assert_eq!(refused.code, "WEBHOOK_NOT_FOUND");
}

/// The answer to a backtest that runs until its fuel ends for each event, so that it takes a while; not read yet.
async fn begin(app: &TestApp, token: &str, webhook: &Webhook, filter: &str) -> Response {
    let path = format!("/v1/webhooks/{}/backtest", webhook.id);
    let body = format!(r#"{{"filter":{{"id":"{filter}","config":{{"do":"loop"}}}}}}"#);
    let request = crate::app::http().post(app.url(&path)).bearer_auth(token);
    request.header("content-type", "application/json").body(body).send().await.unwrap()
}

#[tokio::test]
async fn an_owner_has_one_backtest_at_a_time_and_who_goes_away_ends_theirs() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let token = crate::app::member(&app.operator(), "u1").await;
    let user = app.client(&token);
    let of_owner = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    post(&app, (0..1_000).map(|number| marked(&format!("e{number}"), false))).await;
    let other = app.user("u2").await;
    let of_other = other.create_webhook(&webhook(&receiver.url("/b"))).await.unwrap();
    let filter = hostile(&user).await;
    let quick = NewBacktest { limit: Some(10), ..candidate("done-records", None) };

    let mut first = begin(&app, &token, &of_owner, &filter).await;
    assert_eq!(
        (first.status().as_u16(), &first.headers()["content-type"]),
        (200, &"application/x-ndjson".parse().unwrap())
    );
    assert!(first.chunk().await.unwrap().unwrap().starts_with(br#"{"progress":{"asked":0,"limit":1000}}"#));
    let second = problem(run(&user, &of_owner, &quick).await);
    let of_another_owner = summary(&other, &of_other, &quick).await;
    // Dispatch goes on beside it.
    app.send(&marked("new", true)).await;

    assert_eq!((second.status, second.code.as_str()), (503, "BUSY"));
    assert_eq!(of_another_owner.asked, 10);
    assert_eq!(receiver.on("/a").len(), 1_001);
    drop(first);
    loop {
        match run(&user, &of_owner, &quick).await {
            Ok((summary, _)) => break assert_eq!(summary.asked, 10),
            Err(refused) => assert_eq!(refused.problem().unwrap().code, "BUSY"),
        }
    }
}

#[tokio::test]
async fn an_operator_tries_a_filter_on_what_happened_to_webhooks() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, operator) = (app.user("u1").await, app.operator());
    let new = NewWebhook { events: vec!["WEBHOOK_DISABLED".to_owned()], ..webhook(&receiver.url("/operator")) };
    let of_operator = operator.create_webhook(&new).await.unwrap();
    let disabled = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    user.update_webhook(&disabled.id, &PatchWebhook { enabled: Some(false), ..Default::default() }).await.unwrap();
    app.run_until_idle().await;

    let config = Some(r#"{"pointer":"/event","operator":"eq","value":"WEBHOOK_DISABLED"}"#);
    let summary = summary(&operator, &of_operator, &candidate("field-match", config)).await;

    assert_eq!((summary.asked, summary.after.delivered, summary.agreements.agreed), (1, 1, 1));
}
