//! What the host counts and measures, as Prometheus reads it.
//!
//! One set of plain counters and histograms, handed down to whoever does the counted thing; an increment
//! is an atomic addition and a histogram's observation one short lock, so nothing on the hot path waits. Every
//! label's values are known here beforehand: an id, a URL or a name that somebody chose is never a label, so
//! that what is shown neither grows nor tells anything of anybody. Queues are not counted but looked up
//! when somebody asks ([`Queues`]), so that they are right after a restart too.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::model::delivery::AttemptError;
use crate::model::limits::{ATTEMPTS_IN_FLIGHT_MAX, QUEUE_COUNT_MAX};
use crate::model::operational::Change;
use crate::model::verdict::{Outcome, ReasonClass};

/// The media type of [`Metrics::to_text`]: OpenMetrics, which every Prometheus since 2.5 reads.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What became of an event that was posted.
pub const EVENT_RESULTS: [&str; 3] = ["accepted", "duplicate", "conflict"];
/// Whether a commit was synced.
pub const DURABILITIES: [&str; 2] = ["durable", "soft"];
/// What is deleted when it has had its time.
pub const DELETED_ROWS: [&str; 4] = ["events", "verdicts", "deliveries", "attempts"];
/// A span that the collector took.
pub const SPAN_EXPORTED: &str = "exported";
/// A span that was dropped because too many waited.
pub const SPAN_DROPPED: &str = "dropped";
/// A span that the collector did not take.
pub const SPAN_FAILED: &str = "failed";
/// What is deleted when nothing refers to it any more.
pub const DELETED_LEFTOVERS: [&str; 3] = ["replays", "snapshots", "webhooks"];
/// The classes of HTTP statuses.
pub const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// Whose requests were too many.
pub const RATE_LIMITS: [&str; 2] = ["token", "address"];
/// What a webhook's health changed to, as [`Change`] has it.
const HEALTH_CHANGES: [(Change, &str); 3] =
    [(Change::Unhealthy, "unhealthy"), (Change::Recovered, "healthy"), (Change::Disabled, "disabled")];
/// How an attempt ended well; the other results are those of [`AttemptError`].
const SUCCESS: &str = "success";

/// From accept to dispatch, and whole attempts: half a millisecond to half a minute.
const LATENCY_SECS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Commits: a tenth of a millisecond to two and a half seconds.
const COMMIT_SECS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
/// Calls of filters: five microseconds to their deadline.
const FILTER_SECS: [f64; 12] =
    [0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1];

