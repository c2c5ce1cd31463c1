//! A span while the thing it tells of goes on.

use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::{Event as Moment, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use url::Url;

use super::{Began, Queue, Stage};
use crate::model::delivery::{Attempt, Delivery};
use crate::model::event::Event;
use crate::model::limits::TRACE_VERDICTS_MAX;
use crate::model::trace::EventTrace;
use crate::model::verdict::Verdict;

/// The flag of a trace that is collected (W3C Trace Context).
const SAMPLED: u32 = 1;

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Dispatch => "dispatch",
            Self::Filters => "filters",
            Self::Attempt => "attempt",
        }
    }

    fn kind(self) -> SpanKind {
        match self {
            Self::Accept => SpanKind::Server,
            Self::Dispatch | Self::Filters => SpanKind::Internal,
            Self::Attempt => SpanKind::Client,
        }
    }
}

/// A span that has begun. It ends when it is dropped, whatever becomes of what it tells of.
pub struct Open {
    queue: Arc<Queue>,
    began: Instant,
    /// Apart, so that there is little to move where traces are off.
    span: Box<Span>,
}

impl Open {
    pub(super) fn new(queue: Arc<Queue>, began: Began, stage: Stage, event: &Event, trace: &EventTrace) -> Self {
        let (span_id, parent) = match stage {
            Stage::Accept => (trace.accept_span_id, trace.parent.map(|parent| parent.span_id)),
            _ => (queue.next_span_id(), Some(trace.accept_span_id)),
        };
        let mut span = Span {
            trace_id: trace.trace_id.to_vec(),
            span_id: span_id.to_vec(),
            parent_span_id: parent.map(Vec::from).unwrap_or_default(),
            flags: SAMPLED,
            name: stage.name().to_owned(),
            kind: stage.kind().into(),
            start_time_unix_nano: nanos(began.at.duration_since(UNIX_EPOCH).unwrap_or_default()),
            ..Span::default()
        };
        span.attributes.push(text("hooksieve.event.id", event.id.as_str()));
        span.attributes.push(text("hooksieve.event.type", event.event_type.as_str()));
        Self { queue, began: began.instant, span: Box::new(span) }
    }

    /// Begins a span within this one.
    #[must_use]
    pub fn child(&self, stage: Stage) -> Self {
        let span = Span {
            span_id: self.queue.next_span_id().to_vec(),
            parent_span_id: self.span.span_id.clone(),
            name: stage.name().to_owned(),
            kind: stage.kind().into(),
            start_time_unix_nano: self.now(),
            attributes: self.span.attributes.clone(),
            trace_id: self.span.trace_id.clone(),
            flags: SAMPLED,
            ..Span::default()
        };
        Self { queue: Arc::clone(&self.queue), began: Instant::now(), span: Box::new(span) }
    }

    /// Ends it here, though more is told of it.
    pub fn end(&mut self) {
        self.span.end_time_unix_nano = self.now();
    }

    /// How many get the event and how many do not.
    pub fn decided(&mut self, owed: usize, not_owed: usize) {
        self.count("hooksieve.deliveries", owed);
        self.count("hooksieve.not_delivered", not_owed);
    }

    /// What a filter said: the first [`TRACE_VERDICTS_MAX`] one by one, the others as a number.
    pub fn verdict(&mut self, verdict: &Verdict) {
        if self.span.events.len() == TRACE_VERDICTS_MAX {
            self.span.dropped_events_count += 1;
            return;
        }
        let mut attributes = vec![
            text("hooksieve.webhook.id", verdict.webhook_id.as_str()),
            text("hooksieve.verdict.outcome", verdict.outcome.as_str()),
        ];
        let class = verdict.reason_class.map(|class| text("hooksieve.verdict.class", class.as_str()));
        let fuel = verdict.fuel.map(|fuel| number("hooksieve.filter.fuel", fuel));
        let took = verdict.duration_us.map(|took| number("hooksieve.filter.duration_us", took));
        attributes.extend([class, fuel, took].into_iter().flatten());
        let time_unix_nano = self.now();
        self.span.events.push(Moment {
            time_unix_nano,
            name: "verdict".to_owned(),
            attributes,
            dropped_attributes_count: 0,
        });
    }

    /// What came of an attempt at `url`, of which only the host is told.
    pub fn attempted(&mut self, delivery: &Delivery, attempt: &Attempt, url: &str) {
        let attributes = &mut self.span.attributes;
        attributes.push(text("hooksieve.delivery.id", delivery.id.as_str()));
        attributes.push(text("hooksieve.webhook.id", delivery.webhook_id.as_str()));
        attributes.push(number("hooksieve.attempt.number", attempt.number));
        attributes.push(text("http.request.method", "POST"));
        if let Ok(url) = Url::parse(url) {
            attributes.extend(url.host_str().map(|host| text("server.address", host)));
            attributes.extend(url.port_or_known_default().map(|port| number("server.port", port)));
        }
        attributes.extend(attempt.status.map(|status| number("http.response.status_code", status)));
        if let Some(error) = attempt.error {
            self.fail(error.as_str());
        }
    }

    /// Says that it came to nothing, by the name of a class.
    pub fn fail(&mut self, class: &'static str) {
        self.span.attributes.push(text("error.type", class));
        self.span.status = Some(Status { message: String::new(), code: StatusCode::Error.into() });
    }

    fn count(&mut self, key: &'static str, count: usize) {
        self.span.attributes.push(number(key, u64::try_from(count).unwrap_or(u64::MAX)));
    }

    fn now(&self) -> u64 {
        self.span.start_time_unix_nano.saturating_add(nanos(self.began.elapsed()))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.span.end_time_unix_nano == 0 {
            self.end();
        }
        self.queue.push(std::mem::take(&mut *self.span));
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn text(key: &'static str, value: &str) -> KeyValue {
    pair(key, Value::StringValue(value.to_owned()))
}

fn number(key: &'static str, value: impl TryInto<i64>) -> KeyValue {
    pair(key, Value::IntValue(value.try_into().unwrap_or(i64::MAX)))
}

fn pair(key: &'static str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
