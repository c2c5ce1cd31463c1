//! A thousand webhooks, and events each of which concerns two of them.
//!
//! Webhook `k` is for the projects `k` and `k + 1`, and has `field-match` let through the events whose number ends with
//! `k`, which are those of project `k`. So one of the two gets an event, and the other's filter holds it back. The rule
//! looks at a number that no two events share: each verdict is a call, and none is remembered from an event before.

use futures_util::{StreamExt, stream};
use hooksieve::client::Client;
use hooksieve::clock::{SystemClock, random_bytes};
use hooksieve::wire::{NewWebhook, PutProject};

use crate::rig::event;
use crate::rig::sink::Sink;
use crate::rig::stage::{self, USER};

/// Webhooks, and projects.
pub const WEBHOOKS: usize = 1_000;
/// Webhooks behind these that get no events.
pub const HELD: usize = 100;
/// What the host is started with: nothing goes, nobody asks too often, and the store's calls can be made with the same key.
pub const SETTINGS: &[(&str, &str)] = &[
    ("HOOKSIEVE_RETENTION_DAYS", "0"),
    ("HOOKSIEVE_LIMITS_REQUESTS_PER_SECOND", "0"),
    ("HOOKSIEVE_SEALING_KEY", SEALING_KEY),
];
/// What secrets are sealed with.
pub const SEALING_KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";
/// Projects that are made at a time.
const AT_ONCE: usize = 16;
/// How the ids of projects begin.
const PROJECT: &str = "project-";
/// Bytes of an event.
const EVENT_BYTES: usize = 1024;

/// Registers the webhooks, in their order, and those that get nothing.
pub async fn begin(operator: &Client, sink: &Sink) {
    let user = stage::member(operator).await;
    let joining = (0..WEBHOOKS).map(async |number| {
        operator.put_project(&project(number), &PutProject::default()).await.unwrap();
        operator.add_member(&project(number), USER).await.unwrap();
    });
    stream::iter(joining).buffer_unordered(AT_ONCE).for_each(async |()| ()).await;
    for number in 0..WEBHOOKS {
        let rule = format!(r#"{{"pointer":"/currentValue/number","operator":"ends_with","value":"{number:03}"}}"#);
        let webhook = NewWebhook {
            project_ids: vec![project(number), project(number + 1)],
            ..stage::webhook(sink.url(&format!("/{number}")), Some(&rule))
        };
        user.create_webhook(&webhook).await.unwrap();
    }
    operator.put_project("held", &PutProject::default()).await.unwrap();
    operator.add_member("held", USER).await.unwrap();
    for _ in 0..HELD {
        let webhook = NewWebhook { project_ids: vec!["held".into()], ..stage::webhook(sink.url("/held"), None) };
        user.create_webhook(&webhook).await.unwrap();
    }
}

/// The project of an event.
pub fn project(number: usize) -> String {
    format!("{PROJECT}{}", number % WEBHOOKS)
}

/// The number of such a project, and of the webhook that gets its events.
pub fn number_of(project: &str) -> usize {
    project.strip_prefix(PROJECT).unwrap().parse().unwrap()
}

/// An event as JSON text, under a random id of 20 characters.
pub fn event(number: usize) -> String {
    event::text_in(&project(number), &random::<5>(), number, EVENT_BYTES)
}

/// So many random bytes in hexadecimal digits.
pub fn random<const BYTES: usize>() -> String {
    hex::encode(random_bytes::<BYTES>(&SystemClock))
}
