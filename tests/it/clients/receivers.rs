//! Receivers as people write them, with Express, Fastify, Python and Rust: each verifies real deliveries in the ways
//! that the specification and the Standard Webhooks libraries give it, and refuses what is not genuine.

use std::collections::{BTreeMap, BTreeSet};

use hooksieve::wire::{DeliveriesQuery, DeliveryState, PatchWebhook, PayloadFormat, RotateSecret};

use super::bench::{Bench, Foreign, Program, SecretKind, payloads};
use crate::receiver::{Received, Receiver};

/// Where webhooks point until their receiver runs, which needs the secrets first.
const NOWHERE: &str = "http://127.0.0.1:8443/";

/// The body of a webhook of this kind: each kind has one, so that both formats come with each way to verify.
fn format_of(kind: SecretKind) -> PayloadFormat {
    if kind == SecretKind::Chosen { PayloadFormat::Compact } else { PayloadFormat::Full }
}

/// A receiver with a webhook for each of its ways to verify and each kind of secret, under `prefix`.
async fn receiving(bench: &Bench, program: Program, prefix: &str, kinds: &[SecretKind]) -> (Foreign, Vec<String>) {
    let (mut secrets, mut webhooks) = (BTreeMap::new(), Vec::new());
    for &kind in kinds {
        for way in program.ways() {
            let (webhook, secret) = bench.register(NOWHERE, kind, format_of(kind)).await;
            secrets.insert(webhook.id.clone(), secret);
            webhooks.push((webhook.id, way));
        }
    }
    let foreign = Foreign::start(program, &secrets).await;
    for (id, way) in &webhooks {
        let url = foreign.url(&format!("{prefix}/{way}/{id}"));
        bench.user.update_webhook(id, &PatchWebhook { url: Some(url), ..PatchWebhook::default() }).await.unwrap();
    }
    (foreign, webhooks.into_iter().map(|(id, _)| id).collect())
}

/// Every payload, with every kind of secret, in every way.
async fn verifies_everything(program: Program) {
    let bench = Bench::start().await;
    let (mut foreign, webhooks) = receiving(&bench, program, "", &SecretKind::ALL).await;
    let payloads = payloads();

    for (number, payload) in payloads.iter().enumerate() {
        bench.post(&format!("e{number}"), payload).await;
    }

    let mut verified = BTreeSet::new();
    for _ in 0..payloads.len() * webhooks.len() {
        let judged = foreign.next().await;
        assert_eq!(judged.status, 200, "{program:?}: {judged:?}");
        assert!(!judged.ways.is_empty() && judged.ways.values().all(|holds| *holds), "{program:?}: {judged:?}");
        verified.insert((judged.path, judged.id));
    }
    assert_eq!(verified.len(), payloads.len() * webhooks.len(), "{program:?}");
}

#[tokio::test]
async fn express_verifies_every_payload_raw_and_parsed_with_every_kind_of_secret() {
    verifies_everything(Program::Express).await;
}

#[tokio::test]
async fn fastify_verifies_every_payload_raw_and_parsed_with_every_kind_of_secret() {
    verifies_everything(Program::Fastify).await;
}

#[tokio::test]
async fn python_verifies_every_payload_with_every_kind_of_secret() {
    verifies_everything(Program::Python).await;
}

#[tokio::test]
async fn a_retried_delivery_is_verified_again_under_the_same_id() {
    let bench = Bench::start().await;
    for program in Program::ALL {
        let (mut foreign, webhooks) = receiving(&bench, program, "/down-at-first", &[SecretKind::Generated]).await;
        bench.post(&format!("{program:?}"), r#"{"title":"größer"}"#).await;

        let mut statuses: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for _ in 0..2 * webhooks.len() {
            let judged = foreign.next().await;
            assert!(judged.ways.values().all(|holds| *holds), "{program:?}: {judged:?}");
            statuses.entry(judged.id).or_default().push(judged.status);
        }

        assert!(statuses.values().all(|seen| seen == &[503, 200]), "{program:?}: {statuses:?}");
        assert_eq!(statuses.len(), webhooks.len(), "{program:?}");
        for webhook in webhooks {
            assert_eq!(told_statuses(&bench, &webhook).await, [Some(503), Some(200)], "{program:?}");
            // The next program's event is not for this one.
            bench.user.delete_webhook(&webhook).await.unwrap();
        }
    }
}

/// What the host's log says of the only delivery to a webhook, once that is done.
async fn told_statuses(bench: &Bench, webhook: &str) -> Vec<Option<u16>> {
    loop {
        let page = bench.user.list_deliveries(webhook, &DeliveriesQuery::default()).await.unwrap();
        // The receiver answers before the host has written that it did.
        if let [delivery] = page.items.as_slice()
            && delivery.state == DeliveryState::Delivered
        {
            let detail = bench.user.get_delivery(&delivery.id).await.unwrap();
            return detail.attempts.iter().map(|attempt| attempt.status).collect();
        }
    }
}

/// A delivery with something changed on its way.
fn changed(received: &Received, what: &str, change: impl FnOnce(&mut Received)) -> (String, Received) {
    let mut changed = received.clone();
    change(&mut changed);
    (what.to_owned(), changed)
}

/// A genuine delivery, and what must not be taken for one.
fn forgeries(received: &Received, is_standard: bool) -> Vec<(String, Received)> {
    let replace = |name: &'static str, value: String| {
        move |received: &mut Received| drop(received.headers.insert(name.to_owned(), value))
    };
    let x_signature = received.header("x-signature").to_owned();
    let mut forged = vec![
        changed(received, "a changed body", |received| received.body = received.body.replace("größer", "kleiner")),
        changed(received, "a changed X-Signature", replace("x-signature", x_signature.replace(['0', '1', '2'], "3"))),
        changed(received, "no X-Signature", replace("x-signature", String::new())),
    ];
    if is_standard {
        let old = received.header("webhook-timestamp").parse::<u64>().unwrap() - 3_600;
        forged.extend([
            changed(received, "another id", replace("webhook-id", "msg_other".to_owned())),
            changed(received, "an old time", replace("webhook-timestamp", old.to_string())),
            changed(received, "another signature", replace("webhook-signature", format!("v1,{}=", "A".repeat(43)))),
        ]);
    }
    forged
}

