//! Deliveries and attempts.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::mirror::mirror;
use super::text::{Cursor, EventTypeName};
use crate::model::{Timestamp, delivery};

mirror!(
    /// Where a delivery stands: an attempt is due or under way (`pending`), the endpoint answered 2xx
    /// (`delivered`), every attempt of the schedule failed (`failed`), or the webhook was deleted first or its creator
    /// left the event's project (`canceled`). One that is sent again is `pending` again, whatever became of it before.
    DeliveryState of delivery::DeliveryState {
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

mirror!(
    /// Why an attempt failed: nothing was sent, because the URL is not allowed or what is stored cannot be
    /// read (`refused`), the name does not resolve (`dns`), no connection (`connect`), no TLS session
    /// (`tls`), a connection that broke off (`broken`), no HTTP/1.1 answer (`malformed`), the time limit
    /// (`timeout`), a redirect, which is never followed (`redirect`), or any other status than 2xx (`status`).
    AttemptError of delivery::AttemptError {
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
        /// The endpoint answered with a redirect.
        Redirect = "redirect",
        /// The endpoint answered with any other status than 2xx.
        Status = "status",
    }
);

/// One event owed to one webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Its id, which the endpoint sees as `webhook-id` with every attempt.
    pub id: String,
    /// The event that is owed.
    pub event_id: String,
    /// To which webhook.
    pub webhook_id: String,
    /// Whether the event is a test of the webhook; the endpoint sees `webhook-test: true`.
    pub is_test: bool,
    /// Where it stands.
    pub state: DeliveryState,
    /// How many attempts were made.
    pub attempt_count: u32,
    /// When the next attempt is due; null unless `pending`.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
    /// When it was decided that the webhook gets the event.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was delivered, given up or canceled; null while `pending`.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
}

/// A delivery and its attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryDetail {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// Its attempts, the first first; of one that was sent again often, the last 100.
    pub attempts: Vec<Attempt>,
}

/// One HTTP request of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// How long it took, the response's body included, in milliseconds.
    pub duration_ms: u64,
    /// The HTTP status; null if the endpoint did not answer.
    pub status: Option<u16>,
    /// Why it failed; null for a success.
    pub error: Option<AttemptError>,
    /// More about the failure, for people.
    pub error_detail: Option<String>,
    /// The first 16 KiB of the response's body; what is not UTF-8 shows as U+FFFD.
    pub response: String,
}

/// Which deliveries to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveriesQuery {
    /// Only those in this state.
    #[param(inline)]
    pub state: Option<DeliveryState>,
    /// Only those of events of this type.
    #[param(value_type = Option<EventTypeName>, inline)]
    pub event: Option<String>,
    /// Only those created at this time or later, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Only those created before this time, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// How many items at the most, 1 to 250; 50 if absent.
    #[param(minimum = 1, maximum = 250)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the previous page, as it is.
    #[param(value_type = Option<Cursor>, inline)]
    pub cursor: Option<String>,
}

impl From<delivery::Delivery> for Delivery {
    fn from(delivery: delivery::Delivery) -> Self {
        let is_pending = delivery.state == delivery::DeliveryState::Pending;
        Self {
            id: delivery.id.to_string(),
            event_id: delivery.event_id.to_string(),
            webhook_id: delivery.webhook_id.to_string(),
            is_test: delivery.is_test,
            state: delivery.state.into(),
            attempt_count: delivery.attempt_count,
            next_attempt_at: is_pending.then_some(delivery.due_at),
            created_at: delivery.created_at,
            finished_at: delivery.finished_at,
        }
    }
}

impl From<delivery::Attempt> for Attempt {
    fn from(attempt: delivery::Attempt) -> Self {
        Self {
            number: attempt.number,
            started_at: attempt.started_at,
            duration_ms: attempt.duration_ms,
            status: attempt.status,
            error: attempt.error.map(Into::into),
            error_detail: attempt.error_detail,
            response: String::from_utf8_lossy(&attempt.response).into_owned(),
        }
    }
}
