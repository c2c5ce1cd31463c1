//! Tests of a webhook by its owner.

use hooksieve::client::Client;
use hooksieve::model::secret::Secret;
use hooksieve::sign;
use hooksieve::wire::{
    DeliveriesQuery, DeliveryState, HookSampleQuery, NewWebhook, Outcome, PatchWebhook, PutEventType, TestSent,
    TestWebhook, VerdictsQuery, Webhook, WebhookStatus,
};

use crate::app::{PROJECT, TestApp, created, filtered, only_delivery, problem, verdict, webhook};
use crate::receiver::{Answer, Receiver};

/// The record of the catalogue's example of `TODO_CREATED`, which is the guide's.
const EXAMPLE_RECORD: &str = "clb4zna6x0000vt1swuwso25f";

/// Tests a webhook, and does all that is due.
async fn test(app: &TestApp, user: &Client, webhook: &Webhook, event: Option<&str>) -> TestSent {
    let sent = user.test_webhook(&webhook.id, &TestWebhook { event: event.map(str::to_owned) }).await.unwrap();
    app.run_until_idle().await;
    sent
}

#[tokio::test]
async fn a_test_goes_the_way_of_a_live_event_to_its_webhook_alone_and_is_marked() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let tested = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    let beside = user.create_webhook(&webhook(&receiver.url("/b"))).await.unwrap();

    let sent = test(&app, &user, &tested, None).await;

    assert_eq!(sent.event, "TODO_CREATED", "the first that it subscribes to");
    let received = receiver.only("/a");
    assert!(receiver.on("/b").is_empty());
    assert_eq!(received.header("webhook-test"), "true");
    assert_eq!(
        (&received.json()["event"], &received.json()["webhook"]["id"]),
        (&"TODO_CREATED".into(), &tested.id.clone().into())
    );
    assert_eq!(received.json()["currentValue"]["id"], EXAMPLE_RECORD);
    let secret = Secret::new(tested.secret.as_ref().unwrap().expose());
    let signed = sign::Received::new(received.body.as_bytes(), |name| received.headers.get(name).map(String::as_str));
    signed.verify_x_signature(&secret).unwrap();
    let detail = only_delivery(&user, &tested).await;
    assert_eq!((detail.delivery.is_test, detail.delivery.state), (true, DeliveryState::Delivered));
    let event = user.get_event(&sent.id).await.unwrap();
    assert!(event.is_test && event.dispatched);
    let decided = verdict(&user, &sent.id, &tested).await;
    assert_eq!(
        (decided.outcome, decided.is_test, decided.delivery_id),
        (Outcome::Delivered, true, Some(detail.delivery.id))
    );
    let other = verdict(&user, &sent.id, &beside).await;
    assert_eq!(
        (other.outcome, other.reason.as_deref()),
        (Outcome::NotConsidered, Some("the event is a test of another webhook"))
    );
    let logged = user.list_verdicts(&tested.id, &VerdictsQuery::default()).await.unwrap().items;
    assert!(logged.len() == 1 && logged[0].is_test);
}

#[tokio::test]
async fn what_happened_is_not_marked_as_a_test() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let registered = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();

    let event = app.send(&created("e1")).await;

    assert!(!receiver.only("/a").headers.contains_key("webhook-test"));
    assert!(!only_delivery(&user, &registered).await.delivery.is_test);
    assert!(!user.get_event(&event).await.unwrap().is_test);
    assert!(!verdict(&user, &event, &registered).await.is_test);
}

#[tokio::test]
async fn a_webhook_is_tested_with_types_and_in_projects_that_it_does_not_have() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    // Who is a member of nothing.
    let user = app.stranger("u1").await;
    let events = vec!["TODO_DELETED".to_owned()];
    let tested = user.create_webhook(&NewWebhook { events, ..webhook(&receiver.url("/a")) }).await.unwrap();
    let put = PutEventType { description: "An invoice was paid".to_owned(), ..Default::default() };
    app.operator().put_event_type("INVOICE_PAID", &put).await.unwrap();

    test(&app, &user, &tested, None).await;
    test(&app, &user, &tested, Some("COMMENT_CREATED")).await;
    test(&app, &user, &tested, Some("INVOICE_PAID")).await;

    let received: Vec<_> = receiver.on("/a").iter().map(|one| one.json()).collect();
    let types: Vec<_> = received.iter().map(|body| body["event"].as_str().unwrap()).collect();
    assert_eq!(types, ["TODO_DELETED", "COMMENT_CREATED", "INVOICE_PAID"]);
    assert!(received[0]["currentValue"].is_null() && received[0]["previousValue"].is_object());
    assert!(received[2]["currentValue"].is_object());
}

#[tokio::test]
async fn a_filter_decides_on_a_test_and_its_verdict_is_kept() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let config = r#"{"pointer":"/currentValue/title","operator":"eq","value":"another"}"#;
    let tested = user.create_webhook(&filtered(&receiver.url("/a"), "field-match", Some(config))).await.unwrap();

    let sent = test(&app, &user, &tested, None).await;

    let verdict = verdict(&user, &sent.id, &tested).await;
    assert_eq!((verdict.outcome, verdict.is_test), (Outcome::Filtered, true));
    assert!(verdict.reason.unwrap().contains("GGGG") && verdict.fuel.unwrap() > 0);
    assert!(receiver.on("/a").is_empty());
}

