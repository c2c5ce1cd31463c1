//! What a replay takes up, and what becomes of it.

use std::collections::BTreeSet;
use std::time::Duration;

use hooksieve::client::Client;
use hooksieve::model::limits::{HOST_FAULT_PAUSES, RECOVERY_TIME};
use hooksieve::wire::{
    DeliveryState, FilterChoice, NewReplay, NewWebhook, Outcome, PageQuery, PatchWebhook, Replay, ReplayOnly,
    ReplayState, TestWebhook, UploadQuery, Webhook,
};

use super::every;
use super::retry::given_up;
use crate::app::{PROJECT, TestApp, created, filtered, marked, only_delivery, problem, raw, verdict, webhook};
use crate::guests::HOSTILE;
use crate::receiver::{Answer, Receiver};

/// Replays and does all that is due.
async fn replayed(app: &TestApp, user: &Client, webhook: &Webhook, only: ReplayOnly) -> Replay {
    let replay = user.replay_webhook(&webhook.id, &every(only)).await.unwrap();
    assert_eq!((replay.state, replay.examined), (ReplayState::Running, 0));
    app.run_until_idle().await;
    let ended = user.get_replay(&replay.id).await.unwrap();
    assert_eq!((ended.state, ended.progress, &ended.failure), (ReplayState::Done, 1.0, &None));
    ended
}

