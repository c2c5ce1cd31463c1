//! `hooksieve listen` and `hooksieve verify`, over what foreign receivers are tried with.

use std::process::Stdio;

use hooksieve::model::limits::REQUEST_BODY_BYTES_MAX;
use hooksieve::wire::PayloadFormat;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::bench::{Bench, SecretKind, line, payloads};
use crate::process::command;
use crate::receiver::{Received, Receiver};

/// The largest body that there is: a request at its bound, of numbers whose canonical text is the longest.
fn swelling() -> String {
    let numbers = vec!["9e20"; (REQUEST_BODY_BYTES_MAX - 200) / 5];
    format!("[{}]", numbers.join(","))
}

#[tokio::test]
async fn listen_verifies_every_payload_the_largest_too() {
    let bench = Bench::start().await;
    let secret = SecretKind::Chosen.chosen().unwrap();
    let mut listen = command(&[]);
    listen.args(["listen", "--json", "--secret", secret]).stdout(Stdio::piped());
    let mut child = listen.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = async || -> Value { serde_json::from_str(&line(&mut lines).await).unwrap() };
    let url = next().await["listening"].as_str().unwrap().to_owned();
    bench.register(&url, SecretKind::Chosen, PayloadFormat::Full).await;
    let mut payloads = payloads();
    payloads.push(swelling());

    for (number, payload) in payloads.iter().enumerate() {
        bench.post(&format!("e{number}"), payload).await;
    }

    let mut largest = 0;
    for _ in &payloads {
        let told = next().await;
        assert_eq!(told["verified"], true, "{told}");
        largest = largest.max(told["bytes"].as_u64().unwrap());
    }
    assert!(largest > 4 << 20, "{largest}");
}

/// `hooksieve verify` over a delivery that was kept.
async fn verify(received: &Received, secret: &str) -> Option<i32> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("body");
    std::fs::write(&file, &received.body).unwrap();
    let mut verify = command(&[]);
    verify.args(["verify", "--secret", secret]);
    for (name, value) in &received.headers {
        verify.args(["--header", &format!("{name}: {value}")]);
    }
    verify.arg(file).output().await.unwrap().status.code()
}

#[tokio::test]
async fn verify_takes_every_payload_as_it_was_kept_and_none_that_was_changed() {
    let (bench, receiver) = (Bench::start().await, Receiver::start().await);
    let (_, secret) = bench.register(&receiver.url("/a"), SecretKind::Generated, PayloadFormat::Compact).await;
    let payloads = payloads();

    for (number, payload) in payloads.iter().enumerate() {
        bench.post(&format!("e{number}"), payload).await;
    }

    for received in receiver.wait_for("/a", payloads.len()).await {
        assert_eq!(verify(&received, &secret).await, Some(0), "{}", received.body);
        let changed = Received { body: received.body.replace("TODO_CREATED", "TODO_DELETED"), ..received };
        assert_eq!(verify(&changed, &secret).await, Some(1), "{}", changed.body);
    }
}
