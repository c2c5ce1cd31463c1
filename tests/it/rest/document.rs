//! The OpenAPI document, and that it tells of the routes there are.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Answer, anonymous};
use crate::app::TestApp;

/// The contract. A route that comes or goes changes this list first.
pub(super) const ROUTES: [&str; 29] = [
    "DELETE /v1/filters/{id}",
    "DELETE /v1/projects/{id}/members/{userId}",
    "DELETE /v1/tokens/{id}",
    "DELETE /v1/webhooks/{id}",
    "GET /healthz",
    "GET /readyz",
    "GET /v1/deliveries/{id}",
    "GET /v1/event-types",
    "GET /v1/events",
    "GET /v1/events/{id}",
    "GET /v1/events/{id}/verdicts",
    "GET /v1/filters",
    "GET /v1/filters/{id}",
    "GET /v1/filters/{id}/wasm",
    "GET /v1/webhooks",
    "GET /v1/webhooks/{id}",
    "GET /v1/webhooks/{id}/deliveries",
    "GET /v1/webhooks/{id}/verdicts",
    "PATCH /v1/webhooks/{id}",
    "POST /v1/events",
    "POST /v1/events/batch",
    "POST /v1/filters",
    "POST /v1/filters/{id}/evaluate",
    "POST /v1/users/{id}/tokens",
    "POST /v1/webhooks",
    "PUT /v1/event-types/{name}",
    "PUT /v1/projects/{id}",
    "PUT /v1/projects/{id}/members/{userId}",
    "PUT /v1/users/{id}",
];

#[tokio::test]
async fn the_document_lists_every_route_of_the_contract_and_no_other() {
    let app = TestApp::start().await;

    let answer = Answer::of(anonymous(&app, "GET", "/openapi.json")).await;

    let document: Value = serde_json::from_str(&answer.body).unwrap();
    let mut listed = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            listed.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"));
    assert_eq!(listed, ROUTES.map(str::to_owned).into());
}

#[tokio::test]
async fn the_document_has_no_reference_that_leads_nowhere() {
    let app = TestApp::start().await;

    let document: Value =
        serde_json::from_str(&Answer::of(anonymous(&app, "GET", "/openapi.json")).await.body).unwrap();

    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
}

fn collect_references(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect_references(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, references)),
        _ => {}
    }
}
