//! Membership is live: what holds when an event is dispatched decides, not what held when a webhook was
//! registered or the event accepted.

use hooksieve::wire::{NewWebhook, Outcome, PatchWebhook, PutProject};

use crate::app::{PROJECT, TestApp, created, problem, verdict, webhook};
use crate::receiver::Receiver;

fn named(url: &str, projects: &[&str]) -> NewWebhook {
    NewWebhook { project_ids: projects.iter().map(|id| (*id).to_owned()).collect(), ..webhook(url) }
}

#[tokio::test]
async fn who_leaves_between_the_accept_and_the_dispatch_gets_nothing() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (leaver, stayer) = (app.user("u1").await, app.user("u2").await);
    let every = leaver.create_webhook(&webhook(&receiver.url("/every"))).await.unwrap();
    let by_name = leaver.create_webhook(&named(&receiver.url("/named"), &[PROJECT])).await.unwrap();
    stayer.create_webhook(&webhook(&receiver.url("/stayer"))).await.unwrap();

    let event = app.operator().send_event(&created("e1")).await.unwrap().id;
    app.operator().remove_member(PROJECT, "u1").await.unwrap();
    app.run_until_idle().await;

    assert_eq!(["/every", "/named", "/stayer"].map(|path| receiver.on(path).len()), [0, 0, 1]);
    app.operator().add_member(PROJECT, "u1").await.unwrap();
    assert_eq!(verdict(&leaver, &event, &by_name).await.outcome, Outcome::OutOfScope);
    assert_eq!(verdict(&leaver, &event, &every).await.outcome, Outcome::NotConsidered);
    app.run_until_idle().await;
    assert!(receiver.on("/named").is_empty(), "what was decided is not decided again");
}

#[tokio::test]
async fn who_joins_between_the_accept_and_the_dispatch_gets_the_event() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.stranger("u1").await;
    app.operator().put_project(PROJECT, &PutProject::default()).await.unwrap();
    user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();

    app.operator().send_event(&created("e1")).await.unwrap();
    app.operator().add_member(PROJECT, "u1").await.unwrap();
    app.run_until_idle().await;

    assert_eq!(receiver.on("/a").len(), 1);
}

#[tokio::test]
async fn a_webhook_without_projects_covers_those_that_its_user_joins_later() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.stranger("u1").await;
    let every = user.create_webhook(&webhook(&receiver.url("/every"))).await.unwrap();
    app.operator().put_project(PROJECT, &PutProject::default()).await.unwrap();

    app.send(&created("before")).await;
    app.operator().add_member(PROJECT, "u1").await.unwrap();
    let after = app.send(&created("after")).await;

    assert!(every.project_ids.is_empty());
    assert_eq!(receiver.on("/every").len(), 1);
    assert_eq!(verdict(&user, &after, &every).await.outcome, Outcome::Delivered);
}

#[tokio::test]
async fn a_webhook_gets_the_events_of_the_projects_it_names_and_of_no_others() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    app.operator().put_project("other", &PutProject::default()).await.unwrap();
    app.operator().add_member("other", "u1").await.unwrap();
    user.create_webhook(&named(&receiver.url("/other"), &["other"])).await.unwrap();
    user.create_webhook(&named(&receiver.url("/both"), &["other", PROJECT, "other"])).await.unwrap();
    user.create_webhook(&named(&receiver.url("/every"), &[])).await.unwrap();

    app.send(&created("e1")).await;

    assert_eq!(["/other", "/both", "/every"].map(|path| receiver.on(path).len()), [0, 1, 1]);
}

#[tokio::test]
async fn a_user_without_projects_may_register_for_all_of_them_and_gets_nothing() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (loner, member) = (app.stranger("u1").await, app.user("u2").await);
    loner.create_webhook(&webhook(&receiver.url("/loner"))).await.unwrap();
    member.create_webhook(&webhook(&receiver.url("/member"))).await.unwrap();

    let event = app.send(&created("e1")).await;
    let refused = problem(loner.create_webhook(&named(&receiver.url("/loner"), &[PROJECT])).await);

    assert_eq!((receiver.on("/loner").len(), receiver.on("/member").len()), (0, 1));
    assert_eq!((refused.status, refused.code.as_str(), refused.detail.as_str()), (403, "UNAUTHORIZED", "Unauthorized"));
    assert_eq!(problem(loner.get_event(&event).await).code, "EVENT_NOT_FOUND");
}

#[tokio::test]
async fn all_projects_of_a_list_must_be_the_users_or_nothing_is_changed() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    app.operator().put_project("other", &PutProject::default()).await.unwrap();
    let mine = user.create_webhook(&named(&receiver.url("/a"), &[PROJECT])).await.unwrap();

    let projects = |ids: &[&str]| PatchWebhook {
        name: Some(Some("new".to_owned())),
        project_ids: Some(ids.iter().map(|id| (*id).to_owned()).collect()),
        ..PatchWebhook::default()
    };
    let mixed = problem(user.update_webhook(&mine.id, &projects(&[PROJECT, "other"])).await);
    let unknown = problem(user.update_webhook(&mine.id, &projects(&[PROJECT, "nowhere"])).await);

    assert_eq!((mixed.status, mixed.code.as_str(), mixed.detail.as_str()), (403, "UNAUTHORIZED", "Unauthorized"));
    assert_eq!(mixed, unknown);
    let after = user.get_webhook(&mine.id).await.unwrap();
    assert_eq!((after.name, after.project_ids), (None, vec![PROJECT.to_owned()]));
}

#[tokio::test]
async fn who_left_a_project_keeps_the_webhook_that_names_it_but_cannot_name_it_anew() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let mine = user.create_webhook(&named(&receiver.url("/a"), &[PROJECT])).await.unwrap();
    app.operator().remove_member(PROJECT, "u1").await.unwrap();

    let renamed = PatchWebhook { name: Some(Some("new".to_owned())), ..PatchWebhook::default() };
    let renamed = user.update_webhook(&mine.id, &renamed).await.unwrap();
    let again = PatchWebhook { project_ids: Some(vec![PROJECT.to_owned()]), ..PatchWebhook::default() };
    let refused = problem(user.update_webhook(&mine.id, &again).await);

    assert_eq!((renamed.name.as_deref(), &renamed.project_ids[..]), (Some("new"), &[PROJECT.to_owned()][..]));
    assert_eq!(refused.code, "UNAUTHORIZED");
}
