//! What arrives: the bytes of the specification, signed both ways.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use hooksieve::model::secret::Secret;
use hooksieve::wire::{NewWebhook, PayloadFormat};
use hooksieve::{json, sign};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::Sha256;

use crate::app::{GUIDE_EXAMPLE, TestApp, created, webhook};
use crate::receiver::{Received, Receiver};

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

/// Both signatures, computed here as the two specifications say.
fn assert_signed(received: &Received, secret: &str, standard_key: &[u8]) {
    let body = received.body.as_bytes();
    assert_eq!(received.header("x-signature"), hex::encode(hmac(secret.as_bytes(), body)));
    let (id, timestamp) = (received.message_id(), received.header("webhook-timestamp"));
    let signed = hmac(standard_key, format!("{id}.{timestamp}.{}", received.body).as_bytes());
    assert_eq!(received.header("webhook-signature"), format!("v1,{}", STANDARD.encode(signed)));
}

/// The members of an object, at every depth, in their order; arrays and scalars have none.
#[derive(Debug, PartialEq)]
struct Members(Vec<(String, Members)>);

impl Members {
    fn of(json: &str) -> Self {
        match serde_json::from_str(json) {
            Ok(InOrder(members)) => {
                Self(members.into_iter().map(|(name, value)| (name, Self::of(value.get()))).collect())
            }
            Err(_) => Self(Vec::new()),
        }
    }

    fn get(&self, name: &str) -> &Self {
        &self.0.iter().find(|(key, _)| key == name).unwrap().1
    }
}

struct InOrder(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = InOrder;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<InOrder, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = object.next_entry()? {
                    members.push(member);
                }
                Ok(InOrder(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[tokio::test]
async fn a_delivery_carries_both_signatures_of_its_exact_bytes() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let secret = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap().secret.unwrap();

    app.send(&created("e1")).await;

    let received = receiver.only("/a");
    let key = STANDARD.decode(secret.expose().strip_prefix("whsec_").unwrap()).unwrap();
    assert_eq!(key.len(), 32);
    assert_signed(&received, secret.expose(), &key);
    assert_eq!(received.header("webhook-timestamp"), app.now().as_secs().to_string());
    let signed = [sign::X_SIGNATURE, sign::WEBHOOK_ID, sign::WEBHOOK_TIMESTAMP, sign::WEBHOOK_SIGNATURE];
    let ours = sign::headers(
        &[Secret::new(secret.expose())],
        received.message_id(),
        app.now().as_secs(),
        received.body.as_bytes(),
    );
    assert_eq!(ours, signed.map(|name| (name, received.header(name).to_owned())));
}

#[tokio::test]
async fn a_chosen_secret_signs_both_ways_with_its_own_bytes() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let chosen = NewWebhook { secret: Some("It's a Secret to Everybody".into()), ..webhook(&receiver.url("/a")) };
    user.create_webhook(&chosen).await.unwrap();

    app.send(&created("e1")).await;

    let secret = "It's a Secret to Everybody";
    assert_signed(&receiver.only("/a"), secret, secret.as_bytes());
}

#[tokio::test]
async fn a_full_body_has_the_members_of_the_guides_example_in_their_order() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let registered = NewWebhook { name: Some("Testing webhook".to_owned()), ..webhook(&receiver.url("/a")) };
    let registered = user.create_webhook(&registered).await.unwrap();

    app.send(&created("e1")).await;

    let received = receiver.only("/a");
    let (body, example): (Value, Value) = (received.json(), serde_json::from_str(GUIDE_EXAMPLE).unwrap());
    let (ours, theirs) = (Members::of(&received.body), Members::of(GUIDE_EXAMPLE));
    assert_eq!(ours.get("webhook"), theirs.get("webhook"));
    assert_eq!(ours.get("currentValue"), theirs.get("currentValue"));
    let order = |members: &Members| members.0.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let top: Vec<_> = order(&ours).into_iter().filter(|name| order(&theirs).contains(name)).collect();
    assert_eq!(top, order(&theirs));
    assert_eq!(body["currentValue"], example["currentValue"]);
    assert_eq!(body["event"], "TODO_CREATED");
    assert_eq!(body["previousValue"], Value::Null);
    assert_eq!(body["webhook"]["id"], registered.id);
    assert_eq!(body["webhook"]["uid"], registered.uid);
    assert_eq!(body["webhook"]["name"], "Testing webhook");
    assert_eq!(body["webhook"]["secret"], "");
    assert_eq!(body["webhook"]["createdById"], "u1");
    assert_eq!(body["webhook"]["metadata"]["events"][0], "TODO_CREATED");
    assert_eq!(body["company"]["id"], "clakt8jud0002vt64205yyj10");
    assert_eq!(body["user"]["id"], "claksl2ye0000vtas0h0ln71e");
    assert!(!received.body.contains(registered.secret.unwrap().expose()));
    assert_eq!(received.header("content-type"), "application/json");
}

#[tokio::test]
async fn a_compact_body_is_the_guides_first_example() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let compact = NewWebhook { payload_format: Some(PayloadFormat::Compact), ..webhook(&receiver.url("/a")) };
    user.create_webhook(&compact).await.unwrap();

    app.send(&created("e1")).await;

    let body = receiver.only("/a").body;
    assert!(body.starts_with(r#"{"event":"TODO_CREATED","record":{"id":"clb4zna6x0000vt1swuwso25f","#), "{body}");
    let references = r#","company":{"id":"clakt8jud0002vt64205yyj10"},"project":{"id":"clakt90vu000bvt64hhffqleq"},"user":{"id":"claksl2ye0000vtas0h0ln71e"}}"#;
    assert!(body.ends_with(references), "{body}");
}

#[tokio::test]
async fn the_body_is_what_json_stringify_would_print() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();

    let text = r#"{"id":"e1","event":"TODO_CREATED","projectId":"clakt90vu000bvt64hhffqleq",
        "currentValue":{"b":1.0,"10":"\u00e9","2":1e21,"a":"\/","a":-0.0,"c":"\u2028\u007f"}}"#;
    app.operator().send_event_text(text.to_owned()).await.unwrap();
    app.run_until_idle().await;

    let body = receiver.only("/a").body;
    assert_eq!(json::canonicalise(body.as_bytes()).unwrap(), body);
    assert!(
        body.contains("\"currentValue\":{\"2\":1e+21,\"10\":\"é\",\"b\":1,\"a\":0,\"c\":\"\u{2028}\u{7f}\"}"),
        "{body}"
    );
}

#[tokio::test]
async fn a_webhooks_own_headers_go_with_each_delivery() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let headers = [("Authorization".to_owned(), "Bearer hush".into())].into();
    user.create_webhook(&NewWebhook { headers, ..webhook(&receiver.url("/a")) }).await.unwrap();

    app.send(&created("e1")).await;

    assert_eq!(receiver.only("/a").header("authorization"), "Bearer hush");
}
