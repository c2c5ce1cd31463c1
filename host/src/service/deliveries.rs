//! Deliveries and their attempts, for the webhook's owner.

use super::access::owner;
use super::{Noun, Result, Service, ServiceError, page_request};
use crate::model::delivery::{Attempt, Delivery};
use crate::model::ids::DeliveryId;
use crate::model::token::Caller;
use crate::store::{DeliveryQuery, Page};

/// A delivery and its attempts.
#[derive(Clone, Debug)]
pub struct DeliveryDetail {
    /// The delivery.
    pub delivery: Delivery,
    /// Its attempts, the first first.
    pub attempts: Vec<Attempt>,
}

impl Service {
    /// The deliveries of the caller's webhook, newest first.
    ///
    /// # Errors
    /// When there is no such webhook, or the page cannot be taken.
    pub async fn deliveries(
        &self,
        caller: &Caller,
        webhook: &str,
        query: DeliveryQuery,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<Delivery>> {
        let webhook = self.own_webhook(&owner(caller), webhook).await?;
        Ok(self.store.deliveries(&webhook.id, query, page_request(limit, cursor)?).await?)
    }

    /// A delivery to one of the caller's webhooks.
    ///
    /// # Errors
    /// When there is none; someone else's answers alike.
    pub async fn delivery(&self, caller: &Caller, id: &str) -> Result<DeliveryDetail> {
        let missing = || ServiceError::NotFound(Noun::Delivery);
        let id = DeliveryId::parse(id).map_err(|_| missing())?;
        let delivery = self.store.delivery(&id).await?.ok_or_else(missing)?;
        let webhook = self.store.webhook(&delivery.webhook_id).await?.ok_or_else(missing)?;
        if webhook.owner != owner(caller) {
            return Err(missing());
        }
        Ok(DeliveryDetail { attempts: self.store.attempts(&id).await?, delivery })
    }
}
