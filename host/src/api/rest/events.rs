//! Events, one at a time and listed.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use super::{Result, page};
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::extract::{JsonBytes, Path, Query, traceparent};
use crate::api::openapi::{Refusals, WriteRefusals};
use crate::service::{AcceptedEvent, EventFilter};
use crate::wire;

/// Accept an event
///
/// For the operator. It is on disk when this answers, and is then matched, filtered and delivered. The
/// same event under the same `id` is accepted once, however its JSON is spelled and in whatever order its
/// members are; another event under that `id` is refused with `CONFLICT`.
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
    headers: HeaderMap,
    JsonBytes(body): JsonBytes,
) -> Result<(StatusCode, Json<wire::AcceptedEvent>)> {
    let accepted = state.service.accept_event(&caller, &body, traceparent(&headers)).await?;
    Ok((StatusCode::ACCEPTED, Json(accepted.into())))
}

/// List events
///
/// By the time of acceptance. For the operator all events; for a user those of the projects that they are a
/// member of now. A page may have fewer events than asked for, or none, where they are large or a type is rare:
/// `nextCursor` says whether there are more.
#[utoipa::path(get, path = "/v1/events", tag = "events", params(wire::EventsQuery), responses(
    (status = 200, description = "A page of events, newest first.", body = wire::EventPage),
    Refusals,
))]
pub(crate) async fn list_events(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Query(query): Query<wire::EventsQuery>,
) -> Result<Json<wire::EventPage>> {
    let wire::EventsQuery { event, project_id, since, until, limit, cursor } = query;
    let filter = EventFilter { event_type: event, project_id, since, until };
    let events = state.service.events(&caller, filter, limit, cursor.as_deref()).await?;
    Ok(page(events, |stored| (&stored).into()))
}

/// Show an event
///
/// For the operator any; for a user those of their projects, and those that were for one of their webhooks while
/// they were a member; a test only for the owner of its webhook.
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

impl From<AcceptedEvent> for wire::AcceptedEvent {
    fn from(accepted: AcceptedEvent) -> Self {
        Self { id: accepted.id.to_string(), duplicate: accepted.is_duplicate }
    }
}
