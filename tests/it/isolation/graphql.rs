//! The same for GraphQL: every field at the top of the schema with every kind of caller. The fields come from
//! `host/schema.graphql`, which a test of the host keeps to what is served. All below them is part of a webhook
//! or of a page of webhooks, so it is the caller's where the field is.

use serde_json::{Value, json};

use super::document::looks_like_a_reference;
use super::missing;
use super::world::{Answer, Caller, PRIVATE, Thing, World};

const SCHEMA: &str = include_str!("../../../host/schema.graphql");

/// A field at the top: its name, and a document that asks for it. `ID` is a webhook's id. All of them are for
/// whoever has a token, and with an `ID` for the webhook's owner alone.
const FIELDS: &[(&str, &str)] = &[
    ("webhook", r#"{ webhook(id: "ID") { id name url } }"#),
    ("webhooks", "{ webhooks { items { id name url } } }"),
    ("createWebhook", r#"mutation { createWebhook(input: { url: "https://127.0.0.1:8443/" }) { id } }"#),
    ("updateWebhook", r#"mutation { updateWebhook(input: { webhookId: "ID", name: "mine now" }) { id } }"#),
    ("disableWebhook", r#"mutation { disableWebhook(input: { webhookId: "ID" }) { success } }"#),
    ("rotateWebhookSecret", r#"mutation { rotateWebhookSecret(input: { webhookId: "ID" }) { previousExpiresAt } }"#),
    ("testWebhook", r#"mutation { testWebhook(input: { webhookId: "ID", event: "TODO_CREATED" }) { eventType } }"#),
    ("deleteWebhook", r#"mutation { deleteWebhook(input: { webhookId: "ID" }) { success } }"#),
];

/// A member of an input that names a thing: the document, in which `OWN` is a webhook of the caller's and `ID`
/// that thing, and the code where it is not the caller's or not there.
const REFERENCES: &[(&str, Thing, &str, &str)] = &[
    ("CreateWebhookInput.filter.id", Thing::Filter, CREATE_FILTER, "BAD_USER_INPUT"),
    ("CreateWebhookInput.projectIds", Thing::Project, CREATE_PROJECTS, "UNAUTHORIZED"),
    ("UpdateWebhookInput.filter.id", Thing::Filter, UPDATE_FILTER, "BAD_USER_INPUT"),
    ("UpdateWebhookInput.projectIds", Thing::Project, UPDATE_PROJECTS, "UNAUTHORIZED"),
];

const CREATE_FILTER: &str = r#"mutation { createWebhook(input: { url: "https://127.0.0.1:8443/",
    filter: { id: "ID", config: { do: "deliver" } } }) { id } }"#;
const CREATE_PROJECTS: &str =
    r#"mutation { createWebhook(input: { url: "https://127.0.0.1:8443/", projectIds: ["ID"] }) { id } }"#;
const UPDATE_FILTER: &str = r#"mutation { updateWebhook(input: { webhookId: "OWN",
    filter: { id: "ID", config: { do: "deliver" } } }) { id } }"#;
const UPDATE_PROJECTS: &str = r#"mutation { updateWebhook(input: { webhookId: "OWN", projectIds: ["ID"] }) { id } }"#;

/// The fields of a type or an input of the schema, with what stands behind the colon.
fn fields_of(kind: &str) -> Vec<(&'static str, &'static str)> {
    let (mut fields, mut depth, mut is_text) = (Vec::new(), 0, false);
    let body = SCHEMA.split(&format!("\n{kind} {{\n")).nth(1).unwrap_or_else(|| panic!("the schema has no {kind}"));
    for line in body.lines().take_while(|line| *line != "}") {
        let line = line.trim();
        is_text ^= line.matches("\"\"\"").count() == 1;
        if is_text || line.starts_with('"') {
            continue;
        }
        if depth == 0 {
            let name = line.split([':', '(']).next().unwrap_or_default();
            fields.push((name, line.split_once(": ").map_or("", |(_, of)| of)));
        }
        depth += line.matches('(').count();
        depth -= line.matches(')').count();
    }
    fields
}

async fn ask(world: &World, caller: Caller, document: &str) -> Answer {
    world.ask_json(caller, "POST", "/graphql", json!({ "query": document }).to_string()).await
}

/// The code of the only error of an answer; none for one without errors.
fn code(answer: &Answer, at: &str) -> Option<String> {
    let told: Value = serde_json::from_str(&answer.body).unwrap();
    let errors = told["errors"].as_array()?;
    assert!(told["data"].is_null() && errors.len() == 1, "{at}: {told}");
    errors[0]["extensions"]["code"].as_str().map(str::to_owned)
}

#[test]
fn every_field_of_the_schema_has_a_row_and_every_row_a_field() {
    let mut fields: Vec<&str> =
        ["type Query", "type Mutation"].into_iter().flat_map(fields_of).map(|(name, _)| name).collect();
    let mut rows: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    fields.sort_unstable();
    rows.sort_unstable();

    assert_eq!(fields, rows, "see tests/it/isolation/graphql.rs");
}

/// The members below an input that name a thing, those of the inputs inside it too.
fn references_below(at: &str, input: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (name, kind) in fields_of(&format!("input {input}")) {
        let (at, kind) =
            (format!("{at}.{name}"), kind.split(' ').next().unwrap_or_default().trim_matches(['[', ']', '!']));
        if SCHEMA.contains(&format!("\ninput {kind} {{\n")) {
            found.extend(references_below(&at, kind));
        } else if looks_like_a_reference(name) {
            found.push(at);
        }
    }
    found
}

#[test]
fn every_member_of_an_input_that_names_a_thing_has_a_row() {
    let inputs = SCHEMA.lines().filter_map(|line| line.strip_prefix("input ")?.strip_suffix(" {"));
    let taken = inputs.filter(|input| SCHEMA.contains(&format!("(input: {input}!)")));
    let mut found: Vec<String> = taken.flat_map(|input| references_below(input, input)).collect();
    // The webhook that a mutation is about is what the rows of the fields ask for.
    found.retain(|reference| !reference.ends_with(".webhookId"));
    found.sort_unstable();

    let mut rows: Vec<&str> = REFERENCES.iter().map(|(name, ..)| *name).collect();
    rows.sort_unstable();
    assert_eq!(found, rows, "see tests/it/isolation/graphql.rs");
}

#[tokio::test]
async fn every_field_answers_every_caller_as_its_row_declares() {
    let world = World::start().await;
    let (mut calls, mut missing_calls) = (0, 0);

    for (name, document) in FIELDS {
        let id = world.make(Thing::Webhook, Caller::Owner).await;
        let before = world.what_is_the_owners().await;
        let mut without_token = None;
        for caller in Caller::ALL {
            let at = format!("{name} by {caller:?}");
            if caller == Caller::Owner {
                assert!(world.what_is_the_owners().await == before, "{name}: others changed what is the owner's");
            }

            let answer = ask(&world, caller, &document.replace("ID", &id)).await;

            calls += 1;
            assert_eq!(answer.status, 200, "{at}: {answer:?}");
            let expected = match caller {
                Caller::Owner => None,
                Caller::Operator | Caller::Stranger | Caller::Fellow => {
                    document.contains("ID").then_some("WEBHOOK_NOT_FOUND")
                }
                _ => Some("UNAUTHENTICATED"),
            };
            assert_eq!(code(&answer, &at).as_deref(), expected, "{at}: {}", answer.body);
            let shows_marks = caller == Caller::Owner && document.contains("{ id name url }");
            assert_eq!(answer.body.contains(PRIVATE), shows_marks, "{at}: {}", answer.body);
            if !caller.is_authenticated() {
                assert_eq!(&answer, without_token.get_or_insert_with(|| answer.clone()), "{at}");
                assert!(answer.body.contains("Authorization: Bearer"), "{at}: {}", answer.body);
            }
            if expected.is_some() {
                for missing in missing(&id) {
                    missing_calls += 1;
                    assert_eq!(ask(&world, caller, &document.replace("ID", &missing)).await, answer, "{at}: {missing}");
                }
            }
        }
    }

    println!(
        "isolation matrix, GraphQL: {} fields x {} callers = {calls} answers as declared; \
         {missing_calls} answers for ids that are not there, byte for byte the same",
        FIELDS.len(),
        Caller::ALL.len()
    );
}

#[tokio::test]
async fn without_a_token_the_schema_is_not_told_either() {
    let world = World::start().await;

    for document in ["{ __schema { types { name } } }", "{ __typename }", "{ nonsense"] {
        for caller in Caller::ALL.into_iter().filter(|caller| !caller.is_authenticated()) {
            let answer = ask(&world, caller, document).await;

            assert_eq!(code(&answer, document).as_deref(), Some("UNAUTHENTICATED"), "{document} by {caller:?}");
        }
    }
}

#[tokio::test]
async fn an_input_that_names_what_is_somebody_elses_answers_like_one_that_names_nothing() {
    let world = World::start().await;

    for (member, of, document, refused) in REFERENCES {
        let id = world.make(*of, Caller::Owner).await;
        for caller in [Caller::Stranger, Caller::Fellow, Caller::Owner] {
            let own = world.make(Thing::Webhook, caller).await;
            let ask = |id: &str| {
                let document = document.replace("OWN", &own).replace("ID", id);
                let world = &world;
                async move { ask(world, caller, &document).await }
            };
            let at = format!("{member} by {caller:?}");

            let answer = ask(&id).await;

            if caller == Caller::Owner || (caller == Caller::Fellow && *of == Thing::Project) {
                assert_eq!(code(&answer, &at), None, "{at}: {}", answer.body);
                continue;
            }
            assert_eq!(code(&answer, &at).as_deref(), Some(*refused), "{at}: {}", answer.body);
            for missing in missing(&id) {
                assert_eq!(ask(&missing).await, answer, "{at}: {missing}");
            }
        }
    }
}
