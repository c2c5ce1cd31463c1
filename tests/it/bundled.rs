//! The bundled filters, embedded in the host: their documentation's examples, and their errors seen from the neighbours.

use std::collections::HashMap;

use hooksieve::client::Client;
use hooksieve::wire::{Evaluate, EvaluationVerdict, FilterChoice, NewWebhook, OnError, Outcome, ReasonClass};
use serde_json::value::RawValue;

use crate::app::{TestApp, filtered, marked, problem, raw, verdict, webhook};
use crate::receiver::Receiver;

const DOCUMENT: &str = include_str!("../../docs/filters.md");
const CATALOGUE: &str = include_str!("../../sdk/catalogue.json");

/// An example of the document: what a filter makes of an event type's example under a configuration.
struct Example<'a> {
    filter: &'a str,
    event: &'a str,
    verdict: &'a str,
    config: &'a str,
}

/// The blocks that begin with "```json filter event verdict".
fn examples() -> Vec<Example<'static>> {
    let blocks = DOCUMENT.split("```json ").skip(1);
    blocks
        .map(|block| {
            let (info, rest) = block.split_once('\n').unwrap();
            let (config, _) = rest.split_once("```").unwrap();
            let [filter, event, verdict] = info.split(' ').collect::<Vec<_>>().try_into().unwrap();
            Example { filter, event, verdict, config }
        })
        .collect()
}

#[derive(serde::Deserialize)]
struct EventType {
    name: String,
    example: Box<RawValue>,
}

#[tokio::test]
async fn the_documents_examples_say_what_they_show() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let catalogue: Vec<EventType> = serde_json::from_str(CATALOGUE).unwrap();
    let events: HashMap<String, Box<RawValue>> =
        catalogue.into_iter().map(|entry| (entry.name, entry.example)).collect();
    let examples = examples();

    for Example { filter, event, verdict, config } in &examples {
        user.create_webhook(&filtered(&receiver.url("/a"), filter, Some(config))).await.unwrap();
        let evaluate =
            Evaluate { event: Some(events[*event].clone()), config: Some(raw(config)), ..Evaluate::default() };
        let said = user.evaluate_filter(filter, &evaluate).await.unwrap();

        let expected = if *verdict == "deliver" { EvaluationVerdict::Deliver } else { EvaluationVerdict::Skip };
        assert_eq!(said.verdict, expected, "{config}: {said:?}");
    }
    for filter in ["field-match", "changed-fields", "cel"] {
        assert!(examples.iter().filter(|example| example.filter == filter).count() >= 3, "{filter}");
    }
}

#[tokio::test]
async fn the_examples_are_what_the_published_schemas_allow() {
    let app = TestApp::start().await;
    let user = app.user("u1").await;

    for Example { filter, config, .. } in examples() {
        let about = user.get_filter(filter).await.unwrap();
        let schema = serde_json::from_str(about.about.config_schema.unwrap().get()).unwrap();
        let config = serde_json::from_str(config).unwrap();

        assert!(jsonschema::is_valid(&schema, &config), "{filter} {config}");
        assert!(!jsonschema::is_valid(&schema, &serde_json::json!({"valeu": 1})), "{filter}");
    }
}

/// The place that the refusal names, and the reason.
async fn refusal(user: &Client, url: &str, filter: &str, config: &str) -> String {
    let refused = problem(user.create_webhook(&filtered(url, filter, Some(config))).await);
    assert_eq!(refused.status, 400, "{refused:?}");
    let place = refused.errors[0].pointer.strip_prefix("/filter/config").unwrap();
    format!("{place}: {}", refused.errors[0].detail)
}

#[tokio::test]
async fn a_mistyped_configuration_is_refused_when_the_webhook_is_saved() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, url) = (app.user("u1").await, receiver.url("/a"));

    for (filter, config, told) in [
        (
            "field-match",
            r#"{"any":[{"pointer":"/id","operator":"equals","value":1}]}"#,
            "/any/0/operator: unknown operator",
        ),
        ("field-match", r#"{"pointer":"/currentValue/x","operator":"matches","value":"((a{100}){100}){9}"}"#, "fuel"),
        ("changed-fields", r#"{"fields":["/title"],"ignored":["/x"]}"#, "/ignored: "),
        ("cel", r#"{"expression":"currentValue.done &&"}"#, "/expression: line 1, column "),
        ("cel", r#"{"expression":"curentValue.done"}"#, "/expression: an event has no `curentValue`"),
    ] {
        let refused = refusal(&user, &url, filter, config).await;
        assert!(refused.contains(told), "{filter} {config}: {refused}");
    }
    let deep = format!(r#"{{"expression":"currentValue{}"}}"#, ".a".repeat(20_000));
    refusal(&user, &url, "cel", &deep).await;
    assert!(user.list_webhooks(&Default::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn an_error_of_one_webhooks_configuration_is_no_match_and_nobody_elses() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, neighbour) = (app.user("u1").await, app.user("u2").await);
    let wrong = [
        ("field-match", r#"{"pointer":"/currentValue/done","operator":"eq","value":"true"}"#),
        ("field-match", r#"{"not":{"pointer":"/currentValue/done","operator":"before","value":"2030-01-01"}}"#),
        ("cel", r#"{"expression":"currentValue.done > 1"}"#),
        ("cel", r#"{"expression":"!currentValue.gone"}"#),
    ];
    let mut failing = Vec::new();
    for (filter, config) in wrong {
        failing.push(user.create_webhook(&filtered(&receiver.url("/wrong"), filter, Some(config))).await.unwrap());
    }
    let (filter, config) = wrong[0];
    let filter = FilterChoice { id: filter.to_owned(), config: Some(raw(config)), on_error: Some(OnError::Deliver) };
    let lenient = NewWebhook { filter: Some(filter), ..webhook(&receiver.url("/lenient")) };
    user.create_webhook(&lenient).await.unwrap();
    for (filter, config) in [
        ("field-match", r#"{"pointer":"/currentValue/done","operator":"eq","value":true}"#),
        ("cel", r#"{"expression":"currentValue.done"}"#),
    ] {
        for client in [&user, &neighbour] {
            client.create_webhook(&filtered(&receiver.url("/right"), filter, Some(config))).await.unwrap();
        }
    }

    let event = app.send(&marked("e1", true)).await;

    for webhook in &failing {
        let verdict = verdict(&user, &event, webhook).await;
        assert_eq!(
            (verdict.outcome, verdict.reason_class),
            (Outcome::FilterError, Some(ReasonClass::Error)),
            "{verdict:?}"
        );
    }
    assert_eq!(["/wrong", "/lenient", "/right"].map(|path| receiver.on(path).len()), [0, 1, 4]);
}
