//! GraphQL clients that are not ours drive a host from the first webhook to the last: one of npm, one of PyPI.
//! Each says what it saw, and both must have seen the same.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::token;
use crate::app::TestApp;

/// Where the scripts and their pinned libraries are.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");

/// A copy of one of the folders.
fn copy(name: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    for file in fs::read_dir(Path::new(SOURCES).join(name)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    folder
}

/// Runs a command to its end; `remedy` says what to do where it cannot.
async fn run(command: &mut Command, remedy: &str) -> Output {
    let output =
        command.output().await.unwrap_or_else(|error| panic!("{command:?} does not start ({error}): {remedy}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {remedy}\n{said}");
    output
}

/// Drives a host with a client that takes its URL and token and prints what it saw.
async fn drive(command: &mut Command) -> Value {
    let app = TestApp::start().await;
    let token = token(&app, "u1").await;
    command.env("HOOKSIEVE_GRAPHQL", app.url("/graphql")).env("HOOKSIEVE_TOKEN", &token).env("NO_PROXY", "*");
    let output = run(command, "the client met an answer that it does not expect").await;
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
    let folder = copy("npm");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]).current_dir(folder.path());
    run(&mut npm, "install Node.js 20 or later with npm, and let npm reach its registry once").await;

    let seen_by_it = drive(Command::new("node").arg("drive.js").current_dir(folder.path())).await;

    assert_eq!(seen_by_it, seen());
}

#[tokio::test]
async fn gql_of_pypi_checks_the_schema_and_drives_a_host() {
    let folder = copy("pypi");
    let remedy = "install Python 3.9 or later with its venv module (`apt-get install python3-venv`), and let pip reach its \
                  registry once";
    run(Command::new("python3").args(["-m", "venv", "venv"]).current_dir(folder.path()), remedy).await;
    let mut pip = Command::new("venv/bin/python");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", "requirements.txt"]);
    run(pip.current_dir(folder.path()), remedy).await;

    let seen_by_it = drive(Command::new("venv/bin/python").arg("drive.py").current_dir(folder.path())).await;

    assert_eq!(seen_by_it, seen());
}
