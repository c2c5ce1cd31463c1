//! What happens around every handler: one line in the log, and a problem for whatever no handler
//! answers.

use std::any::Any;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use super::error::ApiError;

/// Puts the layers around `router`, whose routes must all be there.
pub(super) fn around<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(log))
}

/// Logs the route as it is written in the contract, so that the line has no ids, and never bodies,
/// headers or queries.
async fn log(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map_or("(no route)", MatchedPath::as_str);
    let span = tracing::info_span!("request", %method, path);
    let response = next.run(request).instrument(span).await;
    let latency_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::info!(%method, path, status = response.status().as_u16(), latency_us, "answered");
    response
}

async fn no_route(method: Method, uri: Uri) -> ApiError {
    let detail = format!("there is no {method} {}; `/openapi.json` lists what there is", uri.path());
    ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail)
}

/// The `Allow` header is the router's.
async fn no_method(method: Method, uri: Uri) -> ApiError {
    let detail = format!("{} does not take {method}; the `Allow` header lists what it takes", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail)
}

#[expect(clippy::needless_pass_by_value, reason = "the layer calls it with the panic's own box")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("(not text)"), "a handler panicked");
    ApiError::internal().into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::header;
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::wire::Problem;

    async fn call(method: &str, path: &str) -> (Response, Problem) {
        let panics = get(async || -> StatusCode { panic!("the tea is cold") });
        let router = around(Router::new().route("/panics", panics));
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(parts, Body::empty()), serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn an_unknown_route_is_a_problem() {
        let (response, problem) = call("GET", "/nowhere").await;

        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(problem.code, "NOT_FOUND");
    }

    #[tokio::test]
    async fn a_wrong_method_is_a_problem_that_lists_the_right_ones() {
        let (response, problem) = call("PUT", "/panics").await;

        assert_eq!((response.status().as_u16(), problem.code.as_str()), (405, "METHOD_NOT_ALLOWED"));
        assert_eq!(response.headers()[header::ALLOW], "GET,HEAD");
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_does_not_tell_its_message() {
        let (response, problem) = call("GET", "/panics").await;

        assert_eq!((response.status().as_u16(), problem.code.as_str()), (500, "INTERNAL"));
        assert!(!problem.detail.contains("tea"));
    }
}
