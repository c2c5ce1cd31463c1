//! Whether the host runs and can accept events, and what it has done.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, header};

use super::Result;
use crate::api::ApiState;
use crate::api::auth::MetricsReader;
use crate::api::openapi::{NotReady, Refusals};
use crate::metrics;
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
/// Writes to the store and reads back, once a second at the most.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()), responses(
    (status = 200, description = "Events can be accepted.", body = wire::Status),
    NotReady,
))]
pub(crate) async fn get_readiness(State(state): State<ApiState>) -> Result<Json<wire::Status>> {
    state.service.check_ready().await?;
    Ok(Json(wire::Status::default()))
}

/// Tell what the host has done
///
/// Counters, histograms and queues, as Prometheus reads them (OpenMetrics text). For the operator, for whoever
/// has the token in `HOOKSIEVE_METRICS_TOKEN`, and for anyone if `metrics.public` is set. No label names a user,
/// a webhook or a URL.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "The metrics.", body = String, content_type = "application/openmetrics-text"),
    Refusals,
))]
pub(crate) async fn get_metrics(
    State(state): State<ApiState>,
    _: MetricsReader,
) -> ([(HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], state.service.metrics_text().await)
}
