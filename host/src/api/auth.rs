//! Who calls: the token of a request.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::ApiState;
use super::error::ApiError;
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
        let credentials = credentials(&parts.headers).ok_or(ServiceError::Unauthenticated)?;
        Ok(Self(state.service.authenticate(credentials).await?))
    }
}

/// A bearer token, or without an `Authorization` header the pair. A header that is there but cannot be
/// used never falls back to the other.
fn credentials(headers: &HeaderMap) -> Option<Credentials<'_>> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().ok());
    if let Some(authorization) = text(header::AUTHORIZATION.as_str()) {
        let (scheme, token) = authorization?.split_once(' ')?;
        return if scheme.eq_ignore_ascii_case("bearer") { Credentials::parse(token.trim()) } else { None };
    }
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
    fn half_a_pair_is_no_token() {
        assert_eq!(parts_of(&[("X-Bloo-Token-ID", "abc")]), None);
        assert_eq!(parts_of(&[]), None);
    }
}
