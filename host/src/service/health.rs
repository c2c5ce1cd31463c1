//! Whether a webhook gets events: what its owner wants, and whether its endpoint answers.
//!
//! A webhook that is disabled is enabled only once its endpoint has answered a `WEBHOOK_HEALTH_CHECK`. Nothing
//! is locked meanwhile: the answer holds for the URL and the headers that were asked, and the change is written
//! only if the webhook is still as it was read. A check that fails is no error of the caller's: all else that
//! they change is written, and the webhook that they get back is disabled, UNHEALTHY and says why.

use std::collections::BTreeMap;

use super::access::owner;
use super::{Noun, Result, Service, ServiceError, WebhookView};
use crate::clock::random_bytes;
use crate::model::health::Failure;
use crate::model::ids::DeliveryId;
use crate::model::limits::HEALTH_CHECK_TIME_MAX;
use crate::model::operational::Change;
use crate::model::secret::Secret;
use crate::model::snapshot::Snapshot;
use crate::model::token::Caller;
use crate::model::webhook::Webhook;
use crate::outbound::{Request, health_check};
use crate::sign;

/// Checks that one change makes, since others may change the URL meanwhile again and again.
const CHECKS_PER_CHANGE_MAX: u32 = 3;

impl Service {
    /// Disables the caller's webhook, which makes it UNHEALTHY too (`disableWebhook`). What is owed to it rests
    /// until it is enabled again. Done already is done.
    ///
    /// # Errors
    /// When there is none; someone else's answers alike.
    pub async fn disable_webhook(&self, caller: &Caller, id: &str) -> Result<WebhookView> {
        let webhook = self.own_webhook(&owner(caller), id).await?;
        let disabled = self.store.disable_webhook(&webhook.id, self.clock.now()).await?;
        self.view(disabled.ok_or(ServiceError::NotFound(Noun::Webhook))?).await
    }

    /// The event types that tell of webhooks themselves: for those who may subscribe to them.
    #[must_use]
    pub fn operational_types(&self, caller: &Caller) -> &'static [Change] {
        match caller {
            Caller::Operator => Change::ALL,
            Caller::User(_) => &[],
        }
    }

    /// Asks the endpoint of a webhook that is to be enabled; how it failed, if it did. What `checked` knows
    /// already is not asked again.
    ///
    /// # Errors
    /// [`ServiceError::Busy`] when too many checks are under way.
    pub(super) async fn check_health(&self, webhook: &Webhook, checked: &mut Checked) -> Result<Option<Failure>> {
        if let Some((target, outcome)) = &checked.last
            && target.is_of(webhook)
        {
            return Ok(outcome.clone());
        }
        if checked.count == CHECKS_PER_CHANGE_MAX {
            return Err(ServiceError::Busy);
        }
        let place = self.checks.enter(&webhook.owner)?;
        let outcome = self.ask(webhook).await?;
        drop(place);
        checked.count += 1;
        checked.last = Some((Target::of(webhook), outcome.clone()));
        Ok(outcome)
    }

    async fn ask(&self, webhook: &Webhook) -> Result<Option<Failure>> {
        let now = self.clock.now();
        let secrets = self.store.signing_secrets(&webhook.id, now).await?;
        if secrets.is_empty() {
            return Err(ServiceError::NotFound(Noun::Webhook));
        }
        // The check decides whether it is enabled, so it is not yet.
        let body = health_check(&Snapshot::of(&Webhook { is_enabled: false, ..webhook.clone() }));
        let id = DeliveryId::generate(now, random_bytes(self.clock.as_ref()));
        let signed = sign::headers(&secrets, id.as_str(), now.as_secs(), body.as_bytes());
        let request = Request { url: &webhook.url, headers: &webhook.headers, signed, body };
        let sent = self.sender.send_within(request, HEALTH_CHECK_TIME_MAX).await;
        let (status, detail, at) = (sent.status, sent.error_detail, self.clock.now());
        Ok(sent.error.map(|error| Failure { error, status, detail, at }))
    }
}

/// What the checks of one change came to.
#[derive(Default)]
pub(super) struct Checked {
    count: u32,
    last: Option<(Target, Option<Failure>)>,
}

/// What a check asked.
struct Target {
    url: String,
    headers: BTreeMap<String, Secret>,
}

impl Target {
    fn of(webhook: &Webhook) -> Self {
        Self { url: webhook.url.clone(), headers: webhook.headers.clone() }
    }

    fn is_of(&self, webhook: &Webhook) -> bool {
        self.url == webhook.url && self.headers == webhook.headers
    }
}
