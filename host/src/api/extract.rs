//! Taking a request apart. Every refusal is a problem that names the offending field by its pointer.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use super::ApiState;
use super::body::{self, BodyLimits};
use super::error::ApiError;
use super::strict::Strict;
use crate::model::limits::{REQUEST_BODY_BYTES_MAX, REQUEST_BODY_TIME_MAX, UPLOAD_TIME_MAX};
use crate::model::pointer::{pointer, refusal, without_secrets};

/// The bounds of a JSON body.
const JSON_LIMITS: BodyLimits = BodyLimits { bytes_max: REQUEST_BODY_BYTES_MAX, time_max: REQUEST_BODY_TIME_MAX };

/// The `traceparent` of a request. Two of them are none (W3C Trace Context).
pub(super) fn traceparent(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all("traceparent").iter();
    all.next().filter(|_| all.next().is_none())?.to_str().ok()
}

/// A JSON body that a use case reads by itself.
pub(super) struct JsonBytes(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        body::check_type(request.headers(), "application/json")?;
        body::read(request.into_body(), JSON_LIMITS).await.map(Self)
    }
}

/// A JSON body.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let JsonBytes(bytes) = JsonBytes::from_request(request, state).await?;
        from_json(&bytes).map(Self)
    }
}

/// A JSON body all of whose members are optional, so that no body at all, or `null`, says the same as `{}`.
pub(super) struct OptionalJsonBody<T>(pub(super) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, unread) = request.into_parts();
        let bytes = body::read(unread, JSON_LIMITS).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        body::check_type(&parts.headers, "application/json")?;
        if bytes.trim_ascii() == b"null" {
            return Ok(Self(T::default()));
        }
        from_json(&bytes).map(Self)
    }
}

/// An uploaded filter.
pub(super) struct WasmBytes(pub(super) Bytes);

impl FromRequest<ApiState> for WasmBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        body::check_type(request.headers(), "application/wasm")?;
        let limits = BodyLimits { bytes_max: state.module_bytes_max, time_max: UPLOAD_TIME_MAX };
        body::read_into_pages(request.into_body(), limits).await.map(Self)
    }
}

/// The parameters of the path, percent-decoded.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) if rejection.status() == StatusCode::BAD_REQUEST => {
                Err(ApiError::bad_field("", format!("the path cannot be read: {}", rejection.body_text())))
            }
            Err(rejection) => {
                tracing::error!(error = rejection.body_text(), "a route and its handler do not fit");
                Err(ApiError::internal())
            }
        }
    }
}

/// The parameters of the query; one that is not known is refused.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(pairs).map(Self).map_err(|error| {
            let (place, message) = without_secrets(pointer(error.path()), &error.inner().to_string());
            ApiError::bad_field(place, message)
        })
    }
}

/// A JSON object.
pub(super) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(ApiError::bad_field("", "the body is to be a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Strict(&mut json)).map_err(|error| {
        let (place, message) = refusal(&error);
        ApiError::bad_field(place, message)
    })?;
    json.end().map_err(|error| ApiError::bad_field("", error.to_string()))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::header;

    use super::*;
    use crate::wire::{self, DeliveriesQuery, NewWebhook, Problem, PutUser};

    async fn refused<T: DeserializeOwned>(text: &str) -> Problem {
        let request = Request::builder()
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(text.to_owned()))
            .unwrap();
        let refused = JsonBody::<T>::from_request(request, &()).await;
        refused.err().expect("the body should be refused").problem().clone()
    }

    async fn query<T: DeserializeOwned>(uri: &str) -> Result<T, Problem> {
        let (mut parts, ()) = Request::builder().uri(uri).body(()).unwrap().into_parts();
        let read = Query::<T>::from_request_parts(&mut parts, &()).await;
        read.map(|Query(value)| value).map_err(|error| error.problem().clone())
    }

    #[tokio::test]
    async fn an_unknown_member_is_refused_with_its_pointer_and_the_known_ones() {
        let problem = refused::<NewWebhook>(r#"{"url":"https://a.example","filter":{"id":"x","on/error~":1}}"#).await;

        assert_eq!(problem.code, "BAD_USER_INPUT");
        assert_eq!(problem.errors[0].pointer, "/filter/on~1error~0");
        assert!(problem.detail.contains("`id`, `config`, `onError`"), "{}", problem.detail);
    }

    #[tokio::test]
    async fn a_member_of_a_wrong_type_is_named_by_its_place() {
        let problem = refused::<NewWebhook>(r#"{"url":"https://a.example","events":["A",7]}"#).await;

        assert_eq!(problem.errors[0].pointer, "/events/1");
    }

    #[tokio::test]
    async fn an_array_is_not_taken_for_an_object_further_down_either() {
        let problem = refused::<NewWebhook>(r#"{"url":"https://a.example","filter":["x",{"a":1}]}"#).await;

        assert_eq!(problem.errors[0].pointer, "/filter");
        assert!(problem.detail.contains("invalid type: sequence"), "{}", problem.detail);
    }

    #[tokio::test]
    async fn a_wrong_word_is_answered_with_the_right_ones() {
        let problem = refused::<NewWebhook>(r#"{"url":"https://a.example","payloadFormat":"short"}"#).await;

        assert_eq!(problem.errors[0].pointer, "/payloadFormat");
        assert!(problem.detail.contains("`full` or `compact`"), "{}", problem.detail);
    }

    #[tokio::test]
    async fn what_is_not_json_is_refused_with_its_place() {
        let broken = refused::<NewWebhook>("{").await;
        let more = refused::<PutUser>("{} {}").await;

        assert!(broken.detail.contains("line 1 column 1"), "{}", broken.detail);
        assert!(more.detail.contains("trailing characters"), "{}", more.detail);
    }

    #[tokio::test]
    async fn no_body_is_as_good_as_an_empty_object_where_all_members_are_optional() {
        let empty = OptionalJsonBody::<PutUser>::from_request(Request::new(Body::empty()), &()).await.ok().unwrap();
        let null =
            Request::builder().header(header::CONTENT_TYPE, "application/json").body(Body::from("null")).unwrap();
        let null = OptionalJsonBody::<PutUser>::from_request(null, &()).await.ok().unwrap();
        let untyped = OptionalJsonBody::<PutUser>::from_request(Request::new(Body::from("{}")), &()).await;

        assert!(empty.0.name.is_none() && null.0.name.is_none());
        assert_eq!(untyped.err().unwrap().problem().status, 415);
    }

    #[tokio::test]
    async fn a_query_is_read_by_type() {
        let uri = "/?state=failed&since=2022-12-01T11:23:09Z&limit=7";

        let read: DeliveriesQuery = query(uri).await.unwrap();

        assert_eq!((read.state, read.limit), (Some(wire::DeliveryState::Failed), Some(7)));
        assert_eq!(read.since.unwrap().to_string(), "2022-12-01T11:23:09.000Z");
    }

    #[tokio::test]
    async fn a_parameter_that_cannot_be_read_is_named() {
        for (uri, pointer) in [("/?limit=many", "/limit"), ("/?state=lost", "/state"), ("/?page=2", "/page")] {
            let problem = query::<DeliveriesQuery>(uri).await.unwrap_err();

            assert_eq!((problem.status, problem.errors[0].pointer.as_str()), (400, pointer), "{}", problem.detail);
        }
    }
}
