//! A candidate beside a webhook's filter: compared on every event, and without a say.

use hooksieve::client::Client;
use hooksieve::wire::{
    Agreements, Candidate, Evaluate, FilterStatus, KeptOutcome, NewShadow, NewWebhook, Outcome, PatchWebhook,
    ReasonClass, Shadow, UploadQuery, Webhook,
};

use crate::app::{TestApp, created, filtered, marked, problem, raw, verdict, webhook};
use crate::guests::HOSTILE;
use crate::receiver::Receiver;

const DONE: &str = r#"{"pointer":"/currentValue/done","operator":"eq","value":true}"#;
const NOT_DONE: &str = r#"{"pointer":"/currentValue/done","operator":"eq","value":false}"#;

fn shadow(filter: &str, config: Option<&str>) -> NewShadow {
    NewShadow { filter: Candidate { id: filter.to_owned(), config: config.map(raw) } }
}

fn with_shadow(new: NewWebhook, filter: &str, config: Option<&str>) -> NewWebhook {
    NewWebhook { shadow: Some(shadow(filter, config)), ..new }
}

async fn compared(user: &Client, webhook: &Webhook) -> Shadow {
    user.get_webhook(&webhook.id).await.unwrap().shadow.unwrap()
}

async fn hostile(user: &Client) -> String {
    user.upload_filter(&UploadQuery::default(), HOSTILE.to_vec()).await.unwrap().id
}

#[tokio::test]
async fn a_shadow_is_compared_with_what_is_decided_and_changes_nothing_of_it() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let new = with_shadow(filtered(&receiver.url("/a"), "field-match", Some(DONE)), "field-match", Some(NOT_DONE));
    let webhook = user.create_webhook(&new).await.unwrap();
    let plain = with_shadow(crate::app::webhook(&receiver.url("/b")), "field-match", Some(DONE));
    let plain = user.create_webhook(&plain).await.unwrap();

    let sent = app.send(&marked("sent", true)).await;
    let kept_back = app.send(&marked("kept-back", false)).await;

    assert_eq!(["/a", "/b"].map(|path| receiver.on(path).len()), [1, 2]);
    assert_eq!(verdict(&user, &sent, &webhook).await.outcome, Outcome::Delivered);
    assert_eq!(verdict(&user, &kept_back, &webhook).await.outcome, Outcome::Filtered);
    let shadow = compared(&user, &webhook).await;
    assert_eq!((shadow.filter.id.as_str(), shadow.filter.config.get()), ("field-match", NOT_DONE));
    let expected = Agreements { delivered_but_skips: 1, skipped_but_delivers: 1, ..Agreements::default() };
    assert_eq!((shadow.agreements, shadow.since), (expected, app.now()));
    let samples = shadow.samples.unwrap();
    let events: Vec<_> = samples.iter().map(|sample| sample.event_id.as_str()).collect();
    assert_eq!(events, ["kept-back", "sent"]);
    let recorded = samples[0].recorded.as_ref().unwrap();
    assert_eq!((recorded.outcome, samples[0].candidate.outcome), (KeptOutcome::Filtered, KeptOutcome::Delivered));
    assert!(recorded.reason.as_ref().unwrap().contains("/currentValue/done"), "{recorded:?}");
    assert!(samples[1].candidate.reason.as_ref().unwrap().contains("/currentValue/done"), "{samples:?}");
    // Without a filter everything is sent, and that is what the candidate is compared with.
    let shadow = compared(&user, &plain).await;
    assert_eq!(shadow.agreements, Agreements { agreed: 1, delivered_but_skips: 1, ..Agreements::default() });
    // A list has the counts alone.
    let listed = user.list_webhooks(&Default::default()).await.unwrap().items;
    assert!(listed.iter().all(|webhook| webhook.shadow.as_ref().unwrap().samples.is_none()), "{listed:?}");
    assert_eq!(listed[1].shadow.as_ref().unwrap().agreements, expected);
}

