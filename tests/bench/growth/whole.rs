//! The whole of an event, by the real program: posted over HTTP, decided on by filters, signed, delivered over HTTP, and
//! its attempt written down.

use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tempfile::TempDir;

use crate::fill::Size;
use crate::journal::Journal;
use crate::process::Process;
use crate::rig::driver::Pool;
use crate::rig::sink::Sink;
use crate::usage::{Usage, Used};
use crate::{fill, world};

/// Posts under way at a time.
const PRODUCERS: usize = 64;
/// Deliveries that are on their way at a time.
const ROOM: usize = 512;
/// How often each of two hosts that are compared has its turn.
const TURNS: u32 = 5;
/// What the metrics say when every attempt that was begun is written down.
const ALL_WRITTEN: &str = "hooksieve_attempts_under_way 0";

/// What one event cost a host.
pub struct Cost {
    /// Processor time of its process, in microseconds.
    pub cpu_us: f64,
    /// Time that passed, in microseconds.
    pub wall_us: f64,
    /// Written to disk.
    pub written_kib: f64,
    /// Cores that were busy with something else meanwhile.
    pub others_cores: f64,
}

impl Cost {
    fn of(used: &[Used], events: u32) -> Self {
        let sum = |part: fn(&Used) -> f64| used.iter().map(part).sum::<f64>();
        let each = |part: fn(&Used) -> f64| sum(part) / f64::from(events);
        Self {
            cpu_us: 1e6 * each(|used| used.cpu_secs),
            wall_us: 1e6 * each(|used| used.secs),
            written_kib: each(|used| used.written_bytes) / 1024.0,
            others_cores: sum(|used| used.others_cores * used.secs) / sum(|used| used.secs),
        }
    }
}

/// What came of a comparison.
pub struct Compared {
    pub cost: Cost,
    /// Of the smaller host.
    pub control: Cost,
    /// The data folder that the host leaves.
    pub data: TempDir,
}

/// Has a host of one size and one of the first take `events` more each, in turns, so that a busy minute of the
/// machine does not fall on one of them alone.
pub async fn compare(disk: &Path, first: Size, size: Size, events: u32) -> Compared {
    let (host, control) = (Host::start(disk, size, events).await, Host::start(disk, first, events).await);
    let turn = events / TURNS;
    let (mut used, mut used_by_control) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        used_by_control.push(control.take(turn).await);
        used.push(host.take(turn).await);
    }
    control.stop().await;
    let [cost, control] = [used, used_by_control].map(|used| Cost::of(&used, TURNS * turn));
    Compared { cost, control, data: host.stop().await }
}

/// A running host.
struct Host {
    process: Process,
    journal: Arc<Journal>,
    _sink: Sink,
    data: TempDir,
    /// How many of its events it did not take itself.
    filled: u32,
}

impl Host {
    /// Makes one of that size, the last of its events taken since it was started, which can take `events` more.
    async fn start(disk: &Path, size: Size, events: u32) -> Self {
        // They read what was never read since the start, and fill the writer's cache.
        let warm_up = (events / 3).min(size.events);
        let filled = size.events - warm_up;
        let data = TempDir::new_in(disk).unwrap();
        let journal = Arc::new(Journal::new((warm_up + events) as usize, ROOM));
        let told = Arc::clone(&journal);
        let sink = Sink::start(move |arrival| told.arrive(arrival)).await;
        let process = Process::start(data.path(), world::SETTINGS).await;
        world::begin(&process.operator(), &sink).await;
        process.terminate().await;
        fill::to(data.path(), Size { events: filled, ..size });
        let process = Process::start(data.path(), world::SETTINGS).await;
        let host = Self { process, journal, _sink: sink, data, filled };
        host.take(warm_up).await;
        host
    }

    /// Posts so many events, and waits until each has arrived once and its attempt is written; what the host used.
    async fn take(&self, events: u32) -> Used {
        let usage = Usage::now(Some(self.process.pid()));
        let pool = Pool::new(self.process.address());
        let posting = (0..events).map(|_| async {
            self.journal.room.acquire().await.unwrap().forget();
            let number = self.journal.next();
            let status = pool.post(&world::event(number)).await.unwrap();
            self.journal.acknowledge(number, status);
        });
        stream::iter(posting).buffer_unordered(PRODUCERS).for_each(async |()| ()).await;
        self.journal.settle(1).await;
        while !self.tells(ALL_WRITTEN).await {}
        usage.until(Usage::now(Some(self.process.pid())))
    }

    /// Whether this is a line of its metrics.
    async fn tells(&self, line: &str) -> bool {
        self.process.operator().get_metrics().await.unwrap().lines().any(|told| told == line)
    }

    /// Stops it, and looks whether it has asked filters about what it took, and written it.
    async fn stop(self) -> TempDir {
        let calls = 2 * self.journal.acknowledged();
        assert!(self.tells(&format!("hooksieve_filter_calls_total {calls}")).await, "not {calls} calls of filters");
        let (status, _) = self.process.terminate().await;
        assert!(status.success(), "the host ended with {status}");
        fill::check_behind(self.data.path(), self.filled, self.journal.acknowledged());
        self.data
    }
}
