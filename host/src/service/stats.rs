//! What became of a webhook's events lately, counted.

use std::collections::BTreeMap;

use super::access::owner;
use super::{Result, Service, ServiceError};
use crate::model::Timestamp;
use crate::model::comparison::Judged;
use crate::model::delivery::AttemptError;
use crate::model::limits::{
    STATS_ATTEMPTS_MAX, STATS_EVENTS_MAX, STATS_REASON_CHARS_MAX, STATS_REASONS_MAX, STATS_WINDOW_DEFAULT,
    STATS_WINDOW_MAX,
};
use crate::model::token::Caller;
use crate::model::verdict::{Outcome, ReasonClass};
use crate::store::{Stats, StatsQuery};

/// What became of a webhook's events in a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookStats {
    /// Events are counted that were accepted at or after.
    pub since: Timestamp,
    /// When they were counted.
    pub until: Timestamp,
    /// Whether there are more than were counted, so that `since` is later than what was asked for.
    pub is_cut: bool,
    /// How many events.
    pub events: u64,
    /// How many became what.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// How often the filter failed how, also where the event was delivered all the same.
    pub reason_classes: BTreeMap<ReasonClass, u64>,
    /// The most frequent reasons, the most frequent first.
    pub reasons: Vec<(Judged, u64)>,
    /// How many attempts succeeded.
    pub attempts_succeeded: u64,
    /// How many attempts failed how.
    pub attempt_errors: BTreeMap<AttemptError, u64>,
    /// How long attempts took.
    pub attempt_latency: Option<Percentiles>,
    /// How long delivered events took from their acceptance to the end of the attempt that delivered them.
    pub delivery_latency: Option<Percentiles>,
}

/// Durations that half, 95 and 99 of a hundred did not exceed, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// Of a half.
    pub p50_ms: u64,
    /// Of 95 of a hundred.
    pub p95_ms: u64,
    /// Of 99 of a hundred.
    pub p99_ms: u64,
}

impl Service {
    /// What became of the events of the caller's webhook that were accepted since then, or in the last day.
    ///
    /// # Errors
    /// When there is no such webhook, or the window is too long.
    pub async fn stats(&self, caller: &Caller, webhook: &str, since: Option<Timestamp>) -> Result<WebhookStats> {
        let webhook = self.own_webhook(&owner(caller), webhook).await?;
        let until = self.clock.now();
        let since = since.unwrap_or(until - STATS_WINDOW_DEFAULT);
        if until.since(since) > STATS_WINDOW_MAX {
            let days = STATS_WINDOW_MAX.as_secs() / (24 * 3600);
            let detail = format!("the window has at most {days} days; ask for a later time");
            return Err(ServiceError::bad_field("/since", detail));
        }
        let query = StatsQuery {
            since,
            events_max: STATS_EVENTS_MAX,
            attempts_max: STATS_ATTEMPTS_MAX,
            reason_chars_max: STATS_REASON_CHARS_MAX,
        };
        Ok(told(self.store.stats(&webhook.id, query).await?, since, until))
    }
}

/// The counts as they are told.
fn told(mut counted: Stats, since: Timestamp, until: Timestamp) -> WebhookStats {
    let (mut outcomes, mut reason_classes, mut attempt_errors) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (judged, count) in &counted.verdicts {
        *outcomes.entry(judged.outcome).or_default() += count;
        if let Some(class) = judged.reason_class {
            *reason_classes.entry(class).or_default() += count;
        }
    }
    let attempts_succeeded = counted.attempts.remove(&None).unwrap_or_default();
    attempt_errors.extend(counted.attempts.into_iter().filter_map(|(error, count)| Some((error?, count))));
    let mut reasons: Vec<_> = counted.verdicts.into_iter().filter(|(judged, _)| judged.reason.is_some()).collect();
    // Among the equally frequent by their text, so that the same question has the same answer.
    reasons.sort_by(|(left, left_count), (right, right_count)| {
        right_count.cmp(left_count).then_with(|| left.reason.cmp(&right.reason))
    });
    reasons.truncate(STATS_REASONS_MAX);
    WebhookStats {
        since: counted.oldest.filter(|_| counted.is_cut).unwrap_or(since),
        until,
        is_cut: counted.is_cut,
        events: counted.events,
        outcomes,
        reason_classes,
        reasons,
        attempts_succeeded,
        attempt_errors,
        attempt_latency: percentiles(counted.attempt_ms),
        delivery_latency: percentiles(counted.delivered_ms),
    }
}

/// By the nearest rank; none of nothing.
fn percentiles(mut durations: Vec<u64>) -> Option<Percentiles> {
    durations.sort_unstable();
    let rank = |percent: usize| durations.get((durations.len() * percent).div_ceil(100).checked_sub(1)?).copied();
    Some(Percentiles { p50_ms: rank(50)?, p95_ms: rank(95)?, p99_ms: rank(99)? })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn percentiles_are_durations_that_there_were() {
        let of = |durations: Vec<u64>| percentiles(durations).map(|found| (found.p50_ms, found.p95_ms, found.p99_ms));

        assert_eq!(of(vec![]), None);
        assert_eq!(of(vec![7]), Some((7, 7, 7)));
        assert_eq!(of(vec![3, 1]), Some((1, 3, 3)));
        assert_eq!(of((1..=100).rev().collect()), Some((50, 95, 99)));
    }

    #[test]
    fn the_most_frequent_reasons_come_first_and_the_rest_is_left_out() {
        let judged = |reason: usize| Judged {
            outcome: Outcome::Filtered,
            reason: Some(format!("reason {reason:02}")),
            reason_class: None,
        };
        let verdicts: HashMap<_, _> = (0..30).map(|reason| (judged(reason), 1 + u64::from(reason == 20))).collect();

        let at = Timestamp::from_millis(0);
        let told = told(Stats { verdicts, ..Stats::default() }, at, at);

        let reasons: Vec<_> = told.reasons.iter().map(|(judged, count)| (judged.reason.as_deref(), *count)).collect();
        assert_eq!(reasons[..2], [(Some("reason 20"), 2), (Some("reason 00"), 1)]);
        assert_eq!((reasons.len(), told.outcomes[&Outcome::Filtered]), (STATS_REASONS_MAX, 31));
    }
}
