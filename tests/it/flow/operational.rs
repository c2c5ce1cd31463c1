//! What the operator is told of webhooks.

use std::collections::BTreeSet;
use std::time::Duration;

use hooksieve::clock::{Clock, SystemClock};
use hooksieve::model::limits::{FAILURES_UNTIL_UNHEALTHY, RECOVERY_TIME};
use hooksieve::wire::{
    CreateToken, NewEvent, NewWebhook, PatchWebhook, PutProject, PutUser, TestWebhook, Webhook, WebhookStatus,
};
use serde_json::json;
use tempfile::TempDir;

use crate::app::{PROJECT, TestApp, created, member, problem, webhook};
use crate::process::Process;
use crate::receiver::{Answer, Receiver};

const CHANGES: [&str; 3] = ["WEBHOOK_UNHEALTHY", "WEBHOOK_RECOVERED", "WEBHOOK_DISABLED"];

/// A webhook for all changes of webhooks.
fn operators(url: &str) -> NewWebhook {
    NewWebhook { events: CHANGES.map(str::to_owned).to_vec(), ..webhook(url) }
}

/// Makes a user's webhook UNHEALTHY.
async fn sicken(app: &TestApp, name: &str) {
    for number in 0..FAILURES_UNTIL_UNHEALTHY {
        app.operator().send_event(&created(&format!("{name}{number}"))).await.unwrap();
    }
    app.run_until_idle().await;
}

