//! Signatures: what a receiver checks to know that a body is ours and unchanged.
//!
//! Every request carries two: `X-Signature`, Blue's hex HMAC-SHA256 of the body, and the headers of
//! Standard Webhooks, which cover the message id and the time of the attempt as well. Both are pure
//! functions of secret, id, time and body; nothing here reads a clock or draws a random number.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::model::secret::Secret;

/// Hex HMAC-SHA256 of the body.
pub const X_SIGNATURE: &str = "x-signature";
/// The message's id, the same in all its attempts.
pub const WEBHOOK_ID: &str = "webhook-id";
/// The time of the attempt in seconds since the Unix epoch.
pub const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";
/// Standard Webhooks signatures, separated by blanks.
pub const WEBHOOK_SIGNATURE: &str = "webhook-signature";

/// What a secret begins with whose rest is a key in base64.
const KEY_PREFIX: &str = "whsec_";

/// The headers that sign one attempt, by lower-case name.
///
/// `secrets` are those that are valid now, the newest first; during a rotation there are several, and
/// `webhook-signature` has one signature for each. `X-Signature` has room for one: the newest's.
/// `message_id` must not contain a dot.
#[must_use]
pub fn headers(secrets: &[Secret], message_id: &str, timestamp_secs: i64, body: &[u8]) -> Vec<(&'static str, String)> {
    let timestamp = timestamp_secs.to_string();
    let signatures: Vec<String> =
        secrets.iter().map(|secret| standard_signature(secret, message_id, &timestamp, body)).collect();
    let newest = secrets.first().map(|newest| (X_SIGNATURE, x_signature(newest, body)));
    let standard = [
        (WEBHOOK_ID, message_id.to_owned()),
        (WEBHOOK_TIMESTAMP, timestamp),
        (WEBHOOK_SIGNATURE, signatures.join(" ")),
    ];
    newest.into_iter().chain(standard).collect()
}

/// A new secret from 32 random bytes, in the form that serves both kinds of signature.
#[must_use]
pub fn generate_secret(random: &[u8; 32]) -> Secret {
    Secret::new(format!("{KEY_PREFIX}{}", *Zeroizing::new(STANDARD.encode(random))))
}

/// Whether a secret begins like a Standard Webhooks key and is none. Receivers' libraries would refuse it.
#[must_use]
pub fn is_malformed_key(secret: &Secret) -> bool {
    let encoded = secret.expose().strip_prefix(KEY_PREFIX);
    encoded.is_some_and(|encoded| encoded.is_empty() || STANDARD.decode(encoded).is_err())
}

fn x_signature(secret: &Secret, body: &[u8]) -> String {
    hex::encode(body_mac(secret, body).finalize().into_bytes())
}

fn standard_signature(secret: &Secret, message_id: &str, timestamp: &str, body: &[u8]) -> String {
    let mac = message_mac(secret, message_id, timestamp, body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Keyed with the text of the secret as it is shown, like Blue's sample.
fn body_mac(secret: &Secret, body: &[u8]) -> Hmac<Sha256> {
    mac(secret.expose().as_bytes()).chain_update(body)
}

fn message_mac(secret: &Secret, message_id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mac = mac(&standard_key(secret)).chain_update(message_id).chain_update(".");
    mac.chain_update(timestamp).chain_update(".").chain_update(body)
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// The bytes after `whsec_`. A secret without that form was chosen by a user, and is the key itself.
fn standard_key(secret: &Secret) -> Zeroizing<Vec<u8>> {
    let text = secret.expose();
    let encoded = text.strip_prefix(KEY_PREFIX).filter(|encoded| !encoded.is_empty());
    let decoded = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
    Zeroizing::new(decoded.unwrap_or_else(|| text.as_bytes().to_vec()))
}

/// A request as a receiver got it.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    x_signature: Option<&'a str>,
    webhook_id: Option<&'a str>,
    webhook_timestamp: Option<&'a str>,
    webhook_signature: Option<&'a str>,
    body: &'a [u8],
}

/// Why a request is not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A header that is needed is not there.
    #[error("the header {header} is missing")]
    MissingHeader {
        /// Its name.
        header: &'static str,
    },
    /// A header cannot be read.
    #[error("the header {header} is malformed: it must be {expected}")]
    MalformedHeader {
        /// Its name.
        header: &'static str,
        /// Its form.
        expected: &'static str,
    },
    /// The attempt was made too long ago, or the clocks differ too much.
    #[error(
        "the timestamp {timestamp_secs} is {seconds} s {direction}, more than the {tolerance_secs} s allowed: \
         this is a replayed request, or a clock is wrong"
    )]
    StaleTimestamp {
        /// The time in the header, in seconds since the Unix epoch.
        timestamp_secs: i64,
        /// How far it is from now.
        seconds: u64,
        /// `in the past` or `in the future`.
        direction: &'static str,
        /// How far it may be.
        tolerance_secs: u64,
    },
    /// Another secret or another body.
    #[error("the signature in {header} does not match: check the secret, and that the body is the raw bytes received")]
    WrongSignature {
        /// The header with the signature.
        header: &'static str,
    },
}

