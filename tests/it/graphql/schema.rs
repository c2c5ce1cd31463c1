//! The schema, as introspection tells it, has everything of Blue's, name by name and exactly so.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{data, token};
use crate::app::TestApp;

/// What Blue's schema has (`blue-api-facts.md` and the API document), with every type in full.
const FACTS: &str = include_str!("facts.graphql");

/// What introspection is asked by GraphQL's own tools, as graphql-js writes it with all its options.
pub(super) const INTROSPECTION: &str = r"
    query IntrospectionQuery {
      __schema {
        description
        queryType { name kind } mutationType { name kind } subscriptionType { name kind }
        types { ...FullType }
        directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
      }
    }
    fragment FullType on __Type {
      kind name description specifiedByURL isOneOf
      fields(includeDeprecated: true) {
        name description
        args(includeDeprecated: true) { ...InputValue }
        type { ...TypeRef }
        isDeprecated deprecationReason
      }
      inputFields(includeDeprecated: true) { ...InputValue }
      interfaces { ...TypeRef }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      possibleTypes { ...TypeRef }
    }
    fragment InputValue on __InputValue {
      name description type { ...TypeRef } defaultValue isDeprecated deprecationReason
    }
    fragment TypeRef on __Type {
      kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType {
        kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

/// The lines of SDL that are about one member each, by type: `type Webhook` has `id: ID!`.
fn facts() -> BTreeMap<String, Vec<String>> {
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in FACTS.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "}") {
        match line.strip_suffix(" {") {
            Some(head) => current = head.to_owned(),
            None if line.starts_with("scalar ") => current = line.to_owned(),
            None => types.entry(current.clone()).or_default().push(line.to_owned()),
        }
        types.entry(current.clone()).or_default();
    }
    types
}

/// The same of what introspection tells.
async fn told(app: &TestApp) -> BTreeMap<String, Vec<String>> {
    let told = data(app, &token(app, "u1").await, INTROSPECTION, json!({})).await;
    let mut types = BTreeMap::new();
    for told in told["__schema"]["types"].as_array().unwrap() {
        let kind = match told["kind"].as_str().unwrap() {
            "OBJECT" => "type",
            "INPUT_OBJECT" => "input",
            "ENUM" => "enum",
            "SCALAR" => "scalar",
            other => panic!("the schema has the kind {other}"),
        };
        let members = ["fields", "inputFields", "enumValues"].map(|list| told[list].as_array().cloned());
        let lines = members.into_iter().flatten().flatten().map(|member| line(&member)).collect();
        types.insert(format!("{kind} {}", told["name"].as_str().unwrap()), lines);
    }
    types
}

/// A member as SDL has it.
fn line(member: &Value) -> String {
    let mut line = member["name"].as_str().unwrap().to_owned();
    let arguments: Vec<String> = member["args"].as_array().into_iter().flatten().map(self::line).collect();
    if !arguments.is_empty() {
        line.push_str(&format!("({})", arguments.join(", ")));
    }
    if member["type"].is_object() {
        line.push_str(&format!(": {}", type_name(&member["type"])));
    }
    if let Some(default) = member["defaultValue"].as_str() {
        line.push_str(&format!(" = {default}"));
    }
    if member["isDeprecated"] == true {
        line.push_str(" @deprecated");
    }
    line
}

fn type_name(told: &Value) -> String {
    match told["kind"].as_str().unwrap() {
        "NON_NULL" => format!("{}!", type_name(&told["ofType"])),
        "LIST" => format!("[{}]", type_name(&told["ofType"])),
        _ => told["name"].as_str().unwrap().to_owned(),
    }
}

#[tokio::test]
async fn every_name_and_nullability_and_default_of_blues_schema_is_there() {
    let app = TestApp::start().await;
    let told = told(&app).await;

    let facts = facts();

    assert_eq!((facts.len(), facts["enum WebhookEvent"].len()), (15, 37));
    for (head, lines) in facts {
        let there = told.get(&head).unwrap_or_else(|| panic!("there is no {head}"));
        for line in &lines {
            assert!(there.contains(line), "{head} has no {line}: {there:#?}");
        }
        if head.starts_with("enum ") {
            assert_eq!(*there, lines, "{head}");
        }
    }
}

#[tokio::test]
async fn what_is_added_to_blues_inputs_is_optional() {
    let app = TestApp::start().await;
    let (told, facts) = (told(&app).await, facts());

    let inputs = facts.iter().filter(|(head, _)| head.starts_with("input "));
    let added: Vec<&String> =
        inputs.flat_map(|(head, lines)| told[head].iter().filter(|line| !lines.contains(line))).collect();

    assert!(added.len() >= 10, "{added:?}");
    assert!(added.iter().all(|line| !line.ends_with('!')), "{added:?}");
}

#[tokio::test]
async fn every_type_and_member_of_ours_says_what_it_is() {
    let app = TestApp::start().await;
    let told = data(&app, &token(&app, "u1").await, INTROSPECTION, json!({})).await;

    let ours = |told: &&Value| !told["name"].as_str().unwrap().starts_with("__") && told["kind"] != "SCALAR";
    let types: Vec<&Value> = told["__schema"]["types"].as_array().unwrap().iter().filter(ours).collect();

    assert!(types.len() > 15);
    for told in types {
        assert!(told["description"].is_string(), "{}", told["name"]);
        for member in ["fields", "inputFields", "enumValues"].iter().flat_map(|list| told[list].as_array()).flatten() {
            let is_told = member["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(is_told || member["name"] == "input", "{}.{}", told["name"], member["name"]);
        }
    }
}
