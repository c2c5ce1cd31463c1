//! GraphQL clients that are not ours drive a host from the first webhook to the last: one of npm, one of PyPI.
//! Each says what it saw, and both must have seen the same.

use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use super::token;
use crate::app::TestApp;
use crate::clients::installed::{self, SOURCES};

/// Drives a host with a client that takes its URL and token and prints what it saw.
async fn drive(command: &mut Command) -> Value {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    command.env("HOOKSIEVE_GRAPHQL", app.url("/graphql")).env("HOOKSIEVE_TOKEN", &token).env("NO_PROXY", "*");
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the client met an answer that it does not expect: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a client sees on its way.
fn seen() -> Value {
    json!({
        "created": { "name": "Theirs", "status": "HEALTHY", "enabled": true, "events": ["TODO_CREATED"], "hasSecret": true },
        "listed": { "items": 1, "totalItems": 1, "secret": null },
        "updated": { "name": "Theirs", "url": "https://127.0.0.1:9443/", "events": ["TODO_MOVED", "COMMENT_CREATED"] },
        "disabled": { "success": true, "enabled": false, "status": "UNHEALTHY" },
        "deleted": true,
        "refused": [
            ["url is not valid", "BAD_USER_INPUT"],
            ["URL points to a private network", "BAD_USER_INPUT"],
            ["Unauthorized", "UNAUTHORIZED"],
            ["Webhook not found", "WEBHOOK_NOT_FOUND"],
        ],
    })
}

#[tokio::test]
async fn graphql_request_of_npm_drives_a_host() {
    let folder = installed::beside_packages("graphql.mjs");

    let seen_by_it = drive(Command::new("node").arg("graphql.mjs").current_dir(folder.path())).await;

    assert_eq!(seen_by_it, seen());
}

#[tokio::test]
async fn gql_of_pypi_checks_the_schema_and_drives_a_host() {
    let script = Path::new(SOURCES).join("python/graphql_client.py");

    let seen_by_it = drive(Command::new(installed::python("python")).arg("-B").arg(script)).await;

    assert_eq!(seen_by_it, seen());
}
