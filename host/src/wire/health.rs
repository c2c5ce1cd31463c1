//! Why a webhook is as healthy as it is, and what happens next.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::delivery::AttemptError;
use super::mirror::mirror;
use crate::model::health::{self, Hold, Standing};
use crate::model::{Timestamp, webhook};

mirror!(
    /// Why a webhook is disabled: its owner wants it so (`owner`), the endpoint answered 410 (`gone`), every
    /// attempt of five days failed (`failing`), or it was to be enabled and its endpoint did not answer the
    /// health check (`health_check`).
    DisabledReason of health::DisabledReason {
        /// Its owner wants it so.
        Owner = "owner",
        /// The endpoint answered 410.
        Gone = "gone",
        /// Every attempt of five days failed.
        Failing = "failing",
        /// It was to be enabled, and the health check failed.
        HealthCheck = "health_check",
    }
);

mirror!(
    /// Why no attempt is made for a while: the webhook is UNHEALTHY and gets one attempt per interval
    /// (`unhealthy`; also for moments within three minutes afterwards, in which it gets ever more), or its endpoint asked for it with `Retry-After` (`retry_after`).
    HoldReason of health::HoldReason {
        /// The webhook is UNHEALTHY: one attempt per interval. Or it just was: its endpoint gets more and more.
        Unhealthy = "unhealthy",
        /// The endpoint asked for it.
        RetryAfter = "retry_after",
    }
);

/// The last failed attempt or health check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookFailure {
    /// Why it failed.
    pub error: AttemptError,
    /// The status, if the endpoint answered.
    pub status: Option<u16>,
    /// More about it, for people.
    pub detail: Option<String>,
    /// When it ended.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// Why a webhook is as healthy as it is, and what happens next. All of it is null while the endpoint answers,
/// but for `nextAttemptAt`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookHealth {
    /// Why it is UNHEALTHY or disabled, for people.
    pub reason: Option<String>,
    /// Since when it is UNHEALTHY.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Since when every attempt failed. After five days the webhook is disabled.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<Timestamp>,
    /// The last failed attempt or health check.
    pub last_failure: Option<WebhookFailure>,
    /// Why it is disabled.
    pub disabled_reason: Option<DisabledReason>,
    /// No attempt is made before this time. What is due waits, and uses up no attempt.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub held_until: Option<Timestamp>,
    /// Why not.
    pub hold_reason: Option<HoldReason>,
    /// When the next attempt is made; null if nothing is owed to it, or if it is disabled.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
}

impl WebhookHealth {
    /// That of a webhook, with the hold that keeps attempts back now.
    #[must_use]
    pub fn new(webhook: &webhook::Webhook, hold: Option<Hold>, next_attempt_at: Option<Timestamp>) -> Self {
        let trouble = &webhook.trouble;
        let last_failure = trouble.last_failure.as_ref().map(|failure| WebhookFailure {
            error: failure.error.into(),
            status: failure.status,
            detail: failure.detail.clone(),
            at: failure.at,
        });
        Self {
            reason: Standing::of(webhook).reason(),
            since: trouble.unhealthy_since,
            failing_since: trouble.failing_since,
            last_failure,
            disabled_reason: trouble.disabled.map(Into::into),
            held_until: hold.map(|hold| hold.until),
            hold_reason: hold.map(|hold| hold.reason.into()),
            next_attempt_at,
        }
    }
}
