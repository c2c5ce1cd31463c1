//! Hooksieve's: why a webhook is as healthy as it is, and what happens next.

use async_graphql::{Enum, SimpleObject};

use super::scalars::DateTime;
use crate::model::delivery;
use crate::model::health::{self, Standing};
use crate::service::WebhookView;

/// Why an attempt or a health check failed.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "delivery::AttemptError")]
enum AttemptError {
    /// Nothing was sent: the URL is not allowed, or what is stored cannot be read.
    Refused,
    /// The name could not be resolved.
    Dns,
    /// No connection could be made.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The connection broke while the request or the response was under way.
    Broken,
    /// What came back is no HTTP/1.1 answer, or its head is larger than is read.
    Malformed,
    /// It took longer than its time limit.
    Timeout,
    /// The endpoint answered with a redirect.
    Redirect,
    /// The endpoint answered with any other status than 2xx.
    Status,
}

/// Why a webhook is disabled.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "health::DisabledReason")]
enum DisabledReason {
    /// Its owner wants it so.
    Owner,
    /// The endpoint answered 410.
    Gone,
    /// Every attempt of five days failed.
    Failing,
    /// It was to be enabled, and the health check failed.
    HealthCheck,
}

/// Why no attempt is made for a while.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "health::HoldReason")]
enum HoldReason {
    /// The webhook is UNHEALTHY: one attempt per interval. Or it just was: its endpoint gets more and more.
    Unhealthy,
    /// The endpoint asked for it.
    RetryAfter,
}

/// The last failed attempt or health check.
#[derive(SimpleObject)]
struct WebhookFailure {
    /// Why it failed.
    error: AttemptError,
    /// The status, if the endpoint answered.
    status: Option<u16>,
    /// More about it, for people.
    detail: Option<String>,
    /// When it ended.
    at: DateTime,
}

/// Why a webhook is as healthy as it is, and what happens next. All of it is null while the endpoint answers,
/// but for `nextAttemptAt`.
#[derive(SimpleObject)]
pub(super) struct WebhookHealth {
    /// Why it is UNHEALTHY or disabled, for people.
    reason: Option<String>,
    /// Since when it is UNHEALTHY.
    since: Option<DateTime>,
    /// Since when every attempt failed. After five days the webhook is disabled.
    failing_since: Option<DateTime>,
    /// The last failed attempt or health check.
    last_failure: Option<WebhookFailure>,
    /// Why it is disabled.
    disabled_reason: Option<DisabledReason>,
    /// No attempt is made before this time. What is due waits, and uses up no attempt.
    held_until: Option<DateTime>,
    /// Why not.
    hold_reason: Option<HoldReason>,
    /// When the next attempt is made; null if nothing is owed to it, or if it is disabled.
    next_attempt_at: Option<DateTime>,
}

impl WebhookHealth {
    /// That of a webhook as its owner sees it now.
    pub(super) fn new(view: &WebhookView) -> Self {
        let trouble = &view.webhook.trouble;
        let last_failure = trouble.last_failure.as_ref().map(|failure| WebhookFailure {
            error: failure.error.into(),
            status: failure.status,
            detail: failure.detail.clone(),
            at: DateTime(failure.at),
        });
        Self {
            reason: Standing::of(&view.webhook).reason(),
            since: trouble.unhealthy_since.map(DateTime),
            failing_since: trouble.failing_since.map(DateTime),
            last_failure,
            disabled_reason: trouble.disabled.map(Into::into),
            held_until: view.hold.map(|hold| DateTime(hold.until)),
            hold_reason: view.hold.map(|hold| hold.reason.into()),
            next_attempt_at: view.next_attempt_at.map(DateTime),
        }
    }
}
