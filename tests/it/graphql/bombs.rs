//! Documents that are small to send and large to answer: each is refused at once, or is small after all.

use std::time::{Duration, Instant};

use hooksieve::wire::PutProject;
use serde_json::{Value, json};

use super::{answer, create, data, post, schema::INTROSPECTION, token};
use crate::app::TestApp;

/// How long a refusal may take here. The claim is 50 ms of an optimised host that has a core to itself; this one is
/// not optimised and shares the cores with other tests. A bomb that goes off takes minutes.
const REFUSED_IN: Duration = Duration::from_secs(5);

/// `count` repetitions that know their number.
fn times(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}

/// A field inside a field inside a field.
fn nested(levels: usize) -> String {
    format!("{}a{}", "a{".repeat(levels), "}".repeat(levels))
}

/// What must be refused, and by which code.
fn bombs() -> Vec<(&'static str, &'static str, String, Value)> {
    let id = r#"webhook(id: "x") { id }"#;
    let fat = "x".repeat(1_000_000);
    let numbers = vec![1; 140_000];
    let fragments = |spreads: &str, last: &str| {
        let chain =
            times(40, |n| format!("fragment F{n} on Query {{ {} }}", spreads.replace('N', &(n + 1).to_string())));
        format!("{{ ...F0 }} {chain} fragment F40 on Query {{ {last} }}")
    };
    let many = "QUERY_TOO_COMPLEX";
    let invalid = "GRAPHQL_VALIDATION_FAILED";
    let parse = "GRAPHQL_PARSE_FAILED";
    vec![
        ("depth 13", many, format!("{{ {} }}", nested(12)), json!({})),
        ("depth by fragments", many, fragments("a { ...FN }", "a"), json!({})),
        ("a thousand levels", many, nested(1_000), json!({})),
        ("a hundred thousand levels", many, nested(100_000), json!({})),
        ("a hundred thousand open braces", many, "{a".repeat(100_000), json!({})),
        ("a hundred thousand open lists", many, format!("{{ a(b: {}", "[".repeat(100_000)), json!({})),
        ("deep lists that close", many, format!("{{ a(b: {}{}) }}", "[".repeat(70), "]".repeat(70)), json!({})),
        ("lists as deep as they may be", invalid, format!("{{ webhook(id: {}{}) {{ id }} }}", "[".repeat(62), "]".repeat(62)), json!({})),
        ("deep objects", many, format!("{{ a(b: {}1{}) }}", "{a:".repeat(400), "}".repeat(400)), json!({})),
        ("deep types", many, format!("query ($a: {}Int{}) {{ a }}", "[".repeat(5_000), "]".repeat(5_000)), json!({})),
        ("deep default values", many, format!("query ($a: Int = {}) {{ a }}", "[".repeat(5_000)), json!({})),
        ("deep inline fragments", many, format!("{}{{ a }}{}", "{ ... ".repeat(100), "}".repeat(100)), json!({})),
        ("51 aliases", many, format!("{{ {} }}", times(51, |n| format!("a{n}: {id} "))), json!({})),
        ("51 aliases over fragments", many, format!("{{ ...A {} }} fragment A on Query {{ z: {id} }}", times(50, |n| format!("a{n}: {id} "))), json!({})),
        ("a thousand mutations", many, format!("mutation {{ {} }}", times(1_000, |n| format!("a{n}: deleteWebhook(input: {{ webhookId: \"x\" }}) {{ success }} "))), json!({})),
        ("root fields without aliases", many, format!("{{ {} }}", times(501, |_| format!("{id} "))), json!({})),
        ("1001 fields", many, format!("{{ webhooks {{ items {{ {} }} }} }}", "id ".repeat(1_000)), json!({})),
        ("a thousand types", many, format!("{{ {} }}", "__typename ".repeat(1_001)), json!({})),
        ("pages of 250, 40 times", many, format!("{{ {} }}", times(40, |n| format!("a{n}: webhooks(take: 250) {{ items {{ id }} }} "))), json!({})),
        ("pages by a variable", many, format!("query ($n: Int) {{ {} }}", times(40, |n| format!("a{n}: webhooks(take: $n) {{ items {{ id }} }} "))), json!({ "n": 250 })),
        ("pages by a default", many, format!("query ($n: Int = 250) {{ {} }}", times(40, |n| format!("a{n}: webhooks(take: $n) {{ items {{ id }} }} "))), json!({})),
        ("a page beyond all bounds", many, "{ webhooks(take: 18446744073709551615.0) { items { id } } a: webhooks(take: 9007199254740992) { items { id } } }".to_owned(), json!({})),
        ("fragments that double", many, fragments("...FN ...FN", "__typename"), json!({})),
        ("fragments that double into nothing", many, fragments("...FN ...FN", "...Nowhere"), json!({})),
        ("inline fragments that double", many, fragments("... { ...FN } ... on Query { ...FN }", "__typename"), json!({})),
        ("a fragment in itself", invalid, "{ ...A } fragment A on Query { ...A ...A }".to_owned(), json!({})),
        ("a ring of fragments", invalid, fragments("...FN ...FN", "...F0"), json!({})),
        ("51 definitions", many, format!("{{ a }} {}", times(51, |n| format!("fragment F{n} on Query {{ a }} "))), json!({})),
        ("a thousand operations", many, times(1_000, |n| format!("query A{n} {{ a }} ")), json!({})),
        ("101 variables", many, format!("query ({}) {{ a }}", times(101, |n| format!("$a{n}: Int "))), json!({})),
        ("51 directives", many, format!("{{ __typename {} }}", "@include(if: true) ".repeat(51)), json!({})),
        ("a hundred thousand directives", many, format!("{{ a {} }}", "@a".repeat(100_000)), json!({})),
        ("10 001 tokens", many, format!("{{ {} }}", "a ".repeat(10_001)), json!({})),
        ("a megabyte of tokens", many, "a ".repeat(500_000), json!({})),
        ("a megabyte of commas", many, ",".repeat(1_000_000), json!({})),
        ("as many commas as may be", parse, ",".repeat(65_536), json!({})),
        ("as much comment as may be", parse, format!("#{}", &fat[..65_535]), json!({})),
        ("as much string as may be", invalid, format!("{{ a(b: \"{}\") }}", &fat[..65_500]), json!({})),
        ("as long a name as may be", invalid, format!("{{ {} }}", &fat[..65_500]), json!({})),
        ("a string without an end", parse, format!("{{ a(b: \"{}", &fat[..65_500]), json!({})),
        ("quotes", parse, "\"".repeat(54_003), json!({})),
        ("block quotes", parse, "\"".repeat(54_000), json!({})),
        ("nine thousand mistakes", many, format!("{{ {} }}", times(9_000, |n| format!("n{n} "))), json!({})),
        ("999 mistakes", invalid, format!("{{ {} }}", times(999, |n| format!("webhoks{n} "))), json!({})),
        ("999 mistaken arguments", invalid, format!("{{ webhook({}) {{ id }} }}", times(999, |n| format!("idd{n}: 1 "))), json!({})),
        ("a large variable, used 100 times", many, format!("query ($v: String!) {{ {} }}", "webhook(id: $v) { id } ".repeat(100)), json!({ "v": fat })),
        ("a variable of many values", many, "query ($v: String!) { webhook(id: $v) { id } }".to_owned(), json!({ "v": numbers })),
        ("a large variable in directives", many, format!("query ($v: Boolean!) {{ {} }}", "id: __typename @skip(if: $v) ".repeat(40)), json!({ "v": numbers })),
        ("introspection that circles", many, format!("{{ __schema {{ types {{ {} }} }} }}", "fields { type { ".repeat(5) + "name" + &" } }".repeat(5)), json!({})),
        ("introspection by name that circles", many, r#"{ __type(name: "Webhook") { fields { type { possibleTypes { fields { name } } } } } }"#.to_owned(), json!({})),
        ("introspection that is deep", many, format!("{{ __schema {{ types {{ {} }} }} }}", "ofType { ".repeat(30) + "name" + &" }".repeat(30)), json!({})),
    ]
}

#[tokio::test]
async fn bombs_are_refused_at_once_with_a_code_and_a_short_text() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    data(&app, &token, "{ __typename }", json!({})).await;

    let mut slowest = (Duration::ZERO, "");
    for (name, code, query, variables) in bombs() {
        let body = json!({ "query": query, "variables": variables });
        let client = crate::app::http();
        let request = post(&app, &body).bearer_auth(&token).build().unwrap();

        let began = Instant::now();
        let response = client.execute(request).await.unwrap();
        let text = response.text().await.unwrap();
        let took = began.elapsed();

        let told: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(told["errors"][0]["extensions"]["code"], code, "{name}: {}", &text[..text.len().min(600)]);
        assert_eq!(told.get("data"), None, "{name}");
        assert!(text.len() < 32 << 10, "{name}: {} bytes", text.len());
        assert!(took < REFUSED_IN, "{name} took {took:?}");
        slowest = slowest.max((took, name));
    }
    println!("the slowest of {} refusals: {} in {:?}", bombs().len(), slowest.1, slowest.0);
}