/// Posts a delivery as it was received; the receiver's status.
async fn replay(received: &Received, url: &str) -> u16 {
    let client = crate::app::http();
    let mut request = client.post(url).body(received.body.clone());
    for (name, value) in &received.headers {
        if !["host", "content-length"].contains(&name.as_str()) {
            request = request.header(name, value);
        }
    }
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn every_receiver_refuses_what_was_changed_on_the_way_or_signed_with_another_secret() {
    let (bench, receiver) = (Bench::start().await, Receiver::start().await);
    let (_, secret) = bench.register(&receiver.url("/a"), SecretKind::ChosenKey, PayloadFormat::Full).await;
    bench.post("e1", r#"{"title":"größer"}"#).await;
    let received = receiver.wait_for("/a", 1).await.remove(0);
    let secrets = [("right".to_owned(), secret), ("wrong".to_owned(), "another secret".to_owned())].into();

    for program in Program::ALL {
        let foreign = Foreign::start(program, &secrets).await;
        for &way in program.ways() {
            let right = foreign.url(&format!("/{way}/right"));
            let wrong = foreign.url(&format!("/{way}/wrong"));

            assert_eq!(replay(&received, &right).await, 200, "{program:?} {way}");
            assert_eq!(replay(&received, &wrong).await, 401, "{program:?} {way} with another secret");
            for (what, forged) in forgeries(&received, way == "raw") {
                let is_changed = forged.body != received.body || forged.headers != received.headers;
                assert!(is_changed, "{what} changes nothing");
                assert_eq!(replay(&forged, &right).await, 401, "{program:?} {way} takes {what}");
            }
        }
    }
}

/// What the library of crates.io makes of a delivery.
fn rust_library_takes(received: &Received, secret: &str) -> bool {
    let webhook = if secret.starts_with("whsec_") {
        standardwebhooks::Webhook::new(secret).unwrap()
    } else {
        standardwebhooks::Webhook::from_bytes(secret.as_bytes().to_vec()).unwrap()
    };
    let mut headers = reqwest::header::HeaderMap::new();
    for (name, value) in &received.headers {
        let name: reqwest::header::HeaderName = name.parse().unwrap();
        headers.insert(name, value.parse().unwrap());
    }
    webhook.verify(received.body.as_bytes(), &headers).is_ok()
}

#[tokio::test]
async fn the_library_of_crates_io_verifies_every_payload_and_refuses_forgeries() {
    let (bench, receiver) = (Bench::start().await, Receiver::start().await);
    let mut secrets = Vec::new();
    for kind in SecretKind::ALL {
        let (_, secret) = bench.register(&receiver.url(&format!("/{kind:?}")), kind, format_of(kind)).await;
        secrets.push((kind, secret));
    }
    let mut payloads = payloads();
    payloads.push(r#"{"title":"größer"}"#.to_owned());
    for (number, payload) in payloads.iter().enumerate() {
        bench.post(&format!("e{number}"), payload).await;
    }

    for (kind, secret) in secrets {
        for received in receiver.wait_for(&format!("/{kind:?}"), payloads.len()).await {
            assert!(rust_library_takes(&received, &secret), "{kind:?}: {}", received.body);
            assert!(!rust_library_takes(&received, "another secret"), "{kind:?}");
            let forged = forgeries(&received, true);
            for (what, forged) in forged.iter().filter(|(what, _)| !what.contains("X-Signature")) {
                // Only one of the payloads has the words that change.
                if forged.body != received.body || forged.headers != received.headers {
                    assert!(!rust_library_takes(forged, &secret), "{kind:?} takes {what}");
                }
            }
        }
    }
}

#[tokio::test]
async fn while_secrets_overlap_the_libraries_verify_with_either_and_the_samples_with_the_newest() {
    let (bench, receiver) = (Bench::start().await, Receiver::start().await);
    let (webhook, old) = bench.register(&receiver.url("/a"), SecretKind::Generated, PayloadFormat::Full).await;
    let new = bench.user.rotate_secret(&webhook.id, &RotateSecret::default()).await.unwrap().secret;
    let new = new.expose().to_owned();
    bench.post("e1", r#"{"title":"größer"}"#).await;
    let received = receiver.wait_for("/a", 1).await.remove(0);

    assert!(rust_library_takes(&received, &old) && rust_library_takes(&received, &new));
    for program in [Program::Express, Program::Fastify] {
        let secrets = [("old".to_owned(), old.clone()), ("new".to_owned(), new.clone())].into();
        let mut foreign = Foreign::start(program, &secrets).await;
        let mut holds = async |key: &str| {
            replay(&received, &foreign.url(&format!("/raw/{key}"))).await;
            foreign.next().await.ways
        };

        assert!(holds("new").await.values().all(|holds| *holds), "{program:?}");
        let ways = [("guide", false), ("standard", true)].map(|(way, holds)| (way.to_owned(), holds));
        assert_eq!(holds("old").await, ways.into(), "{program:?}");
    }
}
