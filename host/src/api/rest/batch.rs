//! Many events in one call.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;

use super::Result;
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::batch::BatchBody;
use crate::api::error::ApiError;
use crate::api::extract::traceparent;
use crate::api::openapi::WriteRefusals;
use crate::wire::{self, BatchResult};

/// Accept many events
///
/// For the operator. At most 1000 events in at most 8 MiB, each of at most 1 MiB: a JSON array, or one event a
/// line. Each is taken or refused on its own, as if it were posted alone; those that were accepted are on
/// disk when this answers, in one commit. An array that is not JSON is refused whole, a line that is not JSON
/// alone. If the call itself fails, nothing was accepted.
#[utoipa::path(post, path = "/v1/events/batch", tag = "events",
    request_body(description = "The events.", content(
        (Vec<wire::NewEvent> = "application/json"),
        (String = "application/x-ndjson"),
    )),
    responses(
        (status = 202, description = "What became of each event, in their order.", body = wire::BatchResults),
        WriteRefusals,
    ))]
pub(crate) async fn send_events(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    request: Request,
) -> Result<(StatusCode, Json<wire::BatchResults>)> {
    state.service.may_send_events(&caller)?;
    // Whoever waits here has sent no more than the network holds.
    let _place = state.batches.acquire().await.expect("the semaphore is never closed");
    let traceparent = traceparent(request.headers()).map(str::to_owned);
    let batch = BatchBody::from_request(request, &state).await?;
    let answers = state.service.accept_events(&caller, &batch.items()?, traceparent.as_deref()).await?;
    let result = |answer| match answer {
        Ok(accepted) => BatchResult::Accepted(wire::AcceptedEvent::from(accepted)),
        Err(refused) => BatchResult::Refused { error: ApiError::from(refused).into_refused_event() },
    };
    let results = answers.into_iter().map(result).collect();
    Ok((StatusCode::ACCEPTED, Json(wire::BatchResults { results })))
}
