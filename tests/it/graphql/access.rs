//! Every field of the schema, asked for by somebody who may not.

use std::collections::BTreeSet;

use hooksieve::wire::CreateToken;
use serde_json::{Value, json};

use super::{answer, create, data, post, token};
use crate::app::{OPERATOR_TOKEN, TestApp};

/// Each field at the top, called for the webhook `ID`: a document that would do it for its owner.
const FIELDS: [(&str, &str); 6] = [
    ("webhook", r#"{ webhook(id: "ID") { id } }"#),
    ("webhooks", "{ webhooks { items { id } } }"),
    ("createWebhook", r#"mutation { createWebhook(input: { url: "https://127.0.0.1:8443/" }) { id } }"#),
    ("updateWebhook", r#"mutation { updateWebhook(input: { webhookId: "ID", name: "mine now" }) { id } }"#),
    ("disableWebhook", r#"mutation { disableWebhook(input: { webhookId: "ID" }) { success } }"#),
    ("deleteWebhook", r#"mutation { deleteWebhook(input: { webhookId: "ID" }) { success } }"#),
];
/// Those that take nobody's webhook.
const WITHOUT_ID: [&str; 2] = ["webhooks", "createWebhook"];

#[tokio::test]
async fn every_field_of_the_schema_has_its_row_here() {
    let app = TestApp::start().await;
    let query = "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }";

    let told = data(&app, &token(&app, "u1").await, query, json!({})).await["__schema"].take();

    let fields = ["queryType", "mutationType"].map(|root| told[root]["fields"].as_array().unwrap().clone());
    let there: BTreeSet<String> =
        fields.iter().flatten().map(|field| field["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(there, FIELDS.map(|(name, _)| name.to_owned()).into());
}

#[tokio::test]
async fn without_a_valid_token_every_field_answers_the_same() {
    let app = TestApp::start().await;
    let owner = token(&app, "u1").await;
    let id = create(&app, &owner).await;
    let revoked = app.operator().create_token("u1", &CreateToken::default()).await.unwrap();
    app.operator().revoke_token(&revoked.id).await.unwrap();
    let documents = FIELDS.map(|(_, document)| document.replace("ID", &id));
    let introspection =
        ["{ __schema { types { name } } }".to_owned(), "{ __typename }".to_owned(), "{ nonsense".to_owned()];

    for document in documents.iter().chain(&introspection) {
        let body = json!({ "query": document });
        let none = post(&app, &body);
        let half = post(&app, &body).header("x-bloo-token-secret", "x");
        let wrong = post(&app, &body).bearer_auth("hs_operator_wrong");
        let revoked = post(&app, &body).bearer_auth(revoked.token.expose());
        for request in [none, half, wrong, revoked] {
            let told: Value = request.send().await.unwrap().json().await.unwrap();

            let message = told["errors"][0]["message"].as_str().unwrap().to_owned();
            let expected = json!({ "errors": [{ "message": message, "extensions": { "code": "UNAUTHENTICATED" } }] });
            assert_eq!(told, expected, "{document}");
            assert!(message.contains("Authorization: Bearer"), "{document}");
        }
    }
    assert_eq!(app.client(&owner).get_webhook(&id).await.unwrap().name, None);
}

#[tokio::test]
async fn somebody_elses_webhook_answers_like_a_missing_one_in_every_field() {
    let app = TestApp::start().await;
    let owner = token(&app, "u1").await;
    let stranger = token(&app, "u2").await;
    let id = create(&app, &owner).await;
    let before = serde_json::to_value(app.client(&owner).get_webhook(&id).await.unwrap()).unwrap();

    for (name, document) in FIELDS.iter().filter(|(name, _)| !WITHOUT_ID.contains(name)) {
        let theirs = answer(&app, &stranger, &document.replace("ID", &id), json!({})).await;
        let missing =
            answer(&app, &stranger, &document.replace("ID", &format!("{}0", &id[..id.len() - 1])), json!({})).await;

        assert_eq!(theirs["errors"][0]["extensions"]["code"], "WEBHOOK_NOT_FOUND", "{name}");
        assert_eq!(theirs, missing, "{name}");
    }
    let listed = data(&app, &stranger, "{ webhooks { items { id } pageInfo { totalItems } } }", json!({})).await;
    assert_eq!(listed["webhooks"], json!({ "items": [], "pageInfo": { "totalItems": 0 } }));
    assert_eq!(serde_json::to_value(app.client(&owner).get_webhook(&id).await.unwrap()).unwrap(), before);
}

#[tokio::test]
async fn an_operator_has_webhooks_of_its_own_and_reaches_no_users() {
    let app = TestApp::start().await;
    let owner = token(&app, "u1").await;
    let id = create(&app, &owner).await;

    for (name, document) in FIELDS.into_iter().filter(|(name, _)| !WITHOUT_ID.contains(name)) {
        let told = answer(&app, OPERATOR_TOKEN, &document.replace("ID", &id), json!({})).await;

        assert_eq!(told["errors"][0]["extensions"], json!({ "code": "WEBHOOK_NOT_FOUND" }), "{name}: {told}");
    }
    let own = data(&app, OPERATOR_TOKEN, FIELDS[2].1, json!({})).await["createWebhook"]["id"].take();
    let listed = data(&app, OPERATOR_TOKEN, FIELDS[1].1, json!({})).await;
    assert_eq!(listed["webhooks"]["items"], json!([{ "id": own }]));
    assert_eq!(app.client(&owner).list_webhooks(&Default::default()).await.unwrap().items.len(), 1);
}