/// A filter that does as its configuration says.
fn doing(filter: &str, deed: &str) -> FilterChoice {
    FilterChoice { id: filter.to_owned(), config: Some(raw(&format!(r#"{{"do":"{deed}"}}"#))), on_error: None }
}

#[tokio::test]
async fn a_filter_that_was_repaired_delivers_the_events_on_which_it_failed() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let filter = user.upload_filter(&UploadQuery::default(), HOSTILE.to_vec()).await.unwrap().id;
    let broken = NewWebhook { filter: Some(doing(&filter, "trap")), ..webhook(&receiver.url("/a")) };
    let webhook = user.create_webhook(&broken).await.unwrap();
    for id in ["e1", "e2"] {
        app.send(&created(id)).await;
    }
    let failed = verdict(&user, "e1", &webhook).await;
    let repaired = PatchWebhook { filter: Some(Some(doing(&filter, "deliver"))), ..PatchWebhook::default() };
    user.update_webhook(&webhook.id, &repaired).await.unwrap();
    app.run_after(Duration::from_secs(60)).await;

    let replay = replayed(&app, &user, &webhook, ReplayOnly::FilterError).await;
    let again = replayed(&app, &user, &webhook, ReplayOnly::FilterError).await;

    assert_eq!((failed.outcome, failed.first_decided_at), (Outcome::FilterError, None));
    assert_eq!((replay.examined, replay.replayed, again.examined), (2, 2, 0));
    let anew = verdict(&user, "e1", &webhook).await;
    assert_eq!((anew.outcome, anew.reason_class), (Outcome::Delivered, None));
    assert_eq!((anew.first_decided_at, anew.decided_at), (failed.decided_at, Some(app.now())));
    let received = receiver.on("/a");
    assert_eq!(received.len(), 2);
    assert!(received.iter().any(|one| Some(one.message_id()) == anew.delivery_id.as_deref()));
}

#[tokio::test]
async fn a_filter_decides_anew_as_it_is_now_and_keeps_back_what_it_does_not_want() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let wants = |title: &str| {
        let config = format!(r#"{{"pointer":"/currentValue/title","operator":"eq","value":"{title}"}}"#);
        filtered(&receiver.url("/a"), "field-match", Some(&config))
    };
    let webhook = user.create_webhook(&wants("a")).await.unwrap();
    let titled = |id: &str, title: &str| hooksieve::wire::NewEvent {
        current_value: Some(raw(&format!(r#"{{"title":"{title}"}}"#))),
        ..created(id)
    };
    for (id, title) in [("e1", "b"), ("e2", "c")] {
        app.send(&titled(id, title)).await;
    }

    let unchanged = replayed(&app, &user, &webhook, ReplayOnly::Filtered).await;
    let before = verdict(&user, "e1", &webhook).await;
    let other = PatchWebhook { filter: Some(wants("c").filter), ..PatchWebhook::default() };
    user.update_webhook(&webhook.id, &other).await.unwrap();
    let changed = replayed(&app, &user, &webhook, ReplayOnly::Filtered).await;

    assert_eq!((unchanged.examined, unchanged.filtered, unchanged.replayed), (2, 2, 0));
    assert_eq!((before.outcome, before.first_decided_at), (Outcome::Filtered, before.decided_at));
    assert_eq!((changed.examined, changed.filtered, changed.replayed), (2, 1, 1));
    assert_eq!(receiver.only("/a").json()["currentValue"]["title"], "c");
    assert_eq!(verdict(&user, "e1", &webhook).await.outcome, Outcome::Filtered);
}

#[tokio::test]
async fn what_failed_is_sent_again_under_its_id_with_its_bytes_and_what_arrived_only_on_demand() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, webhook) = given_up(&app, &receiver).await;
    receiver.always("/a", Answer::status(204));
    app.send(&created("e2")).await;
    app.set_forward(RECOVERY_TIME);
    let first = receiver.on("/a")[0].clone();
    let count = receiver.on("/a").len();
    let renamed = PatchWebhook { name: Some(Some("another".to_owned())), ..PatchWebhook::default() };
    user.update_webhook(&webhook.id, &renamed).await.unwrap();

    let failed = replayed(&app, &user, &webhook, ReplayOnly::Failed).await;
    let sent = receiver.on("/a");
    let again = replayed(&app, &user, &webhook, ReplayOnly::Failed).await;
    let all = replayed(&app, &user, &webhook, ReplayOnly::All).await;

    assert_eq!((failed.examined, failed.replayed, again.examined), (1, 1, 0));
    assert_eq!(sent.len(), count + 1);
    assert_eq!((sent[count].message_id(), &sent[count].body), (first.message_id(), &first.body));
    assert_eq!((all.examined, all.replayed), (2, 2));
    let received = receiver.on("/a");
    assert_eq!(received.len(), count + 3);
    let ids: BTreeSet<&str> = received.iter().map(|one| one.message_id()).collect();
    assert_eq!(ids.len(), 2);
}

#[tokio::test]
async fn events_that_came_while_the_webhook_was_disabled_are_decided_then() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&filtered(&receiver.url("/a"), "done-records", None)).await.unwrap();
    user.disable_webhook(&webhook.id).await.unwrap();
    app.send(&marked("e1", true)).await;
    app.send(&marked("e2", false)).await;
    let refused = problem(user.replay_webhook(&webhook.id, &every(ReplayOnly::Disabled)).await);
    let enable = PatchWebhook { enabled: Some(true), ..PatchWebhook::default() };
    user.update_webhook(&webhook.id, &enable).await.unwrap();
    let before = receiver.on("/a").len();

    let replay = replayed(&app, &user, &webhook, ReplayOnly::Disabled).await;

    assert_eq!((refused.status, refused.code.as_str()), (409, "CONFLICT"));
    assert!(refused.detail.contains("the webhook is disabled"), "{refused:?}");
    assert_eq!((replay.replayed, replay.filtered), (1, 1));
    assert_eq!(receiver.on("/a").len(), before + 1);
    assert_eq!(verdict(&user, "e2", &webhook).await.outcome, Outcome::Filtered);
}

#[tokio::test]
async fn a_dry_run_counts_what_a_replay_would_take_up_and_does_nothing() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&filtered(&receiver.url("/a"), "done-records", None)).await.unwrap();
    for (id, done) in [("e1", true), ("e2", false), ("e3", true)] {
        app.send(&marked(id, done)).await;
    }
    let preview = async |only| {
        let preview = user.preview_replay(&webhook.id, &every(only)).await.unwrap();
        assert!(preview.complete);
        (preview.send_again, preview.decide_anew, preview.out_of_scope, preview.under_way)
    };

    assert_eq!(preview(ReplayOnly::Failed).await, (0, 0, 0, 0));
    assert_eq!(preview(ReplayOnly::Filtered).await, (0, 1, 0, 0));
    assert_eq!(preview(ReplayOnly::All).await, (2, 1, 0, 0));
    app.operator().remove_member(PROJECT, "u1").await.unwrap();
    assert_eq!(preview(ReplayOnly::All).await, (0, 0, 3, 0));
    app.run_until_idle().await;
    assert_eq!(receiver.on("/a").len(), 2);
    assert!(user.list_replays(&webhook.id, &PageQuery::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn who_left_the_project_or_no_longer_wants_it_gets_nothing_again() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&filtered(&receiver.url("/a"), "done-records", None)).await.unwrap();
    app.send(&marked("e1", true)).await;
    app.send(&marked("e2", false)).await;

    app.operator().remove_member(PROJECT, "u1").await.unwrap();
    let away = replayed(&app, &user, &webhook, ReplayOnly::All).await;
    app.operator().add_member(PROJECT, "u1").await.unwrap();
    let other =
        PatchWebhook { events: Some(vec!["TODO_CREATED".to_owned()]), filter: Some(None), ..PatchWebhook::default() };
    user.update_webhook(&webhook.id, &other).await.unwrap();
    let unwanted = replayed(&app, &user, &webhook, ReplayOnly::Filtered).await;

    assert_eq!((away.examined, away.out_of_scope), (2, 2));
    assert_eq!((unwanted.examined, unwanted.out_of_scope), (1, 1));
    assert_eq!(receiver.on("/a").len(), 1);
    let untouched = verdict(&user, "e2", &webhook).await;
    assert_eq!((untouched.outcome, untouched.first_decided_at), (Outcome::Filtered, None));
}

#[tokio::test]
async fn a_replay_is_of_the_events_of_a_time_and_of_no_tests() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    let mut times = Vec::new();
    for id in ["e1", "e2", "e3"] {
        times.push(app.now());
        app.send(&created(id)).await;
        app.run_after(Duration::from_secs(60)).await;
    }
    user.test_webhook(&webhook.id, &TestWebhook::default()).await.unwrap();
    app.run_until_idle().await;
    let before = receiver.on("/a").len();

    let second = NewReplay { since: times[1], until: Some(times[2]), ..every(ReplayOnly::All) };
    let replay = user.replay_webhook(&webhook.id, &second).await.unwrap();
    app.run_until_idle().await;
    let all = replayed(&app, &user, &webhook, ReplayOnly::All).await;
    let refused = async |since, until| {
        let new = NewReplay { since, until, ..every(ReplayOnly::All) };
        let problem = problem(user.replay_webhook(&webhook.id, &new).await);
        (problem.status, problem.errors[0].pointer.clone())
    };

    assert_eq!((replay.since, replay.until), (times[1], times[2]));
    assert_eq!(user.get_replay(&replay.id).await.unwrap().replayed, 1);
    assert_eq!(all.replayed, 3);
    assert_eq!(receiver.on("/a").len(), before + 4);
    assert_eq!(refused(times[1], Some(times[1])).await, (400, "/since".to_owned()));
    assert_eq!(refused(app.now() + Duration::from_secs(1), None).await, (400, "/since".to_owned()));
}

