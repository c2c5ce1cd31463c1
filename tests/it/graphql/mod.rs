//! The GraphQL contract, over HTTP: Blue's schema and documents, what is refused and how, and clients that
//! are not ours.

mod additions;
mod bombs;
mod clients;
mod documents;
mod http;
mod refusals;
mod sameness;
mod schema;

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::app::{TestApp, member};

/// All that Blue's schema has of a webhook.
const WEBHOOK: &str = "id uid name url secret status events projectIds enabled metadata createdAt updatedAt";

/// The token of a user who is a member of the project.
async fn token(app: &TestApp, id: &str) -> String {
    member(&app.operator(), id).await
}

/// A request without a token.
fn post(app: &TestApp, body: &Value) -> RequestBuilder {
    let client = crate::app::http();
    client.post(app.url("/graphql")).json(body)
}

/// The answer to a document, as a client of Blue's gets it: always 200 and JSON.
async fn answer(app: &TestApp, token: &str, query: &str, variables: Value) -> Value {
    let body = json!({ "query": query, "variables": variables });
    let response = post(app, &body).bearer_auth(token).send().await.unwrap();
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!((response.status().as_u16(), content_type.as_str()), (200, "application/json; charset=utf-8"));
    response.json().await.unwrap()
}

/// The data of an answer without errors.
async fn data(app: &TestApp, token: &str, query: &str, variables: Value) -> Value {
    let mut answer = answer(app, token, query, variables).await;
    assert_eq!(answer.get("errors"), None, "{query}: {answer}");
    answer["data"].take()
}

/// The only error of an answer.
async fn error(app: &TestApp, token: &str, query: &str, variables: Value) -> Value {
    let mut answer = answer(app, token, query, variables).await;
    assert!(answer["data"].is_null(), "{query}: {answer}");
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{query}: {answer}");
    answer["errors"][0].take()
}

/// The id of a new webhook.
async fn create(app: &TestApp, token: &str) -> String {
    let query = r#"mutation { createWebhook(input: { url: "https://127.0.0.1:8443/" }) { id } }"#;
    data(app, token, query, json!({})).await["createWebhook"]["id"].as_str().unwrap().to_owned()
}
