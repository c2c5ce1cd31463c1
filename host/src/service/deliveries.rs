//! Deliveries and their attempts, for the webhook's owner.

use super::access::owner;
use super::{ENABLE_FIRST, Noun, Result, Service, ServiceError, page_request};
use crate::failpoint::{self, Point};
use crate::model::Timestamp;
use crate::model::delivery::{Attempt, Delivery, DeliveryState};
use crate::model::event::EventType;
use crate::model::ids::DeliveryId;
use crate::model::token::Caller;
use crate::store::{DeliveryQuery, Page, Retried};

/// Which deliveries to list, as the caller wrote it.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Only those in this state.
    pub state: Option<DeliveryState>,
    /// Only those of events of this type.
    pub event_type: Option<String>,
    /// Only those created at or after.
    pub since: Option<Timestamp>,
    /// Only those created before.
    pub until: Option<Timestamp>,
}

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
        filter: DeliveryFilter,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<Delivery>> {
        let webhook = self.own_webhook(&owner(caller), webhook).await?;
        let DeliveryFilter { state, event_type, since, until } = filter;
        let event_type = event_type.as_deref().map(EventType::parse).transpose();
        let event_type = event_type.map_err(|error| ServiceError::bad_field("/event", error.to_string()))?;
        let query = DeliveryQuery { state, event_type, since, until };
        Ok(self.store.deliveries(&webhook.id, query, page_request(limit, cursor)?).await?)
    }

    /// A delivery to one of the caller's webhooks.
    ///
    /// # Errors
    /// When there is none; someone else's answers alike.
    pub async fn delivery(&self, caller: &Caller, id: &str) -> Result<DeliveryDetail> {
        let delivery = self.own_delivery(caller, id).await?;
        Ok(DeliveryDetail { attempts: self.store.attempts(&delivery.id).await?, delivery })
    }

    /// Makes a delivery to one of the caller's webhooks due now that was given up or canceled, or whose next attempt
    /// is due later; how it stands then. Its schedule begins anew. Tests are retried like any other.
    ///
    /// # Errors
    /// When there is none; when it was delivered, is due already, may not be seen any more, or its webhook is disabled.
    pub async fn retry_delivery(&self, caller: &Caller, id: &str) -> Result<Delivery> {
        let id = self.own_delivery(caller, id).await?.id;
        let retried = self.store.retry_delivery(&id, self.clock.now()).await?;
        failpoint::hit(Point::DeliveryRetried)?;
        let refusal = match retried {
            Retried::Due => {
                self.deliver_poke.notify_one();
                return self.own_delivery(caller, id.as_str()).await;
            }
            Retried::UnderWay => "an attempt of this delivery is due or under way already".to_owned(),
            Retried::Delivered => "it was delivered; a replay with `\"only\": \"all\"` sends again what was".to_owned(),
            Retried::Disabled => ENABLE_FIRST.to_owned(),
            Retried::OutOfScope => {
                "the webhook's creator is not a member of the event's project any more, so nothing of it is sent"
                    .to_owned()
            }
            Retried::Missing => return Err(ServiceError::NotFound(Noun::Delivery)),
        };
        Err(ServiceError::Conflict(refusal))
    }

    async fn own_delivery(&self, caller: &Caller, id: &str) -> Result<Delivery> {
        let missing = || ServiceError::NotFound(Noun::Delivery);
        let id = DeliveryId::parse(id).map_err(|_| missing())?;
        let delivery = self.store.delivery(&id).await?.ok_or_else(missing)?;
        let webhook = self.store.webhook(&delivery.webhook_id).await?.ok_or_else(missing)?;
        if webhook.owner == owner(caller) { Ok(delivery) } else { Err(missing()) }
    }
}
