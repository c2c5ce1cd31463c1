//! Whether a webhook gets events at all, as its owner wants it.

use super::access::user;
use super::{Noun, Result, Service, ServiceError, WebhookView};
use crate::model::token::Caller;

impl Service {
    /// Disables the caller's webhook, which makes it UNHEALTHY too (`disableWebhook`). What is owed to it rests
    /// until it is enabled again. Done already is done.
    ///
    /// # Errors
    /// When there is none; someone else's answers alike.
    pub async fn disable_webhook(&self, caller: &Caller, id: &str) -> Result<WebhookView> {
        let webhook = self.own_webhook(user(caller)?, id).await?;
        let disabled = self.store.disable_webhook(&webhook.id, self.clock.now()).await?;
        let webhook = disabled.ok_or(ServiceError::NotFound(Noun::Webhook))?;
        Ok(WebhookView { webhook, secret: None })
    }
}