#[tokio::test]
async fn a_test_that_fails_is_tried_again_with_its_mark_and_counts_against_the_endpoint() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let tested = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    receiver.script("/a", [Answer::status(500)]);

    test(&app, &user, &tested, None).await;
    let failed = user.get_webhook(&tested.id).await.unwrap();
    app.run_next_attempt(&only_delivery(&user, &tested).await.delivery).await;

    assert_eq!((failed.failures_in_a_row, failed.status), (1, WebhookStatus::Healthy));
    let received = receiver.on("/a");
    assert_eq!((received.len(), &received[0].body), (2, &received[1].body));
    assert!(received.iter().all(|one| one.header("webhook-test") == "true"));
    assert_eq!(only_delivery(&user, &tested).await.delivery.state, DeliveryState::Delivered);
}

#[tokio::test]
async fn a_disabled_webhook_is_not_tested_and_the_refusal_names_the_remedy() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let new = NewWebhook { enabled: Some(false), ..webhook(&receiver.url("/a")) };
    let tested = user.create_webhook(&new).await.unwrap();

    let refused = problem(user.test_webhook(&tested.id, &TestWebhook::default()).await);

    assert_eq!((refused.status, refused.code.as_str()), (409, "CONFLICT"));
    assert!(refused.detail.contains(r#"{"enabled": true}"#), "{refused:?}");
}

#[tokio::test]
async fn a_webhook_that_is_disabled_before_the_test_is_dispatched_has_that_as_its_verdict() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let tested = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();

    let sent = user.test_webhook(&tested.id, &TestWebhook::default()).await.unwrap();
    let waiting = verdict(&user, &sent.id, &tested).await;
    let disable = PatchWebhook { enabled: Some(false), ..PatchWebhook::default() };
    user.update_webhook(&tested.id, &disable).await.unwrap();
    app.run_until_idle().await;

    assert_eq!((waiting.outcome, waiting.is_test), (Outcome::Waiting, true));
    assert_eq!(verdict(&user, &sent.id, &tested).await.outcome, Outcome::Disabled);
    assert!(receiver.on("/a").is_empty());
}

#[tokio::test]
async fn a_webhook_that_is_deleted_before_the_test_is_dispatched_gets_nothing() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let tested = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();

    let sent = user.test_webhook(&tested.id, &TestWebhook::default()).await.unwrap();
    user.delete_webhook(&tested.id).await.unwrap();
    app.run_until_idle().await;

    assert!(receiver.on("/a").is_empty());
    assert_eq!(problem(user.get_event(&sent.id).await).code, "EVENT_NOT_FOUND");
    assert!(app.operator().get_event(&sent.id).await.unwrap().dispatched);
}

#[tokio::test]
async fn a_test_that_cannot_be_is_refused_by_its_type() {
    let app = TestApp::start().await;
    let user = app.user("u1").await;
    let new = NewWebhook { events: Vec::new(), ..webhook("https://127.0.0.1:8443/") };
    let tested = user.create_webhook(&new).await.unwrap();
    let refused = async |event: Option<&str>| {
        let test = TestWebhook { event: event.map(str::to_owned) };
        problem(user.test_webhook(&tested.id, &test).await)
    };

    for (event, words) in [(None, "name the one"), (Some("TODO_CREATE"), "did you mean"), (Some("nope"), "upper-case")]
    {
        let problem = refused(event).await;

        assert_eq!((problem.status, problem.errors[0].pointer.as_str()), (400, "/event"), "{event:?}");
        assert!(problem.detail.contains(words), "{problem:?}");
    }
}

#[tokio::test]
async fn a_webhook_is_tested_ten_times_a_minute() {
    let app = TestApp::start().await;
    let user = app.user("u1").await;
    let tested = user.create_webhook(&webhook("https://127.0.0.1:8443/")).await.unwrap();
    let ask = async || user.test_webhook(&tested.id, &TestWebhook::default()).await;

    for _ in 0..10 {
        ask().await.unwrap();
    }
    let refused = problem(ask().await);
    app.run_after(std::time::Duration::from_secs(60)).await;

    assert_eq!((refused.status, refused.code.as_str()), (409, "CONFLICT"));
    ask().await.unwrap();
}

#[tokio::test]
async fn nobody_else_sees_a_test_although_it_says_to_be_of_their_project() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, other) = (app.user("u1").await, app.user("u2").await);
    let tested = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    let theirs = other.create_webhook(&webhook(&receiver.url("/b"))).await.unwrap();

    let sent = test(&app, &user, &tested, None).await;

    let event = app.operator().get_event(&sent.id).await.unwrap();
    assert_eq!((event.project_id.as_str(), event.is_test), (PROJECT, true), "both are members of it");
    assert_eq!(problem(other.get_event(&sent.id).await).code, "EVENT_NOT_FOUND");
    assert_eq!(problem(other.list_event_verdicts(&sent.id).await).code, "EVENT_NOT_FOUND");
    let evaluate = hooksieve::wire::Evaluate { event_id: Some(sent.id), ..Default::default() };
    assert_eq!(problem(other.evaluate_filter("done-records", &evaluate).await).code, "EVENT_NOT_FOUND");
    assert!(receiver.on("/b").is_empty());
    assert!(other.list_deliveries(&theirs.id, &DeliveriesQuery::default()).await.unwrap().items.is_empty());
    assert!(other.list_verdicts(&theirs.id, &VerdictsQuery::default()).await.unwrap().items.is_empty());
    app.send(&created("e1")).await;
    let query = HookSampleQuery { event: "TODO_CREATED".to_owned() };
    let samples = user.list_hook_samples(&query).await.unwrap();
    assert!(samples.len() == 1 && samples[0].get().starts_with(r#"{"id":"e1","#), "what happened, and no test");
}
