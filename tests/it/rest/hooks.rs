//! REST hooks, as Zapier subscribes, asks for samples and unsubscribes.

use hooksieve::wire::{HookSampleQuery, NewHook, Outcome, PageQuery, PatchWebhook, PayloadFormat, WebhookStatus};
use serde_json::Value;

use super::{Answer, request, with_body};
use crate::app::{PROJECT, TestApp, created, marked, member, problem, verdict};
use crate::receiver::{self, Receiver};

fn hook(receiver: &Receiver, path: &str) -> NewHook {
    NewHook { target_url: receiver.url(path), event: "TODO_CREATED".to_owned() }
}

fn query(event: &str) -> HookSampleQuery {
    HookSampleQuery { event: event.to_owned() }
}

#[tokio::test]
async fn a_zap_is_turned_on_gets_events_and_is_turned_off() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let token = member(&app.operator(), "u1").await;
    // All that Zapier sends, and what an integration may add.
    let body = format!(
        r#"{{"target_url":"{0}","subscription_url":"{0}","event":"TODO_CREATED","hookUrl":"{0}","meta":{{"zap":{{"id":7}}}}}}"#,
        receiver.url("/zap")
    );

    let subscribed = Answer::of(with_body(&app, "POST", "/v1/hooks", &token, &body)).await;
    let before_events = receiver.on("/zap").len();
    app.send(&created("e1")).await;
    app.send(&marked("e2", true)).await;
    let hook: Value = serde_json::from_str(&subscribed.body).unwrap();
    let path = format!("/v1/hooks/{}", hook["id"].as_str().unwrap());
    let unsubscribe = || Answer::of(with_body(&app, "DELETE", &path, &token, &body));
    let unsubscribed = unsubscribe().await;
    app.send(&created("e3")).await;
    let again = unsubscribe().await;

    assert_eq!((subscribed.status, subscribed.content_type.as_str()), (201, "application/json"));
    assert_eq!(hook["target_url"], receiver.url("/zap"));
    assert_eq!(hook["event"], "TODO_CREATED");
    assert!(hook["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(before_events, 0, "no handshake");
    assert_eq!(receiver.only("/zap").json()["event"], "TODO_CREATED");
    assert_eq!((unsubscribed.status, unsubscribed.body.as_str()), (204, ""));
    assert_eq!((again.status, again.problem().code.as_str()), (404, "WEBHOOK_NOT_FOUND"));
}

#[tokio::test]
async fn a_hook_is_a_webhook_at_every_other_door() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;

    let id = user.create_hook(&hook(&receiver, "/a")).await.unwrap().id;

    let listed = user.list_webhooks(&PageQuery::default()).await.unwrap().items;
    assert_eq!((listed.len(), &listed[0].id, listed[0].name.as_deref()), (1, &id, Some("REST hook for TODO_CREATED")));
    assert_eq!((listed[0].enabled, &listed[0].events[..]), (true, &["TODO_CREATED".to_owned()][..]));
    assert!(listed[0].secret.is_none() && listed[0].project_ids.is_empty());
    let compact = PatchWebhook { payload_format: Some(PayloadFormat::Compact), ..PatchWebhook::default() };
    user.update_webhook(&id, &compact).await.unwrap();
    app.send(&created("e1")).await;
    assert!(receiver.only("/a").json()["record"].is_object());
    user.delete_webhook(&id).await.unwrap();
    assert_eq!(problem(user.delete_hook(&id).await).code, "WEBHOOK_NOT_FOUND");
}

#[tokio::test]
async fn a_hook_whose_endpoint_says_410_is_disabled_at_once() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let id = user.create_hook(&hook(&receiver, "/gone")).await.unwrap().id;
    receiver.always("/gone", receiver::Answer::status(410));

    app.send(&created("e1")).await;
    let later = app.send(&created("e2")).await;

    let disabled = user.get_webhook(&id).await.unwrap();
    assert_eq!((disabled.enabled, disabled.status), (false, WebhookStatus::Unhealthy));
    assert_eq!(receiver.on("/gone").len(), 1);
    assert_eq!(verdict(&user, &later, &disabled).await.outcome, Outcome::Disabled);
}

#[tokio::test]
async fn samples_are_what_deliveries_are_newest_first_and_each_with_an_id() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let id = user.create_hook(&hook(&receiver, "/a")).await.unwrap().id;
    for number in 1..=4 {
        app.send(&created(&format!("e{number}"))).await;
    }

    let samples = user.list_hook_samples(&query("TODO_CREATED")).await.unwrap();

    let samples: Vec<Value> = samples.iter().map(|sample| serde_json::from_str(sample.get()).unwrap()).collect();
    assert_eq!(samples.iter().map(|sample| sample["id"].as_str().unwrap()).collect::<Vec<_>>(), ["e4", "e3", "e2"]);
    let mut delivered = receiver.on("/a")[3].json();
    let mut sampled = samples[0].clone();
    assert_eq!(sampled.as_object_mut().unwrap().remove("id").unwrap(), "e4");
    // All but the webhook is the same to the letter; of the webhook, what it has.
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let (theirs, ours) = (delivered["webhook"].take(), sampled["webhook"].take());
    assert_eq!((sampled, members(&ours)), (delivered, members(&theirs)));
    assert_ne!(ours["id"], Value::from(id), "there may be no hook yet, so none is told of");
}

