//! What became of a webhook's events lately, counted.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{AttemptError, KeptOutcome, ReasonClass};
use crate::model::Timestamp;

/// Which events to count.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatsQuery {
    /// Those accepted at this time or later, RFC 3339, at most 31 days ago; those of the last 24 hours if absent.
    #[param(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
}

/// What became of a webhook's newest events, at most 20 000 of them. Tests are not counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookStats {
    /// Events are counted that were accepted at this time or later.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When they were counted.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// Whether there were more than could be counted, so that `since` is later than what was asked for.
    pub cut: bool,
    /// How many events a verdict was written on.
    pub events: u64,
    /// How many became what; what none became is left out.
    pub outcomes: Vec<OutcomeCount>,
    /// How often the filter failed how, also where `onError` let the event through.
    pub reason_classes: Vec<ReasonClassCount>,
    /// The most frequent reasons, at most 10, the most frequent first.
    pub reasons: Vec<ReasonCount>,
    /// How many attempts to deliver these events succeeded.
    pub attempts_succeeded: u64,
    /// How many attempts failed how.
    pub attempt_errors: Vec<ErrorCount>,
    /// How long attempts took, failed ones too; null if there were none.
    pub attempt_latency: Option<Percentiles>,
    /// How long delivered events took from their acceptance to the end of the attempt that delivered them; null if
    /// there were none.
    pub delivery_latency: Option<Percentiles>,
}

/// How many events became this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutcomeCount {
    /// What became of them.
    pub outcome: KeptOutcome,
    /// How many.
    pub count: u64,
}

/// How often the filter failed like this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReasonClassCount {
    /// How it failed.
    pub reason_class: ReasonClass,
    /// How often.
    pub count: u64,
}

/// How often this was the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReasonCount {
    /// What became of the event.
    pub outcome: KeptOutcome,
    /// How the filter failed.
    pub reason_class: Option<ReasonClass>,
    /// Why, its first 200 characters.
    pub reason: String,
    /// How often.
    pub count: u64,
}

/// How many attempts failed like this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorCount {
    /// Why.
    pub error: AttemptError,
    /// How many.
    pub count: u64,
}

/// Durations that so many of a hundred did not exceed, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Percentiles {
    /// Of a half.
    pub p50_ms: u64,
    /// Of 95 of a hundred.
    pub p95_ms: u64,
    /// Of 99 of a hundred.
    pub p99_ms: u64,
}
