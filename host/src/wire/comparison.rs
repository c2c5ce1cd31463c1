//! Candidate filters and how they compare with what was decided without them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::event::canonical;
use super::{KeptOutcome, ReasonClass};
use crate::model::{Timestamp, comparison};

/// A candidate for a webhook's filter.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Candidate {
    /// The filter; `GET /v1/filters` lists those that can be used.
    #[schema(format = "filter-id")]
    pub id: String,
    /// Its configuration, any JSON of at most 64 KiB that the filter takes; null if it needs none.
    #[schema(value_type = Value)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Box<RawValue>>,
}

/// A candidate to run beside a webhook's filter. It decides nothing: what is sent, and how the filter stands, is
/// as if it were not there.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewShadow {
    /// The candidate. What happens when it fails is not asked: its failures are counted.
    pub filter: Candidate,
}

/// A candidate that runs beside a webhook's filter, and how the two compare.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shadow {
    /// The candidate.
    pub filter: AttachedCandidate,
    /// Since when they are compared: when the candidate or the filter was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// How often the candidate agreed since then.
    pub agreements: Agreements,
    /// The newest events on which it did not, the newest first, at most 20; null in a list.
    pub samples: Option<Vec<Difference>>,
}

/// A candidate that is attached to a webhook.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachedCandidate {
    /// The filter.
    pub id: String,
    /// Its configuration, any JSON; null where it has none.
    #[schema(value_type = Value)]
    pub config: Box<RawValue>,
}

/// How often a candidate agreed with what was decided, and did not. What counts is whether the event is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Agreements {
    /// Both sent the event, or neither did.
    pub agreed: u64,
    /// The event was sent, and the candidate keeps it back.
    pub delivered_but_skips: u64,
    /// The event was kept back, and the candidate sends it.
    pub skipped_but_delivers: u64,
    /// The candidate failed.
    pub errors: u64,
}

/// An event on which a candidate did not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The event.
    pub event_id: String,
    /// What was decided; null if nothing was.
    pub recorded: Option<Judged>,
    /// What the candidate says.
    pub candidate: Judged,
}

/// What a filter made of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    /// What became of the event, or would have.
    pub outcome: KeptOutcome,
    /// Why, for people.
    pub reason: Option<String>,
    /// How the filter failed.
    pub reason_class: Option<ReasonClass>,
}

impl Shadow {
    /// A shadow, with what was counted of it.
    #[must_use]
    pub fn new(
        shadow: &comparison::Shadow,
        agreements: comparison::Agreements,
        samples: Option<Vec<comparison::Difference>>,
    ) -> Self {
        Self {
            filter: AttachedCandidate { id: shadow.filter_id.to_string(), config: canonical(&shadow.config) },
            since: shadow.since,
            agreements: agreements.into(),
            samples: samples.map(|samples| samples.into_iter().map(Into::into).collect()),
        }
    }
}

impl From<comparison::Agreements> for Agreements {
    fn from(counted: comparison::Agreements) -> Self {
        let comparison::Agreements { agreed, delivered_but_skips, skipped_but_delivers, errors } = counted;
        Self { agreed, delivered_but_skips, skipped_but_delivers, errors }
    }
}

impl From<comparison::Difference> for Difference {
    fn from(difference: comparison::Difference) -> Self {
        Self {
            event_id: difference.event_id.to_string(),
            recorded: difference.recorded.map(Into::into),
            candidate: difference.candidate.into(),
        }
    }
}

impl From<comparison::Judged> for Judged {
    fn from(judged: comparison::Judged) -> Self {
        Self {
            outcome: judged.outcome.into(),
            reason: judged.reason,
            reason_class: judged.reason_class.map(Into::into),
        }
    }
}
