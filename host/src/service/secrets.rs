//! Signing secrets: chosen or generated, and replaced without a gap.
//!
//! After a rotation the secrets before go on signing for a day, so that a receiver with either verifies. Ending
//! them early would not make a leaked one harmless: it is the receiver that trusts it, not this host. So nothing
//! ends early, and a webhook that has as many secrets as may sign is refused one more until the first has ended.

use super::access::owner;
use super::{Noun, Result, Service, ServiceError};
use crate::clock::random_bytes;
use crate::failpoint::{self, Point};
use crate::model::Timestamp;
use crate::model::ids::WebhookId;
use crate::model::limits::{SECRET_BYTES_MAX, SECRET_OVERLAP, SECRETS_LIVE_MAX};
use crate::model::secret::Secret;
use crate::model::token::Caller;
use crate::sign;
use crate::store::{Rotated, Rotation};

/// A secret that signs from now on.
#[derive(Clone, Debug)]
pub struct RotatedSecret {
    /// Of which webhook.
    pub webhook_id: WebhookId,
    /// The secret, which no other call shows.
    pub secret: Secret,
    /// Until when the one before signs too.
    pub previous_expires_at: Timestamp,
}

impl Service {
    /// Gives the caller's webhook another signing secret: a chosen one, or a new one.
    ///
    /// # Errors
    /// When there is no such webhook, someone else's answering alike; when the secret cannot be taken or is the
    /// present one; or when [`SECRETS_LIVE_MAX`] sign already.
    pub async fn rotate_secret(&self, caller: &Caller, id: &str, chosen: Option<Secret>) -> Result<RotatedSecret> {
        let webhook_id = self.own_webhook(&owner(caller), id).await?.id.clone();
        let secret = self.chosen_or_new(chosen)?;
        let at = self.clock.now();
        let overlap_ends_at = at + SECRET_OVERLAP;
        let rotation = Rotation { secret: secret.clone(), at, overlap_ends_at, live_max: SECRETS_LIVE_MAX };
        let rotated = self.store.rotate_secret(&webhook_id, rotation).await?;
        failpoint::hit(Point::SecretRotated)?;
        match rotated {
            Rotated::Written => Ok(RotatedSecret { webhook_id, secret, previous_expires_at: overlap_ends_at }),
            Rotated::Present => Err(ServiceError::bad_field(
                "/secret",
                "this is the secret that signs now; choose another, or leave `secret` out to get a new one".to_owned(),
            )),
            Rotated::TooMany { first_ends_at } => Err(ServiceError::Conflict(format!(
                "{SECRETS_LIVE_MAX} secrets sign for this webhook already; the first of them ends at {first_ends_at}, rotate again after that"
            ))),
            Rotated::Missing => Err(ServiceError::NotFound(Noun::Webhook)),
        }
    }

    pub(super) fn chosen_or_new(&self, chosen: Option<Secret>) -> Result<Secret> {
        match chosen {
            Some(secret) => check_secret(secret),
            None => Ok(sign::generate_secret(&random_bytes(self.clock.as_ref()))),
        }
    }
}

fn check_secret(secret: Secret) -> Result<Secret> {
    let refuse = |detail: String| Err(ServiceError::bad_field("/secret", detail));
    if !(1..=SECRET_BYTES_MAX).contains(&secret.expose().len()) {
        return refuse(format!("a secret has 1 to {SECRET_BYTES_MAX} bytes"));
    }
    if sign::is_malformed_key(&secret) {
        return refuse(
            "what begins with `whsec_` goes on with a key in base64, as Standard Webhooks has it; choose another beginning or leave `secret` out".to_owned(),
        );
    }
    Ok(secret)
}