#[tokio::test]
async fn a_shadow_that_fails_counts_against_itself_alone() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let filter = hostile(&user).await;
    let base = filtered(&receiver.url("/a"), "done-records", None);
    let mut webhooks = Vec::new();
    for (deed, class) in [("loop", ReasonClass::Fuel), ("panic", ReasonClass::Trap), ("error", ReasonClass::Error)] {
        let config = format!(r#"{{"do":"{deed}"}}"#);
        let new = with_shadow(base.clone(), &filter, Some(&config));
        webhooks.push((user.create_webhook(&new).await.unwrap(), class));
    }

    for number in 0..4 {
        app.send(&marked(&format!("e{number}"), true)).await;
    }

    assert_eq!(receiver.on("/a").len(), 4 * webhooks.len());
    for (webhook, class) in &webhooks {
        let shown = user.get_webhook(&webhook.id).await.unwrap();
        assert_eq!(shown.filter.unwrap().status, FilterStatus::Ok);
        let shadow = shown.shadow.unwrap();
        assert_eq!(shadow.agreements, Agreements { errors: 4, ..Agreements::default() });
        let sample = &shadow.samples.unwrap()[0];
        assert_eq!(sample.candidate.outcome, KeptOutcome::FilterError);
        assert_eq!(sample.candidate.reason_class, Some(*class), "{sample:?}");
    }
}

#[tokio::test]
async fn shadows_get_what_the_filters_leave_of_their_owners_fuel() {
    const WEBHOOKS: usize = 60;
    let (app, receiver) = (TestApp::start_with(|config| config.filter.fuel = 100_000).await, Receiver::start().await);
    let user = app.user("u1").await;
    let filter = hostile(&user).await;
    let looping = r#"{"do":"loop"}"#;
    let new = with_shadow(filtered(&receiver.url("/a"), &filter, Some(looping)), &filter, Some(looping));
    for _ in 0..WEBHOOKS {
        user.create_webhook(&new).await.unwrap();
    }

    let event = app.send(&created("e1")).await;

    let used_up = |reason: &Option<String>| reason.as_ref().is_some_and(|reason| reason.contains("used up the fuel"));
    let verdicts = user.list_event_verdicts(&event).await.unwrap().items;
    assert!(verdicts.iter().all(|verdict| verdict.outcome == Outcome::FilterError && !used_up(&verdict.reason)));
    let mut without_fuel = 0;
    for verdict in &verdicts {
        let shadow = user.get_webhook(&verdict.webhook_id).await.unwrap().shadow.unwrap();
        assert_eq!(shadow.agreements.errors, 1);
        without_fuel += usize::from(used_up(&shadow.samples.unwrap()[0].candidate.reason));
    }
    // A hundred calls in all, of which the filters took sixty.
    assert!((20..=30).contains(&without_fuel), "{without_fuel}");
}

#[tokio::test]
async fn counting_begins_anew_with_another_candidate_or_another_filter_beside_it() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let new = with_shadow(webhook(&receiver.url("/a")), "field-match", Some(DONE));
    let webhook = user.create_webhook(&new).await.unwrap();
    let change = async |patch: PatchWebhook| user.update_webhook(&webhook.id, &patch).await.unwrap();
    let agreed = async || compared(&user, &webhook).await.agreements.agreed;

    app.send(&marked("e1", true)).await;
    change(PatchWebhook { name: Some(Some("renamed".to_owned())), ..Default::default() }).await;
    let same = Some(Some(shadow("field-match", Some(DONE))));
    change(PatchWebhook { shadow: same, ..Default::default() }).await;
    assert_eq!(agreed().await, 1);

    let filter = Some(filtered("", "done-records", None).filter);
    change(PatchWebhook { filter, ..Default::default() }).await;
    assert_eq!(agreed().await, 0);
    app.send(&marked("e2", true)).await;
    assert_eq!(agreed().await, 1);

    let other = Some(Some(shadow("done-records", None)));
    let shown = change(PatchWebhook { shadow: other, ..Default::default() }).await.shadow.unwrap();
    assert_eq!((shown.filter.id.as_str(), shown.agreements), ("done-records", Agreements::default()));
    assert!(change(PatchWebhook { shadow: Some(None), ..Default::default() }).await.shadow.is_none());
    app.send(&marked("e3", true)).await;
    assert_eq!(receiver.on("/a").len(), 3);
}

