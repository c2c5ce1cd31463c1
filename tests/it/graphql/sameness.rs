//! A webhook made by one API is the same in the other.

use hooksieve::wire::{NewWebhook, OnError, PatchWebhook, PayloadFormat, PutEventType};
use serde_json::{Value, json};

use super::{WEBHOOK, create, data, token};
use crate::app::{PROJECT, TestApp, filtered};

/// Blue's fields, and those that Hooksieve adds.
fn everything() -> String {
    format!("{WEBHOOK} eventTypes filter {{ id config onError status }} payloadFormat headers failuresInARow")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Adds a type to the catalogue.
async fn put_type(app: &TestApp) {
    let what = PutEventType { description: "An invoice was paid".to_owned(), ..Default::default() };
    app.operator().put_event_type("INVOICE_PAID", &what).await.unwrap();
}

/// The same webhook as both APIs show it, without the secret: GraphQL's answer in REST's words.
async fn assert_same(app: &TestApp, token: &str, id: &str) -> Value {
    let query = format!("query ($id: String!) {{ webhook(id: $id) {{ {} }} }}", everything());
    let mut graphql = data(app, token, &query, json!({ "id": id })).await["webhook"].take();
    let rest = serde_json::to_value(app.client(token).get_webhook(id).await.unwrap()).unwrap();

    let mut said = rest.clone();
    said["eventTypes"] = rest["events"].clone();
    said["metadata"] = json!({ "events": rest["events"], "projectIds": rest["projectIds"] });
    said["headers"] = rest["headers"].as_object().unwrap().keys().cloned().collect();
    for upper in ["/payloadFormat", "/filter/onError"] {
        if let Some(word) = said.pointer_mut(upper) {
            *word = json!(word.as_str().unwrap().to_uppercase());
        }
    }
    let known = |name: &&Value| *name != "INVOICE_PAID";
    said["events"] = rest["events"].as_array().unwrap().iter().filter(known).cloned().collect();
    for (member, value) in graphql.as_object().unwrap() {
        assert_eq!(*value, said[member], "{member}");
    }
    assert_eq!(graphql.as_object().unwrap().len(), 17);
    graphql.take()
}

#[tokio::test]
async fn a_webhook_made_by_rest_is_shown_and_changed_and_deleted_by_graphql() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    put_type(&app).await;
    let config = r#"{"pointer":"/currentValue/done","operator":"eq","value":true}"#;
    let new = NewWebhook {
        name: Some("Ours".to_owned()),
        project_ids: vec![PROJECT.to_owned()],
        events: vec!["TODO_CREATED".to_owned(), "INVOICE_PAID".to_owned()],
        payload_format: Some(PayloadFormat::Compact),
        headers: [("X-Api-Key".to_owned(), "hush".into())].into(),
        ..filtered("https://127.0.0.1:8443/hook", "field-match", Some(config))
    };
    let id = app.client(&token).create_webhook(&new).await.unwrap().id;
    let before = assert_same(&app, &token, &id).await;
    assert_eq!((&before["events"], &before["eventTypes"]), (&json!(["TODO_CREATED"]), &json!(new.events)));
    assert_eq!(before["filter"]["config"], json(config));

    let update = "mutation ($input: UpdateWebhookInput!) { updateWebhook(input: $input) { id name } }";
    let changed = json!({ "webhookId": id, "name": null, "url": "https://127.0.0.1:9443/", "events": ["TODO_DELETED", null],
        "projectIds": [null], "filter": { "id": "done-records", "onError": "DELIVER" }, "payloadFormat": "FULL", "headers": [] });
    data(&app, &token, update, json!({ "input": changed })).await;
    let after = assert_same(&app, &token, &id).await;
    let kept = json!({ "webhookId": id, "url": null, "events": null, "projectIds": null, "enabled": null,
        "payloadFormat": null, "headers": null, "eventTypes": null });
    data(&app, &token, update, json!({ "input": kept })).await;
    let mut still = assert_same(&app, &token, &id).await;
    still["updatedAt"] = after["updatedAt"].clone();
    data(&app, &token, update, json!({ "input": { "webhookId": id, "filter": null } })).await;
    let bare = assert_same(&app, &token, &id).await;
    let delete = "mutation ($input: DeleteWebhookInput!) { deleteWebhook(input: $input) { success operationId } }";
    let deleted = data(&app, &token, delete, json!({ "input": { "webhookId": id } })).await;

    let shown = ["name", "events", "projectIds", "payloadFormat", "headers"].map(|member| after[member].clone());
    assert_eq!(
        json!(shown),
        json!([null, ["TODO_DELETED"], [], "FULL", []]),
        "lists are replaced, null entries say nothing"
    );
    assert_eq!(after["filter"], json!({ "id": "done-records", "config": null, "onError": "DELIVER", "status": "OK" }));
    assert_eq!(still, after, "null says the same as nothing");
    assert_eq!(bare["filter"], Value::Null);
    assert_eq!(deleted["deleteWebhook"], json!({ "success": true, "operationId": null }));
    assert!(app.client(&token).list_webhooks(&Default::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_webhook_made_by_graphql_is_shown_and_changed_by_rest() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    put_type(&app).await;
    let create = "mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { id secret eventTypes } }";
    let input = json!({ "url": "https://127.0.0.1:8443/hook", "name": "Ours", "projectIds": [PROJECT],
        "eventTypes": ["TODO_CREATED", "INVOICE_PAID"], "secret": "chosen by the user", "enabled": false,
        "filter": { "id": "field-match", "onError": "DELIVER",
            "config": { "pointer": "/currentValue/n", "operator": "eq", "value": 1.50 } },
        "payloadFormat": "COMPACT", "headers": [{ "name": "X-Api-Key", "value": "hush" }] });

    let created = data(&app, &token, create, json!({ "input": input })).await["createWebhook"].take();
    let id = created["id"].as_str().unwrap();
    assert_same(&app, &token, id).await;
    let rest = app.client(&token).get_webhook(id).await.unwrap();
    let patch = PatchWebhook { name: Some(None), events: Some(Vec::new()), ..PatchWebhook::default() };
    app.client(&token).update_webhook(id, &patch).await.unwrap();
    let after = assert_same(&app, &token, id).await;

    assert_eq!((&created["secret"], &created["eventTypes"]), (&json!("chosen by the user"), &input["eventTypes"]));
    assert_eq!((rest.enabled, rest.payload_format), (false, PayloadFormat::Compact));
    let filter = rest.filter.unwrap();
    assert_eq!(filter.on_error, OnError::Deliver);
    assert_eq!(json(filter.config.get()), json(r#"{"pointer":"/currentValue/n","operator":"eq","value":1.5}"#));
    assert_eq!((&after["name"], &after["events"]), (&Value::Null, &json!([])));
}

#[tokio::test]
async fn a_literal_configuration_is_the_one_that_a_variable_would_be() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    let query = r#"mutation { createWebhook(input: { url: "https://127.0.0.1:8443/", filter: { id: "field-match",
        config: { pointer: "/currentValue/list", operator: "in", value: [1.5, true, null, """a "b" ’""", -0, 9007199254740992] } } })
        { id } }"#;

    let id = data(&app, &token, query, json!({})).await["createWebhook"]["id"].as_str().unwrap().to_owned();

    let filter = app.client(&token).get_webhook(&id).await.unwrap().filter.unwrap();
    let config =
        r#"{"pointer":"/currentValue/list","operator":"in","value":[1.5,true,null,"a \"b\" ’",0,9007199254740992]}"#;
    assert_eq!(filter.config.get(), config);
}

