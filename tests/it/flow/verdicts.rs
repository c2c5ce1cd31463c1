//! Who gets an event, who does not, and what they are told.

use std::time::Duration;

use hooksieve::wire::{DeliveryState, NewWebhook, Outcome, PatchWebhook};

use crate::app::{PROJECT, TestApp, created, filtered, marked, only_delivery, problem, verdict, webhook};
use crate::receiver::{Answer, Receiver};

const DONE: &str = r#"{"pointer":"/currentValue/done","operator":"eq","value":true}"#;

#[tokio::test]
async fn an_event_goes_to_the_webhooks_whose_filters_let_it_through() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let plain = user.create_webhook(&webhook(&receiver.url("/plain"))).await.unwrap();
    let matching = user.create_webhook(&filtered(&receiver.url("/match"), "field-match", Some(DONE))).await.unwrap();
    let done = user.create_webhook(&filtered(&receiver.url("/done"), "done-records", None)).await.unwrap();

    let open = app.send(&marked("open", false)).await;
    let finished = app.send(&marked("finished", true)).await;

    assert_eq!(["/plain", "/match", "/done"].map(|path| receiver.on(path).len()), [2, 1, 1]);
    for webhook in [&plain, &matching, &done] {
        let verdict = verdict(&user, &finished, webhook).await;
        assert_eq!(verdict.outcome, Outcome::Delivered);
        assert!(verdict.delivery_id.is_some());
    }
    let skipped = verdict(&user, &open, &done).await;
    assert_eq!((skipped.outcome, skipped.reason.as_deref()), (Outcome::Filtered, Some("the record is not done")));
    assert!(skipped.fuel.unwrap() > 0 && skipped.delivery_id.is_none());
    assert_eq!(verdict(&user, &open, &matching).await.outcome, Outcome::Filtered);
    assert_eq!(verdict(&user, &open, &plain).await.outcome, Outcome::Delivered);
}

#[tokio::test]
async fn a_verdict_is_its_owners_and_the_event_is_not_there_for_others() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (owner, other) = (app.user("u1").await, app.stranger("u2").await);
    let webhook = owner.create_webhook(&filtered(&receiver.url("/a"), "done-records", None)).await.unwrap();

    let event = app.send(&marked("e1", false)).await;

    assert_eq!(verdict(&owner, &event, &webhook).await.outcome, Outcome::Filtered);
    let refused = problem(other.list_event_verdicts(&event).await);
    assert_eq!((refused.status, refused.code.as_str()), (404, "EVENT_NOT_FOUND"));
    assert_eq!(refused, problem(other.list_event_verdicts("nothing").await));
}

#[tokio::test]
async fn a_member_sees_the_event_but_not_another_members_verdict() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (owner, member) = (app.user("u1").await, app.user("u2").await);
    owner.create_webhook(&filtered(&receiver.url("/a"), "done-records", None)).await.unwrap();

    let event = app.send(&marked("e1", false)).await;

    assert!(member.list_event_verdicts(&event).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn membership_counts_at_the_moment_of_the_event() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let every = user.create_webhook(&webhook(&receiver.url("/every"))).await.unwrap();
    let named = NewWebhook { project_ids: vec![PROJECT.to_owned()], ..webhook(&receiver.url("/named")) };
    let named = user.create_webhook(&named).await.unwrap();

    app.send(&created("as-a-member")).await;
    app.operator().remove_member(PROJECT, "u1").await.unwrap();
    let outside = app.send(&created("outside")).await;
    app.operator().add_member(PROJECT, "u1").await.unwrap();
    app.send(&created("back")).await;

    assert_eq!(["/every", "/named"].map(|path| receiver.on(path).len()), [2, 2]);
    assert_eq!(verdict(&user, &outside, &named).await.outcome, Outcome::OutOfScope);
    assert_eq!(verdict(&user, &outside, &every).await.outcome, Outcome::NotConsidered);
}

