//! Who calls, and what that allows.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Result, Service, ServiceError};
use crate::model::ids::UserId;
use crate::model::operational;
use crate::model::token::Caller;

/// What every token begins with.
const PREFIX: &str = "hs_";

/// A token's two parts as a client sends them.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The public part.
    pub token_id: &'a str,
    /// The secret part.
    pub secret: &'a str,
}

impl<'a> Credentials<'a> {
    /// Takes a whole token, `hs_<tokenId>_<secret>`, apart.
    #[must_use]
    pub fn parse(token: &'a str) -> Option<Self> {
        let (token_id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
        (!token_id.is_empty() && !secret.is_empty()).then_some(Self { token_id, secret })
    }

    /// The whole token.
    #[must_use]
    pub fn to_token(self) -> String {
        format!("{PREFIX}{}_{}", self.token_id, self.secret)
    }
}

/// What of a token's secret is stored. A plain hash is enough, since the secret has at least 160
/// random bits.
#[must_use]
pub fn secret_sha256(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

impl Service {
    /// Who the credentials speak for.
    ///
    /// # Errors
    /// [`ServiceError::Unauthenticated`] for an unknown, wrong or revoked token, all three alike.
    pub async fn authenticate(&self, credentials: Credentials<'_>) -> Result<Caller> {
        let token = self.store.token(credentials.token_id).await?.ok_or(ServiceError::Unauthenticated)?;
        let is_right = bool::from(token.secret_sha256.ct_eq(&secret_sha256(credentials.secret)));
        if is_right && token.revoked_at.is_none() { Ok(token.caller) } else { Err(ServiceError::Unauthenticated) }
    }
}

/// Asks for an operator.
pub(super) fn operator(caller: &Caller) -> Result<()> {
    match caller {
        Caller::Operator => Ok(()),
        Caller::User(_) => Err(ServiceError::Unauthorized("this needs an operator's token")),
    }
}

/// Asks for a user.
pub(super) fn user(caller: &Caller) -> Result<&UserId> {
    match caller {
        Caller::User(user) => Ok(user),
        Caller::Operator => Err(ServiceError::Unauthorized(
            "this needs a user's token; an operator makes one with `POST /v1/users/{id}/tokens`",
        )),
    }
}

/// Who the caller is as the owner of webhooks. An operator has some too: those that operational events go to.
pub(super) fn owner(caller: &Caller) -> UserId {
    match caller {
        Caller::User(user) => user.clone(),
        Caller::Operator => operational::operator(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_apart_at_the_first_underscore_behind_its_prefix() {
        let credentials = Credentials::parse("hs_operator_a_b").unwrap();

        assert_eq!((credentials.token_id, credentials.secret), ("operator", "a_b"));
        assert_eq!(credentials.to_token(), "hs_operator_a_b");
        assert!(Credentials::parse("hs_operator_").is_none());
        assert!(Credentials::parse("operator_a").is_none());
    }
}