#[tokio::test]
async fn of_clients_that_begin_a_replay_at_once_one_does_and_the_others_are_told_of_it() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    app.send(&created("e1")).await;
    let new = every(ReplayOnly::All);

    let answers = futures_util::future::join_all((0..8).map(|_| user.replay_webhook(&webhook.id, &new))).await;

    let begun: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).cloned().collect();
    assert_eq!(begun.len(), 1);
    for refused in answers.into_iter().filter(Result::is_err) {
        let problem = problem(refused);
        assert_eq!((problem.status, problem.code.as_str()), (409, "CONFLICT"));
        assert!(problem.detail.contains(&begun[0].id), "{problem:?}");
    }
    app.run_until_idle().await;
    assert_eq!(receiver.on("/a").len(), 2);
    let listed = user.list_replays(&webhook.id, &PageQuery::default()).await.unwrap().items;
    assert_eq!((listed.len(), listed[0].state), (1, ReplayState::Done));
}

#[tokio::test]
async fn an_owner_has_a_few_replays_at_a_time_and_others_have_theirs() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, other) = (app.user("u1").await, app.user("u2").await);
    let mut begun = Vec::new();
    let new = webhook(&receiver.url("/a"));
    for _ in 0..4 {
        let webhook = user.create_webhook(&new).await.unwrap();
        begun.push(user.replay_webhook(&webhook.id, &every(ReplayOnly::All)).await.unwrap());
    }
    let fifth = user.create_webhook(&new).await.unwrap();
    let others = other.create_webhook(&new).await.unwrap();

    let refused = problem(user.replay_webhook(&fifth.id, &every(ReplayOnly::All)).await);
    other.replay_webhook(&others.id, &every(ReplayOnly::All)).await.unwrap();
    let canceled = user.cancel_replay(&begun[0].id).await.unwrap();
    let twice = user.cancel_replay(&begun[0].id).await.unwrap();

    assert_eq!((refused.status, refused.code.as_str()), (409, "CONFLICT"));
    assert!(refused.detail.starts_with("4 replays of your webhooks go on"), "{refused:?}");
    assert_eq!((canceled.state, &twice), (ReplayState::Canceled, &canceled));
    user.replay_webhook(&fifth.id, &every(ReplayOnly::All)).await.unwrap();
    let webhook = &begun[1].webhook_id;
    user.delete_webhook(webhook).await.unwrap();
    assert_eq!(problem(user.get_replay(&begun[1].id).await).code, "REPLAY_NOT_FOUND");
}