#[tokio::test]
async fn who_left_the_project_sees_the_old_events_but_no_new_one() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let named = NewWebhook { project_ids: vec![PROJECT.to_owned()], ..webhook(&receiver.url("/named")) };
    user.create_webhook(&named).await.unwrap();

    let before = app.send(&created("before")).await;
    app.operator().remove_member(PROJECT, "u1").await.unwrap();
    let after = app.send(&created("after")).await;

    assert_eq!(user.get_event(&before).await.unwrap().id, before);
    assert_eq!(problem(user.get_event(&after).await).code, "EVENT_NOT_FOUND");
    assert_eq!(receiver.on("/named").len(), 1);
}

#[tokio::test]
async fn what_is_still_owed_is_not_sent_to_who_left_the_project() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    receiver.always("/a", Answer::status(500));
    let user = app.user("u1").await;
    let owed = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    app.send(&created("e1")).await;

    app.operator().remove_member(PROJECT, "u1").await.unwrap();
    app.run_after(Duration::from_secs(60)).await;

    assert_eq!(receiver.on("/a").len(), 1);
    assert_eq!(only_delivery(&user, &owed).await.delivery.state, DeliveryState::Canceled);
}

#[tokio::test]
async fn a_disabled_webhook_gets_nothing_and_is_told_why() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    user.update_webhook(&webhook.id, &PatchWebhook { enabled: Some(false), ..Default::default() }).await.unwrap();

    let event = app.send(&created("e1")).await;

    assert_eq!(verdict(&user, &event, &webhook).await.outcome, Outcome::Disabled);
    assert!(receiver.on("/a").is_empty());
}

#[tokio::test]
async fn a_webhook_without_events_gets_none() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let empty = NewWebhook { events: Vec::new(), ..webhook(&receiver.url("/a")) };
    let empty = user.create_webhook(&empty).await.unwrap();

    let event = app.send(&created("e1")).await;

    let verdict = verdict(&user, &event, &empty).await;
    assert_eq!(verdict.outcome, Outcome::NotConsidered);
    assert_eq!(verdict.reason.unwrap(), "the webhook subscribes to no event types; set its `events`");
    assert!(receiver.on("/a").is_empty());
}

#[tokio::test]
async fn a_webhook_gets_no_event_that_was_accepted_before_it_was_registered() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    app.operator().send_event(&created("e1")).await.unwrap();
    app.run_after(std::time::Duration::from_millis(1)).await;
    user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();

    app.run_until_idle().await;

    assert!(receiver.on("/a").is_empty());
}

#[tokio::test]
async fn an_event_that_is_sent_again_is_delivered_once() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();

    let first = app.operator().send_event(&created("e1")).await.unwrap();
    let again = app.operator().send_event(&created("e1")).await.unwrap();
    app.run_until_idle().await;
    let later = app.operator().send_event(&created("e1")).await.unwrap();
    app.run_until_idle().await;

    assert_eq!([first.duplicate, again.duplicate, later.duplicate], [false, true, true]);
    assert_eq!(receiver.on("/a").len(), 1);
}

#[tokio::test]
async fn another_event_under_the_same_id_is_refused_and_changes_nothing() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    app.send(&created("e1")).await;

    let refused = problem(app.operator().send_event(&marked("e1", true)).await);
    app.run_until_idle().await;

    assert_eq!((refused.status, refused.code.as_str()), (409, "CONFLICT"));
    assert_eq!(app.operator().get_event("e1").await.unwrap().event, "TODO_CREATED");
    assert_eq!(receiver.on("/a").len(), 1);
}

