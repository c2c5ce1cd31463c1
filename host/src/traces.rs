//! Traces of what becomes of events, for a collector that speaks OTLP. Off unless an endpoint is configured.
//!
//! One trace for an event: its acceptance, each dispatch with its filters, each attempt. The parts hang together by
//! what [`EventTrace`] says of the event, so a retry after a restart joins the trace that it belongs to. What is off
//! costs one branch; what is on never waits: a span goes into a bounded queue, or is dropped and counted.
//!
//! A span tells ids, types, counts, classes and an endpoint's host. It has no records, secrets, paths or queries, and no
//! text that a filter or an endpoint chose. Receivers of deliveries are told no trace, which is their sender's business.
//!
//! The wire format's own types are built here directly. The SDK's tracer would make ids and hold contexts of its own,
//! and its queue does not tell what it drops.

mod exporter;
mod span;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::metrics::{Metrics, SPAN_DROPPED};
use crate::model::event::Event;
use crate::model::limits::TRACE_SPANS_QUEUED_MAX;
use crate::model::trace::{EventTrace, TraceParent};

pub use exporter::{Exporter, ExporterOptions, HeadersError, parse_headers};
pub use opentelemetry_proto::tonic::trace::v1::Span;
pub use span::Open;

/// Added to the last span's id for the next: odd, so that none comes twice, and far away, so that ids look like any.
const SPAN_ID_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a span is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The event is taken in, until it is on disk.
    Accept,
    /// It is decided who gets it, until that is written.
    Dispatch,
    /// The filters are asked.
    Filters,
    /// One request to an endpoint.
    Attempt,
}

/// Begins spans, if anything collects them.
#[derive(Clone, Debug, Default)]
pub struct Traces(Option<Arc<Queue>>);

/// When something began, before it is known what it is.
#[derive(Clone, Copy, Debug)]
pub struct Began {
    at: SystemTime,
    instant: Instant,
}

/// Where finished spans wait for the exporter.
struct Queue {
    spans: Sender<Span>,
    sampled_below: u64,
    next_span_id: AtomicU64,
    metrics: Arc<Metrics>,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue(..)")
    }
}

impl Traces {
    /// A queue of spans: of each event whose producer has its trace collected, and of a share from 0 to 1 of those
    /// whose producer says nothing. `first_span_id` is at random, so that processes have different ones.
    #[must_use]
    pub fn new(sample_ratio: f64, first_span_id: u64, metrics: Arc<Metrics>) -> (Self, Receiver<Span>) {
        let (spans, queued) = mpsc::channel(TRACE_SPANS_QUEUED_MAX);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 2^63")]
        let sampled_below = (sample_ratio.clamp(0.0, 1.0) * (1_u64 << 63) as f64) as u64;
        let next_span_id = AtomicU64::new(first_span_id);
        (Self(Some(Arc::new(Queue { spans, sampled_below, next_span_id, metrics }))), queued)
    }

    /// What to keep with an event of the `traceparent` that it came with: nothing where traces are off.
    #[must_use]
    pub fn parent(&self, header: Option<&str>) -> Option<TraceParent> {
        self.0.as_ref()?;
        TraceParent::parse(header?)
    }

    /// Now, where that is of interest. The machine's clock, as in logs and metrics: a span is about how long things
    /// took in this process.
    #[must_use]
    pub fn now(&self) -> Option<Began> {
        self.0.as_ref()?;
        Some(Began { at: SystemTime::now(), instant: Instant::now() })
    }

    /// Begins a span of an event, unless its trace is not collected. It ends when it is dropped.
    #[must_use]
    pub fn begin(&self, stage: Stage, event: &Event) -> Option<Open> {
        self.begin_at(self.now(), stage, event)
    }

    /// The same for what began before the event was known.
    #[must_use]
    pub fn begin_at(&self, began: Option<Began>, stage: Stage, event: &Event) -> Option<Open> {
        let (queue, began) = (self.0.as_ref()?, began?);
        let trace = EventTrace::of(event);
        queue.samples(&trace).then(|| Open::new(Arc::clone(queue), began, stage, event, &trace))
    }
}

impl Queue {
    /// A producer that says whether its trace is collected decides; otherwise the trace's id does, so that all parts
    /// of a trace are told or none.
    fn samples(&self, trace: &EventTrace) -> bool {
        let [.., a, b, c, d, e, f, g, h] = trace.trace_id;
        let share = u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 1;
        trace.parent.map_or(share < self.sampled_below, |parent| parent.is_sampled)
    }

    fn next_span_id(&self) -> [u8; 8] {
        self.next_span_id.fetch_add(SPAN_ID_STEP, Ordering::Relaxed).to_be_bytes()
    }

    fn push(&self, span: Span) {
        if self.spans.try_send(span).is_err() {
            self.metrics.trace_spans.count(SPAN_DROPPED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::EventId;
    use crate::model::matching::tests::event;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn named(id: &str) -> Event {
        Event { id: EventId::parse(id).unwrap(), ..event("p1") }
    }

    fn dropped(metrics: &Metrics) -> String {
        let text = metrics.to_text(None);
        let line = text.lines().find(|line| line.starts_with(r#"hooksieve_trace_spans_total{result="dropped"}"#));
        line.unwrap().to_owned()
    }

    #[test]
    fn what_is_off_keeps_and_begins_nothing() {
        let traces = Traces::default();

        assert!(traces.parent(Some(PARENT)).is_none());
        assert!(traces.now().is_none());
        assert!(traces.begin(Stage::Accept, &event("p1")).is_none());
    }

    #[test]
    fn a_full_queue_drops_what_comes_and_counts_it_and_nobody_waits() {
        let metrics = Arc::new(Metrics::default());
        let (traces, mut queued) = Traces::new(1.0, 1, Arc::clone(&metrics));

        for _ in 0..TRACE_SPANS_QUEUED_MAX + 3 {
            drop(traces.begin(Stage::Dispatch, &event("p1")));
        }

        let mut count = 0;
        while queued.try_recv().is_ok() {
            count += 1;
        }
        assert_eq!(count, TRACE_SPANS_QUEUED_MAX);
        assert!(dropped(&metrics).ends_with(" 3"), "{}", dropped(&metrics));
    }

    #[test]
    fn all_parts_of_a_trace_are_told_or_none_and_a_share_of_the_traces_is() {
        let (traces, _queued) = Traces::new(0.25, 1, Arc::default());
        let all = 4_000;

        let told = |id: &str| {
            let stages = [Stage::Accept, Stage::Dispatch, Stage::Attempt];
            let told = stages.map(|stage| traces.begin(stage, &named(id)).is_some());
            assert!(told == [true; 3] || told == [false; 3]);
            told[0]
        };
        let count = (0..all).filter(|number| told(&format!("e{number}"))).count();

        assert!((all / 5..all * 3 / 10).contains(&count), "{count} of {all}");
    }

    #[test]
    fn whether_a_producers_trace_is_told_is_the_producers_to_say() {
        let sent = |flags: &str| {
            let header = PARENT.replace("-01", flags);
            Event { trace_parent: TraceParent::parse(&header), ..event("p1") }
        };
        let (none, _queued) = Traces::new(0.0, 1, Arc::default());
        let (every, _queued) = Traces::new(1.0, 1, Arc::default());

        assert!(none.begin(Stage::Accept, &event("p1")).is_none());
        assert!(none.begin(Stage::Accept, &sent("-01")).is_some());
        assert!(every.begin(Stage::Accept, &event("p1")).is_some());
        assert!(every.begin(Stage::Accept, &sent("-00")).is_none());
    }
}
