//! A delivery: one event owed to one webhook; and its attempts.

use sha2::{Digest, Sha256};

use super::Timestamp;
use super::event::{Event, EventSeq};
use super::ids::{DeliveryId, EventId, WebhookId};
use super::verdict::named;

impl DeliveryId {
    /// The id of an event's delivery to a webhook: always the same, so that a decision which a power cut took back
    /// is made again under the message id that the receiver may have seen.
    #[must_use]
    pub fn of(event: &Event, webhook: &WebhookId) -> Self {
        let hash = Sha256::new().chain_update(event.id.as_str()).chain_update([0]).chain_update(webhook.as_str());
        let mut beginning = [0; 10];
        beginning.copy_from_slice(&hash.finalize()[..10]);
        Self::generate(event.accepted_at, beginning)
    }
}

named!(
    /// Where a delivery stands.
    DeliveryState {
        /// An attempt is due or under way.
        Pending = "pending",
        /// The endpoint answered 2xx.
        Delivered = "delivered",
        /// Every attempt of the schedule failed.
        Failed = "failed",
        /// The webhook was deleted first, or its creator left the event's project.
        Canceled = "canceled",
    }
);

named!(
    /// Why an attempt failed. Each is the receiver's fault unless it says otherwise.
    AttemptError {
        /// Nothing was sent: the egress policy does not allow the URL, or what is stored for the delivery
        /// cannot be read.
        Refused = "refused",
        /// The name could not be resolved.
        Dns = "dns",
        /// No connection could be made.
        Connect = "connect",
        /// The TLS handshake failed.
        Tls = "tls",
        /// The connection broke while the request or the response was under way.
        Broken = "broken",
        /// What came back is no HTTP/1.1 answer, or its head is larger than is read.
        Malformed = "malformed",
        /// The whole attempt took longer than its time limit.
        Timeout = "timeout",
        /// The endpoint answered with a redirect, which is never followed.
        Redirect = "redirect",
        /// The endpoint answered with any other status than 2xx.
        Status = "status",
    }
);

/// One event owed to one webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, which is also the message id.
    pub id: DeliveryId,
    /// The event that is owed.
    pub event_seq: EventSeq,
    /// The event's id.
    pub event_id: EventId,
    /// Whether the event is a test of the webhook.
    pub is_test: bool,
    /// To whom.
    pub webhook_id: WebhookId,
    /// Where it stands.
    pub state: DeliveryState,
    /// How many attempts were made.
    pub attempt_count: u32,
    /// How many of them were made before its schedule last began anew, because it is sent again.
    pub attempts_before: u32,
    /// When the next attempt is due, while [`DeliveryState::Pending`].
    pub due_at: Timestamp,
    /// When dispatch decided on it.
    pub created_at: Timestamp,
    /// When it left [`DeliveryState::Pending`].
    pub finished_at: Option<Timestamp>,
}

/// One HTTP request of a delivery, as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, body included, in milliseconds.
    pub duration_ms: u64,
    /// The status, if the endpoint answered.
    pub status: Option<u16>,
    /// Why it failed; `None` for a success.
    pub error: Option<AttemptError>,
    /// More about the failure, for people.
    pub error_detail: Option<String>,
    /// The beginning of the response body.
    pub response: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::matching::tests::event;

    #[test]
    fn a_delivery_has_its_id_of_its_event_and_webhook_alone() {
        let id = |event: &Event, webhook: &str| DeliveryId::of(event, &WebhookId::parse(webhook).unwrap());
        let here = event("p1");
        let later = Event { accepted_at: here.accepted_at + std::time::Duration::from_millis(1), ..here.clone() };
        let other = Event { id: EventId::parse("other").unwrap(), ..here.clone() };

        assert_eq!(id(&here, "wh_a"), id(&event("p2"), "wh_a"));
        for another in [id(&here, "wh_b"), id(&later, "wh_a"), id(&other, "wh_a")] {
            assert_ne!(id(&here, "wh_a"), another);
        }
    }
}
