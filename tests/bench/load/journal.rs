//! What happened to each event of a run, and when: sent, accepted, arrived.
//!
//! Producer and receiver are one process with one clock, so a time that is stamped into the payload would be
//! read by whoever wrote it. The payload has the event's number instead, and the times are here: that also
//! tells what was lost and what came twice.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};

use crate::rig::event;
use crate::rig::sink::{Arrival, Reply};

/// How long after the last arrival the rest counts as lost.
const ARRIVAL_TIME_MAX: Duration = Duration::from_secs(30);

/// Everything that is known of a run.
pub struct Journal {
    origin: Instant,
    lines: Vec<Line>,
    next: AtomicUsize,
    acknowledged: AtomicU64,
    arrived: AtomicU64,
    /// Places for deliveries that are owed and did not arrive yet.
    pub room: Semaphore,
    arrival: Notify,
    sample: OnceLock<String>,
}

/// Times in nanoseconds since the origin; 0 for what did not happen.
#[derive(Default)]
struct Line {
    sent: AtomicU64,
    acknowledged: AtomicU64,
    arrived: AtomicU64,
    arrivals: AtomicU32,
}

/// How long an event took.
pub struct Latency {
    /// From when it should have been sent, by the plan, to its arrival as a whole.
    pub from_sent: Duration,
    /// From when its acknowledgement was read; zero if it arrived before.
    pub from_acknowledged: Duration,
}

impl Journal {
    /// For at most `events` events, of whose deliveries `room` may be on their way.
    pub fn new(events: usize, room: usize) -> Self {
        Self {
            origin: Instant::now(),
            lines: std::iter::repeat_with(Line::default).take(events).collect(),
            next: AtomicUsize::new(0),
            acknowledged: AtomicU64::new(0),
            arrived: AtomicU64::new(0),
            room: Semaphore::new(room),
            arrival: Notify::new(),
            sample: OnceLock::new(),
        }
    }

    /// The number of the next event, which is sent now.
    pub fn next(&self) -> usize {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        assert!(number < self.lines.len(), "the journal has no more lines");
        self.send(number, Instant::now());
        number
    }

    /// An event is to be sent at this time.
    pub fn send(&self, number: usize, at: Instant) {
        self.lines[number].sent.store(self.nanos(at), Ordering::Relaxed);
    }

    /// An event was answered; anything but 202 ends the run.
    pub fn acknowledge(&self, number: usize, status: u16) {
        assert_eq!(status, 202, "event {number} was refused");
        self.lines[number].acknowledged.store(self.nanos(Instant::now()), Ordering::Relaxed);
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    /// A delivery came.
    pub fn arrive(&self, arrival: &Arrival<'_>) -> Reply {
        let line = &self.lines[event::number(arrival.body).expect("every delivery has a number")];
        if line.arrivals.fetch_add(1, Ordering::Relaxed) == 0 {
            line.arrived.store(self.nanos(Instant::now()), Ordering::Relaxed);
        }
        self.sample.get_or_init(|| String::from_utf8(arrival.body.to_vec()).expect("a body is JSON"));
        self.arrived.fetch_add(1, Ordering::Relaxed);
        self.room.add_permits(1);
        self.arrival.notify_one();
        Reply::Status(200)
    }

    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    pub fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    /// The first body that arrived.
    pub fn sample(&self) -> &str {
        self.sample.get().expect("something arrived")
    }

    /// The first body that arrives.
    pub async fn first_body(&self) -> &str {
        self.until_arrived(1).await;
        self.sample()
    }

    async fn until_arrived(&self, owed: u64) {
        while self.arrived() < owed {
            let arrived = tokio::time::timeout(ARRIVAL_TIME_MAX, self.arrival.notified()).await;
            assert!(arrived.is_ok(), "{} of {owed} deliveries arrived", self.arrived());
        }
    }

    /// Waits until all that was acknowledged has arrived at each of `webhooks`, and checks that nothing came twice.
    pub async fn settle(&self, webhooks: u32) {
        self.until_arrived(self.acknowledged() * u64::from(webhooks)).await;
        for (number, line) in self.lines.iter().enumerate() {
            let expected = if line.acknowledged.load(Ordering::Relaxed) > 0 { webhooks } else { 0 };
            assert_eq!(line.arrivals.load(Ordering::Relaxed), expected, "arrivals of event {number}");
        }
    }

    /// How long the events took that were sent at or after number `first`, all of which arrived.
    pub fn latencies(&self, first: usize) -> Vec<Latency> {
        let after = |line: &Line, from: &AtomicU64| {
            Duration::from_nanos(line.arrived.load(Ordering::Relaxed).saturating_sub(from.load(Ordering::Relaxed)))
        };
        let latency = |line: &Line| Latency {
            from_sent: after(line, &line.sent),
            from_acknowledged: after(line, &line.acknowledged),
        };
        self.lines[first..].iter().map(latency).collect()
    }

    fn nanos(&self, at: Instant) -> u64 {
        // Never 0, which stands for "not yet".
        u64::try_from(at.saturating_duration_since(self.origin).as_nanos()).map_or(u64::MAX, |nanos| nanos.max(1))
    }
}
