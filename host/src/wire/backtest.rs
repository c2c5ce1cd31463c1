//! Backtests: what a candidate filter would have made of the events that are stored.

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

use super::{Agreements, Candidate, Difference, Problem};
use crate::model::Timestamp;

/// What to ask about the past.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewBacktest {
    /// The candidate.
    pub filter: Candidate,
    /// Only events accepted at this time or later, RFC 3339; all that are stored if absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How many events to ask about at the most, the newest; 1000 if absent.
    #[schema(minimum = 1, maximum = 100_000)]
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A line of a backtest's answer: an object with one member, which says what it is. The last one has a `summary`,
/// or a `problem` where the host could not go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum BacktestLine {
    /// How far it is.
    Progress(BacktestProgress),
    /// An event on which the candidate does not agree, or fails; at most 50.
    Sample(Difference),
    /// The end.
    Summary(BacktestSummary),
    /// Why there is none.
    Problem(Problem),
}

/// How far a backtest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BacktestProgress {
    /// Events that the candidate was asked about.
    pub asked: u32,
    /// How many it will be at the most.
    pub limit: u32,
}

/// What a backtest came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BacktestSummary {
    /// Events that the candidate was asked about.
    pub asked: u32,
    /// What had become of them.
    pub before: OutcomeCounts,
    /// What would have become of them.
    pub after: OutcomeCounts,
    /// How the two compare, where there are two.
    pub agreements: Agreements,
    /// Whether these were all events there are: neither the limit nor the time, five minutes, ended it.
    pub complete: bool,
}

/// How many events became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeCounts {
    /// Sent.
    pub delivered: u64,
    /// Kept back by the filter.
    pub filtered: u64,
    /// Kept back because the filter failed.
    pub errors: u64,
    /// Not decided: the webhook was not there yet, disabled or out of scope, or dispatch has yet to come to the
    /// event. Always 0 of a candidate.
    pub undecided: u64,
}

/// A whole number however it is spelled: to JSON, 1000.0 is the same as 1000.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    if number.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&number) {
        return Err(de::Error::custom(format!("{number} is no whole number that this can be")));
    }
    Ok(Some(number as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_whole_number_however_it_is_spelled() {
        let limit = |text: &str| {
            let text = format!(r#"{{"filter":{{"id":"f"}},"limit":{text}}}"#);
            serde_json::from_str::<NewBacktest>(&text).map(|new| new.limit).map_err(|error| error.to_string())
        };

        for (text, expected) in [("null", None), ("7", Some(7)), ("7.0", Some(7)), ("1e3", Some(1_000)), ("0", Some(0))]
        {
            assert_eq!(limit(text).unwrap(), expected, "{text}");
        }
        for text in ["1.5", "-1", "4294967296", "\"7\"", "true"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }
}
