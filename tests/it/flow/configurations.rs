//! Configurations that do not meet the schema that their filter publishes.

use hooksieve::client::{Client, ClientError};
use hooksieve::wire::{Evaluate, FilterChoice, NewWebhook, PatchWebhook, Problem, UploadQuery};

use crate::app::{TestApp, created, filtered, raw, webhook};
use crate::guests::publishing;
use crate::receiver::Receiver;

const SCHEMA: &str = r#"{"type": "object", "required": ["tag"], "additionalProperties": false, "properties": {
    "tag": {"type": "string"}, "limits": {"type": "array", "items": {"type": "integer", "maximum": 9}}}}"#;

async fn upload(user: &Client, schema: &str) -> String {
    user.upload_filter(&UploadQuery::default(), publishing(schema)).await.unwrap().id
}

fn refusal<T: std::fmt::Debug>(answered: Result<T, ClientError>) -> Problem {
    match answered.unwrap_err() {
        ClientError::Refused(problem) => *problem,
        other => panic!("{other}"),
    }
}

/// Where and how a problem says that the input is wrong.
fn told(problem: &Problem) -> Vec<(&str, &str)> {
    problem.errors.iter().map(|error| (error.pointer.as_str(), error.detail.as_str())).collect()
}

#[tokio::test]
async fn a_bad_configuration_is_refused_at_every_door_with_each_place_whatever_the_filter_is_written_in() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let filter = upload(&user, SCHEMA).await;
    let good = filtered(&receiver.url("/a"), &filter, Some(r#"{"tag": "x"}"#));
    let webhook = user.create_webhook(&good).await.unwrap();
    let bad = r#"{"tag": 7, "limits": [1, 10], "tga": "x"}"#;
    let choice = FilterChoice { id: filter.clone(), config: Some(raw(bad)), on_error: None };

    let new = refusal(user.create_webhook(&filtered(&receiver.url("/b"), &filter, Some(bad))).await);
    let patch = PatchWebhook { filter: Some(Some(choice)), ..PatchWebhook::default() };
    let patched = refusal(user.update_webhook(&webhook.id, &patch).await);
    let event = raw(&serde_json::to_string(&created("e1")).unwrap());
    let evaluate = Evaluate { event: Some(event), config: Some(raw(bad)), ..Evaluate::default() };
    let evaluated = refusal(user.evaluate_filter(&filter, &evaluate).await);

    for (problem, place) in [(&new, "/filter/config"), (&patched, "/filter/config"), (&evaluated, "/config")] {
        assert_eq!((problem.status, problem.code.as_str()), (400, "BAD_USER_INPUT"));
        let mut told = told(problem);
        told.sort_unstable();
        let at = |rest: &str| format!("{place}{rest}");
        let expected = [
            (at("/limits/1"), "value is greater than the maximum of 9"),
            (at("/tag"), "value is not of type \"string\""),
            (at("/tga"), "there is no such member"),
        ];
        assert_eq!(told, expected.each_ref().map(|(pointer, detail)| (pointer.as_str(), *detail)));
        assert!(problem.detail.starts_with("the configuration does not meet the filter's schema: /"), "{problem:?}");
    }
    let kept = user.get_webhook(&webhook.id).await.unwrap();
    assert_eq!(kept.filter.unwrap().config.get(), r#"{"tag":"x"}"#);
    app.send(&created("e2")).await;
    assert_eq!(receiver.on("/a").len(), 1);
}

#[tokio::test]
async fn no_configuration_is_an_empty_one_to_the_schema_too() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let (wanting, content) = (upload(&user, SCHEMA).await, upload(&user, r#"{"type": "object"}"#).await);
    let with = |filter: &str| NewWebhook {
        filter: Some(FilterChoice { id: filter.to_owned(), config: None, on_error: None }),
        ..webhook(&receiver.url("/a"))
    };

    let refused = refusal(user.create_webhook(&with(&wanting)).await);

    assert_eq!(told(&refused), [("/filter/config", "\"tag\" is a required property")]);
    user.create_webhook(&with(&content)).await.unwrap();
}

#[tokio::test]
async fn a_schema_that_cannot_be_checked_against_is_refused_at_upload_with_the_reason() {
    let app = TestApp::start().await;
    let user = app.user("u1").await;
    let doubling: Vec<String> = (0..30)
        .map(|at| format!(r##""d{at}":{{"allOf":[{{"$ref":"#/$defs/d{0}"}},{{"$ref":"#/$defs/d{0}"}}]}}"##, at + 1))
        .collect();
    let doubling = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d30":{{}}}}}}"##, doubling.join(","));
    let patterns = vec![r#"{"pattern":"a"}"#; 17].join(",");

    for (schema, reason) in [
        ("{", "it is not JSON: EOF"),
        ("true", "a JSON Schema is an object here"),
        (r#"{"type": "objekt"}"#, "not a JSON Schema of draft 2020-12"),
        (r#"{"$ref": "https://example.com/s.json"}"#, "leads to nothing in this document"),
        (r##"{"properties": {"not": {"$ref": "#"}}}"##, "leads back to where it stands"),
        (&doubling, "more than 10000 values"),
        (r#"{"pattern": "(a{900}){900}"}"#, "at /pattern"),
        (&format!(r#"{{"allOf": [{patterns}]}}"#), "more than 16 patterns"),
        (&format!(r#"{{"title": "{}"}}"#, "x".repeat(16 << 10)), "at most 16384 are allowed"),
    ] {
        let refused = refusal(user.upload_filter(&UploadQuery::default(), publishing(schema)).await);

        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(refused.detail.contains("its `config-schema` "), "{refused:?}");
        assert!(refused.detail.contains(reason), "{reason}: {refused:?}");
    }
}