#[tokio::test]
async fn what_is_at_the_bounds_is_answered() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    create(&app, &token).await;

    for query in [
        format!("{{ {} }}", times(50, |n| format!("a{n}: webhooks {{ items {{ id }} }} "))),
        format!("{{ webhooks(take: 250) {{ items {{ {} }} }} }}", super::WEBHOOK),
        format!("{{ webhooks {{ items {{ {} }} }} }}", "id ".repeat(998)),
        INTROSPECTION.to_owned(),
        format!("{{ __typename {} }}", "@include(if: true) ".repeat(50)),
        format!("{}{{ __typename }}{}", "{ ... ".repeat(60), "}".repeat(60)),
        format!(
            "{{ ...F0 }} {} fragment F47 on Query {{ __typename }}",
            times(47, |n| format!("fragment F{n} on Query {{ ...F{} }} ", n + 1))
        ),
        format!("# {}\n{{ __typename }}", "x".repeat(65_000)),
    ] {
        let answer = answer(&app, &token, &query, json!({})).await;
        assert_eq!(answer.get("errors"), None, "{}", &query[..query.len().min(80)]);
    }
}

#[tokio::test]
async fn an_answer_that_would_be_huge_is_refused_and_not_sent() {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    let operator = app.operator();
    let mut projects = Vec::new();
    for n in 0..400 {
        let id = format!("{n:0128}");
        operator.put_project(&id, &PutProject::default()).await.unwrap();
        operator.add_member(&id, "u1").await.unwrap();
        projects.push(id);
    }
    let input = json!({ "url": "https://127.0.0.1:8443/", "projectIds": projects });
    let create = "mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { projectIds } }";
    for _ in 0..20 {
        let created = data(&app, &token, create, json!({ "input": input })).await;
        assert_eq!(created["createWebhook"]["projectIds"].as_array().unwrap().len(), 400);
    }

    let lists = times(30, |n| format!("a{n}: projectIds "));
    let told = answer(&app, &token, &format!("{{ webhooks {{ items {{ {lists} }} }} }}"), json!({})).await;

    assert_eq!(told["errors"][0]["extensions"]["code"], "ANSWER_TOO_LARGE", "{}", told["errors"][0]);
    assert_eq!(told["data"], Value::Null);
}
