//! Verdicts: why a webhook did or did not get an event.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::mirror::mirror;
use super::text::Cursor;
use crate::model::{Timestamp, verdict};

/// What became of one event for one webhook: it is owed a delivery (`delivered`), its filter let the
/// event out (`filtered`) or failed (`filter_error`), the webhook does not cover the event's project or
/// its creator is no member of it (`out_of_scope`), or it was disabled (`disabled`). Two more are never
/// kept, only told on asking: dispatch has not come to the event yet (`waiting`), and the webhook was
/// never a candidate, as `reason` explains (`not_considered`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A delivery is owed (or done: the delivery says).
    Delivered,
    /// The filter let it out.
    Filtered,
    /// The filter failed and the webhook's `onError` is `skip`.
    FilterError,
    /// The webhook does not cover the event's project, or its creator is not a member of it.
    OutOfScope,
    /// The webhook was disabled.
    Disabled,
    /// Dispatch has not come to the event yet.
    Waiting,
    /// The webhook was never a candidate.
    NotConsidered,
}

mirror!(
    /// How a filter failed: out of fuel (`fuel`), stopped by the clock (`deadline`), out of memory
    /// (`memory-limit`) or stack (`stack-overflow`), a trap such as a panic (`trap`), an answer that cannot
    /// be used (`bad-result`), or its own word that it cannot decide (`error`).
    ReasonClass of verdict::ReasonClass {
        /// It used up its fuel.
        Fuel = "fuel",
        /// It ran into the wall-clock backstop.
        Deadline = "deadline",
        /// It asked for more memory than it may have.
        MemoryLimit = "memory-limit",
        /// It recursed too deep.
        StackOverflow = "stack-overflow",
        /// It trapped: a panic, an out-of-bounds access, a division by zero.
        Trap = "trap",
        /// It answered with too much, or with too few or too many verdicts.
        BadResult = "bad-result",
        /// It said itself that it cannot decide.
        Error = "error",
    }
);

/// What was decided for one event and one webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The event.
    pub event_id: String,
    /// The webhook.
    pub webhook_id: String,
    /// Whether the event is a test of one webhook.
    pub is_test: bool,
    /// What was decided.
    pub outcome: Outcome,
    /// Why, for people: the filter's own words, or the host's.
    pub reason: Option<String>,
    /// How the filter failed, also where `onError` let the event through.
    pub reason_class: Option<ReasonClass>,
    /// The filter that decided: SHA-256 of its bytes, in hex.
    pub filter_digest: Option<String>,
    /// The fuel that the filter used.
    pub fuel: Option<u64>,
    /// The wall-clock time that the filter took, in microseconds.
    pub duration_us: Option<u64>,
    /// The delivery that is owed, for `delivered`.
    pub delivery_id: Option<String>,
    /// When it was decided; null for `waiting` and `not_considered`.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// When it was decided first, if a replay has decided anew since, at `decidedAt`; null otherwise.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first_decided_at: Option<Timestamp>,
}

impl Verdict {
    /// One that dispatch wrote.
    #[must_use]
    pub fn decided(event_id: &str, is_test: bool, verdict: verdict::Verdict) -> Self {
        Self {
            event_id: event_id.to_owned(),
            webhook_id: verdict.webhook_id.to_string(),
            is_test,
            outcome: verdict.outcome.into(),
            reason: verdict.reason,
            reason_class: verdict.reason_class.map(Into::into),
            filter_digest: verdict.filter_digest.map(|digest| digest.to_string()),
            fuel: verdict.fuel,
            duration_us: verdict.duration_us,
            delivery_id: verdict.delivery_id.map(|id| id.to_string()),
            decided_at: Some(verdict.decided_at),
            first_decided_at: verdict.first_decided_at,
        }
    }

    /// One that is told instead, because dispatch wrote none.
    #[must_use]
    pub fn undecided(
        event_id: &str,
        is_test: bool,
        webhook_id: &str,
        outcome: Outcome,
        reason: Option<String>,
    ) -> Self {
        Self {
            event_id: event_id.to_owned(),
            webhook_id: webhook_id.to_owned(),
            is_test,
            outcome,
            reason,
            reason_class: None,
            filter_digest: None,
            fuel: None,
            duration_us: None,
            delivery_id: None,
            decided_at: None,
            first_decided_at: None,
        }
    }
}

impl From<verdict::Outcome> for Outcome {
    fn from(outcome: verdict::Outcome) -> Self {
        match outcome {
            verdict::Outcome::Delivered => Self::Delivered,
            verdict::Outcome::Filtered => Self::Filtered,
            verdict::Outcome::FilterError => Self::FilterError,
            verdict::Outcome::OutOfScope => Self::OutOfScope,
            verdict::Outcome::Disabled => Self::Disabled,
        }
    }
}

mirror!(
    /// An outcome that is kept, and so can be asked for.
    KeptOutcome of verdict::Outcome {
        /// A delivery is owed (or done: the delivery says).
        Delivered = "delivered",
        /// The filter let it out.
        Filtered = "filtered",
        /// The filter failed and the webhook's `onError` is `skip`.
        FilterError = "filter_error",
        /// The webhook does not cover the event's project, or its creator is not a member of it.
        OutOfScope = "out_of_scope",
        /// The webhook was disabled.
        Disabled = "disabled",
    }
);

/// Which verdicts to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerdictsQuery {
    /// Only those with this outcome.
    #[param(inline)]
    pub outcome: Option<KeptOutcome>,
    /// Only those decided at this time or later, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Only those decided before this time, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// How many items at the most, 1 to 250; 50 if absent.
    #[param(minimum = 1, maximum = 250)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the previous page, as it is.
    #[param(value_type = Option<Cursor>, inline)]
    pub cursor: Option<String>,
}