/// Counters of one name, one for each value of one label; all are there from the start, at 0.
#[derive(Clone, Debug)]
pub struct Counters(Arc<[(&'static str, Counter)]>);

impl Counters {
    /// Counts one more of `value`. One that was not announced is a mistake of ours, and not counted.
    pub fn count(&self, value: &str) {
        self.add(value, 1);
    }

    /// Counts so many more of `value`.
    pub fn add(&self, value: &str, count: u64) {
        let found = self.0.iter().find(|(name, _)| *name == value);
        debug_assert!(found.is_some(), "{value} is no value of this label");
        if let Some((_, counter)) = found {
            counter.inc_by(count);
        }
    }
}

/// Durations in seconds.
#[derive(Clone, Debug)]
pub struct Durations(Histogram);

impl Durations {
    /// Adds one.
    pub fn observe(&self, duration: Duration) {
        self.0.observe(duration.as_secs_f64());
    }
}

/// What waits, as the store tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queues {
    /// Events without a verdict.
    pub events_waiting: u64,
    /// How long the oldest of them has waited.
    pub events_age: Duration,
    /// Deliveries whose next attempt is due, of webhooks that are enabled and not held back.
    pub deliveries_due: u64,
    /// How long the first of them has been due.
    pub deliveries_age: Duration,
    /// How healthy the webhooks are.
    pub webhooks: WebhookCounts,
}

/// Webhooks that are there, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookCounts {
    /// Enabled, and their endpoints answer.
    pub healthy: u64,
    /// Enabled, and their endpoints do not answer.
    pub unhealthy: u64,
    /// Disabled, whoever did that.
    pub disabled: u64,
}

/// Everything that is counted.
pub struct Metrics {
    /// Events that were posted, by [`EVENT_RESULTS`].
    pub events: Counters,
    /// From the accept of an event until its verdicts are on disk.
    pub dispatch_latency: Durations,
    /// Verdicts that were written, by [`Outcome`].
    pub verdicts: Counters,
    /// Verdicts that a filter's failure decided, by [`ReasonClass`].
    pub filter_failures: Counters,
    /// Calls of filters that decided on an event.
    pub filter_calls: Counter,
    /// Verdicts of filters that were remembered, so that they took no call.
    pub filter_memo_hits: Counter,
    /// Fuel that those calls used.
    pub filter_fuel: Counter,
    /// How long those calls took.
    pub filter_call_time: Durations,
    /// Attempts that were made, by `success` and [`AttemptError`]; see [`Metrics::count_attempt`].
    attempts: Counters,
    /// How long attempts took, body included.
    attempt_time: Durations,
    /// From the decision on a delivery until its first attempt began.
    pub first_attempt_wait: Durations,
    /// Attempts under way.
    pub attempts_under_way: Gauge,
    health_changes: Counters,
    /// Transactions that were committed, by [`DURABILITIES`].
    pub commits: Counters,
    /// Writes that those transactions took.
    pub commit_writes: Counter,
    /// How long syncing the log of commits took, several at a time.
    pub commit_time: Durations,
    /// Rows that were deleted because they had had their time, by [`DELETED_ROWS`] and [`DELETED_LEFTOVERS`].
    pub deleted: Counters,
    /// Requests that were answered, by [`STATUS_CLASSES`].
    pub requests: Counters,
    /// Requests that were refused because there were too many, by [`RATE_LIMITS`].
    pub rate_limited: Counters,
    /// Spans of traces that ended, by [`SPAN_EXPORTED`], [`SPAN_DROPPED`] and [`SPAN_FAILED`].
    pub trace_spans: Counters,
    queues: QueueGauges,
    registry: Registry,
}

struct QueueGauges {
    events: Gauge,
    events_age: Gauge<f64, std::sync::atomic::AtomicU64>,
    deliveries: Gauge,
    deliveries_age: Gauge<f64, std::sync::atomic::AtomicU64>,
    webhooks: [Gauge; 3],
    is_storage_up: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("hooksieve");
        let r = &mut registry;
        let named = |values: &[&'static str]| values.to_vec();
        let attempts = AttemptError::ALL.iter().map(|error| error.as_str());
        let attempts: Vec<_> = std::iter::once(SUCCESS).chain(attempts).collect();
        let outcomes: Vec<_> = Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
        let classes: Vec<_> = ReasonClass::ALL.iter().map(|class| class.as_str()).collect();
        let under_way = format!("Attempts under way; there are never more than {ATTEMPTS_IN_FLIGHT_MAX}");
        r.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        Self {
            events: counters(r, "events", "Events that were posted", "result", named(&EVENT_RESULTS)),
            dispatch_latency: durations(
                r,
                "dispatch_latency",
                "From the accept of an event until its verdicts are on disk",
                &LATENCY_SECS,
            ),
            verdicts: counters(r, "verdicts", "Verdicts that were written", "outcome", outcomes),
            filter_failures: counters(
                r,
                "filter_failures",
                "Verdicts that a failure of the webhook's filter decided",
                "class",
                classes,
            ),
            filter_calls: counter(r, "filter_calls", "Calls of filters that decided on an event"),
            filter_memo_hits: counter(
                r,
                "filter_memo_hits",
                "Verdicts of filters on inputs that they had decided on before, which took no call",
            ),
            filter_fuel: counter(r, "filter_fuel", "Fuel that those calls used, about one an instruction"),
            filter_call_time: durations(r, "filter_call_duration", "How long those calls took", &FILTER_SECS),
            attempts: counters(r, "attempts", "Attempts that were made", "result", attempts),
            attempt_time: durations(r, "attempt_duration", "How long attempts took, body included", &LATENCY_SECS),
            first_attempt_wait: durations(
                r,
                "first_attempt_wait",
                "From the decision on a delivery until its first attempt began",
                &LATENCY_SECS,
            ),
            attempts_under_way: registered(r, "attempts_under_way", &under_way, Gauge::default()),
            health_changes: counters(
                r,
                "webhook_health_changes",
                "Changes of webhooks' health, by what they changed to",
                "to",
                HEALTH_CHANGES.map(|(_, name)| name).to_vec(),
            ),
            commits: counters(r, "commits", "Transactions that were committed", "durability", named(&DURABILITIES)),
            commit_writes: counter(r, "commit_writes", "Writes that those transactions took"),
            commit_time: durations(
                r,
                "commit_duration",
                "How long syncing transactions to the disk took, those together that were committed meanwhile",
                &COMMIT_SECS,
            ),
            deleted: counters(
                r,
                "retention_deleted",
                "Rows that were deleted because they had had their time",
                "what",
                named(&[&DELETED_ROWS[..], &DELETED_LEFTOVERS].concat()),
            ),
            requests: counters(r, "http_requests", "Requests that were answered", "status", named(&STATUS_CLASSES)),
            rate_limited: counters(
                r,
                "http_requests_rate_limited",
                "Requests that were refused because there were too many, of a token or of an address",
                "by",
                named(&RATE_LIMITS),
            ),
            trace_spans: counters(
                r,
                "trace_spans",
                "Spans of traces that ended, where traces are on",
                "result",
                vec![SPAN_EXPORTED, SPAN_DROPPED, SPAN_FAILED],
            ),
            queues: QueueGauges::new(r),
            registry,
        }
    }
}

impl QueueGauges {
    fn new(registry: &mut Registry) -> Self {
        let webhooks = webhooks_by_health(registry);
        let mut gauge = |name, help: &str| registered(registry, name, help, Gauge::default());
        let events = format!("Events that wait for dispatch; no more than {QUEUE_COUNT_MAX} are counted");
        let deliveries = format!(
            "Deliveries whose next attempt is due, of webhooks that are enabled and not held back; no more than {QUEUE_COUNT_MAX} of one webhook are counted"
        );
        Self {
            events: gauge("events_waiting", &events),
            deliveries: gauge("deliveries_due", &deliveries),
            webhooks,
            is_storage_up: gauge("storage_up", "Whether the database could be read for this answer"),
            events_age: in_seconds(registry, "events_waiting_oldest_age", "How long the oldest of them has waited"),
            deliveries_age: in_seconds(
                registry,
                "deliveries_due_oldest_age",
                "How long the first of them has been due",
            ),
        }
    }
}

impl Metrics {
    /// Counts an attempt that was made; `error` is `None` for a success.
    pub fn count_attempt(&self, error: Option<AttemptError>, took: Duration) {
        self.attempts.count(error.map_or(SUCCESS, AttemptError::as_str));
        self.attempt_time.observe(took);
    }

    /// Counts a change of a webhook's health.
    pub fn count_health_change(&self, change: Change) {
        for (_, name) in HEALTH_CHANGES.iter().filter(|(known, _)| *known == change) {
            self.health_changes.count(name);
        }
    }

    /// Counts a call of a filter that decided on an event.
    pub fn count_filter_call(&self, fuel: u64, took: Duration) {
        self.filter_calls.inc();
        self.filter_fuel.inc_by(fuel);
        self.filter_call_time.observe(took);
    }

    /// Counts a request that was answered with `status`.
    pub fn count_request(&self, status: u16) {
        let class = usize::from(status / 100).checked_sub(1).and_then(|class| STATUS_CLASSES.get(class));
        self.requests.count(class.unwrap_or(&"5xx"));
    }

    /// Everything as text, with these queues; `None` if the store could not tell.
    #[must_use]
    pub fn to_text(&self, queues: Option<Queues>) -> String {
        let gauges = &self.queues;
        gauges.is_storage_up.set(i64::from(queues.is_some()));
        if let Some(Queues { events_waiting, events_age, deliveries_due, deliveries_age, webhooks }) = queues {
            let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            gauges.events.set(whole(events_waiting));
            gauges.deliveries.set(whole(deliveries_due));
            for (gauge, count) in gauges.webhooks.iter().zip([webhooks.healthy, webhooks.unhealthy, webhooks.disabled])
            {
                gauge.set(whole(count));
            }
            gauges.events_age.set(events_age.as_secs_f64());
            gauges.deliveries_age.set(deliveries_age.as_secs_f64());
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics(..)")
    }
}

fn registered<M>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M
where
    M: prometheus_client::registry::Metric + Clone,
{
    registry.register(name, help, metric.clone());
    metric
}

fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    registered(registry, name, help, Counter::default())
}

fn counters(
    registry: &mut Registry,
    name: &str,
    help: &str,
    label: &'static str,
    values: Vec<&'static str>,
) -> Counters {
    let family: Family<[(&'static str, &'static str); 1], Counter> = Family::default();
    let counters = values.into_iter().map(|value| (value, family.get_or_create_owned(&[(label, value)])));
    let counters = Counters(counters.collect());
    registry.register(name, help, family);
    counters
}

/// Healthy, unhealthy and disabled, in this order.
fn webhooks_by_health(registry: &mut Registry) -> [Gauge; 3] {
    let family: Family<[(&'static str, &'static str); 1], Gauge> = Family::default();
    let gauges = ["healthy", "unhealthy", "disabled"].map(|health| family.get_or_create_owned(&[("health", health)]));
    registry.register("webhooks", "Webhooks that are there; one that is disabled counts as nothing else", family);
    gauges
}

fn durations(registry: &mut Registry, name: &str, help: &str, buckets: &[f64]) -> Durations {
    Durations(registered_in_seconds(registry, name, help, Histogram::new(buckets.iter().copied())))
}

fn in_seconds(registry: &mut Registry, name: &str, help: &str) -> Gauge<f64, std::sync::atomic::AtomicU64> {
    registered_in_seconds(registry, name, help, Gauge::default())
}

fn registered_in_seconds<M>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M
where
    M: prometheus_client::registry::Metric + Clone,
{
    registry.register_with_unit(name, help, Unit::Seconds, metric.clone());
    metric
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALERTS: &str = include_str!("../../docs/operations/alerts.yaml");

    #[test]
    fn every_value_of_a_label_is_there_from_the_start() {
        let text = Metrics::default().to_text(None);

        for line in [
            r#"hooksieve_events_total{result="accepted"} 0"#,
            r#"hooksieve_verdicts_total{outcome="out_of_scope"} 0"#,
            r#"hooksieve_filter_failures_total{class="memory-limit"} 0"#,
            r#"hooksieve_attempts_total{result="success"} 0"#,
            r#"hooksieve_attempts_total{result="timeout"} 0"#,
            r#"hooksieve_commits_total{durability="soft"} 0"#,
            r#"hooksieve_webhook_health_changes_total{to="disabled"} 0"#,
            r#"hooksieve_webhooks{health="unhealthy"} 0"#,
            r#"hooksieve_http_requests_total{status="4xx"} 0"#,
            "hooksieve_storage_up 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn what_is_counted_is_shown_in_seconds_and_ones() {
        let metrics = Metrics::default();

        metrics.count_attempt(Some(AttemptError::Timeout), Duration::from_secs(7));
        metrics.count_filter_call(1_234, Duration::from_micros(8));
        metrics.count_request(404);
        metrics.count_health_change(Change::Recovered);
        let webhooks = WebhookCounts { healthy: 7, unhealthy: 2, disabled: 1 };
        let queues =
            Queues { events_waiting: 3, events_age: Duration::from_millis(1_500), webhooks, ..Queues::default() };
        let text = metrics.to_text(Some(queues));

        for line in [
            r#"hooksieve_attempts_total{result="timeout"} 1"#,
            "hooksieve_attempt_duration_seconds_sum 7.0",
            r#"hooksieve_attempt_duration_seconds_bucket{le="5.0"} 0"#,
            r#"hooksieve_attempt_duration_seconds_bucket{le="10.0"} 1"#,
            "hooksieve_filter_fuel_total 1234",
            r#"hooksieve_filter_call_duration_seconds_bucket{le="0.001"} 1"#,
            r#"hooksieve_http_requests_total{status="4xx"} 1"#,
            r#"hooksieve_webhook_health_changes_total{to="healthy"} 1"#,
            r#"hooksieve_webhooks{health="healthy"} 7"#,
            r#"hooksieve_webhooks{health="disabled"} 1"#,
            "hooksieve_events_waiting 3",
            "hooksieve_events_waiting_oldest_age_seconds 1.5",
            "hooksieve_storage_up 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn the_alerts_ask_for_what_is_shown() {
        let text = Metrics::default().to_text(None);
        let is_name = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
        let named: Vec<&str> = ALERTS.split(|c| !is_name(c)).filter(|word| word.starts_with("hooksieve_")).collect();
        // In a selector such as `{status="5xx"}`; `le`, `job` and the severities of alerts are not the host's.
        let labels = ALERTS.split('{').filter_map(|rest| rest.split_once('}')?.0.split_once('='));
        let labels = labels.map(|(label, value)| (label.trim_end_matches('!'), value.trim_matches('"')));
        let labels: Vec<_> = labels.filter(|(label, _)| *label != "job").collect();

        for name in &named {
            assert!(text.lines().any(|line| line.split([' ', '{']).next() == Some(name)), "{name}");
        }
        for (label, value) in &labels {
            assert!(text.contains(&format!("{{{label}=\"{value}\"}}")), "{label} {value}");
        }
        assert!(named.len() >= 10 && labels.len() >= 3, "{named:?} {labels:?}");
    }
}
