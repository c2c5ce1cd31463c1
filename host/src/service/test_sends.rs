//! Tests of a webhook by its owner: an example event on the path that live events take.
//!
//! A test is a stored event like any other, but for one webhook alone. So its filter runs, its verdict is kept, and
//! what is let through is signed, sent and tried again, all marked as a test. Nothing here waits for that.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::access::owner;
use super::posted::Known;
use super::{ENABLE_FIRST, Noun, Result, Service, ServiceError};
use crate::model::event::{EventDigest, EventType};
use crate::model::ids::EventId;
use crate::model::limits::{TESTS_MAX, TESTS_WINDOW};
use crate::model::token::Caller;
use crate::model::webhook::Webhook;
use crate::store::{TestAccepted, TestOf};
use crate::traces::Stage;

/// A test that is under way.
#[derive(Clone, Debug)]
pub struct TestSent {
    /// The event that was made for it.
    pub event_id: EventId,
    /// Of which type.
    pub event_type: EventType,
}

impl Service {
    /// Sends the example of an event type to the caller's webhook, whether or not it subscribes to that type: of
    /// the first that it subscribes to if none is named.
    ///
    /// # Errors
    /// When there is no such webhook, someone else's answering alike; when it is disabled, or tested too often; or
    /// when there is no such type.
    pub async fn test_webhook(&self, caller: &Caller, id: &str, event_type: Option<&str>) -> Result<TestSent> {
        let webhook = self.own_webhook(&owner(caller), id).await?;
        let event_type = self.type_to_test(&webhook, event_type).await?;
        if !webhook.is_enabled {
            return Err(ServiceError::Conflict(ENABLE_FIRST.to_owned()));
        }
        let began = self.traces.now();
        let event = Arc::new(self.example_event(event_type.clone()).await?);
        let (event_id, since) = (event.id.clone(), event.accepted_at - TESTS_WINDOW);
        // Nobody posts a test, so its digest only has to differ from that of whatever is posted under its id.
        let digest = EventDigest(Sha256::digest(format!("test {event_id}")).into());
        let test = TestOf { webhook: webhook.id.clone(), since, tests_max: TESTS_MAX };
        match self.store.accept_test(Arc::clone(&event), digest, test).await? {
            TestAccepted::New => {
                drop(self.traces.begin_at(began, Stage::Accept, &event));
                self.dispatch_poke.notify_one();
                Ok(TestSent { event_id, event_type })
            }
            TestAccepted::TooMany => Err(ServiceError::Conflict(format!(
                "a webhook is tested at most {TESTS_MAX} times within {} s; try again in a moment",
                TESTS_WINDOW.as_secs()
            ))),
            TestAccepted::Missing => Err(ServiceError::NotFound(Noun::Webhook)),
        }
    }

    async fn type_to_test(&self, webhook: &Webhook, named: Option<&str>) -> Result<EventType> {
        match (named, webhook.events.first()) {
            (Some(name), _) => self.subscribable_type(&webhook.owner, name, "/event", &mut Known::default()).await,
            (None, Some(first)) => Ok(first.clone()),
            (None, None) => Err(ServiceError::bad_field(
                "/event",
                "the webhook subscribes to no event types, so name the one to test it with".to_owned(),
            )),
        }
    }
}
