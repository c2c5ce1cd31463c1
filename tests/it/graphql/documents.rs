//! The API document's examples, read out of its own text and run as they stand there.

use hooksieve::wire::PutProject;
use serde_json::{Value, json};

use super::{answer, data, error, token};
use crate::app::TestApp;

/// The document.
const DOCUMENT: &str = include_str!("../fixtures/webhooks-api.txt");

/// The document's text between two others.
fn part(from: &str, to: &str) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(from).unwrap_or_else(|| panic!("the document has no {from:?}"));
    rest.split_once(to).unwrap_or_else(|| panic!("the document has no {to:?} after {from:?}")).0
}

/// "Basic Example".
fn basic() -> &'static str {
    part("Basic Example\n", "Advanced Example")
}

/// "Advanced Example": the mutation and its variables.
fn advanced() -> (&'static str, Value) {
    let variables = part("Variables:\n", "The secret field is only included");
    (part("Advanced Example\n", "Variables:"), serde_json::from_str(variables).unwrap())
}

/// The documented answer to a request that is refused.
fn documented(headline: &str) -> Value {
    serde_json::from_str(part(&format!("{headline}\n"), "When:")).unwrap()
}

/// Makes the advanced example's projects, and the user a member.
async fn join_projects(app: &TestApp, user: &str) {
    let operator = app.operator();
    for project in ["project-abc-123", "project-def-456"] {
        operator.put_project(project, &PutProject::default()).await.unwrap();
        operator.add_member(project, user).await.unwrap();
    }
}

#[tokio::test]
async fn the_basic_example_registers_a_webhook() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;

    let created = data(&app, &token, basic(), json!({})).await["createWebhook"].take();

    assert_eq!((&created["url"], &created["status"]), (&json!("https://example.com/webhooks/blue"), &json!("HEALTHY")));
    assert_eq!((&created["enabled"], &created["createdAt"]), (&json!(true), &json!("2022-12-01T11:23:09.241Z")));
    assert!(created["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(created["uid"].as_str().unwrap().len(), 32);
    assert_eq!(created.as_object().unwrap().len(), 7);
    let shown = app.client(&token).get_webhook(created["id"].as_str().unwrap()).await.unwrap();
    assert!(shown.events.is_empty() && shown.project_ids.is_empty(), "nothing comes until events are chosen");
}

#[tokio::test]
async fn the_advanced_example_registers_a_webhook_with_its_variables() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    join_projects(&app, "u1").await;
    let (mutation, variables) = advanced();

    let created = data(&app, &token, mutation, variables.clone()).await["createWebhook"].take();
    let query = format!("query ($id: String!) {{ webhook(id: $id) {{ {} }} }}", super::WEBHOOK);
    let shown = data(&app, &token, &query, json!({ "id": created["id"] })).await["webhook"].take();

    let input = &variables["input"];
    for member in ["name", "url", "events", "projectIds"] {
        assert_eq!(created[member], input[member], "{member}");
    }
    assert_eq!(created["metadata"], json!({ "events": input["events"], "projectIds": input["projectIds"] }));
    assert_eq!(created["updatedAt"], "2022-12-01T11:23:09.241Z");
    assert!(created["secret"].is_string());
    let mut ever_after = created;
    ever_after["secret"] = Value::Null;
    assert_eq!(shown, ever_after, "the secret is shown once");
}

#[tokio::test]
async fn the_documented_refusals_come_as_they_are_documented() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    let (mutation, variables) = advanced();

    for (headline, query, variables) in [
        ("Invalid URL", basic().replace("https://example.com/webhooks/blue", "not a url"), json!({})),
        ("Private URL Rejected", basic().replace("example.com", "192.168.1.10"), json!({})),
        ("Unauthorized Workspace Access", mutation.to_owned(), variables),
    ] {
        let documented = documented(headline);
        let told = error(&app, &token, &query, variables).await;

        let expected = &documented["errors"][0];
        assert_eq!((&told["message"], &told["extensions"]), (&expected["message"], &expected["extensions"]));
    }
}

#[tokio::test]
async fn a_webhook_that_is_not_there_is_refused_by_name_in_every_call() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;

    for query in [
        r#"{ webhook(id: "nope") { id } }"#,
        r#"mutation { updateWebhook(input: { webhookId: "nope" }) { id } }"#,
        r#"mutation { disableWebhook(input: { webhookId: "nope" }) { success } }"#,
        r#"mutation { deleteWebhook(input: { webhookId: "nope" }) { success } }"#,
    ] {
        let told = error(&app, &token, query, json!({})).await;

        assert_eq!(told["message"], "Webhook not found", "{query}");
        assert_eq!(told["extensions"], json!({ "code": "WEBHOOK_NOT_FOUND" }), "{query}");
    }
}

#[tokio::test]
async fn the_curly_quotes_of_the_document_are_text_like_any_other() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    let described = part("TODO_NAME_CHANGED | ", " |");
    let query = basic().replacen("url:", &format!("name: \"{described}\"\nurl:"), 1).replacen("id\n", "id name\n", 1);

    let created = answer(&app, &token, &query, json!({})).await;

    assert!(described.contains('’'));
    assert_eq!(created["data"]["createWebhook"]["name"], described);
}
