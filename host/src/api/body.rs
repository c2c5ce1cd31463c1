//! Reading a request's body: bounded in bytes and in time.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use memmap2::MmapMut;

use super::error::ApiError;
use crate::model::limits::REQUEST_EXCESS_BYTES_MAX;

/// What a body may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimits {
    /// Bytes it may have.
    pub(super) bytes_max: usize,
    /// How long it may take to come in.
    pub(super) time_max: Duration,
}

/// The body's type without its parameters, in lower case; empty if there is none.
pub(super) fn essence(headers: &HeaderMap) -> String {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Refuses a body of another type than `expected`; `application/json` includes every `+json`.
pub(super) fn check_type(headers: &HeaderMap, expected: &'static str) -> Result<(), ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = essence(headers);
    let is_json =
        || expected == "application/json" && essence.starts_with("application/") && essence.ends_with("+json");
    if essence == expected || is_json() {
        return Ok(());
    }
    let detail = match given {
        Some(given) => format!("the body's type is {given}; send it with `Content-Type: {expected}`"),
        None => format!("the body has no type; send it with `Content-Type: {expected}`"),
    };
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", detail))
}

/// The whole body.
pub(super) async fn read(body: Body, limits: BodyLimits) -> Result<Bytes, ApiError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut kept = Vec::with_capacity(announced.min(limits.bytes_max));
    collect(body, limits, |piece| kept.extend_from_slice(piece)).await?;
    Ok(kept.into())
}

/// The whole of a body that may be large, in pages of its own, which go back to the system with it: the allocator keeps
/// blocks of tens of megabytes once some were freed.
pub(super) async fn read_into_pages(body: Body, limits: BodyLimits) -> Result<Bytes, ApiError> {
    let mut pages = MmapMut::map_anon(limits.bytes_max.max(1)).map_err(|error| {
        tracing::error!(%error, "there is no memory for an upload");
        ApiError::internal()
    })?;
    let mut length = 0;
    collect(body, limits, |piece| {
        pages[length..][..piece.len()].copy_from_slice(piece);
        length += piece.len();
    })
    .await?;
    Ok(Bytes::from_owner(pages).slice(..length))
}

/// Gives the pieces of a body to `keep`, as long as they are no more than it may have.
async fn collect(body: Body, limits: BodyLimits, keep: impl FnMut(&[u8])) -> Result<(), ApiError> {
    match tokio::time::timeout(limits.time_max, collect_all(body, limits.bytes_max, keep)).await {
        Ok(read) => read,
        Err(_) => {
            let detail = format!("the body did not come in within {} s", limits.time_max.as_secs());
            Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", detail))
        }
    }
}

async fn collect_all(mut body: Body, bytes_max: usize, mut keep: impl FnMut(&[u8])) -> Result<(), ApiError> {
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::bad_field("", "the body broke off before its end"))?;
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen <= bytes_max {
            keep(&data);
        } else if seen - bytes_max > REQUEST_EXCESS_BYTES_MAX {
            break;
        }
    }
    if seen <= bytes_max {
        return Ok(());
    }
    let detail = format!("the body has more than the {bytes_max} bytes that are allowed here");
    Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BodyLimits = BodyLimits { bytes_max: 4, time_max: Duration::from_millis(20) };

    fn checked(content_type: &str) -> Result<(), ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        check_type(&headers, "application/json")
    }

    #[tokio::test]
    async fn a_body_at_its_bound_is_read_and_one_byte_more_is_too_large() {
        let full = read(Body::from("1234"), LIMITS).await.unwrap();
        let refused = read(Body::from("12345"), LIMITS).await.unwrap_err();

        assert_eq!(&full[..], b"1234");
        assert_eq!((refused.problem().status, refused.problem().code.as_str()), (413, "PAYLOAD_TOO_LARGE"));
        assert!(refused.problem().detail.contains("4 bytes"));
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up_in_time() {
        let silent = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();

        let refused = read(Body::from_stream(silent), LIMITS).await.unwrap_err();

        assert_eq!((refused.problem().status, refused.problem().code.as_str()), (408, "REQUEST_TIMEOUT"));
    }

    #[test]
    fn json_comes_under_its_type_and_its_suffix_only() {
        assert!(checked("application/json").is_ok());
        assert!(checked("Application/JSON; charset=utf-8").is_ok());
        assert!(checked("application/cloudevents+json").is_ok());
        for other in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
            let refused = checked(other).unwrap_err();

            assert_eq!(refused.problem().status, 415, "{other}");
            assert!(refused.problem().detail.contains("Content-Type: application/json"));
        }
    }
}
