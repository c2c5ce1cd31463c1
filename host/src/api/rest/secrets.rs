//! Signing secrets that replace each other.

use axum::Json;
use axum::extract::State;

use super::Result;
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::extract::{OptionalJsonBody, Path};
use crate::api::openapi::WriteRefusals;
use crate::service;
use crate::wire::{self, SecretText};

/// Replace the signing secret of a webhook
///
/// The answer is the only one that shows the new secret. The one before signs beside it for 24 hours, retries
/// included: `webhook-signature` has a signature for each, the newest first, and `X-Signature` the newest's. At
/// most three secrets sign at a time; one more is refused with `CONFLICT` until the first of them has ended.
#[utoipa::path(post, path = "/v1/webhooks/{id}/rotate-secret", tag = "webhooks", request_body = Option<wire::RotateSecret>,
    params(("id" = String, Path, description = "The webhook.")),
    responses((status = 200, description = "The new secret.", body = wire::RotatedSecret), WriteRefusals))]
pub(crate) async fn rotate_secret(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    OptionalJsonBody(rotate): OptionalJsonBody<wire::RotateSecret>,
) -> Result<Json<wire::RotatedSecret>> {
    let rotated = state.service.rotate_secret(&caller, &id, rotate.secret.map(Into::into)).await?;
    Ok(Json(rotated.into()))
}

impl From<service::RotatedSecret> for wire::RotatedSecret {
    fn from(rotated: service::RotatedSecret) -> Self {
        Self {
            webhook_id: rotated.webhook_id.to_string(),
            secret: SecretText::from(&rotated.secret),
            previous_expires_at: rotated.previous_expires_at,
        }
    }
}
