//! What cannot be taken: refused with a code, the field and the remedy, and nothing is changed.

use serde_json::{Value, json};

use super::{answer, create, data, error, token};
use crate::app::{OPERATOR_TOKEN, TestApp};

const CREATE: &str = "mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { id } }";
const UPDATE: &str = "mutation ($input: UpdateWebhookInput!) { updateWebhook(input: $input) { id } }";

#[tokio::test]
async fn a_field_that_cannot_be_taken_is_named_with_the_remedy() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    let id = create(&app, &token).await;
    let header = |name: &str| json!([{ "name": name, "value": "x" }]);

    for (member, value, field, words) in [
        ("name", json!("x".repeat(201)), "input.name", "1 to 200 characters"),
        ("eventTypes", json!(["TODO_CREATED", "TODO_CREATE"]), "input.eventTypes.1", "did you mean TODO_CREATED?"),
        ("projectIds", json!(["a b"]), "input.projectIds.0", "letters, digits"),
        ("filter", json!({ "id": "nope" }), "input.filter.id", "`GET /v1/filters`"),
        ("filter", json!({ "id": "field-match", "config": {} }), "input.filter.config", ""),
        ("headers", header("content-length"), "input.headers.content-length", "choose another name"),
        (
            "headers",
            json!([{ "name": "a", "value": "" }, { "name": "a", "value": "" }]),
            "input.headers.1.name",
            "twice",
        ),
    ] {
        let mut input = json!({ "url": "https://127.0.0.1:8443/", member: value });
        let creating = error(&app, &token, CREATE, json!({ "input": input })).await;
        input["webhookId"] = json!(id);
        let updating = error(&app, &token, UPDATE, json!({ "input": input })).await;

        for told in [creating, updating] {
            assert_eq!(told["extensions"], json!({ "code": "BAD_USER_INPUT", "field": field }), "{told}");
            let message = told["message"].as_str().unwrap();
            assert!(message.starts_with(&format!("{field}: ")) && message.contains(words), "{told}");
        }
    }
    let both = json!({ "url": "https://127.0.0.1:8443/", "events": [], "eventTypes": [] });
    assert_eq!(error(&app, &token, CREATE, json!({ "input": both })).await["extensions"]["field"], "input.eventTypes");
    let secret = json!({ "url": "https://127.0.0.1:8443/", "secret": "" });
    assert_eq!(error(&app, &token, CREATE, json!({ "input": secret })).await["extensions"]["field"], "input.secret");
    let shown = app.client(&token).list_webhooks(&Default::default()).await.unwrap().items;
    assert_eq!((shown.len(), &shown[0].name), (1, &None));
}

#[tokio::test]
async fn a_page_that_cannot_be_is_refused() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;

    for (arguments, field) in [
        ("take: 0", "take"),
        ("take: 251", "take"),
        ("take: -1", "take"),
        ("skip: -1", "skip"),
        ("skip: -2147483648, take: 1", "skip"),
    ] {
        let query = format!("{{ webhooks({arguments}) {{ pageInfo {{ page }} }} }}");
        let told = error(&app, &token, &query, json!({})).await;

        assert_eq!(told["extensions"], json!({ "code": "BAD_USER_INPUT", "field": field }), "{arguments}: {told}");
    }
}

#[tokio::test]
async fn what_the_schema_does_not_have_is_refused_before_anything_is_done() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;

    for (query, variables, words) in [
        ("{ nope }", json!({}), "nope"),
        ("{ webhooks { items { idd } } }", json!({}), "idd"),
        ("{ webhooks }", json!({}), "webhooks"),
        ("{ webhook { id } }", json!({}), "id"),
        (CREATE, json!({ "input": { "url": 7 } }), "url"),
        (CREATE, json!({ "input": { "url": "https://127.0.0.1:8443/", "nope": 1 } }), "nope"),
        (
            CREATE,
            json!({ "input": { "url": "https://127.0.0.1:8443/", "events": ["WEBHOOK_HEALTH_CHECK"] } }),
            "WEBHOOK_HEALTH_CHECK",
        ),
        ("subscription { webhooks { items { id } } }", json!({}), ""),
        ("{ __typename ...A } fragment A on Query { ...A }", json!({}), "contains itself"),
        ("query A { __typename } query B { __typename }", json!({}), "peration name"),
        ("# nothing", json!({}), ""),
        ("", json!({}), ""),
    ] {
        let answer = answer(&app, &token, query, variables).await;

        assert_eq!(answer.get("data"), None, "{query}: {answer}");
        let told = &answer["errors"][0];
        let code = told["extensions"]["code"].as_str().unwrap();
        assert!(["GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"].contains(&code), "{query}: {answer}");
        assert!(told["message"].as_str().unwrap().contains(words), "{query}: {answer}");
    }
    assert!(app.client(&token).list_webhooks(&Default::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_field_at_the_top_that_fails_takes_the_others_with_it() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    let id = create(&app, &token).await;

    let query = format!(r#"{{ a: webhook(id: "{id}") {{ id }} b: webhook(id: "nope") {{ id }} }}"#);
    let answer = answer(&app, &token, &query, json!({})).await;

    assert_eq!(answer["data"], Value::Null, "no field may be missing that is never null");
    assert_eq!((answer.get("data").is_some(), &answer["errors"][0]["path"]), (true, &json!(["b"])));
}

#[tokio::test]
async fn a_mutation_that_is_written_twice_under_one_name_is_not_made_twice() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    let field = r#"createWebhook(input: { url: "https://127.0.0.1:8443/" }) { id }"#;

    for query in [
        format!("mutation {{ {field} {field} }}"),
        format!("mutation {{ {field} ... on Mutation {{ {field} }} }}"),
        format!("mutation {{ {field} ...A }} fragment A on Mutation {{ {field} }}"),
    ] {
        let told = error(&app, &token, &query, json!({})).await;
        assert!(told["message"].as_str().unwrap().contains("createWebhook twice"), "{told}");
    }
    assert!(app.client(&token).list_webhooks(&Default::default()).await.unwrap().items.is_empty());

    let made = data(&app, &token, &format!("mutation {{ a: {field} b: {field} }}"), json!({})).await;
    assert_ne!(made["a"]["id"], made["b"]["id"]);
}

#[tokio::test]
async fn an_operator_is_told_that_webhooks_are_users_as_in_rest() {
    let app = TestApp::start().await;

    let told = error(&app, OPERATOR_TOKEN, "{ webhooks { items { id } } }", json!({})).await;
    let rest = crate::app::problem(app.operator().list_webhooks(&Default::default()).await);

    assert_eq!(told["extensions"], json!({ "code": "UNAUTHORIZED" }));
    assert_eq!((told["message"].as_str().unwrap(), "UNAUTHORIZED"), (rest.detail.as_str(), rest.code.as_str()));
}

#[tokio::test]
async fn a_variable_that_is_missing_is_noticed_before_anything_is_done() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    let query = r#"mutation ($id: String!) {
        createWebhook(input: { url: "https://127.0.0.1:8443/" }) { id }
        deleteWebhook(input: { webhookId: $id }) { success }
    }"#;

    for variables in [json!({}), json!({ "id": null }), Value::Null] {
        let answer = answer(&app, &token, query, variables).await;

        let expected = json!({ "message": "variables.id: the operation needs a value for it; send one",
            "extensions": { "code": "BAD_USER_INPUT" } });
        assert_eq!(answer, json!({ "errors": [expected] }));
    }
    assert!(app.client(&token).list_webhooks(&Default::default()).await.unwrap().items.is_empty());
}
