//! Replays: jobs that send again what was decided for a webhook.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{Result, page};
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::extract::{JsonBody, Path, Query};
use crate::api::openapi::{Refusals, WriteRefusals};
use crate::service::{NewReplay, ReplayPreview};
use crate::wire;

/// Replay events to a webhook
///
/// Begins a job that goes through what was decided for the webhook, in the order of the events, and survives a restart.
/// What has a delivery is sent again as that delivery: the same `webhook-id`, the same body. What was let out by the
/// filter, or met its failure, is decided anew by the webhook as it is now, with the filter and configuration that it
/// has now; the verdict is written anew, with `firstDecidedAt`. What its creator may not see any more is not sent, nor
/// are tests. New events go before what a replay sends. With `dryRun` nothing is begun, and the answer is what would be
/// taken up. Refused with `CONFLICT` while the webhook is disabled or another of its replays goes on, and beyond four
/// at a time of one user. While the webhook is disabled later the job rests.
#[utoipa::path(post, path = "/v1/webhooks/{id}/replay", tag = "replays", request_body = wire::NewReplay,
    params(("id" = String, Path, description = "The webhook.")),
    responses(
        (status = 200, description = "What would be taken up (`dryRun`).", body = wire::ReplayPreview),
        (status = 202, description = "The replay has begun.", body = wire::Replay, links(
            ("GetReplay" = (operation_id = "get_replay", parameters(("id" = "$response.body#/id")))),
            ("CancelReplay" = (operation_id = "cancel_replay", parameters(("id" = "$response.body#/id")))),
        )),
        WriteRefusals,
    ))]
pub(crate) async fn replay_webhook(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(webhook): Path<String>,
    JsonBody(new): JsonBody<wire::NewReplay>,
) -> Result<Response> {
    let wire::NewReplay { only, since, until, dry_run } = new;
    let new = NewReplay { only: only.into(), since, until };
    if dry_run {
        let preview = state.service.preview_replay(&caller, &webhook, new).await?;
        return Ok(Json(wire::ReplayPreview::from(preview)).into_response());
    }
    let replay = state.service.create_replay(&caller, &webhook, new).await?;
    Ok((StatusCode::ACCEPTED, Json(wire::Replay::from(replay))).into_response())
}

/// List the replays of a webhook
///
/// The newest hundred are kept.
#[utoipa::path(get, path = "/v1/webhooks/{id}/replays", tag = "replays",
    params(("id" = String, Path, description = "The webhook."), wire::PageQuery),
    responses(
        (status = 200, description = "A page of replays, newest first.", body = wire::ReplayPage),
        Refusals,
    ))]
pub(crate) async fn list_replays(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(webhook): Path<String>,
    Query(query): Query<wire::PageQuery>,
) -> Result<Json<wire::ReplayPage>> {
    let replays = state.service.replays(&caller, &webhook, query.limit, query.cursor.as_deref()).await?;
    Ok(page(replays, Into::into))
}

/// Show a replay
#[utoipa::path(get, path = "/v1/replays/{id}", tag = "replays",
    params(("id" = String, Path, description = "The replay.")),
    responses((status = 200, description = "The replay.", body = wire::Replay), Refusals))]
pub(crate) async fn get_replay(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
) -> Result<Json<wire::Replay>> {
    let replay = state.service.replay(&caller, &id).await?;
    Ok(Json(replay.into()))
}

/// Cancel a replay
///
/// It takes up nothing more. What it has made due already, 16 deliveries at the most, is sent all the same. A replay
/// that has ended stays as it is.
#[utoipa::path(post, path = "/v1/replays/{id}/cancel", tag = "replays",
    params(("id" = String, Path, description = "The replay.")),
    responses((status = 200, description = "The replay as it stands now.", body = wire::Replay), Refusals))]
pub(crate) async fn cancel_replay(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
) -> Result<Json<wire::Replay>> {
    let replay = state.service.cancel_replay(&caller, &id).await?;
    Ok(Json(replay.into()))
}

impl From<ReplayPreview> for wire::ReplayPreview {
    fn from(preview: ReplayPreview) -> Self {
        Self {
            webhook_id: preview.webhook_id.to_string(),
            only: preview.only.into(),
            since: preview.since,
            until: preview.until,
            send_again: preview.foreseen.send_again,
            decide_anew: preview.foreseen.decide_anew,
            out_of_scope: preview.foreseen.out_of_scope,
            under_way: preview.foreseen.under_way,
            complete: preview.is_complete,
        }
    }
}
