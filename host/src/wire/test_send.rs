//! Tests of a webhook.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::text::EventTypeName;

/// What to test a webhook with.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestWebhook {
    /// The event type whose example is sent; the first that the webhook subscribes to if absent.
    #[schema(value_type = Option<EventTypeName>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
}

/// A test that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestSent {
    /// The event that was made for it. `GET /v1/events/{id}/verdicts` tells what became of it, and
    /// the delivery that it names tells of the attempts.
    pub id: String,
    /// The event type whose example it is.
    pub event: String,
}
