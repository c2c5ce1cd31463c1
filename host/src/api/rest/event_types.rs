//! The catalogue of event types.

use axum::Json;
use axum::extract::State;
use serde_json::value::RawValue;

use super::{Result, whole};
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::extract::{JsonBody, Path};
use crate::api::openapi::{Refusals, WriteRefusals};
use crate::service::{CustomEventType, NewEventType};
use crate::wire;

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
/// For the operator. The built-in types cannot be changed. At most 500 can be added.
#[utoipa::path(put, path = "/v1/event-types/{name}", tag = "events", request_body = wire::PutEventType,
    params(("name" = inline(wire::EventTypeName), Path, description = "The event type.")),
    responses((status = 200, description = "The event type.", body = wire::EventType), WriteRefusals))]
pub(crate) async fn put_event_type(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(name): Path<String>,
    JsonBody(put): JsonBody<wire::PutEventType>,
) -> Result<Json<wire::EventType>> {
    let event_type = state.service.put_event_type(&caller, &name, put.into()).await?;
    Ok(Json(event_type.into()))
}

impl From<wire::PutEventType> for NewEventType {
    fn from(put: wire::PutEventType) -> Self {
        let wire::PutEventType { description, group, example, schema } = put;
        Self { description, group, example, schema }
    }
}

impl From<CustomEventType> for wire::EventType {
    fn from(custom: CustomEventType) -> Self {
        Self {
            name: custom.name.to_string(),
            group: custom.group,
            description: custom.description,
            built_in: false,
            example: custom.example.map(canonical),
            schema: custom.schema.map(canonical),
        }
    }
}

fn canonical(text: Box<str>) -> Box<RawValue> {
    RawValue::from_string(text.into()).expect("the store holds canonical JSON only")
}
