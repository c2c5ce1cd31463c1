//! The HTTP side: tokens, types and statuses.

use serde_json::{Value, json};

use super::{create, post, token};
use crate::app::TestApp;

const STRICT: &str = "application/graphql-response+json";

#[tokio::test]
async fn blues_headers_in_any_case_are_a_token_and_the_companys_id_is_taken() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    let (id, secret) = token.strip_prefix("hs_").unwrap().split_once('_').unwrap();
    let query = json!({ "query": "{ webhooks { pageInfo { totalItems } } }" });

    for [id_name, secret_name, company_name] in [
        ["X-Bloo-Token-ID", "X-Bloo-Token-Secret", "X-Bloo-Company-ID"],
        ["x-bloo-token-id", "x-bloo-token-secret", "x-bloo-company-id"],
        ["X-BLOO-TOKEN-ID", "X-BLOO-TOKEN-SECRET", "X-BLOO-COMPANY-ID"],
    ] {
        let request = post(&app, &query).header(id_name, id).header(secret_name, secret).header(company_name, "any");
        let answer: Value = request.send().await.unwrap().json().await.unwrap();

        assert_eq!(answer, json!({ "data": { "webhooks": { "pageInfo": { "totalItems": 0 } } } }));
    }
}

#[tokio::test]
async fn a_client_that_asks_for_the_newer_type_is_told_by_the_status_too() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    let missing = r#"{ webhook(id: "nope") { id } }"#;

    for (query, token, code, status) in [
        (missing, token.as_str(), "WEBHOOK_NOT_FOUND", 200),
        ("{ webhooks { nope } }", &token, "GRAPHQL_VALIDATION_FAILED", 400),
        ("{ webhooks {", &token, "GRAPHQL_PARSE_FAILED", 400),
        (missing, "hs_wrong_token", "UNAUTHENTICATED", 401),
    ] {
        for (accept, status) in [(STRICT, status), ("application/json", 200)] {
            let request = post(&app, &json!({ "query": query })).bearer_auth(token).header("accept", accept);
            let response = request.send().await.unwrap();

            let (given, headers) = (response.status().as_u16(), response.headers().clone());
            let body: Value = response.json().await.unwrap();
            assert_eq!(given, status, "{query} {accept}");
            assert_eq!(headers["content-type"], format!("{accept}; charset=utf-8"));
            assert_eq!(headers.contains_key("www-authenticate"), code == "UNAUTHENTICATED");
            assert_eq!(body["errors"][0]["extensions"]["code"], code);
            assert_eq!(body.get("data").is_some(), code == "WEBHOOK_NOT_FOUND", "data says that execution began");
        }
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused_with_its_place() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    let deep = format!(r#"{{"query":"{{a}}","variables":{{"a":{}1{}}}}}"#, "[".repeat(5_000), "]".repeat(5_000));

    for (body, status, code, words) in [
        ("", 400, "BAD_USER_INPUT", ""),
        ("{", 400, "BAD_USER_INPUT", ""),
        ("[]", 400, "BAD_USER_INPUT", "batch"),
        (r#"[{"query":"{ __typename }"}]"#, 400, "BAD_USER_INPUT", "batch"),
        (r#""{ __typename }""#, 400, "BAD_USER_INPUT", "JSON object"),
        ("{}", 400, "BAD_USER_INPUT", "query: "),
        (r#"{"query":7}"#, 400, "BAD_USER_INPUT", "query: "),
        (r#"{"query":"{ __typename }","variables":[]}"#, 400, "BAD_USER_INPUT", "variables: "),
        (r#"{"query":"{ __typename }","variables":{"a":9007199254740993}}"#, 400, "BAD_USER_INPUT", "variables.a: "),
        (r#"{"query":"{ __typename }","variables":{"a":"\ud800"}}"#, 400, "BAD_USER_INPUT", "surrogate"),
        (&deep, 400, "BAD_USER_INPUT", ""),
        (&" ".repeat((1 << 20) + 1), 413, "PAYLOAD_TOO_LARGE", ""),
    ] {
        let request = post(&app, &json!({})).bearer_auth(&token).body(body.to_owned());
        let response = request.send().await.unwrap();

        let given = response.status().as_u16();
        let told: Value = response.json().await.unwrap();
        let start = &body[..body.len().min(80)];
        assert_eq!((given, &told["errors"][0]["extensions"]["code"]), (status, &json!(code)), "{start}: {told}");
        assert!(told["errors"][0]["message"].as_str().unwrap().contains(words), "{start}: {told}");
    }
    let form = crate::app::http().post(app.url("/graphql")).bearer_auth(&token);
    let form = form.header("content-type", "application/x-www-form-urlencoded").body("query=%7B__typename%7D");
    assert_eq!(form.send().await.unwrap().status(), 415);
}

#[tokio::test]
async fn a_query_by_get_is_refused() {
    let app = TestApp::start().await;
    let client = crate::app::http();

    let response = client.get(app.url("/graphql?query=%7B__typename%7D")).send().await.unwrap();

    assert_eq!((response.status().as_u16(), &response.headers()["allow"]), (405, &"POST".parse().unwrap()));
}

#[tokio::test]
async fn the_top_of_an_answer_has_the_order_of_the_document() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    let id = create(&app, &token).await;
    let query = format!(
        r#"query A {{ z: webhook(id: "{id}") {{ id }} ...B a: __typename m: webhooks {{ items {{ id }} }} }}
           fragment B on Query {{ y: webhooks(take: 250) {{ items {{ url id }} }} x: webhook(id: "{id}") {{ uid }} }}
           query C {{ __typename }}"#
    );
    let body = json!({ "query": query, "operationName": "A", "extensions": { "clientLibrary": {} } });

    let text = post(&app, &body).bearer_auth(&token).send().await.unwrap().text().await.unwrap();

    let places = ["\"z\"", "\"y\"", "\"x\"", "\"a\"", "\"m\""].map(|name| text.find(name).unwrap());
    assert!(places.is_sorted(), "{text}");
    assert!(text.find("\"url\"") < text.rfind("\"id\""), "{text}");
}