#[tokio::test]
async fn a_test_of_the_webhook_is_not_compared() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let new = with_shadow(webhook(&receiver.url("/a")), "done-records", None);
    let webhook = user.create_webhook(&new).await.unwrap();

    user.test_webhook(&webhook.id, &Default::default()).await.unwrap();
    app.run_until_idle().await;

    assert_eq!(receiver.on("/a").len(), 1);
    assert_eq!(compared(&user, &webhook).await.agreements, Agreements::default());
}

#[tokio::test]
async fn a_shadow_that_cannot_be_used_is_refused_by_its_place_and_changes_nothing() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, other) = (app.user("u1").await, app.user("u2").await);
    let theirs = hostile(&other).await;
    let new = with_shadow(webhook(&receiver.url("/a")), "field-match", Some(DONE));
    let kept = user.create_webhook(&new).await.unwrap();
    app.send(&marked("e1", true)).await;

    for (filter, config, pointer) in [
        ("nothing", None, "/shadow/filter/id"),
        (theirs.as_str(), Some(r#"{"do":"deliver"}"#), "/shadow/filter/id"),
        ("field-match", Some("{}"), "/shadow/filter/config"),
        ("done-records", Some("1"), "/shadow/filter/config"),
    ] {
        let created = user.create_webhook(&with_shadow(webhook(&receiver.url("/a")), filter, config)).await;
        let patch = PatchWebhook {
            name: Some(Some("renamed".to_owned())),
            shadow: Some(Some(shadow(filter, config))),
            ..Default::default()
        };
        let changed = user.update_webhook(&kept.id, &patch).await;

        for refused in [problem(created), problem(changed)] {
            assert_eq!((refused.status, refused.errors[0].pointer.as_str()), (400, pointer), "{refused:?}");
        }
    }
    let shown = user.list_webhooks(&Default::default()).await.unwrap().items;
    let [only] = shown.as_slice() else { panic!("{shown:?}") };
    assert_eq!((only.name.as_ref(), only.updated_at), (None, kept.updated_at));
    assert_eq!(only.shadow.as_ref().unwrap().agreements.agreed, 1);
}

#[tokio::test]
async fn a_filter_in_use_as_a_shadow_is_not_deleted() {
    let app = TestApp::start().await;
    let user = app.user("u1").await;
    let filter = hostile(&user).await;
    let new = with_shadow(webhook("https://127.0.0.1:8443/"), &filter, Some(r#"{"do":"deliver"}"#));
    let webhook = user.create_webhook(&new).await.unwrap();

    let refused = problem(user.delete_filter(&filter).await);
    assert_eq!((refused.status, refused.code.as_str()), (409, "CONFLICT"));

    user.update_webhook(&webhook.id, &PatchWebhook { shadow: Some(None), ..Default::default() }).await.unwrap();
    user.delete_filter(&filter).await.unwrap();
}

#[tokio::test]
async fn a_shadow_is_still_compared_after_a_restart() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let token = crate::app::member(&app.operator(), "u1").await;
    let new = with_shadow(webhook(&receiver.url("/a")), "field-match", Some(DONE));
    let webhook = app.client(&token).create_webhook(&new).await.unwrap();
    app.send(&marked("e1", true)).await;

    let app = app.reopened(crate::app::COMPILER.as_ref()).await;
    // Until the candidate is compiled again; no event waits for one.
    let evaluate = Evaluate { event_id: Some("e1".to_owned()), config: Some(raw(DONE)), ..Evaluate::default() };
    while app.client(&token).evaluate_filter("field-match", &evaluate).await.is_err() {}
    app.send(&marked("e2", false)).await;

    let shadow = compared(&app.client(&token), &webhook).await;
    assert_eq!(shadow.agreements, Agreements { agreed: 1, delivered_but_skips: 1, ..Agreements::default() });
}
