//! Filters: upload, list, try out, delete.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use super::{Result, page};
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::error::ApiError;
use crate::api::extract::{JsonBody, Path, Query, WasmBytes};
use crate::api::openapi::{InUse, Refusals, Wasm, WriteRefusals};
use crate::service::{Decision, EvaluateEvent, Evaluated, Scalar, Value};
use crate::wire::{self, EvaluationVerdict, FieldScalar, FieldSeen, FieldValue};

/// Upload a filter
///
/// A core module of `cargo build --target wasm32-unknown-unknown` or a component that exports
/// `hooksieve:filter/sieve` and imports nothing; at most 32 MiB unless the operator says otherwise. A
/// user's filter is theirs alone; an operator's is shared by all users.
#[utoipa::path(post, path = "/v1/filters", tag = "filters", params(wire::UploadQuery),
    request_body(content = inline(Wasm), content_type = "application/wasm", description = "The module or component."),
    responses((status = 201, description = "The filter.", body = wire::Filter), WriteRefusals))]
pub(crate) async fn upload_filter(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Query(query): Query<wire::UploadQuery>,
    request: Request,
) -> Result<(StatusCode, Json<wire::Filter>)> {
    let _place = state.uploads.enter(&caller)?;
    let WasmBytes(wasm) = WasmBytes::from_request(request, &state).await?;
    let filter = state.service.upload_filter(&caller, query.name, wasm).await?;
    Ok((StatusCode::CREATED, Json(filter.into())))
}

/// List the filters that you can use
///
/// Your own and those that are shared.
#[utoipa::path(get, path = "/v1/filters", tag = "filters", params(wire::PageQuery), responses(
    (status = 200, description = "A page of filters, newest first.", body = wire::FilterPage),
    Refusals,
))]
pub(crate) async fn list_filters(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Query(query): Query<wire::PageQuery>,
) -> Result<Json<wire::FilterPage>> {
    let filters = state.service.filters(&caller, query.limit, query.cursor.as_deref()).await?;
    Ok(page(filters, Into::into))
}

/// Show a filter
#[utoipa::path(get, path = "/v1/filters/{id}", tag = "filters",
    params(("id" = String, Path, description = "The filter.")),
    responses((status = 200, description = "The filter.", body = wire::Filter), Refusals))]
pub(crate) async fn get_filter(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
) -> Result<Json<wire::Filter>> {
    let filter = state.service.filter(&caller, &id).await?;
    Ok(Json(filter.into()))
}

/// Delete a filter
///
/// Refused with `CONFLICT` while a webhook uses it.
#[utoipa::path(delete, path = "/v1/filters/{id}", tag = "filters",
    params(("id" = String, Path, description = "The filter.")),
    responses(
        (status = 204, description = "The filter is gone."),
        InUse,
        Refusals,
    ))]
pub(crate) async fn delete_filter(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    state.service.delete_filter(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Download a filter as it was uploaded
#[utoipa::path(get, path = "/v1/filters/{id}/wasm", tag = "filters",
    params(("id" = String, Path, description = "The filter.")),
    responses(
        (status = 200, description = "The uploaded bytes.", body = inline(Wasm), content_type = "application/wasm"),
        Refusals,
    ))]
pub(crate) async fn get_filter_wasm(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
) -> Result<impl IntoResponse> {
    let wasm = state.service.filter_wasm(&caller, &id).await?;
    Ok(([(header::CONTENT_TYPE, "application/wasm")], wasm.to_vec()))
}

/// Try a filter on an event
///
/// On the very path that live events take. Nothing is kept and nothing is sent.
#[utoipa::path(post, path = "/v1/filters/{id}/evaluate", tag = "filters", request_body = wire::Evaluate,
    params(("id" = String, Path, description = "The filter.")),
    responses((status = 200, description = "What the filter said.", body = wire::Evaluation), WriteRefusals))]
pub(crate) async fn evaluate_filter(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    JsonBody(evaluate): JsonBody<wire::Evaluate>,
) -> Result<Json<wire::Evaluation>> {
    let event = match (evaluate.event, evaluate.event_id) {
        (Some(event), None) => EvaluateEvent::Given(event.get().to_owned()),
        (None, Some(id)) => EvaluateEvent::Stored(id),
        _ => return Err(ApiError::bad_field("", "give either `event` or `eventId`")),
    };
    let config = evaluate.config.as_ref().map(|config| config.get());
    let evaluated = state.service.evaluate(&caller, &id, event, config).await?;
    Ok(Json(evaluated.into()))
}

impl From<Evaluated> for wire::Evaluation {
    fn from(evaluated: Evaluated) -> Self {
        let Evaluated { fields, evaluation } = evaluated;
        let (verdict, reason, reason_class) = match evaluation.decision {
            Decision::Deliver => (EvaluationVerdict::Deliver, None, None),
            Decision::Skip(reason) => (EvaluationVerdict::Skip, reason, None),
            Decision::Failed(failure) => (EvaluationVerdict::Error, Some(failure.message), Some(failure.class.into())),
        };
        let seen = |(pointer, value)| FieldSeen { pointer, value: seen(&value) };
        Self {
            verdict,
            reason,
            reason_class,
            fields: fields.into_iter().map(seen).collect(),
            fuel: evaluation.fuel,
            microseconds: evaluation.duration_us,
        }
    }
}

fn seen(value: &Value) -> FieldValue {
    match value {
        Value::Absent => FieldValue::Absent,
        Value::Null => FieldValue::Null,
        Value::Boolean(boolean) => FieldValue::Boolean(*boolean),
        Value::Integer(integer) => FieldValue::Integer(*integer),
        Value::Float(float) => FieldValue::Float(*float),
        Value::Text(text) => FieldValue::Text(text.to_string()),
        Value::Many(scalars) => FieldValue::Many(scalars.iter().map(seen_scalar).collect()),
        Value::Json(text) => FieldValue::Json(text.to_string()),
    }
}

fn seen_scalar(scalar: &Scalar) -> FieldScalar {
    match scalar {
        Scalar::Null => FieldScalar::Null,
        Scalar::Boolean(boolean) => FieldScalar::Boolean(*boolean),
        Scalar::Integer(integer) => FieldScalar::Integer(*integer),
        Scalar::Float(float) => FieldScalar::Float(*float),
        Scalar::Text(text) => FieldScalar::Text(text.to_string()),
    }
}
