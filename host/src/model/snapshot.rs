//! What a delivery's body shows of its webhook.

use serde::Serialize;

use super::event::EventType;
use super::ids::ProjectId;
use super::webhook::{PayloadFormat, Webhook};

/// What a delivery's body shows of its webhook, kept once per version of the webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// [`Webhook::version`].
    pub version: i64,
    /// The body's shape.
    pub format: PayloadFormat,
    /// The body's `webhook` object, canonical JSON.
    pub object: Box<str>,
}

impl Snapshot {
    /// The webhook as it is: the guide's long example.
    #[must_use]
    pub fn of(webhook: &Webhook) -> Self {
        let object = WebhookObject {
            id: webhook.id.as_str(),
            uid: &webhook.uid,
            name: webhook.name.as_deref(),
            url: &webhook.url,
            secret: "",
            status: webhook.health.as_str(),
            enabled: webhook.is_enabled,
            metadata: Metadata { events: &webhook.events, project_ids: &webhook.project_ids },
            created_by_id: webhook.owner.as_str(),
            created_at: webhook.created_at.to_string(),
            updated_at: webhook.updated_at.to_string(),
        };
        // Canonical as it is: no numbers, no keys that JavaScript would move, and the same escapes.
        let object = serde_json::to_string(&object).expect("strings and lists of strings become JSON");
        Self { version: webhook.version, format: webhook.payload_format, object: object.into() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WebhookObject<'a> {
    id: &'a str,
    uid: &'a str,
    name: Option<&'a str>,
    url: &'a str,
    /// Kept as a key, as the guide shows it; never the secret.
    secret: &'static str,
    status: &'static str,
    enabled: bool,
    metadata: Metadata<'a>,
    created_by_id: &'a str,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    events: &'a [EventType],
    project_ids: &'a [ProjectId],
}
