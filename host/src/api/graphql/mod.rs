//! The GraphQL door: Blue's webhook API, by Blue's names, which stand nowhere else.
//!
//! A request goes through the token, the body, then [`tokens`] and [`weight`], which refuse in milliseconds
//! what would take long, and only then the library. [`mod@schema`] has the fields, [`input`] and [`answer`] the
//! types; each field calls one use case, the same that REST calls. What Blue's schema lacks are optional
//! fields beside its own, so Blue's clients never meet them.
//!
//! It refuses batches and GET, and shows no cause of a fault of ours. `X-Bloo-Company-ID`, which Blue's
//! clients send, says nothing here: a user's webhooks are their own in whatever company.

mod answer;
mod budget;
mod events;
mod excess;
mod health;
mod input;
mod media;
mod operation;
mod refusal;
mod request;
mod scalars;
mod schema;
mod tokens;
mod weight;

use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::response::Response;

use super::ApiState;
use super::auth::Auth;
use super::extract::JsonBytes;
use media::Media;
use request::Outcome;

pub(super) use schema::{BlueSchema, schema};

/// Answers one request.
pub(super) async fn execute(State(state): State<ApiState>, request: Request) -> Response {
    let media = Media::accepted_by(request.headers());
    let outcome = outcome(&state, request).await.unwrap_or_else(Outcome::Refused);
    media.respond(outcome)
}

async fn outcome(state: &ApiState, request: Request) -> Result<Outcome, super::error::ApiError> {
    let (mut parts, body) = request.into_parts();
    let Auth(caller) = Auth::from_request_parts(&mut parts, state).await?;
    let JsonBytes(bytes) = JsonBytes::from_request(Request::from_parts(parts, body), state).await?;
    request::run(state, caller, &bytes).await
}
