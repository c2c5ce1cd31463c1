//! The HTTP side of an answer, as "GraphQL over HTTP" has it.
//!
//! A client that asks for `application/graphql-response+json` is told by the status whether its request was
//! one. Every other gets `application/json` and 200 for whatever was JSON with a query, as Blue's clients
//! expect; its errors are in `errors`.

use async_graphql::{ServerError, Value};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::refusal;
use super::request::Outcome;
use crate::api::error::ApiError;

/// In which type a client is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`.
    Json,
    /// `application/graphql-response+json`.
    GraphqlResponse,
}

/// The body of an answer. Without `data` nothing was executed.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
}

impl Media {
    /// The type that the client likes best; where it likes both as much, the one it names first.
    pub(super) fn accepted_by(headers: &HeaderMap) -> Self {
        let mut best = (0, Self::Json);
        let values = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
        for range in values.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let media = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/graphql-response+json" => Self::GraphqlResponse,
                "application/json" | "application/*" | "*/*" => Self::Json,
                _ => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
            if quality > best.0 {
                best = (quality, media);
            }
        }
        best.1
    }

    /// The answer.
    pub(super) fn respond(self, outcome: Outcome) -> Response {
        match outcome {
            Outcome::Executed(data, errors) => self.write(StatusCode::OK, Some(&data), &errors),
            Outcome::Invalid(errors) => self.write(self.if_told(StatusCode::BAD_REQUEST), None, &errors),
            Outcome::Refused(refused) => self.refuse(refused),
        }
    }

    /// A refusal keeps its headers, and its status but for the one of a client that is told by errors alone.
    fn refuse(self, refused: ApiError) -> Response {
        let error = refusal::from_api(&refused);
        let plain = refused.into_response();
        let status = match plain.status() {
            StatusCode::UNAUTHORIZED => self.if_told(StatusCode::UNAUTHORIZED),
            status => status,
        };
        let mut response = self.write(status, None, &[error]);
        for name in [header::WWW_AUTHENTICATE, header::RETRY_AFTER] {
            if let Some(value) = plain.headers().get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        response
    }

    fn if_told(self, status: StatusCode) -> StatusCode {
        match self {
            Self::Json => StatusCode::OK,
            Self::GraphqlResponse => status,
        }
    }

    fn write(self, status: StatusCode, data: Option<&Value>, errors: &[ServerError]) -> Response {
        let body = serde_json::to_vec(&Body { errors, data }).expect("a GraphQL value has text as keys");
        let name = match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        };
        let mut response = (status, body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(name));
        response
    }
}

/// A quality such as `0.25` in thousandths; 0 for what is none.
fn thousandths(quality: &str) -> u32 {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let fraction = format!("{fraction:0<3}");
    let number = format!("{whole}{}", fraction.get(..3).unwrap_or_default());
    number.parse().unwrap_or(0).min(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(accept: &str) -> Media {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        Media::accepted_by(&headers)
    }

    #[test]
    fn the_type_is_the_one_that_the_client_likes_best() {
        const STRICT: &str = "application/graphql-response+json";

        assert_eq!(Media::accepted_by(&HeaderMap::new()), Media::Json);
        for lenient in
            ["", "*/*", "text/html", "application/json", "application/json, application/graphql-response+json"]
        {
            assert_eq!(accepted(lenient), Media::Json, "{lenient}");
        }
        for strict in [
            STRICT.to_owned(),
            format!("{STRICT}; charset=utf-8, application/json; charset=utf-8"),
            format!("application/json;q=0.9, {STRICT};q=1.0"),
            "text/html, Application/GraphQL-Response+JSON".to_owned(),
            format!("*/*;q=0.05, {STRICT};q=0.25"),
        ] {
            assert_eq!(accepted(&strict), Media::GraphqlResponse, "{strict}");
        }
        assert_eq!(accepted(&format!("{STRICT};q=0, */*")), Media::Json);
        assert_eq!(accepted(&format!("{STRICT};q=0.8, application/json;q=0.81")), Media::Json);
    }
}
