//! schemathesis over `/openapi.json`: whatever it makes of the document, the host answers as the document says.
//!
//! It is given three tokens, an operator's and two users', and data to find: deliveries, verdicts, filters. What it
//! has to know beside the document is in `tests/fuzz/rules.py`.

use std::collections::BTreeSet;
use std::path::Path;

use hooksieve::wire::{CreateToken, PayloadFormat, PutUser};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use super::bench::{Bench, SecretKind};
use super::installed::{self, SOURCES};
use crate::app::{OPERATOR_TOKEN, PROJECT};
use crate::isolation::document::Document;
use crate::receiver::{Answer, Receiver};

/// How long it tries, in seconds, where nobody says otherwise.
const SECONDS: &str = "100";
/// What it begins its random choices with, where nobody says otherwise.
const SEED: &str = "1";

/// A file with the tokens, as Web Fuzzing Commons has it.
fn tokens(ada: &str, ben: &str) -> String {
    let identity = |name: &str, token: &str| {
        let header = json!({ "name": "Authorization", "value": format!("Bearer {token}") });
        json!({ "name": name, "fixedHeaders": [header] })
    };
    let auth = [identity("ada", ada), identity("operator", OPERATOR_TOKEN), identity("ben", ben)];
    json!({ "auth": auth }).to_string()
}

#[tokio::test]
#[ignore = "takes minutes; `cargo xtask fuzz-api` runs it"]
async fn schemathesis_finds_no_failure() {
    let setting = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let python = installed::python("fuzz");
    let (bench, receiver) = (Bench::start().await, Receiver::start().await);
    // Two users who share no project, and one who comes into one and leaves it.
    let operator = bench.host.operator();
    for user in ["ben", "cleo"] {
        operator.put_user(user, &PutUser::default()).await.unwrap();
    }
    let ben = operator.create_token("ben", &CreateToken::default()).await.unwrap().token.expose().to_owned();
    // Several, since it deletes some.
    for _ in 0..5 {
        bench.register(&receiver.url("/a"), SecretKind::Generated, PayloadFormat::Full).await;
    }
    // What is canceled can be retried.
    receiver.always("/down", Answer::status(500));
    for _ in 0..3 {
        bench.register(&receiver.url("/down"), SecretKind::Generated, PayloadFormat::Full).await;
    }
    for number in 0..3 {
        bench.post(&format!("e{number}"), r#"{"id":"r1","done":false}"#).await;
    }
    receiver.wait_for("/a", 15).await;
    receiver.wait_for("/down", 9).await;
    operator.remove_member(PROJECT, "ada").await.unwrap();
    operator.add_member(PROJECT, "ada").await.unwrap();
    let folder = TempDir::new().unwrap();
    let (file, succeeded) = (folder.path().join("tokens.json"), folder.path().join("succeeded.json"));
    std::fs::write(&file, tokens(&bench.user_token, &ben)).unwrap();

    let sources = Path::new(SOURCES).join("fuzz");
    let mut schemathesis = Command::new(python);
    schemathesis.args(["-B", "-m", "schemathesis.cli", "--config-file"]).arg(sources.join("schemathesis.toml"));
    schemathesis.arg("run").arg(format!("{}/openapi.json", bench.host.url())).arg("--continue-on-failure");
    schemathesis.args(["--max-time", &setting("FUZZ_SECONDS", SECONDS), "--seed", &setting("FUZZ_SEED", SEED)]);
    // It writes its caches where it runs.
    schemathesis.current_dir(folder.path()).env("PYTHONPATH", &sources).env("HOOKSIEVE_TOKENS", &file);
    schemathesis.env("HOOKSIEVE_URL", bench.host.url()).env("HOOKSIEVE_RECEIVER", receiver.url(""));
    schemathesis.env("HOOKSIEVE_PROJECT", PROJECT).env("HOOKSIEVE_SUCCEEDED", &succeeded);
    let status = schemathesis.status().await.unwrap();

    assert!(status.success(), "schemathesis found failures: {status}");
    let succeeded: BTreeSet<String> = serde_json::from_slice(&std::fs::read(succeeded).unwrap()).unwrap();
    let operations: BTreeSet<String> = Document::at(bench.host.url()).await.routes().into_iter().collect();
    let untested: Vec<_> = operations.difference(&succeeded).collect();
    assert!(untested.is_empty(), "never answered with success, and so not tested: {untested:?}");
    println!("every one of {} operations was reached and answered as it is documented", operations.len());
}
