//! Whether a webhook's endpoint answers, and what follows from it. Pure.
//!
//! A webhook's [`Standing`] changes when an attempt ends and when its owner edits it. Both are computed here,
//! on the row as it is at that moment, inside the transaction that writes it: eight attempts that end at once
//! are each counted, and none of them undoes an edit. So the store decides nothing, and every store does the
//! same.
//!
//! One *hold* per webhook says "no attempt before this time". It serves the breaker (an UNHEALTHY webhook gets
//! one attempt per interval, the *probe*) and `Retry-After`, which an endpoint means for all of its deliveries.
//! Deliveries that wait behind a hold use up no attempt.
//!
//! An endpoint that answers again is *spared*: what waited meanwhile would come down on it at once. After each few attempts
//! there is a short hold, ever shorter, so that its load grows by a share each second.

use std::fmt;
use std::time::Duration;

use super::Timestamp;
use super::delivery::AttemptError;
use super::limits::{
    ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX, DISABLED_AFTER, FAILURES_UNTIL_UNHEALTHY, PROBE_INTERVALS,
    RECOVERY_ATTEMPTS_PER_SECOND, RECOVERY_GROWTH_PER_SECOND, RECOVERY_TIME,
};
use super::verdict::named;
use super::webhook::{Health, Webhook};

/// One failed attempt or health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why it failed.
    pub error: AttemptError,
    /// The status, if the endpoint answered.
    pub status: Option<u16>,
    /// More about it, for people.
    pub detail: Option<String>,
    /// When it ended.
    pub at: Timestamp,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, &self.detail) {
            (Some(status), None) => write!(f, "the endpoint answered {status}"),
            (_, Some(detail)) => write!(f, "{}: {detail}", self.error.as_str()),
            (None, None) => f.write_str(self.error.as_str()),
        }
    }
}

named!(
    /// Why no attempt is made for a while.
    HoldReason {
        /// The webhook is UNHEALTHY: one attempt per interval. Or it just was, and is spared.
        Unhealthy = "unhealthy",
        /// The endpoint asked for it with `Retry-After`.
        RetryAfter = "retry_after",
    }
);

/// No attempt before a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// That time.
    pub until: Timestamp,
    /// Why.
    pub reason: HoldReason,
}

named!(
    /// Why a webhook is disabled.
    DisabledReason {
        /// Its owner wants it so.
        Owner = "owner",
        /// The endpoint answered 410.
        Gone = "gone",
        /// Every attempt of [`DISABLED_AFTER`] failed.
        Failing = "failing",
        /// It was to be enabled, and the health check failed.
        HealthCheck = "health_check",
    }
);

/// What is known of an endpoint that does not answer as it should, or did not just now; all of it empty for others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// When the first of the failed attempts since the last success ended.
    pub failing_since: Option<Timestamp>,
    /// When the webhook became UNHEALTHY.
    pub unhealthy_since: Option<Timestamp>,
    /// The last failed attempt or health check.
    pub last_failure: Option<Failure>,
    /// No attempt before a time, which may have passed.
    pub hold: Option<Hold>,
    /// Failed probes since the webhook became UNHEALTHY: its place among the intervals.
    pub failed_probes: u32,
    /// Since when the endpoint answers again, while it is spared.
    pub recovered_at: Option<Timestamp>,
    /// Why the webhook is disabled; `None` while it is enabled.
    pub disabled: Option<DisabledReason>,
}

/// The part of a webhook that attempts change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether events are delivered at all.
    pub is_enabled: bool,
    /// Whether the endpoint answers.
    pub health: Health,
    /// Failed attempts since the last success.
    pub failures_in_a_row: u32,
    /// What is known of the failures.
    pub trouble: Trouble,
}

/// What one attempt says of its endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// How it failed; `None` for a success.
    pub failure: Option<Failure>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub at: Timestamp,
    /// Whether the endpoint said that it is gone for good (410).
    pub is_gone: bool,
    /// Whether it was the last attempt of its delivery's schedule.
    pub is_exhausted: bool,
    /// Until when the endpoint asks to be left alone.
    pub asked_until: Option<Timestamp>,
    /// Spreads probes, from 0 to 1.
    pub jitter: f64,
}

/// The bounds by which answers are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Failed attempts in a row that make a webhook UNHEALTHY.
    pub failures_until_unhealthy: u32,
    /// The pauses before the first probe and the later ones; the last one repeats.
    pub probe_intervals: &'static [Duration],
    /// How long every attempt must have failed until the webhook is disabled.
    pub disabled_after: Duration,
}

