//! REST hooks: how automation services such as Zapier subscribe.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::Result;
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::extract::{JsonBody, Path, Query};
use crate::api::openapi::{Refusals, WriteRefusals};
use crate::service::{ServiceError, WebhookView};
use crate::wire::{self, SecretText};

/// Subscribe a REST hook
///
/// Registers a webhook for one event type, by the names that Zapier gives these things. It is enabled at once and
/// gets no handshake. Members that are not known are ignored.
#[utoipa::path(post, path = "/v1/hooks", tag = "hooks", request_body = wire::NewHook, responses(
    (status = 201, description = "The hook.", body = wire::Hook),
    WriteRefusals,
))]
pub(crate) async fn create_hook(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    JsonBody(new): JsonBody<wire::NewHook>,
) -> Result<(StatusCode, Json<wire::Hook>)> {
    let WebhookView { webhook, secret, .. } = state.service.create_hook(&caller, new.target_url, &new.event).await?;
    let secret = secret.ok_or_else(|| ServiceError::Internal("a new webhook came without its secret".to_owned()))?;
    let hook = wire::Hook {
        id: webhook.id.to_string(),
        target_url: webhook.url.clone(),
        event: new.event,
        secret: SecretText::from(&secret),
    };
    Ok((StatusCode::CREATED, Json(hook)))
}

/// Unsubscribe a REST hook
///
/// Deletes the webhook; what is still owed to it is canceled.
#[utoipa::path(delete, path = "/v1/hooks/{id}", tag = "hooks",
    params(("id" = String, Path, description = "The hook.")),
    responses((status = 204, description = "The hook is gone."), Refusals))]
pub(crate) async fn delete_hook(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    state.service.delete_webhook(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Show samples of what a REST hook gets
///
/// At most three, the newest first: of events of this type in your projects or, if there were none lately, of the
/// type's example. A bare list, as such services read it; parameters that are not known are ignored.
#[utoipa::path(get, path = "/v1/hooks/sample", tag = "hooks", params(wire::HookSampleQuery), responses(
    (status = 200, description = "Samples of deliveries.", body = Vec<wire::HookSample>),
    Refusals,
))]
pub(crate) async fn list_hook_samples(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Query(query): Query<wire::HookSampleQuery>,
) -> Result<Json<Vec<wire::HookSample>>> {
    let samples = state.service.hook_samples(&caller, &query.event).await?;
    Ok(Json(samples.iter().map(|sample| wire::HookSample::new(sample)).collect()))
}
