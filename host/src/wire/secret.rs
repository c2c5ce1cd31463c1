//! Text that must not reach a log, and signing secrets that replace each other.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::text::SigningSecret;
use crate::model::Timestamp;
use crate::model::secret::Secret;

/// A secret or a token. JSON has it in full; `Debug` does not.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<&Secret> for SecretText {
    fn from(secret: &Secret) -> Self {
        Self(secret.expose().to_owned())
    }
}

impl From<SecretText> for Secret {
    fn from(text: SecretText) -> Self {
        Self::new(text.0)
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// How to replace a signing secret.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateSecret {
    /// The new secret; generated if absent, which is better.
    #[schema(value_type = Option<SigningSecret>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretText>,
}

/// A signing secret that replaced another.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotatedSecret {
    /// The webhook.
    pub webhook_id: String,
    /// The secret that signs from now on; no other call shows it.
    #[schema(value_type = String)]
    pub secret: SecretText,
    /// Until when the secret before signs too: `webhook-signature` has both, `X-Signature` the newest's.
    #[schema(value_type = String, format = DateTime)]
    pub previous_expires_at: Timestamp,
}
