//! Webhooks: a user registers, changes and deletes their own.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::{Result, page};
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::extract::{JsonBody, Path, Query};
use crate::api::openapi::{Refusals, WriteRefusals};
use crate::service;
use crate::wire::{self, SecretText};

/// Register a webhook
///
/// For a user, as are all calls under this tag; for the operator webhooks of its own, which get only the events
/// that tell of webhooks themselves (`WEBHOOK_UNHEALTHY`, `WEBHOOK_RECOVERED`, `WEBHOOK_DISABLED`). The answer is
/// the only one that shows the secret. A filter must take its configuration now.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", request_body = wire::NewWebhook, responses(
    (status = 201, description = "The webhook, with its secret.", body = wire::Webhook),
    WriteRefusals,
))]
pub(crate) async fn create_webhook(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    JsonBody(new): JsonBody<wire::NewWebhook>,
) -> Result<(StatusCode, Json<wire::Webhook>)> {
    let view = state.service.create_webhook(&caller, new.into()).await?;
    Ok((StatusCode::CREATED, Json(view.into())))
}

/// List your webhooks
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", params(wire::PageQuery), responses(
    (status = 200, description = "A page of webhooks, newest first.", body = wire::WebhookPage),
    Refusals,
))]
pub(crate) async fn list_webhooks(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Query(query): Query<wire::PageQuery>,
) -> Result<Json<wire::WebhookPage>> {
    let views = state.service.webhooks(&caller, query.limit, query.cursor.as_deref()).await?;
    Ok(page(views, Into::into))
}

/// Show a webhook
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook.")),
    responses((status = 200, description = "The webhook.", body = wire::Webhook), Refusals))]
pub(crate) async fn get_webhook(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
) -> Result<Json<wire::Webhook>> {
    let view = state.service.webhook(&caller, &id).await?;
    Ok(Json(view.into()))
}

/// Change a webhook
///
/// What is absent stays as it is; lists and headers are replaced whole, where null for a header keeps its
/// value. All of the change is made, or none of it, but for `enabled: true`: where the endpoint of a disabled
/// webhook does not answer its health check, the rest is changed, and the webhook comes back disabled and
/// UNHEALTHY with the reason in `health`.
#[utoipa::path(patch, path = "/v1/webhooks/{id}", tag = "webhooks", request_body = wire::PatchWebhook,
    params(("id" = String, Path, description = "The webhook.")),
    responses((status = 200, description = "The webhook as it is now.", body = wire::Webhook), WriteRefusals))]
pub(crate) async fn update_webhook(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    JsonBody(patch): JsonBody<wire::PatchWebhook>,
) -> Result<Json<wire::Webhook>> {
    let view = state.service.update_webhook(&caller, &id, patch.into()).await?;
    Ok(Json(view.into()))
}

/// Disable a webhook
///
/// It gets no events and is UNHEALTHY until it is enabled again. What is owed to it rests until then.
#[utoipa::path(post, path = "/v1/webhooks/{id}/disable", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook.")),
    responses((status = 200, description = "The webhook as it is now.", body = wire::Webhook), Refusals))]
pub(crate) async fn disable_webhook(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
) -> Result<Json<wire::Webhook>> {
    let view = state.service.disable_webhook(&caller, &id).await?;
    Ok(Json(view.into()))
}

/// Delete a webhook
///
/// What is still owed to it is canceled.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook.")),
    responses((status = 204, description = "The webhook is gone."), Refusals))]
pub(crate) async fn delete_webhook(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    state.service.delete_webhook(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<service::WebhookView> for wire::Webhook {
    fn from(view: service::WebhookView) -> Self {
        let health = wire::WebhookHealth::new(&view.webhook, view.hold, view.next_attempt_at);
        let shadow = view.webhook.shadow.as_ref();
        let shadow = shadow.map(|shadow| wire::Shadow::new(shadow, view.agreements, view.samples));
        Self { shadow, ..Self::new(&view.webhook, view.secret.as_ref().map(SecretText::from), health) }
    }
}

impl From<wire::NewWebhook> for service::NewWebhook {
    fn from(new: wire::NewWebhook) -> Self {
        Self {
            url: new.url,
            name: new.name,
            events: new.events,
            project_ids: new.project_ids,
            secret: new.secret.map(Into::into),
            filter: new.filter.map(Into::into),
            shadow: new.shadow.map(|shadow| shadow.filter.into()),
            payload_format: new.payload_format.map(Into::into).unwrap_or_default(),
            headers: new.headers.into_iter().map(|(name, value)| (name, value.into())).collect(),
            is_enabled: new.enabled.unwrap_or(true),
        }
    }
}

impl From<wire::PatchWebhook> for service::WebhookPatch {
    fn from(patch: wire::PatchWebhook) -> Self {
        Self {
            url: patch.url,
            name: patch.name,
            events: patch.events,
            project_ids: patch.project_ids,
            filter: patch.filter.map(|choice| choice.map(Into::into)),
            shadow: patch.shadow.map(|shadow| shadow.map(|shadow| shadow.filter.into())),
            payload_format: patch.payload_format.map(Into::into),
            headers: patch
                .headers
                .map(|headers| headers.into_iter().map(|(name, value)| (name, value.map(Into::into))).collect()),
            is_enabled: patch.enabled,
        }
    }
}

impl From<wire::Candidate> for service::CandidateChoice {
    fn from(choice: wire::Candidate) -> Self {
        Self { id: choice.id, config: choice.config.map(|config| config.get().to_owned()) }
    }
}

impl From<wire::FilterChoice> for service::FilterChoice {
    fn from(choice: wire::FilterChoice) -> Self {
        Self {
            id: choice.id,
            config: choice.config.map(|config| config.get().to_owned()),
            on_error: choice.on_error.map(Into::into).unwrap_or_default(),
        }
    }
}