#[tokio::test]
async fn every_webhook_is_told_why_it_did_or_did_not_get_an_event() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, operator) = (app.user("u1").await, app.operator());
    operator.put_project("other", &Default::default()).await.unwrap();
    operator.add_member("other", "u1").await.unwrap();
    let base = webhook(&receiver.url("/a"));
    let mut expected = Vec::new();
    for (new, outcome, reason) in [
        (base.clone(), Outcome::Delivered, None),
        (filtered(&base.url, "done-records", None), Outcome::Filtered, Some("the record is not done")),
        (
            filtered(&base.url, "field-match", Some(&DONE.replace("true", "1"))),
            Outcome::FilterError,
            Some("/currentValue/done"),
        ),
        (NewWebhook { enabled: Some(false), ..base.clone() }, Outcome::Disabled, Some("the webhook was disabled")),
        (
            NewWebhook { events: vec!["TODO_CREATED".to_owned()], ..base.clone() },
            Outcome::NotConsidered,
            Some("the webhook does not subscribe to TODO_DONE_STATUS_UPDATED"),
        ),
        (NewWebhook { events: vec![], ..base.clone() }, Outcome::NotConsidered, Some("subscribes to no event types")),
        (
            NewWebhook { project_ids: vec!["other".to_owned()], ..base.clone() },
            Outcome::NotConsidered,
            Some("the webhook's `projectIds` do not contain"),
        ),
    ] {
        expected.push((user.create_webhook(&new).await.unwrap().id, outcome, reason));
    }
    app.run_after(Duration::from_secs(1)).await;

    app.send(&marked("e1", false)).await;
    app.run_after(Duration::from_secs(1)).await;
    let later = user.create_webhook(&base).await.unwrap().id;
    expected.push((later, Outcome::NotConsidered, Some("registered after the event was accepted")));

    let told = user.list_event_verdicts("e1").await.unwrap().items;
    assert_eq!(told.len(), expected.len());
    for (id, outcome, reason) in &expected {
        let verdict = told.iter().find(|verdict| verdict.webhook_id == *id).unwrap();
        assert_eq!(verdict.outcome, *outcome, "{verdict:?}");
        let found = verdict.reason.as_deref().unwrap_or_default();
        assert!(
            found.contains(reason.unwrap_or_default()) && verdict.reason.is_some() == reason.is_some(),
            "{verdict:?}"
        );
        let is_asked = matches!(outcome, Outcome::Filtered | Outcome::FilterError);
        let is_explained = verdict.fuel.is_some() && verdict.duration_us.is_some() && verdict.filter_digest.is_some();
        assert_eq!(is_explained, is_asked, "{verdict:?}");
    }
}

#[tokio::test]
async fn a_webhook_whose_creator_was_no_member_is_told_just_that() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let every = user.create_webhook(&webhook(&receiver.url("/every"))).await.unwrap();
    let named = NewWebhook { project_ids: vec![PROJECT.to_owned()], ..webhook(&receiver.url("/named")) };
    let named = user.create_webhook(&named).await.unwrap();
    let operator = app.operator();
    app.run_after(Duration::from_secs(1)).await;

    operator.remove_member(PROJECT, "u1").await.unwrap();
    app.send(&created("outside")).await;
    operator.add_member(PROJECT, "u1").await.unwrap();

    let (of_every, of_named) = (verdict(&user, "outside", &every).await, verdict(&user, "outside", &named).await);
    let reason = format!("when the event was dispatched, the webhook's creator was not a member of {PROJECT}");
    assert_eq!((of_every.outcome, of_every.reason), (Outcome::NotConsidered, Some(reason)));
    let reason = "the webhook's creator was not a member of the project".to_owned();
    assert_eq!((of_named.outcome, of_named.reason), (Outcome::OutOfScope, Some(reason)));
    // Changed since, it may as well not have been set up like this then.
    app.run_after(Duration::from_secs(1)).await;
    user.update_webhook(&every.id, &PatchWebhook { name: Some(None), ..Default::default() }).await.unwrap();
    assert!(
        verdict(&user, "outside", &every)
            .await
            .reason
            .unwrap()
            .ends_with("or the webhook was not yet set up like this")
    );
}