/// The changes that were told on `path`, in the order in which they came.
fn told(receiver: &Receiver, path: &str) -> Vec<String> {
    receiver.on(path).iter().map(|received| received.json()["event"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_operators_webhook_is_told_of_each_change_once() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    app.operator().create_webhook(&operators(&receiver.url("/ops"))).await.unwrap();
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();

    receiver.always("/a", Answer::status(500));
    sicken(&app, "e").await;
    let sick = user.get_webhook(&webhook.id).await.unwrap();
    app.run_after(Duration::from_secs(60)).await;
    receiver.always("/a", Answer::status(204));
    app.run_after(Duration::from_secs(600)).await;
    app.run_after(RECOVERY_TIME).await;
    receiver.always("/a", Answer::status(410));
    app.send(&created("gone")).await;
    receiver.always("/a", Answer::status(204));
    let enable = PatchWebhook { enabled: Some(true), ..PatchWebhook::default() };
    user.update_webhook(&webhook.id, &enable).await.unwrap();
    // Attempts of one webhook are made side by side; one at a time they come in their order.
    app.run_until_idle().await;
    user.disable_webhook(&webhook.id).await.unwrap();
    app.run_until_idle().await;

    let [unhealthy, recovered, disabled] = CHANGES;
    assert_eq!(told(&receiver, "/ops"), [unhealthy, recovered, disabled, recovered, disabled]);
    let bodies: Vec<_> = receiver.on("/ops").iter().map(|received| received.json()).collect();
    let value = json!({
        "id": webhook.id, "name": null, "url": webhook.url, "owner": "u1", "status": "UNHEALTHY", "enabled": true,
        "reason": sick.health.reason, "failuresInARow": 5, "since": sick.health.since,
    });
    assert_eq!(bodies[0]["currentValue"], value);
    assert_eq!(
        (&bodies[0]["previousValue"]["status"], &bodies[1]["currentValue"]["status"]),
        (&json!("HEALTHY"), &json!("HEALTHY"))
    );
    let reasons: Vec<_> = [2, 4].map(|place| bodies[place]["currentValue"]["reason"].clone()).into();
    assert_eq!(reasons, ["disabled, because the endpoint answered 410 (gone)", "disabled by its owner"]);
    // An event like any other, for the operator alone.
    let id = format!("hooksieve:{}:2", webhook.id);
    assert_eq!(app.operator().get_event(&id).await.unwrap().event, unhealthy);
    assert_eq!(problem(user.get_event(&id).await).code, "EVENT_NOT_FOUND");
}

#[tokio::test]
async fn an_operators_webhook_that_fails_makes_no_further_events() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let operator = app.operator();
    let failing = operator.create_webhook(&operators(&receiver.url("/failing"))).await.unwrap();
    operator.create_webhook(&operators(&receiver.url("/other"))).await.unwrap();
    receiver.always("/failing", Answer::status(500));
    receiver.always("/a", Answer::status(410));
    let user = app.user("u1").await;
    let registered = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();

    app.send(&created("e1")).await;
    for _ in 0..8 {
        app.run_after(Duration::from_secs(24 * 3600)).await;
    }

    let failing = operator.get_webhook(&failing.id).await.unwrap();
    assert_eq!((failing.status, failing.enabled), (WebhookStatus::Unhealthy, false), "{failing:?}");
    assert_eq!(told(&receiver, "/other"), ["WEBHOOK_DISABLED"]);
    let about = receiver.on("/failing").into_iter().map(|received| received.json()["currentValue"]["id"].clone());
    assert!(
        about.clone().count() > 5 && about.clone().all(|id| id == json!(registered.id)),
        "{:?}",
        about.collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn operational_events_are_the_operators_and_all_others_the_users() {
    let app = TestApp::start().await;
    let user = app.user("u1").await;
    let types = |names: &[&str]| NewWebhook {
        events: names.iter().map(|name| (*name).to_owned()).collect(),
        ..webhook("https://example.com/")
    };

    for name in CHANGES {
        let refused = problem(user.create_webhook(&types(&["TODO_CREATED", name])).await);
        assert_eq!((refused.status, refused.errors[0].pointer.as_str()), (400, "/events/1"), "{name}");
        assert!(refused.detail.contains("operator's webhooks only"), "{refused:?}");
        // Nobody can post one either.
        let posted = problem(app.operator().send_event(&NewEvent::new(name, PROJECT)).await);
        assert_eq!((posted.status, posted.errors[0].pointer.as_str()), (400, "/event"), "{name}");
    }
    let refused = problem(app.operator().create_webhook(&types(&["TODO_CREATED"])).await);
    let check = problem(app.operator().create_webhook(&types(&["WEBHOOK_HEALTH_CHECK"])).await);
    let scoped = NewWebhook { project_ids: vec![PROJECT.to_owned()], ..types(&CHANGES) };
    let scoped = problem(app.operator().create_webhook(&scoped).await);

    assert!(refused.detail.contains("WEBHOOK_UNHEALTHY, WEBHOOK_RECOVERED, WEBHOOK_DISABLED"), "{refused:?}");
    assert_eq!((refused.status, check.status, scoped.status), (400, 400, 403));
    let names = async |client: &hooksieve::client::Client| {
        let types = client.list_event_types().await.unwrap().items;
        types.into_iter().filter(|one| one.name.starts_with("WEBHOOK_")).map(|one| one.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&app.operator()).await, CHANGES);
    assert!(names(&user).await.is_empty());
}

#[tokio::test]
async fn nobody_can_be_made_the_operator_or_a_member_of_its_project() {
    let app = TestApp::start().await;
    app.user("u1").await;
    let operator = app.operator();
    let (own, project) = ("hooksieve:operator", "hooksieve:webhooks");

    let put = problem(operator.put_user(own, &PutUser::default()).await);
    let other = problem(operator.put_user("hooksieve:other", &PutUser::default()).await);
    let put_project = problem(operator.put_project(project, &PutProject::default()).await);
    let token = problem(operator.create_token(own, &CreateToken::default()).await);
    let joined = problem(operator.add_member(project, "u1").await);
    let join = problem(operator.add_member(PROJECT, own).await);
    let left = problem(operator.remove_member(project, own).await);
    let posted = NewEvent { id: Some("hooksieve:wh_1:2".to_owned()), ..NewEvent::new("TODO_CREATED", PROJECT) };
    let posted = problem(operator.send_event(&posted).await);

    for refused in [put, other, put_project, posted] {
        assert_eq!((refused.status, refused.errors[0].pointer.as_str()), (400, "/id"), "{refused:?}");
    }
    assert_eq!([token.code, join.code], ["USER_NOT_FOUND"; 2]);
    assert_eq!([joined.code, left.code], ["PROJECT_NOT_FOUND"; 2]);
}

#[tokio::test]
async fn a_kill_loses_neither_a_change_nor_a_hold_and_tells_no_change_twice() {
    let (data, receiver) = (TempDir::new().unwrap(), Receiver::start().await);
    receiver.always("/a", Answer::status(500));
    receiver.always("/ops", Answer::held());
    let process = Process::start(data.path(), &[]).await;
    let operator = process.operator();
    operator.create_webhook(&operators(&receiver.url("/ops"))).await.unwrap();
    let token = member(&operator, "u1").await;
    let user = process.client(&token);
    let registered = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    for number in 0..20 {
        operator.send_event(&created(&format!("e{number}"))).await.unwrap();
    }

    // Told, but not answered: the change is on disk, and its delivery is under way.
    receiver.wait_for("/ops", 1).await;
    let before: Webhook = user.get_webhook(&registered.id).await.unwrap();
    process.kill().await;
    let requests = receiver.on("/a").len();
    receiver.always("/ops", Answer::status(204));
    let process = Process::start(data.path(), &[]).await;
    let told = receiver.wait_for("/ops", 2).await;
    let after = process.client(&token).get_webhook(&registered.id).await.unwrap();

    assert_eq!(before.status, WebhookStatus::Unhealthy);
    assert_eq!(after.status, WebhookStatus::Unhealthy);
    assert!(after.failures_in_a_row >= before.failures_in_a_row);
    // On a machine so slow that the pause is over, a probe may have come in between.
    if SystemClock.now() < before.health.held_until.unwrap() {
        assert_eq!(after.health.held_until, before.health.held_until);
        assert_eq!(receiver.on("/a").len(), requests, "it is held after the start too");
    }
    let ids: BTreeSet<_> = told.iter().map(|received| received.message_id().to_owned()).collect();
    assert_eq!((ids.len(), told[0].json()["event"].as_str()), (1, Some("WEBHOOK_UNHEALTHY")));
}

#[tokio::test]
async fn an_operators_webhook_is_tested_with_what_it_can_get() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (operator, user) = (app.operator(), app.user("u1").await);
    let own = operator.create_webhook(&operators(&receiver.url("/ops"))).await.unwrap();
    let users = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    let named = |name: &str| TestWebhook { event: Some(name.to_owned()) };

    for change in CHANGES {
        operator.test_webhook(&own.id, &named(change)).await.unwrap();
        app.run_until_idle().await;
    }
    let not_its = problem(operator.test_webhook(&own.id, &named("TODO_CREATED")).await);
    let not_theirs = problem(user.test_webhook(&users.id, &named(CHANGES[0])).await);
    let not_ours = problem(operator.test_webhook(&users.id, &TestWebhook::default()).await);

    assert_eq!(told(&receiver, "/ops"), CHANGES);
    let received = receiver.on("/ops");
    assert!(received.iter().all(|received| received.header("webhook-test") == "true"));
    assert_eq!(received[0].json()["currentValue"]["status"], "UNHEALTHY");
    assert_eq!((not_its.status, not_theirs.status, not_ours.code.as_str()), (400, 400, "WEBHOOK_NOT_FOUND"));
    assert!(receiver.on("/a").is_empty());
}