#[tokio::test]
async fn updating_events_replaces_the_operators_types_and_event_types_keeps_them() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    put_type(&app).await;
    let id = create(&app, &token).await;
    let update = async |member: &str, types: Value| {
        let query = "mutation ($input: UpdateWebhookInput!) { updateWebhook(input: $input) { events eventTypes } }";
        let input = json!({ "webhookId": id, member: types });
        data(&app, &token, query, json!({ "input": input })).await["updateWebhook"].take()
    };

    let both = update("eventTypes", json!(["INVOICE_PAID", "TODO_MOVED"])).await;
    let known = update("events", json!(["TODO_MOVED"])).await;

    assert_eq!(both, json!({ "events": ["TODO_MOVED"], "eventTypes": ["INVOICE_PAID", "TODO_MOVED"] }));
    assert_eq!(known, json!({ "events": ["TODO_MOVED"], "eventTypes": ["TODO_MOVED"] }));
}

#[tokio::test]
async fn disabling_makes_a_webhook_unhealthy_in_both() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    let id = create(&app, &token).await;
    let disable = "mutation ($input: DisableWebhookInput!) { disableWebhook(input: $input) { success operationId } }";

    let disabled = data(&app, &token, disable, json!({ "input": { "webhookId": id } })).await;
    let after = assert_same(&app, &token, &id).await;

    assert_eq!(disabled["disableWebhook"], json!({ "success": true, "operationId": null }));
    assert_eq!((&after["enabled"], &after["status"]), (&json!(false), &json!("UNHEALTHY")));
}

#[tokio::test]
async fn pages_have_what_was_asked_for_and_say_where_they_are() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, create(&app, &token).await);
    }
    let disable = "mutation ($id: String!) { disableWebhook(input: { webhookId: $id }) { success } }";
    data(&app, &token, disable, json!({ "id": ids[1] })).await;
    let list = async |arguments: &str| {
        let query = format!(
            "{{ webhooks{arguments} {{ items {{ id }} pageInfo {{ totalPages totalItems page perPage hasNextPage
                hasPreviousPage startCursor endCursor }} }} }}"
        );
        let listed = data(&app, &token, &query, json!({})).await["webhooks"].take();
        let items: Vec<String> =
            listed["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
        let at = |place: Option<&String>| json!(place);
        assert_eq!(
            (&listed["pageInfo"]["startCursor"], &listed["pageInfo"]["endCursor"]),
            (&at(items.first()), &at(items.last()))
        );
        let info = ["totalPages", "totalItems", "page", "perPage", "hasNextPage", "hasPreviousPage"]
            .map(|name| listed["pageInfo"][name].clone());
        (items, json!(info))
    };

    assert_eq!(list("").await, (ids.clone(), json!([1, 5, 1, 20, false, false])));
    assert_eq!(list("(skip: null, take: null)").await, (ids.clone(), json!([1, 5, 1, 20, false, false])));
    assert_eq!(list("(skip: 2, take: 2)").await, (ids[2..4].to_vec(), json!([3, 5, 2, 2, true, true])));
    assert_eq!(list("(skip: 4, take: 2)").await, (ids[4..].to_vec(), json!([3, 5, 3, 2, false, true])));
    assert_eq!(list("(skip: 2147483647)").await, (Vec::new(), json!([1, 5, 107_374_183, 20, false, true])));
    assert_eq!(list("(filter: { enabled: false })").await, (ids[1..2].to_vec(), json!([1, 1, 1, 20, false, false])));
    let enabled = [&ids[..1], &ids[2..]].concat();
    assert_eq!(list("(filter: { enabled: true }, take: 3)").await.0, enabled[..3]);
    assert_eq!(list("(filter: { enabled: null })").await.0, ids);
    assert_eq!(list("(filter: {})").await.0, ids);
}
