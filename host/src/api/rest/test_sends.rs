//! Tests of a webhook by its owner.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::Result;
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::extract::{OptionalJsonBody, Path};
use crate::api::openapi::WriteRefusals;
use crate::service;
use crate::wire;

/// Test a webhook
///
/// Sends the example of an event type on the path that live events take, to this webhook alone and whether or not
/// it subscribes to that type: its filter decides, the verdict is kept, and what is let through is signed, sent and
/// tried again as usual. The request has the header `webhook-test: true`; event, verdict and delivery have `isTest`.
/// An operator's own webhook is tested with the operational types. Refused with `CONFLICT` while the webhook is disabled, and beyond ten tests of it a minute.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", tag = "webhooks", request_body = Option<wire::TestWebhook>,
    params(("id" = String, Path, description = "The webhook.")),
    responses((status = 202, description = "The test is under way.", body = wire::TestSent), WriteRefusals))]
pub(crate) async fn test_webhook(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    OptionalJsonBody(test): OptionalJsonBody<wire::TestWebhook>,
) -> Result<(StatusCode, Json<wire::TestSent>)> {
    let sent = state.service.test_webhook(&caller, &id, test.event.as_deref()).await?;
    Ok((StatusCode::ACCEPTED, Json(sent.into())))
}

impl From<service::TestSent> for wire::TestSent {
    fn from(sent: service::TestSent) -> Self {
        Self { id: sent.event_id.to_string(), event: sent.event_type.to_string() }
    }
}
