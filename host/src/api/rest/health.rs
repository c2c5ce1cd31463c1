//! Whether the host runs and can accept events.

use axum::Json;
use axum::extract::State;

use super::Result;
use crate::api::ApiState;
use crate::api::openapi::NotReady;
use crate::wire;

/// Whether the process runs
///
/// Answers as long as it does, whatever the state of the store.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses(
    (status = 200, description = "It runs.", body = wire::Status),
))]
pub(crate) async fn get_health() -> Json<wire::Status> {
    Json(wire::Status::default())
}

/// Whether events can be accepted
///
/// Writes to the store and reads back.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()), responses(
    (status = 200, description = "Events can be accepted.", body = wire::Status),
    NotReady,
))]
pub(crate) async fn get_readiness(State(state): State<ApiState>) -> Result<Json<wire::Status>> {
    state.service.check_ready().await?;
    Ok(Json(wire::Status::default()))
}
