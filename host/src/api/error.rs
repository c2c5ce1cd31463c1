//! Every refusal in one shape: a problem of RFC 9457.
//!
//! Whose fault it is decides what is told. The caller's: what is wrong, where, and the remedy. Ours:
//! that it is ours, and no more; the cause goes to the log, once, here.

use std::error::Error;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::model::storage::StorageFault;
use crate::service::{Noun, ServiceError};
use crate::wire;

/// Seconds after which trying again can help when we are busy or the store fails.
const RETRY_AFTER_SECS: u64 = 1;

/// A refusal, on its way to the caller.
#[derive(Debug)]
pub(super) struct ApiError {
    problem: Box<wire::Problem>,
    /// When trying again can help.
    retry_after_secs: Option<u64>,
}

impl ApiError {
    /// A refusal with no list of fields.
    pub(super) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let problem = Box::new(wire::Problem {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            errors: Vec::new(),
            storage: None,
        });
        let retry_after_secs = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_SECS);
        Self { problem, retry_after_secs }
    }

    /// One field, or with an empty pointer the whole body, that cannot be taken.
    pub(super) fn bad_field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let violation = wire::Violation { pointer: pointer.into(), detail: detail.into() };
        Self::bad_input(violation.detail.clone(), vec![violation])
    }

    fn bad_input(detail: String, errors: Vec<wire::Violation>) -> Self {
        let mut error = Self::new(StatusCode::BAD_REQUEST, "BAD_USER_INPUT", detail);
        error.problem.errors = errors;
        error
    }

    /// One request too many; `wait` is how long the next one has to.
    pub(super) fn rate_limited(what: &str, wait: Duration) -> Self {
        // Up to whole seconds, which is all that the header can say.
        let secs = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let detail = format!("{what}; try again in {secs} s");
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", detail);
        Self { retry_after_secs: Some(secs), ..error }
    }

    /// Something of ours that went wrong; whoever makes this has logged it.
    pub(super) fn internal() -> Self {
        let detail = "the host made a mistake; its log says which";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", detail)
    }

    /// The refusal of one of several things that were asked for in one call.
    pub(super) fn into_refused_event(self) -> wire::RefusedEvent {
        let wire::Problem { code, detail, errors, .. } = *self.problem;
        wire::RefusedEvent { code, detail, errors }
    }

    /// What is told.
    pub(super) fn problem(&self) -> &wire::Problem {
        &self.problem
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        let detail = error.to_string();
        match error {
            ServiceError::BadInput { violations, .. } => {
                let errors = violations
                    .into_iter()
                    .map(|violation| wire::Violation { pointer: violation.pointer, detail: violation.detail });
                Self::bad_input(detail, errors.collect())
            }
            ServiceError::Unauthenticated => Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", detail),
            ServiceError::Unauthorized(_) => Self::new(StatusCode::FORBIDDEN, "UNAUTHORIZED", detail),
            ServiceError::NotFound(noun) => Self::new(StatusCode::NOT_FOUND, not_found(noun), detail),
            ServiceError::Conflict(_) => Self::new(StatusCode::CONFLICT, "CONFLICT", detail),
            ServiceError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "BUSY", detail),
            ServiceError::Full => Self::new(StatusCode::INSUFFICIENT_STORAGE, "STORAGE_FULL", detail),
            ServiceError::NotReady { fault, since } => {
                let (status, code) = match fault {
                    StorageFault::Full => (StatusCode::INSUFFICIENT_STORAGE, "STORAGE_FULL"),
                    _ => (StatusCode::SERVICE_UNAVAILABLE, "STORAGE_UNAVAILABLE"),
                };
                let mut error = Self::new(status, code, detail);
                error.problem.storage = Some(wire::StorageTrouble::new(fault, since));
                error
            }
            ServiceError::Storage(_) => {
                log(&error);
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "STORAGE_UNAVAILABLE", detail)
            }
            ServiceError::Statement(_) | ServiceError::Internal(_) => {
                log(&error);
                Self::internal()
            }
        }
    }
}

fn not_found(noun: Noun) -> &'static str {
    match noun {
        Noun::Webhook => "WEBHOOK_NOT_FOUND",
        Noun::Filter => "FILTER_NOT_FOUND",
        Noun::Event => "EVENT_NOT_FOUND",
        Noun::Delivery => "DELIVERY_NOT_FOUND",
        Noun::Replay => "REPLAY_NOT_FOUND",
        Noun::Token => "TOKEN_NOT_FOUND",
        Noun::User => "USER_NOT_FOUND",
        Noun::Project => "PROJECT_NOT_FOUND",
    }
}

/// The error and all its causes, in one line.
fn log(error: &ServiceError) {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    tracing::error!(error = line, "a request failed through our fault");
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.problem).expect("a problem is text and numbers only");
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"hooksieve\""));
        }
        if let Some(secs) = self.retry_after_secs {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Violation;

    fn told(error: ServiceError) -> (u16, String) {
        let problem = ApiError::from(error).problem;
        (problem.status, problem.code)
    }

    #[test]
    fn each_refusal_has_its_status_and_code() {
        assert_eq!(told(ServiceError::Unauthenticated), (401, "UNAUTHENTICATED".to_owned()));
        assert_eq!(told(ServiceError::Unauthorized("no")), (403, "UNAUTHORIZED".to_owned()));
        assert_eq!(told(ServiceError::NotFound(Noun::Webhook)), (404, "WEBHOOK_NOT_FOUND".to_owned()));
        assert_eq!(told(ServiceError::Conflict("no".to_owned())), (409, "CONFLICT".to_owned()));
        assert_eq!(told(ServiceError::Busy), (503, "BUSY".to_owned()));
        assert_eq!(told(ServiceError::Full), (507, "STORAGE_FULL".to_owned()));
    }

    #[test]
    fn a_bad_field_is_told_with_its_pointer() {
        let violation = Violation { pointer: "/url".to_owned(), detail: "it has a blank".to_owned() };
        let error = ServiceError::BadInput { detail: "url is not valid".to_owned(), violations: vec![violation] };

        let problem = ApiError::from(error).problem;

        assert_eq!(
            serde_json::to_string(&problem).unwrap(),
            r#"{"type":"about:blank","title":"Bad Request","status":400,"code":"BAD_USER_INPUT","detail":"url is not valid","errors":[{"pointer":"/url","detail":"it has a blank"}]}"#
        );
    }

    #[test]
    fn the_cause_of_our_own_fault_is_not_shown() {
        let problem = ApiError::from(ServiceError::Internal("the tea is cold".to_owned())).problem;

        assert_eq!((problem.status, problem.code.as_str()), (500, "INTERNAL"));
        assert!(!problem.detail.contains("tea"));
    }

    #[test]
    fn a_caller_without_a_token_is_told_how_to_authenticate() {
        let response = ApiError::from(ServiceError::Unauthenticated).into_response();

        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer realm=\"hooksieve\"");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }

    #[test]
    fn one_request_too_many_says_in_whole_seconds_when_to_come_back() {
        for (wait, secs) in [(Duration::from_nanos(1), "1"), (Duration::from_secs(2), "2")] {
            let response = ApiError::rate_limited("too many", wait).into_response();

            assert_eq!(
                (response.status().as_u16(), response.headers()[header::RETRY_AFTER].as_bytes()),
                (429, secs.as_bytes())
            );
        }
    }

    #[test]
    fn a_busy_host_says_when_to_come_back() {
        let response = ApiError::from(ServiceError::Busy).into_response();

        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }
}
