//! Deliveries and their attempts.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::{Result, page};
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::extract::{Path, Query};
use crate::api::openapi::{InUse, Refusals};
use crate::service::{DeliveryDetail, DeliveryFilter};
use crate::wire;

/// List the deliveries to a webhook
///
/// A page may have fewer than asked for, or none, where a state or a type is rare: `nextCursor` says whether there are
/// more.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", tag = "deliveries",
    params(("id" = String, Path, description = "The webhook."), wire::DeliveriesQuery),
    responses(
        (status = 200, description = "A page of deliveries, newest first.", body = wire::DeliveryPage),
        Refusals,
    ))]
pub(crate) async fn list_deliveries(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(webhook): Path<String>,
    Query(query): Query<wire::DeliveriesQuery>,
) -> Result<Json<wire::DeliveryPage>> {
    let wire::DeliveriesQuery { state: in_state, event, since, until, limit, cursor } = query;
    let filter = DeliveryFilter { state: in_state.map(Into::into), event_type: event, since, until };
    let deliveries = state.service.deliveries(&caller, &webhook, filter, limit, cursor.as_deref()).await?;
    Ok(page(deliveries, Into::into))
}

/// Show a delivery and its attempts
#[utoipa::path(get, path = "/v1/deliveries/{id}", tag = "deliveries",
    params(("id" = String, Path, description = "The delivery.")),
    responses((status = 200, description = "The delivery.", body = wire::DeliveryDetail), Refusals))]
pub(crate) async fn get_delivery(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
) -> Result<Json<wire::DeliveryDetail>> {
    let detail = state.service.delivery(&caller, &id).await?;
    Ok(Json(detail.into()))
}

/// Retry a delivery now
///
/// One that was given up or canceled, or whose next attempt is due later, is due now: the same `webhook-id`, the same
/// body. Its attempts are numbered on and its schedule begins anew. Refused with `CONFLICT` where it was delivered or is
/// due already, where the webhook is disabled, and where its creator may not see the event any more. A webhook that is
/// UNHEALTHY still gets one attempt per interval.
#[utoipa::path(post, path = "/v1/deliveries/{id}/retry", tag = "deliveries",
    params(("id" = String, Path, description = "The delivery.")),
    responses((status = 202, description = "The delivery is due.", body = wire::Delivery), Refusals, InUse))]
pub(crate) async fn retry_delivery(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<wire::Delivery>)> {
    let delivery = state.service.retry_delivery(&caller, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(delivery.into())))
}

impl From<DeliveryDetail> for wire::DeliveryDetail {
    fn from(detail: DeliveryDetail) -> Self {
        let attempts = detail.attempts.into_iter().map(Into::into).collect();
        Self { delivery: detail.delivery.into(), attempts }
    }
}
