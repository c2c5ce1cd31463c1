//! The doors of HTTP, REST and GraphQL: requests in, use cases called, answers and refusals out.
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
mod gate;
mod graphql;
mod layers;
mod openapi;
mod patience;
mod rate;
mod rest;
mod serve;
mod strict;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::{get, post};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::limits::{BATCHES_AT_ONCE_MAX, UPLOADS_AT_ONCE_MAX};
use crate::model::secret::Secret;
use crate::model::token::Caller;
use crate::service::{Places, Service};
use gate::Gate;

pub use gate::RateLimits;
pub use rate::Rate;
pub use serve::serve;

/// What an operator can set of this door.
#[derive(Debug)]
pub struct ApiOptions {
    /// Bytes that an uploaded filter may have; more are refused while they come in.
    pub module_bytes_max: usize,
    /// How often who may call.
    pub rates: RateLimits,
    /// Who may read the metrics.
    pub metrics: MetricsAccess,
}

/// Who may read the metrics, beside operators.
#[derive(Clone, Debug, Default)]
pub struct MetricsAccess {
    /// Anyone.
    pub is_public: bool,
    /// Whoever has this token, which is good for nothing else.
    pub token: Option<Secret>,
}

impl MetricsAccess {
    /// Whether `given` is the token; told in a time that says nothing of how much of it is right.
    fn is_token(&self, given: &str) -> bool {
        let is_it = |token: &Secret| token.expose().as_bytes().ct_eq(given.as_bytes()).into();
        self.token.as_ref().is_some_and(is_it)
    }
}

/// What the handlers work with.
#[derive(Clone)]
pub struct ApiState {
    /// The use cases.
    pub service: Arc<Service>,
    /// Bytes that an uploaded filter may have; more are refused while they come in.
    pub module_bytes_max: usize,
    /// Each upload may hold tens of megabytes, and then a compiler; one caller has one, so that none takes them all.
    uploads: Arc<Places<Caller>>,
    batches: Arc<Semaphore>,
    gate: Arc<Gate>,
    metrics: MetricsAccess,
    graphql: graphql::BlueSchema,
}

impl ApiState {
    /// For one router.
    #[must_use]
    pub fn new(service: Arc<Service>, options: ApiOptions) -> Self {
        let ApiOptions { module_bytes_max, rates, metrics } = options;
        Self {
            gate: Arc::new(Gate::new(rates, Arc::clone(service.metrics()))),
            service,
            module_bytes_max,
            uploads: Arc::new(Places::new(UPLOADS_AT_ONCE_MAX, 1)),
            batches: Arc::new(Semaphore::new(BATCHES_AT_ONCE_MAX)),
            metrics,
            graphql: graphql::schema(),
        }
    }
}

/// Every route, ready to be served.
pub fn router(state: ApiState) -> Router {
    let (router, document) = routes().split_for_parts();
    let document = Bytes::from(openapi::to_text(&document));
    let openapi_json = get(async move || ([(header::CONTENT_TYPE, "application/json")], document.clone()));
    let metrics = Arc::clone(state.service.metrics());
    let router = router.route("/openapi.json", openapi_json).route("/graphql", post(graphql::execute));
    layers::around(router, metrics).with_state(state)
}

/// Every documented route.
fn routes() -> OpenApiRouter<ApiState> {
    use rest::{
        backtest, batch, deliveries, event_types, events, filters, health, hooks, people, replays, secrets, stats,
        test_sends, verdicts, webhooks,
    };

    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(events::send_event, events::list_events))
        .routes(routes!(batch::send_events))
        .routes(routes!(events::get_event))
        .routes(routes!(verdicts::list_event_verdicts))
        .routes(routes!(event_types::list_event_types))
        .routes(routes!(event_types::put_event_type))
        .routes(routes!(webhooks::create_webhook, webhooks::list_webhooks))
        .routes(routes!(webhooks::get_webhook, webhooks::update_webhook, webhooks::delete_webhook))
        .routes(routes!(webhooks::disable_webhook))
        .routes(routes!(secrets::rotate_secret))
        .routes(routes!(test_sends::test_webhook))
        .routes(routes!(deliveries::list_deliveries))
        .routes(routes!(deliveries::get_delivery))
        .routes(routes!(deliveries::retry_delivery))
        .routes(routes!(replays::replay_webhook))
        .routes(routes!(replays::list_replays))
        .routes(routes!(replays::get_replay))
        .routes(routes!(replays::cancel_replay))
        .routes(routes!(verdicts::list_verdicts))
        .routes(routes!(stats::get_webhook_stats))
        .routes(routes!(backtest::backtest_filter))
        .routes(routes!(filters::upload_filter, filters::list_filters))
        .routes(routes!(filters::get_filter, filters::delete_filter))
        .routes(routes!(filters::get_filter_wasm))
        .routes(routes!(filters::evaluate_filter))
        .routes(routes!(hooks::create_hook))
        .routes(routes!(hooks::delete_hook))
        .routes(routes!(hooks::list_hook_samples))
        .routes(routes!(people::put_user))
        .routes(routes!(people::create_token))
        .routes(routes!(people::revoke_token))
        .routes(routes!(people::put_project))
        .routes(routes!(people::add_member, people::remove_member))
        .routes(routes!(health::get_health))
        .routes(routes!(health::get_readiness))
        .routes(routes!(health::get_metrics))
}
