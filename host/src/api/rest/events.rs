//! Events and the catalogue of their types.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::{Result, whole};
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::extract::{JsonBody, JsonBytes, Path};
use crate::api::openapi::{Refusals, WriteRefusals};
use crate::service::{AcceptedEvent, CustomEventType};
use crate::wire;

/// Accept an event
///
/// For the operator. It is on disk when this answers, and is then matched, filtered and delivered. The
/// same event under the same `id` is accepted once; another event under that `id` is refused with
/// `CONFLICT`.
#[utoipa::path(post, path = "/v1/events", tag = "events", request_body = wire::NewEvent, responses(
    (status = 202, description = "The event is on disk.", body = wire::AcceptedEvent, links(
        ("GetEvent" = (operation_id = "get_event", parameters(("id" = "$response.body#/id")))),
        ("ListEventVerdicts" = (operation_id = "list_event_verdicts", parameters(("id" = "$response.body#/id")))),
    )),
    WriteRefusals,
))]
pub(crate) async fn send_event(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    JsonBytes(body): JsonBytes,
) -> Result<(StatusCode, Json<wire::AcceptedEvent>)> {
    let accepted = state.service.accept_event(&caller, &body).await?;
    Ok((StatusCode::ACCEPTED, Json(accepted.into())))
}

/// Show an event
///
/// For the operator any; for a user those of their projects, and those that one of their webhooks has a
/// verdict on.
#[utoipa::path(get, path = "/v1/events/{id}", tag = "events", params(("id" = String, Path, description = "The event.")),
    responses((status = 200, description = "The event.", body = wire::Event), Refusals))]
pub(crate) async fn get_event(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
) -> Result<Json<wire::Event>> {
    let stored = state.service.event(&caller, &id).await?;
    Ok(Json((&stored).into()))
}

/// List the event types
///
/// Blue's, in the order of its API document, then those that the operator added. All of them: the list
/// has one page.
#[utoipa::path(get, path = "/v1/event-types", tag = "events", responses(
    (status = 200, description = "Every event type.", body = wire::EventTypePage),
    Refusals,
))]
pub(crate) async fn list_event_types(
    State(state): State<ApiState>,
    Auth(_): Auth,
) -> Result<Json<wire::EventTypePage>> {
    let custom = state.service.custom_event_types().await?;
    let built_in = state.service.catalogue().types().iter().map(wire::EventType::from);
    Ok(whole(built_in.chain(custom.into_iter().map(Into::into)).collect()))
}

/// Add an event type, or change one that was added
///
/// For the operator. The built-in types cannot be changed.
#[utoipa::path(put, path = "/v1/event-types/{name}", tag = "events", request_body = wire::PutEventType,
    params(("name" = inline(wire::EventTypeName), Path, description = "The event type.")),
    responses((status = 200, description = "The event type.", body = wire::EventType), WriteRefusals))]
pub(crate) async fn put_event_type(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(name): Path<String>,
    JsonBody(put): JsonBody<wire::PutEventType>,
) -> Result<Json<wire::EventType>> {
    let event_type = state.service.put_event_type(&caller, &name, put.description, put.group).await?;
    Ok(Json(event_type.into()))
}

impl From<AcceptedEvent> for wire::AcceptedEvent {
    fn from(accepted: AcceptedEvent) -> Self {
        Self { id: accepted.id.to_string(), duplicate: accepted.is_duplicate }
    }
}

impl From<CustomEventType> for wire::EventType {
    fn from(custom: CustomEventType) -> Self {
        Self {
            name: custom.name.to_string(),
            group: custom.group,
            description: custom.description,
            built_in: false,
            example: None,
        }
    }
}
