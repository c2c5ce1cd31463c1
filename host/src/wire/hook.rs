//! REST hooks, in the shape that Zapier made usual; so their members have underscores.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::SecretText;
use super::event::canonical;
use super::text::{EventTypeName, WebhookUrl};

/// A hook to subscribe. Members that are not known are ignored, unlike elsewhere: services send some of their own,
/// such as `subscription_url`, which repeats `target_url`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewHook {
    /// Where deliveries go: a public http or https URL.
    #[schema(value_type = WebhookUrl)]
    pub target_url: String,
    /// The event type to get.
    #[schema(value_type = EventTypeName)]
    pub event: String,
}

/// A hook that is subscribed. It is a webhook, with all that `/v1/webhooks/{id}` can do.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Hook {
    /// The webhook's id, to unsubscribe with.
    pub id: String,
    /// Where deliveries go.
    pub target_url: String,
    /// The event type that it gets.
    pub event: String,
    /// The secret that signs deliveries, for services that check it; no other call shows it.
    #[schema(value_type = String)]
    pub secret: SecretText,
}

/// Of which event type samples are wanted. Parameters that are not known are ignored: services send some of their own.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HookSampleQuery {
    /// The event type.
    #[param(value_type = EventTypeName)]
    pub event: String,
}

/// The body of a delivery in the shape `full`, and before it an `id`: the event's.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(value_type = Object)]
#[serde(transparent)]
pub struct HookSample(Box<RawValue>);

impl HookSample {
    /// From canonical JSON text.
    #[must_use]
    pub fn new(json: &str) -> Self {
        Self(canonical(json))
    }

    /// The JSON text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_sends_beside_is_ignored() {
        let sent = r#"{"target_url":"https://a.example/","subscription_url":"https://a.example/","event":"TODO_CREATED",
            "zap":{"id":7}}"#;

        let hook: NewHook = serde_json::from_str(sent).unwrap();

        assert_eq!((hook.target_url.as_str(), hook.event.as_str()), ("https://a.example/", "TODO_CREATED"));
    }
}
