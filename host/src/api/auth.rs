//! Who calls: the token of a request, and whether it may call now.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::ApiState;
use super::error::ApiError;
use super::gate::Peer;
use crate::model::token::Caller;
use crate::service::ServiceError;
use crate::service::access::Credentials;

/// The headers in which Blue's clients send a token's two parts.
pub(super) const TOKEN_ID_HEADER: &str = "X-Bloo-Token-ID";
/// See [`TOKEN_ID_HEADER`].
pub(super) const TOKEN_SECRET_HEADER: &str = "X-Bloo-Token-Secret";

/// The caller, authenticated. Taken before the body, so that a stranger's upload is never read.
pub(super) struct Auth(pub(super) Caller);

impl FromRequestParts<ApiState> for Auth {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let (peer, gate) = (parts.extensions.get::<Peer>().copied(), &state.gate);
        let credentials = credentials(&parts.headers).ok_or_else(|| gate.failed(peer))?;
        gate.before_lookup(peer, credentials.token_id)?;
        let caller = state.service.authenticate(credentials).await.map_err(|error| match error {
            ServiceError::Unauthenticated => gate.failed(peer),
            other => other.into(),
        })?;
        gate.passed(&caller, credentials.token_id)?;
        Ok(Self(caller))
    }
}

/// Who may read the metrics: anyone if they are public, else whoever has the metrics' own token or an
/// operator's. A scraper needs no token that could do more.
pub(super) struct MetricsReader;

impl FromRequestParts<ApiState> for MetricsReader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let given = bearer(&parts.headers).flatten();
        if state.metrics.is_public || given.is_some_and(|given| state.metrics.is_token(given)) {
            return Ok(Self);
        }
        match Auth::from_request_parts(parts, state).await? {
            Auth(Caller::Operator) => Ok(Self),
            Auth(Caller::User(_)) => {
                Err(ServiceError::Unauthorized("this needs an operator's token, or the one for metrics").into())
            }
        }
    }
}

/// The token of an `Authorization` header; the inner `None` if it is there and no bearer token.
fn bearer(headers: &HeaderMap) -> Option<Option<&str>> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let authorization = given.next()?;
    let token = || {
        let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    };
    // With two of them, somebody before us may have looked at the other.
    Some(if given.next().is_some() { None } else { token() })
}

/// A bearer token, or without an `Authorization` header the pair. A header that is there but cannot be
/// used never falls back to the other.
fn credentials(headers: &HeaderMap) -> Option<Credentials<'_>> {
    if let Some(token) = bearer(headers) {
        return Credentials::parse(token?);
    }
    let text = |name: &str| headers.get(name).map(|value| value.to_str().ok());
    Some(Credentials { token_id: text(TOKEN_ID_HEADER)??, secret: text(TOKEN_SECRET_HEADER)?? })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn parts_of(pairs: &[(&'static str, &'static str)]) -> Option<(String, String)> {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap()))
            .collect();
        credentials(&headers).map(|found| (found.token_id.to_owned(), found.secret.to_owned()))
    }

    #[test]
    fn a_token_comes_as_a_bearer_or_as_the_pair() {
        let found = Some(("abc".to_owned(), "s_1".to_owned()));

        assert_eq!(parts_of(&[("Authorization", "Bearer hs_abc_s_1")]), found);
        assert_eq!(parts_of(&[("authorization", "bearer  hs_abc_s_1")]), found);
        assert_eq!(parts_of(&[("x-bloo-token-id", "abc"), ("X-Bloo-Token-Secret", "s_1")]), found);
    }

    #[test]
    fn a_useless_authorization_header_does_not_fall_back_to_the_pair() {
        let pair = [("X-Bloo-Token-ID", "abc"), ("X-Bloo-Token-Secret", "s_1")];

        for authorization in ["Basic YTpi", "Bearer", "Bearer nothing", ""] {
            assert_eq!(parts_of(&[pair[0], pair[1], ("Authorization", authorization)]), None, "{authorization}");
        }
    }

    #[test]
    fn of_two_authorization_headers_none_is_taken() {
        let mut headers = HeaderMap::new();
        for token in ["Bearer hs_abc_s1", "Bearer hs_def_s2"] {
            headers.append(header::AUTHORIZATION, token.parse().unwrap());
        }

        assert!(credentials(&headers).is_none());
    }

    #[test]
    fn half_a_pair_is_no_token() {
        assert_eq!(parts_of(&[("X-Bloo-Token-ID", "abc")]), None);
        assert_eq!(parts_of(&[]), None);
    }
}
