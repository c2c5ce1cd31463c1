//! The REST door: HTTP in, use cases called, problems out.
//!
//! Nothing is decided here. A handler takes the request apart, calls one use case of
//! [`service`](crate::service) and shapes its answer; [`error`] turns every refusal into one shape.
//! Routes and the OpenAPI document come from the same list ([`routes()`]), so neither has a call that
//! the other lacks.
//!
//! Neither logged nor shown: bodies, tokens, headers, and the causes of our own faults, which are
//! logged once where they become an answer.

mod auth;
mod batch;
mod body;
mod error;
mod extract;
mod layers;
mod openapi;
mod rest;
mod serve;
mod strict;
mod uploads;

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::limits::BATCHES_AT_ONCE_MAX;
use crate::service::Service;
use uploads::Uploads;

pub use serve::serve;

/// What the handlers work with.
#[derive(Clone)]
pub struct ApiState {
    /// The use cases.
    pub service: Arc<Service>,
    /// Bytes that an uploaded filter may have; more are refused while they come in.
    pub module_bytes_max: usize,
    uploads: Uploads,
    batches: Arc<Semaphore>,
}

impl ApiState {
    /// For one router.
    #[must_use]
    pub fn new(service: Arc<Service>, module_bytes_max: usize) -> Self {
        let batches = Arc::new(Semaphore::new(BATCHES_AT_ONCE_MAX));
        Self { service, module_bytes_max, uploads: Uploads::default(), batches }
    }
}

/// Every route, ready to be served.
pub fn router(state: ApiState) -> Router {
    let (router, document) = routes().split_for_parts();
    let document: Arc<str> = openapi::to_text(&document).into();
    let openapi_json = get(async move || ([(header::CONTENT_TYPE, "application/json")], document.to_string()));
    layers::around(router.route("/openapi.json", openapi_json)).with_state(state)
}

/// Every documented route.
fn routes() -> OpenApiRouter<ApiState> {
    use rest::{batch, deliveries, event_types, events, filters, health, people, verdicts, webhooks};

    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(events::send_event, events::list_events))
        .routes(routes!(batch::send_events))
        .routes(routes!(events::get_event))
        .routes(routes!(verdicts::list_event_verdicts))
        .routes(routes!(event_types::list_event_types))
        .routes(routes!(event_types::put_event_type))
        .routes(routes!(webhooks::create_webhook, webhooks::list_webhooks))
        .routes(routes!(webhooks::get_webhook, webhooks::update_webhook, webhooks::delete_webhook))
        .routes(routes!(deliveries::list_deliveries))
        .routes(routes!(deliveries::get_delivery))
        .routes(routes!(verdicts::list_verdicts))
        .routes(routes!(filters::upload_filter, filters::list_filters))
        .routes(routes!(filters::get_filter, filters::delete_filter))
        .routes(routes!(filters::get_filter_wasm))
        .routes(routes!(filters::evaluate_filter))
        .routes(routes!(people::put_user))
        .routes(routes!(people::create_token))
        .routes(routes!(people::revoke_token))
        .routes(routes!(people::put_project))
        .routes(routes!(people::add_member, people::remove_member))
        .routes(routes!(health::get_health))
        .routes(routes!(health::get_readiness))
}
