//! What happens around every handler: one line in the log, a count, the bounds of a request's head, and a problem
//! for whatever no handler answers.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use super::error::ApiError;
use crate::metrics::Metrics;
use crate::model::limits::{REQUEST_HEADERS_BYTES_MAX, REQUEST_HEADERS_MAX, REQUEST_URL_BYTES_MAX};

/// Puts the layers around `router`, whose routes must all be there.
pub(super) fn around<S: Clone + Send + Sync + 'static>(router: Router<S>, metrics: Arc<Metrics>) -> Router<S> {
    router
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(check_head))
        .layer(from_fn_with_state(metrics, log))
}

/// Refuses a head that is too long before any of its parts is looked at.
async fn check_head(request: Request, next: Next) -> Response {
    match fits(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn fits(uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
    if uri.path_and_query().map_or(0, |whole| whole.as_str().len()) > REQUEST_URL_BYTES_MAX {
        let detail = format!("path and query have more than {REQUEST_URL_BYTES_MAX} bytes; send less in the query");
        return Err(ApiError::new(StatusCode::URI_TOO_LONG, "URI_TOO_LONG", detail));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > REQUEST_HEADERS_MAX || bytes > REQUEST_HEADERS_BYTES_MAX {
        let detail = format!(
            "a request has at most {REQUEST_HEADERS_MAX} headers of {REQUEST_HEADERS_BYTES_MAX} bytes in all; send fewer or shorter ones"
        );
        return Err(ApiError::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "HEADERS_TOO_LARGE", detail));
    }
    Ok(())
}

/// Logs the route as it is written in the contract, so that the line has no ids, and never bodies,
/// headers or queries.
async fn log(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map_or("(no route)", MatchedPath::as_str);
    let span = tracing::info_span!("request", %method, path);
    let response = next.run(request).instrument(span).await;
    metrics.count_request(response.status().as_u16());
    let latency_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::info!(%method, path, status = response.status().as_u16(), latency_us, "answered");
    response
}

/// The path is not repeated: a secret may have slipped into it, and answers end up in logs.
async fn no_route() -> ApiError {
    let detail = "there is no such route; `/openapi.json` lists what there is";
    ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail)
}

/// The `Allow` header is the router's.
async fn no_method(method: Method) -> ApiError {
    let detail = format!("this route does not take {method}; the `Allow` header lists what it takes");
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
        let router = around(Router::new().route("/panics", panics), Arc::default());
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