#[tokio::test]
async fn samples_are_a_bare_list_and_the_types_example_where_nothing_happened() {
    let app = TestApp::start().await;
    let token = member(&app.operator(), "u1").await;
    let ask = |query: &str| Answer::of(request(&app, "GET", &format!("/v1/hooks/sample?{query}"), &token));

    let answer = ask("event=TODO_DELETED&limit=3&cursor=x").await;
    let nothing = ask("").await;
    let unknown = ask("event=TODO_DELETE").await;

    assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"));
    let samples: Vec<Value> = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(samples.len(), 1);
    assert!(samples[0]["id"].as_str().unwrap().starts_with("evt_"));
    assert!(samples[0]["previousValue"].is_object() && samples[0]["currentValue"].is_null());
    assert_eq!(nothing.problem().errors[0].pointer, "");
    assert!(unknown.problem().detail.contains("did you mean TODO_DELETED?"));
    assert_eq!(unknown.problem().errors[0].pointer, "/event");
}

#[tokio::test]
async fn samples_show_nothing_of_projects_that_the_caller_is_no_member_of() {
    let app = TestApp::start().await;
    let (member, stranger) = (app.user("u1").await, app.stranger("u2").await);
    app.send(&created("e1")).await;
    let ids = async |user: &hooksieve::client::Client| {
        let samples = user.list_hook_samples(&query("TODO_CREATED")).await.unwrap();
        samples.iter().map(|sample| sample.get()[..9].to_owned()).collect::<Vec<_>>()
    };

    assert_eq!(ids(&member).await, [r#"{"id":"e1"#]);
    assert_eq!(ids(&stranger).await, [r#"{"id":"ev"#], "the example");
    app.operator().remove_member(PROJECT, "u1").await.unwrap();
    assert_eq!(ids(&member).await, [r#"{"id":"ev"#]);
}

#[tokio::test]
async fn a_hook_that_cannot_be_is_refused_by_the_names_of_its_own_members() {
    let app = TestApp::start().await;
    let token = member(&app.operator(), "u1").await;
    let long = "X".repeat(300);

    for (body, pointer, words) in [
        (
            r#"{"target_url":"http://10.0.0.1/","event":"TODO_CREATED"}"#,
            "/target_url",
            "URL points to a private network",
        ),
        (r#"{"target_url":"nonsense","event":"TODO_CREATED"}"#, "/target_url", "url is not valid"),
        (r#"{"target_url":"https://example.com/","event":"TODO_CREATE"}"#, "/event", "did you mean TODO_CREATED?"),
        (&format!(r#"{{"target_url":"https://example.com/","event":"{long}"}}"#), "/event", "1 to 64"),
        (r#"{"target_url":"https://example.com/","event":"WEBHOOK_HEALTH_CHECK"}"#, "/event", "WEBHOOK_HEALTH_CHECK"),
        (r#"{"hookUrl":"https://example.com/","event":"TODO_CREATED"}"#, "/target_url", "missing field"),
        (r#"{"target_url":null,"event":"TODO_CREATED"}"#, "/target_url", "string"),
        (r#"["https://example.com/","TODO_CREATED"]"#, "", "JSON object"),
    ] {
        let problem = Answer::of(with_body(&app, "POST", "/v1/hooks", &token, body)).await.problem();

        assert_eq!((problem.status, problem.code.as_str()), (400, "BAD_USER_INPUT"), "{body}");
        assert_eq!(problem.errors[0].pointer, pointer, "{body}: {problem:?}");
        assert!(problem.detail.contains(words) || problem.errors[0].detail.contains(words), "{body}: {problem:?}");
    }
    assert!(app.client(&token).list_webhooks(&PageQuery::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_header_without_a_value_in_a_change_keeps_the_value_that_nobody_is_shown() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let token = member(&app.operator(), "u1").await;
    let user = app.client(&token);
    let id = user.create_hook(&hook(&receiver, "/a")).await.unwrap().id;
    let path = format!("/v1/webhooks/{id}");
    let patch = async |headers: &str| {
        let body = format!(r#"{{"headers":{headers}}}"#);
        Answer::of(with_body(&app, "PATCH", &path, &token, &body)).await
    };
    let headers = |answer: &Answer| serde_json::from_str::<Value>(&answer.body).unwrap()["headers"].to_string();

    let set = patch(r#"{"Authorization":"Bearer hush","x-old":"1"}"#).await;
    let shown = Answer::of(request(&app, "GET", &path, &token)).await;
    let written_back = patch(&headers(&shown)).await;
    app.send(&created("e1")).await;
    let changed = patch(r#"{"AUTHORIZATION":null,"x-new":"2"}"#).await;
    app.send(&created("e2")).await;
    let refused = patch(r#"{"authorization":null,"x-old":null}"#).await.problem();

    assert_eq!(headers(&set), r#"{"authorization":null,"x-old":null}"#);
    assert_eq!(headers(&written_back), headers(&shown));
    assert!(!shown.body.contains("hush"));
    assert_eq!(headers(&changed), r#"{"authorization":null,"x-new":null}"#);
    let [first, second] = <[_; 2]>::try_from(receiver.on("/a")).unwrap();
    assert_eq!((first.header("authorization"), first.header("x-old")), ("Bearer hush", "1"));
    assert_eq!((second.header("authorization"), second.header("x-new")), ("Bearer hush", "2"));
    assert!(!second.headers.contains_key("x-old"));
    assert_eq!((refused.status, refused.errors[0].pointer.as_str()), (400, "/headers/x-old"));
}