#[tokio::test]
async fn an_operators_webhook_is_replayed_like_any_other() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (operator, user) = (app.operator(), app.user("u1").await);
    let told = NewWebhook { events: vec!["WEBHOOK_DISABLED".to_owned()], ..webhook(&receiver.url("/ops")) };
    let told = operator.create_webhook(&told).await.unwrap();
    let disabled = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    user.disable_webhook(&disabled.id).await.unwrap();
    app.run_until_idle().await;

    let replay = replayed(&app, &operator, &told, ReplayOnly::All).await;

    assert_eq!(replay.replayed, 1);
    let received = receiver.on("/ops");
    assert_eq!((received.len(), received[0].message_id()), (2, received[1].message_id()));
}

#[tokio::test]
async fn a_replay_rests_while_its_webhook_is_disabled_and_ends_at_last() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    app.send(&created("e1")).await;
    let replay = user.replay_webhook(&webhook.id, &every(ReplayOnly::All)).await.unwrap();
    user.disable_webhook(&webhook.id).await.unwrap();

    app.run_until_idle().await;
    let resting = user.get_replay(&replay.id).await.unwrap();
    let enable = PatchWebhook { enabled: Some(true), ..PatchWebhook::default() };
    user.update_webhook(&webhook.id, &enable).await.unwrap();
    app.run_until_idle().await;

    assert_eq!((resting.state, resting.examined), (ReplayState::Running, 0));
    let done = user.get_replay(&replay.id).await.unwrap();
    assert_eq!((done.state, done.replayed), (ReplayState::Done, 1));
    assert_eq!(only_delivery(&user, &webhook).await.delivery.state, DeliveryState::Delivered);
}

#[tokio::test]
async fn a_replay_that_the_host_cannot_go_on_with_fails_and_changes_no_verdict() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&filtered(&receiver.url("/a"), "done-records", None)).await.unwrap();
    app.send(&marked("e1", false)).await;
    // Nothing is compiled, and there is no compiler.
    let app = app.reopened(std::path::Path::new("/nonexistent/compiler")).await;
    let user = app.user("u1").await;
    let replay = user.replay_webhook(&webhook.id, &every(ReplayOnly::Filtered)).await.unwrap();

    let mut states = Vec::new();
    app.run_until_idle().await;
    for pause in HOST_FAULT_PAUSES {
        states.push(user.get_replay(&replay.id).await.unwrap().state);
        app.run_after(pause).await;
    }

    assert_eq!(states, [ReplayState::Running; 4]);
    let failed = user.get_replay(&replay.id).await.unwrap();
    assert_eq!((failed.state, failed.examined, failed.finished_at), (ReplayState::Failed, 0, Some(app.now())));
    assert!(failed.failure.unwrap().contains("not the filter's fault"));
    let untouched = verdict(&user, "e1", &webhook).await;
    assert_eq!((untouched.outcome, untouched.first_decided_at), (Outcome::Filtered, None));
}