impl<'a> Received<'a> {
    /// Takes what is needed from a request. `header` answers for lower-case names.
    pub fn new(body: &'a [u8], header: impl Fn(&'static str) -> Option<&'a str>) -> Self {
        Self {
            x_signature: header(X_SIGNATURE),
            webhook_id: header(WEBHOOK_ID),
            webhook_timestamp: header(WEBHOOK_TIMESTAMP),
            webhook_signature: header(WEBHOOK_SIGNATURE),
            body,
        }
    }

    /// Checks `X-Signature`, in constant time. It does not cover the time: a replayed request passes.
    ///
    /// # Errors
    /// When the header is missing, malformed or made with another secret or for another body.
    pub fn verify_x_signature(&self, secret: &Secret) -> Result<(), VerifyError> {
        let header = X_SIGNATURE;
        let text = present(self.x_signature, header)?;
        let malformed = VerifyError::MalformedHeader { header, expected: "64 hexadecimal digits" };
        let mut signature = [0; 32];
        hex::decode_to_slice(text, &mut signature).map_err(|_| malformed)?;
        let mac = body_mac(secret, self.body);
        mac.verify_slice(&signature).map_err(|_| VerifyError::WrongSignature { header })
    }

    /// Checks the Standard Webhooks headers, signatures in constant time. One that matches is enough.
    /// The timestamp may be up to `tolerance` away from `now_secs`, in whole seconds.
    ///
    /// # Errors
    /// When a header is missing or malformed, the timestamp is stale, or no signature matches.
    pub fn verify_standard(&self, secret: &Secret, now_secs: i64, tolerance: Duration) -> Result<(), VerifyError> {
        let message_id = present(self.webhook_id, WEBHOOK_ID)?;
        let timestamp = present(self.webhook_timestamp, WEBHOOK_TIMESTAMP)?;
        let header = WEBHOOK_SIGNATURE;
        let listed = present(self.webhook_signature, header)?;
        check_timestamp(timestamp, now_secs, tolerance)?;

        let encoded = listed.split(' ').filter_map(|entry| entry.strip_prefix("v1,"));
        let signatures: Vec<Vec<u8>> = encoded.filter_map(|encoded| STANDARD.decode(encoded).ok()).collect();
        if signatures.is_empty() {
            let expected = "`v1,` and a signature in base64, several separated by blanks";
            return Err(VerifyError::MalformedHeader { header, expected });
        }
        let mac = message_mac(secret, message_id, timestamp, self.body);
        let matches = signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok());
        if matches { Ok(()) } else { Err(VerifyError::WrongSignature { header }) }
    }
}

fn present<'a>(value: Option<&'a str>, header: &'static str) -> Result<&'a str, VerifyError> {
    value.ok_or(VerifyError::MissingHeader { header })
}

fn check_timestamp(text: &str, now_secs: i64, tolerance: Duration) -> Result<(), VerifyError> {
    let malformed = VerifyError::MalformedHeader {
        header: WEBHOOK_TIMESTAMP,
        expected: "the seconds since the Unix epoch as a whole number",
    };
    let timestamp_secs: i64 = text.parse().map_err(|_| malformed)?;
    let seconds = now_secs.abs_diff(timestamp_secs);
    let tolerance_secs = tolerance.as_secs();
    if seconds <= tolerance_secs {
        return Ok(());
    }
    let direction = if timestamp_secs < now_secs { "in the past" } else { "in the future" };
    Err(VerifyError::StaleTimestamp { timestamp_secs, seconds, direction, tolerance_secs })
}

#[cfg(test)]
mod tests;
