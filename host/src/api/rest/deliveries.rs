//! Deliveries and their attempts.

use axum::Json;
use axum::extract::State;

use super::{Result, page};
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::extract::{Path, Query};
use crate::api::openapi::Refusals;
use crate::service::{DeliveryDetail, DeliveryQuery};
use crate::wire;

/// List the deliveries to a webhook
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
    let wire::DeliveriesQuery { state: in_state, since, until, limit, cursor } = query;
    let query = DeliveryQuery { state: in_state.map(Into::into), since, until };
    let deliveries = state.service.deliveries(&caller, &webhook, query, limit, cursor.as_deref()).await?;
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

impl From<DeliveryDetail> for wire::DeliveryDetail {
    fn from(detail: DeliveryDetail) -> Self {
        let attempts = detail.attempts.into_iter().map(Into::into).collect();
        Self { delivery: detail.delivery.into(), attempts }
    }
}
