//! Statistics: what became of a webhook's events lately.

use axum::Json;
use axum::extract::State;

use super::Result;
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::extract::{Path, Query};
use crate::api::openapi::Refusals;
use crate::service;
use crate::wire;

/// Count what became of a webhook's events
///
/// Outcomes, reasons, attempts and latencies of the events that were accepted in a window, the newest 20 000 of
/// them at the most; `cut` says if there were more.
#[utoipa::path(get, path = "/v1/webhooks/{id}/stats", tag = "verdicts",
    params(("id" = String, Path, description = "The webhook."), wire::StatsQuery),
    responses((status = 200, description = "The counts.", body = wire::WebhookStats), Refusals))]
pub(crate) async fn get_webhook_stats(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(webhook): Path<String>,
    Query(query): Query<wire::StatsQuery>,
) -> Result<Json<wire::WebhookStats>> {
    let stats = state.service.stats(&caller, &webhook, query.since).await?;
    Ok(Json(stats.into()))
}

impl From<service::WebhookStats> for wire::WebhookStats {
    fn from(stats: service::WebhookStats) -> Self {
        let outcomes = stats.outcomes.into_iter();
        let classes = stats.reason_classes.into_iter();
        let reasons = stats.reasons.into_iter().map(|(judged, count)| wire::ReasonCount {
            outcome: judged.outcome.into(),
            reason_class: judged.reason_class.map(Into::into),
            reason: judged.reason.unwrap_or_default(),
            count,
        });
        let errors = stats.attempt_errors.into_iter();
        Self {
            since: stats.since,
            until: stats.until,
            cut: stats.is_cut,
            events: stats.events,
            outcomes: outcomes.map(|(outcome, count)| wire::OutcomeCount { outcome: outcome.into(), count }).collect(),
            reason_classes: classes
                .map(|(class, count)| wire::ReasonClassCount { reason_class: class.into(), count })
                .collect(),
            reasons: reasons.collect(),
            attempts_succeeded: stats.attempts_succeeded,
            attempt_errors: errors.map(|(error, count)| wire::ErrorCount { error: error.into(), count }).collect(),
            attempt_latency: stats.attempt_latency.map(Into::into),
            delivery_latency: stats.delivery_latency.map(Into::into),
        }
    }
}

impl From<service::Percentiles> for wire::Percentiles {
    fn from(found: service::Percentiles) -> Self {
        Self { p50_ms: found.p50_ms, p95_ms: found.p95_ms, p99_ms: found.p99_ms }
    }
}