impl Rules {
    /// Those of [`limits`](super::limits).
    pub const STANDARD: Self = Self {
        failures_until_unhealthy: FAILURES_UNTIL_UNHEALTHY,
        probe_intervals: &PROBE_INTERVALS,
        disabled_after: DISABLED_AFTER,
    };
}

impl Standing {
    /// That of a webhook.
    #[must_use]
    pub fn of(webhook: &Webhook) -> Self {
        Self {
            is_enabled: webhook.is_enabled,
            health: webhook.health,
            failures_in_a_row: webhook.failures_in_a_row,
            trouble: webhook.trouble.clone(),
        }
    }

    /// What an attempt makes of it.
    #[must_use]
    pub fn after(&self, answer: &Answer, rules: &Rules) -> Self {
        match &answer.failure {
            None => self.succeeded(answer.at),
            Some(failure) => self.failed(failure, answer, rules),
        }
    }

    /// Whether there is nothing that a success would change.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let is_healthy = self.is_enabled && self.health == Health::Healthy && self.failures_in_a_row == 0;
        is_healthy && self.trouble == Trouble::default()
    }

    /// A success ends all trouble, but not what the endpoint asked for: the attempt began before it did. A
    /// disabled webhook stays as it is until its owner enables it.
    fn succeeded(&self, at: Timestamp) -> Self {
        let is_asked = |hold: &Hold| hold.reason == HoldReason::RetryAfter && hold.until > at;
        let asked = self.trouble.hold.filter(is_asked);
        if self.is_enabled {
            let recovered_at = self.recovered_at(at);
            let hold = asked.or_else(|| Some(self.spared(recovered_at?, at)));
            let trouble = Trouble { hold, recovered_at, ..Trouble::default() };
            return Self { is_enabled: true, health: Health::Healthy, failures_in_a_row: 0, trouble };
        }
        let trouble = Trouble { hold: asked, ..Trouble::default() };
        let trouble = Trouble {
            unhealthy_since: self.trouble.unhealthy_since,
            last_failure: self.trouble.last_failure.clone(),
            disabled: self.trouble.disabled,
            ..trouble
        };
        Self { is_enabled: false, health: self.health, failures_in_a_row: 0, trouble }
    }

    /// Since when the endpoint answers again after a success, while it is spared.
    fn recovered_at(&self, at: Timestamp) -> Option<Timestamp> {
        match self.health {
            Health::Unhealthy => Some(at),
            // A clock that was set back would have it spared until it is as late again.
            Health::Healthy => {
                self.trouble.recovered_at.filter(|since| *since <= at && at.since(*since) < RECOVERY_TIME)
            }
        }
    }

    /// What holds back an endpoint that is spared: after as many attempts as may be under way, so long that there are no
    /// more a second than it gets by now. Those that end while it is held lengthen nothing.
    fn spared(&self, recovered_at: Timestamp, at: Timestamp) -> Hold {
        let current = self.trouble.hold.filter(|hold| self.health == Health::Healthy && hold.until > at);
        current.unwrap_or_else(|| {
            let growth = RECOVERY_GROWTH_PER_SECOND.powf(at.since(recovered_at).as_secs_f64());
            let batch = f64::from(ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX);
            let pause = Duration::from_secs_f64(batch / (RECOVERY_ATTEMPTS_PER_SECOND * growth));
            // Times are in whole milliseconds: the next one, lest it become none at all.
            Hold { until: at + pause + Duration::from_millis(1), reason: HoldReason::Unhealthy }
        })
    }

    fn failed(&self, failure: &Failure, answer: &Answer, rules: &Rules) -> Self {
        let mut next = self.clone();
        next.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        next.trouble.last_failure = Some(failure.clone());
        let failing_since = *next.trouble.failing_since.get_or_insert(answer.at);
        if !self.is_enabled {
            return next;
        }
        if answer.is_gone {
            next.disable(DisabledReason::Gone, answer.at);
            return next;
        }
        if answer.is_exhausted || next.failures_in_a_row >= rules.failures_until_unhealthy {
            next.sicken(answer.at);
        }
        let is_unhealthy = next.health == Health::Unhealthy;
        if is_unhealthy && answer.at.since(failing_since) >= rules.disabled_after {
            next.disable(DisabledReason::Failing, answer.at);
            return next;
        }
        // What began before the hold did was no probe: others like it end at the same time, and must not
        // lengthen the pause each.
        let is_probe = self.trouble.hold.is_none_or(|hold| answer.started_at >= hold.until);
        let probed = is_unhealthy && (is_probe || self.health == Health::Healthy);
        let pause = probed.then(|| next.pause(answer, rules)).flatten();
        let asked = answer.asked_until.map(|until| Hold { until, reason: HoldReason::RetryAfter });
        let current = self.trouble.hold.filter(|hold| hold.until > answer.at);
        next.trouble.hold = [current, pause, asked].into_iter().flatten().max_by_key(|hold| hold.until);
        next
    }

    /// Counts a failed probe; how long until the next. Never shorter than the interval.
    fn pause(&mut self, answer: &Answer, rules: &Rules) -> Option<Hold> {
        let intervals = rules.probe_intervals;
        let interval = intervals.get(self.trouble.failed_probes as usize).or(intervals.last())?;
        self.trouble.failed_probes = self.trouble.failed_probes.saturating_add(1);
        let until = answer.at + interval.mul_f64(1.0 + answer.jitter.clamp(0.0, 1.0) / 2.0);
        Some(Hold { until, reason: HoldReason::Unhealthy })
    }

    fn sicken(&mut self, at: Timestamp) {
        if self.health == Health::Healthy {
            self.health = Health::Unhealthy;
            self.trouble.failed_probes = 0;
        }
        self.trouble.recovered_at = None;
        self.trouble.unhealthy_since.get_or_insert(at);
    }

    fn disable(&mut self, reason: DisabledReason, at: Timestamp) {
        self.is_enabled = false;
        self.sicken(at);
        self.trouble.hold = None;
        self.trouble.disabled = Some(reason);
    }

    /// What an edit by the owner makes of it. Enabling begins anew; whoever enables has seen the endpoint
    /// answer. Another URL ends hold and counts, which were the old one's; what the status is, its first
    /// attempt says.
    #[must_use]
    pub fn edited(&self, is_enabled: bool, is_url_new: bool) -> Self {
        if is_enabled && !self.is_enabled {
            return Self {
                is_enabled: true,
                health: Health::Healthy,
                failures_in_a_row: 0,
                trouble: Trouble::default(),
            };
        }
        let mut next = self.clone();
        if self.is_enabled && !is_enabled {
            next.is_enabled = false;
            next.trouble.hold = None;
            next.trouble.recovered_at = None;
            next.trouble.disabled = Some(DisabledReason::Owner);
        }
        if is_url_new {
            next.failures_in_a_row = 0;
            next.trouble.failing_since = None;
            next.trouble.hold = None;
            next.trouble.recovered_at = None;
            next.trouble.failed_probes = 0;
            next.trouble.last_failure.take_if(|_| self.health == Health::Healthy);
        }
        next
    }

    /// Disabled at the owner's wish, which makes it UNHEALTHY too (the specification's `disableWebhook`).
    /// One that is both already stays as it is.
    #[must_use]
    pub fn disabled_by_owner(&self, at: Timestamp) -> Self {
        let mut next = self.clone();
        if self.is_enabled || self.health == Health::Healthy {
            next.disable(self.trouble.disabled.unwrap_or(DisabledReason::Owner), at);
        }
        next
    }

    /// It was to be enabled, and the endpoint did not answer the health check.
    #[must_use]
    pub fn check_failed(&self, failure: Failure) -> Self {
        let mut next = self.clone();
        next.disable(DisabledReason::HealthCheck, failure.at);
        next.trouble.last_failure = Some(failure);
        next
    }

    /// Why it is UNHEALTHY or disabled, for people; `None` for one that is neither.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let last = || self.trouble.last_failure.as_ref().map(|failure| format!(": {failure}")).unwrap_or_default();
        Some(match (self.trouble.disabled, self.health) {
            (Some(DisabledReason::Owner), _) => "disabled by its owner".to_owned(),
            (Some(DisabledReason::Gone), _) => "disabled, because the endpoint answered 410 (gone)".to_owned(),
            (Some(DisabledReason::Failing), _) => {
                let days = DISABLED_AFTER.as_secs() / (24 * 3600);
                format!("disabled after {days} days in which every attempt failed; the last one{}", last())
            }
            (Some(DisabledReason::HealthCheck), _) => {
                format!("not enabled, because the endpoint did not answer the health check{}", last())
            }
            (None, _) if !self.is_enabled => "disabled".to_owned(),
            (None, Health::Healthy) => return None,
            (None, Health::Unhealthy) if self.failures_in_a_row == 0 => {
                "attempts failed at its former URL, and none was made at the new one yet".to_owned()
            }
            (None, Health::Unhealthy) => {
                format!("failed attempts in a row: {}; the last one{}", self.failures_in_a_row, last())
            }
        })
    }
}

#[cfg(test)]
mod tests;
