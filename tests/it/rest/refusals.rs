//! What cannot be taken: refused with the place, what is wrong and what to do, and nothing is changed.

use hooksieve::wire::{PageQuery, Problem};

use super::{Answer, request, with_body};
use crate::app::{OPERATOR_TOKEN, TestApp, member, problem};
use crate::guests::HOSTILE;

fn assert_points_at(problem: &Problem, pointer: &str, words: &str, input: &str) {
    assert_eq!((problem.status, problem.code.as_str()), (400, "BAD_USER_INPUT"), "{input}: {problem:?}");
    let found = problem.errors.iter().find(|violation| violation.pointer == pointer);
    let violation = found.unwrap_or_else(|| panic!("{input}: {problem:?}"));
    assert!(violation.detail.contains(words) || problem.detail.contains(words), "{input}: {problem:?}");
}

#[tokio::test]
async fn a_webhook_that_cannot_be_taken_is_refused_by_the_field() {
    let app = TestApp::start().await;
    let token = member(&app.operator(), "u1").await;
    let long = "x".repeat(201);

    for (members, pointer, words) in [
        (r#""url":"nonsense""#, "/url", "url is not valid"),
        (r#""url":"ftp://example.com/""#, "/url", "url is not valid"),
        (r#""url":"https://user:pw@example.com/""#, "/url", "url is not valid"),
        (r#""url":"http://10.0.0.1/""#, "/url", "URL points to a private network"),
        (r#""url":"http://[::ffff:10.0.0.1]/""#, "/url", "URL points to a private network"),
        (r#""url":"http://host.internal/""#, "/url", "URL points to a private network"),
        (r#""url":"https://example.com/","events":["TODO_CREATE"]"#, "/events/0", "did you mean TODO_CREATED?"),
        (r#""url":"https://example.com/","events":["TODO_CREATED","nope"]"#, "/events/1", "upper-case"),
        (r#""url":"https://example.com/","events":["RECORD_CREATED"]"#, "/events/0", "did you mean TODO_CREATED?"),
        (r#""url":"https://example.com/","events":["SOMETHING"]"#, "/events/0", "`GET /v1/event-types`"),
        (r#""url":"https://example.com/","events":["WEBHOOK_HEALTH_CHECK"]"#, "/events/0", "Hooksieve's own"),
        (r#""url":"https://example.com/","secret":"""#, "/secret", "1 to 256 bytes"),
        (r#""url":"https://example.com/","headers":{"Host":"x"}"#, "/headers/Host", "choose another name"),
        (r#""url":"https://example.com/","headers":{"webhook-id":"x"}"#, "/headers/webhook-id", "choose another name"),
        (r#""url":"https://example.com/","headers":{"x-a":"\n"}"#, "/headers/x-a", "printable ASCII"),
        (r#""url":"https://example.com/","filter":{"id":"nothing"}"#, "/filter/id", "GET /v1/filters"),
        (
            r#""url":"https://example.com/","filter":{"id":"field-match"}"#,
            "/filter/config",
            "refuses its configuration",
        ),
        (r#""url":"https://example.com/","payloadFormat":"tiny""#, "/payloadFormat", "full"),
        (r#""url":"https://example.com/","evnets":[]"#, "/evnets", "unknown field"),
        (r#""name":"x""#, "/url", "missing field"),
        (r#""url":"https://example.com/","secret":"whsec_!""#, "/secret", "base64"),
        (r#""url":7"#, "/url", "string"),
        (&format!(r#""url":"https://example.com/","name":"{long}""#), "/name", "1 to 200 characters"),
    ] {
        let answer = Answer::of(with_body(&app, "POST", "/v1/webhooks", &token, &format!("{{{members}}}"))).await;

        assert_points_at(&answer.problem(), pointer, words, members);
    }
    assert!(app.client(&token).list_webhooks(&PageQuery::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn an_array_is_not_taken_for_an_object() {
    let app = TestApp::start().await;
    let token = member(&app.operator(), "u1").await;

    let event = Answer::of(with_body(
        &app,
        "POST",
        "/v1/events",
        OPERATOR_TOKEN,
        r#"[null,"TODO_CREATED",null,"p",null,null,null,{}]"#,
    ));
    let webhook = Answer::of(with_body(&app, "POST", "/v1/webhooks", &token, r#"["https://example.com/"]"#));
    let inner = r#"{"url":"https://example.com/","filter":["done-records"]}"#;
    let inner = Answer::of(with_body(&app, "POST", "/v1/webhooks", &token, inner));

    assert_points_at(&event.await.problem(), "", "JSON object", "event");
    assert_points_at(&webhook.await.problem(), "", "JSON object", "webhook");
    assert_points_at(&inner.await.problem(), "/filter", "invalid type: sequence", "filter");
}

#[tokio::test]
async fn a_change_is_made_wholly_or_not_at_all() {
    let app = TestApp::start().await;
    let token = member(&app.operator(), "u1").await;
    let user = app.client(&token);
    let before = user.create_webhook(&crate::app::webhook("https://127.0.0.1:8443/")).await.unwrap();

    for patch in [
        r#"{"name":"new","url":"http://10.0.0.1/"}"#,
        r#"{"name":"new","events":["NOPE"]}"#,
        r#"{"name":"new","filter":{"id":"field-match","config":{}}}"#,
        r#"{"name":"new","enabled":null}"#,
    ] {
        let path = format!("/v1/webhooks/{}", before.id);
        let answer = Answer::of(with_body(&app, "PATCH", &path, &token, patch)).await;

        assert_eq!(answer.problem().code, "BAD_USER_INPUT", "{patch}");
    }
    let after = user.get_webhook(&before.id).await.unwrap();
    assert_eq!((after.name, after.url, after.updated_at), (before.name, before.url, before.updated_at));
}

#[tokio::test]
async fn a_project_that_the_user_is_no_member_of_is_refused_whether_it_exists_or_not() {
    let app = TestApp::start().await;
    let token = member(&app.operator(), "u1").await;
    app.operator().put_project("there", &Default::default()).await.unwrap();

    let ask = |project: &str| {
        let body = format!(r#"{{"url":"https://example.com/","projectIds":["{project}"]}}"#);
        Answer::of(with_body(&app, "POST", "/v1/webhooks", &token, &body))
    };

    let refused = ask("there").await;
    let problem = refused.problem();
    assert_eq!((problem.status, problem.code.as_str()), (403, "UNAUTHORIZED"));
    assert_eq!(problem.detail, "Unauthorized");
    assert_eq!(refused, ask("not-there").await);
}

#[tokio::test]
async fn an_event_that_cannot_be_taken_is_refused_by_the_place() {
    let app = TestApp::start().await;
    let deep = format!("{}1{}", "[".repeat(70), "]".repeat(70));

    for (members, pointer, words) in [
        (r#""event":"TODO_DONE","projectId":"p""#.to_owned(), "/event", "did you mean TODO_"),
        (r#""event":"TODO_CREATED""#.to_owned(), "/projectId", "missing field"),
        (r#""event":"TODO_CREATED","projectId":"a b""#.to_owned(), "/projectId", "letters, digits"),
        (r#""event":"TODO_CREATED","projectId":"p","id":"""#.to_owned(), "/id", "1 to 128"),
        (r#""event":"TODO_CREATED","projectId":"p","occurredAt":"noon""#.to_owned(), "/occurredAt", "RFC 3339"),
        (value(r#"{"n":[9007199254740993]}"#), "/currentValue/n/0", "send it as a string"),
        (value(r#"{"n":1e400}"#), "/currentValue/n", ""),
        (value(r#"{"s":"\ud800"}"#), "/currentValue/s", "surrogate"),
    ] {
        let answer = Answer::of(with_body(&app, "POST", "/v1/events", OPERATOR_TOKEN, &format!("{{{members}}}"))).await;

        assert_points_at(&answer.problem(), pointer, words, &members);
    }
    for body in ["", "{", "[]", "\u{feff}{}", &format!("{{{}}}", value(&deep))] {
        let answer = Answer::of(with_body(&app, "POST", "/v1/events", OPERATOR_TOKEN, body)).await;

        assert_eq!(answer.problem().code, "BAD_USER_INPUT", "{body}");
    }
}

fn value(json: &str) -> String {
    format!(r#""event":"TODO_CREATED","projectId":"p","currentValue":{json}"#)
}

#[tokio::test]
async fn a_body_of_the_wrong_type_or_size_is_refused() {
    let app = TestApp::start().await;
    let token = member(&app.operator(), "u1").await;

    let untyped = request(&app, "POST", "/v1/webhooks", &token).body(r#"{"url":"https://example.com/"}"#);
    let wasm_as_json = with_body(&app, "POST", "/v1/filters", &token, "{}");
    let large = with_body(&app, "POST", "/v1/events", OPERATOR_TOKEN, &" ".repeat((1 << 20) + 1));

    assert_eq!(Answer::of(untyped).await.problem().code, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(Answer::of(wasm_as_json).await.problem().code, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(Answer::of(large).await.problem().code, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn an_upload_that_is_no_filter_is_refused_with_the_reason_and_not_kept() {
    let app = TestApp::start().await;
    let user = app.user("u1").await;

    let text = problem(user.upload_filter(&Default::default(), b"#!/bin/sh".to_vec()).await);
    let truncated = problem(user.upload_filter(&Default::default(), HOSTILE[..1_000].to_vec()).await);

    assert!(text.detail.contains("not a WebAssembly module"), "{text:?}");
    assert!(truncated.detail.contains("not valid WebAssembly"), "{truncated:?}");
    assert_eq!([text.status, truncated.status], [400, 400]);
    assert!(user.list_filters(&PageQuery::default()).await.unwrap().items.iter().all(|filter| filter.shared));
}

#[tokio::test]
async fn a_page_that_cannot_be_is_refused() {
    let app = TestApp::start().await;
    let token = member(&app.operator(), "u1").await;

    for (query, pointer) in [
        ("limit=0", "/limit"),
        ("limit=251", "/limit"),
        ("limit=x", "/limit"),
        ("cursor=x", "/cursor"),
        ("lmit=1", "/lmit"),
    ] {
        let answer = Answer::of(request(&app, "GET", &format!("/v1/webhooks?{query}"), &token)).await;

        assert_points_at(&answer.problem(), pointer, "", query);
    }
}

#[tokio::test]
async fn a_built_in_event_type_cannot_be_replaced() {
    let app = TestApp::start().await;

    for (name, code) in
        [("TODO_CREATED", "CONFLICT"), ("WEBHOOK_HEALTH_CHECK", "CONFLICT"), ("lower", "BAD_USER_INPUT")]
    {
        let path = format!("/v1/event-types/{name}");
        let answer = Answer::of(with_body(&app, "PUT", &path, OPERATOR_TOKEN, r#"{"description":"Ours"}"#)).await;

        assert_eq!(answer.problem().code, code, "{name}");
    }
    let built_in = app.operator().list_event_types().await.unwrap().items;
    assert_eq!(built_in.len(), 37 + 3, "Blue's, and those that tell of webhooks");
}
