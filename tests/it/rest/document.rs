//! The OpenAPI document. That it has the routes there are is in `isolation`.

use serde_json::Value;

use super::{Answer, anonymous};
use crate::app::TestApp;

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
