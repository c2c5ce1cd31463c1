//! Deliveries verified by what receivers use: both samples of the specification, and the Standard Webhooks
//! library, run by Node.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use hooksieve::clock::{Clock, SystemClock};
use hooksieve::wire::RotateSecret;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::app::{TestApp, created, webhook};
use crate::receiver::{Received, Receiver};

/// Where the script and its pinned libraries are.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node");

/// Node with the libraries installed, in a folder of its own.
struct Node(TempDir);

impl Node {
    async fn install() -> Self {
        let folder = TempDir::new().unwrap();
        for file in ["package.json", "package-lock.json", "verify.js"] {
            fs::copy(Path::new(SOURCES).join(file), folder.path().join(file)).unwrap();
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]);
        let installed = npm.current_dir(folder.path()).output().await;
        let remedy = "install Node.js 20 or later with npm, and let npm reach its registry once";
        let installed = installed.unwrap_or_else(|error| panic!("npm does not start ({error}): {remedy}"));
        let said = String::from_utf8_lossy(&installed.stderr);
        assert!(installed.status.success(), "npm cannot install `standardwebhooks`: {remedy}\n{said}");
        Self(folder)
    }

    /// What each way to verify makes of a delivery.
    async fn verify(&self, received: &Received, body: &str, secret: &str) -> Value {
        let delivery = json!({ "body": body, "headers": received.headers, "secret": secret }).to_string();
        let mut node = Command::new("node");
        node.arg("verify.js").current_dir(self.0.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut node = node.spawn().unwrap();
        let mut input = node.stdin.take().unwrap();
        input.write_all(delivery.as_bytes()).await.unwrap();
        drop(input);
        let output = node.wait_with_output().await.unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[tokio::test]
async fn while_secrets_overlap_the_standard_library_verifies_with_either_and_the_samples_with_the_newest() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    // The library refuses what was sent long ago.
    app.run_after(SystemClock.now().since(app.now())).await;
    let user = app.user("u1").await;
    let registered = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    let new = user.rotate_secret(&registered.id, &RotateSecret::default()).await.unwrap().secret;
    app.send(&created("e1")).await;
    let node = Node::install().await;

    let received = receiver.only("/a");
    let by_old = node.verify(&received, &received.body, registered.secret.unwrap().expose()).await;
    let by_new = node.verify(&received, &received.body, new.expose()).await;

    assert_eq!(by_new, json!({ "guide": true, "api": true, "standard": true }));
    assert_eq!(by_old, json!({ "guide": false, "api": false, "standard": true }));
}

#[tokio::test]
async fn both_samples_of_the_specification_and_the_standard_library_verify_a_delivery() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    // The library refuses what was sent long ago.
    app.run_after(SystemClock.now().since(app.now())).await;
    let user = app.user("u1").await;
    let secret = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap().secret.unwrap();
    app.send(&created("e1")).await;
    let nasty = r#"{"id":"e2","event":"TODO_CREATED","projectId":"clakt90vu000bvt64hhffqleq",
        "currentValue":{"b":1.0,"10":1e21,"9":0.1e-6,"__proto__":{"é\u2028":"\ud83d\ude00\/"},"a":-0}}"#;
    app.operator().send_event_text(nasty.to_owned()).await.unwrap();
    app.run_until_idle().await;
    let node = Node::install().await;

    let deliveries = receiver.on("/a");

    assert_eq!(deliveries.len(), 2);
    for received in deliveries {
        let verified = node.verify(&received, &received.body, secret.expose()).await;
        let tampered = received.body.replacen("TODO_CREATED", "TODO_DELETED", 1);
        let refused = node.verify(&received, &tampered, secret.expose()).await;

        assert_eq!(verified, json!({ "guide": true, "api": true, "standard": true }), "{}", received.body);
        let expected = json!({ "guide": false, "api": false, "standard": "No matching signature found" });
        assert_eq!(refused, expected);
    }
}
