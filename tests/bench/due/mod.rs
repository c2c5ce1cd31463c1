//! How a host starts with very many deliveries due, and whether what happens then waits behind them.
//!
//! The deliveries are put into the database of a host that was stopped ([`owed`]); then the real program is
//! started on it. While it delivers what is due, as fast as it can, events for one more webhook are posted at planned
//! times, and it is measured how long each takes to that webhook's receiver.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hooksieve::client::Client;
use hooksieve::wire::NewWebhook;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::process::{Process, most_resident_bytes};
use crate::rig::driver::{Connection, Pool};
use crate::rig::sink::{Arrival, Reply, Sink};
use crate::rig::{event, owed, stage, times};

/// Bytes of an event.
const EVENT_BYTES: usize = 1024;
/// Where the new events arrive.
const NEW: &str = "/new";
/// What the webhooks of the backlog subscribe to instead of the new events.
const OTHER_TYPE: &str = "TODO_DELETED";
/// How long after the last arrival a new event counts as starved.
const ARRIVAL_TIME_MAX: Duration = Duration::from_secs(60);

/// How long a start may take.
const READY_MAX: Duration = Duration::from_secs(5);
/// The memory that the host may have resident.
const RESIDENT_BYTES_MAX: u64 = 256 << 20;
/// Above the columns of [`Figures::line`].
pub const TITLES: &str = "      due  ready s after kill  resident   p50 ms   p99 ms delivered/s";

/// What is done.
pub struct Plan {
    /// Webhooks that deliveries are due to.
    pub webhooks: u32,
    /// Deliveries that are due to each of them.
    pub due_each: u32,
    /// New events.
    pub events: u32,
    /// How many of them a second.
    pub rate: u32,
}

/// What came of it.
pub struct Figures {
    /// From the start of the program until it is ready.
    pub ready: Duration,
    /// The same after `kill -9`, which has the database checked.
    pub ready_after_kill: Duration,
    /// The most memory that the program had resident.
    pub resident_bytes: u64,
    /// From when each new event was planned to be posted to its arrival, the shortest first.
    pub latencies: Vec<Duration>,
    /// Deliveries of the backlog that arrived between the first new event's post and the last one's arrival.
    pub meanwhile: usize,
    /// How long that was.
    pub took: Duration,
    /// Whether deliveries were still due at the end of it.
    pub is_due_left: bool,
}

impl Figures {
    /// A line of the table; the times are those of new events.
    #[expect(clippy::cast_precision_loss, reason = "counts of a minute")]
    pub fn line(&self, plan: &Plan) -> String {
        let ms = |percent| times::millis_at(&self.latencies, percent);
        format!(
            "{:>9} {:>8.2} {:>10.2} {:>5} MiB {:>8.1} {:>8.1} {:>11.0}",
            plan.webhooks * plan.due_each,
            self.ready.as_secs_f64(),
            self.ready_after_kill.as_secs_f64(),
            self.resident_bytes >> 20,
            ms(50),
            ms(99),
            self.meanwhile as f64 / self.took.as_secs_f64()
        )
    }

    /// What must hold and does not. That no new event starves is seen where it is waited for.
    pub fn faults(&self, plan: &Plan) -> Vec<String> {
        let mut faults = Vec::new();
        if self.ready > READY_MAX {
            faults.push(format!("the host was ready after {:?}, not {READY_MAX:?}", self.ready));
        }
        if self.resident_bytes > RESIDENT_BYTES_MAX {
            let [had, may] = [self.resident_bytes, RESIDENT_BYTES_MAX].map(|bytes| bytes >> 20);
            faults.push(format!("the host had {had} MiB resident, not {may}"));
        }
        if plan.due_each > 0 && !self.is_due_left {
            faults.push("all that was due was delivered before the new events: more must be due".to_owned());
        }
        faults
    }
}

/// Runs the plan on a host with its data in `data`, which is empty.
pub async fn run(data: &Path, plan: &Plan) -> Figures {
    let arrivals = Arc::new(Arrivals::default());
    let told = Arc::clone(&arrivals);
    let sink = Sink::start(move |arrival| told.note(arrival)).await;
    let process = Process::start(data, &[]).await;
    let user = stage::member(&process.operator()).await;
    stage::register(&user, sink.url(NEW), None).await;
    begin(&process, &user, &sink, plan.webhooks).await;
    arrivals.until(|state| state.others == plan.webhooks as usize).await;
    process.terminate().await;
    owed::fill(data, plan.due_each);

    let (process, ready) = start(data).await;
    let others_before = arrivals.others();
    let began = Instant::now();
    post(process.address(), &arrivals, plan).await;
    arrivals.until(|state| state.arrived.len() == plan.events as usize).await;
    let (took, meanwhile) = (began.elapsed(), arrivals.others() - others_before);
    let is_due_left = arrivals.others() < (plan.webhooks * (1 + plan.due_each)) as usize;
    let resident_bytes = most_resident_bytes(process.pid());
    process.kill().await;
    let (process, ready_after_kill) = start(data).await;
    process.kill().await;
    let latencies = arrivals.latencies();
    Figures { ready, ready_after_kill, resident_bytes, latencies, meanwhile, took, is_due_left }
}

/// Registers the webhooks of the backlog and has one event delivered to each, like which all others are.
async fn begin(process: &Process, user: &Client, sink: &Sink, webhooks: u32) {
    for number in 0..webhooks {
        let (url, events) = (sink.url(&format!("/due/{number}")), vec![OTHER_TYPE.to_owned()]);
        user.create_webhook(&NewWebhook { url, events, ..NewWebhook::default() }).await.unwrap();
    }
    let event = event::text("due", 0, EVENT_BYTES).replacen(event::TYPE, OTHER_TYPE, 1);
    assert_eq!(Connection::open(process.address()).await.unwrap().post(&event).await.unwrap(), 202);
}

/// Starts the program, and waits until it says that it is ready.
async fn start(data: &Path) -> (Process, Duration) {
    let began = Instant::now();
    let process = Process::start(data, &[]).await;
    process.operator().get_readiness().await.unwrap();
    (process, began.elapsed())
}

/// Posts the new events, each when it is planned, whether or not earlier ones were answered.
async fn post(host: SocketAddr, arrivals: &Arrivals, plan: &Plan) {
    let (pool, mut posting, mut planned) = (Arc::new(Pool::new(host)), JoinSet::new(), Instant::now());
    for number in 0..plan.events as usize {
        tokio::time::sleep_until(planned.into()).await;
        arrivals.plan(number, planned);
        let pool = Arc::clone(&pool);
        posting.spawn(async move {
            let status = pool.post(&event::text("new", number, EVENT_BYTES)).await.unwrap();
            assert_eq!(status, 202, "new event {number} was refused");
        });
        planned += Duration::from_secs(1) / plan.rate;
    }
    posting.join_all().await;
}

/// What arrived, and when.
#[derive(Default)]
struct Arrivals {
    state: Mutex<State>,
    change: Notify,
}

#[derive(Default)]
struct State {
    planned: HashMap<usize, Instant>,
    /// New events.
    arrived: HashMap<usize, Instant>,
    /// Arrivals at the other webhooks.
    others: usize,
}

impl Arrivals {
    fn note(&self, arrival: &Arrival<'_>) -> Reply {
        let mut state = self.state.lock().unwrap();
        if arrival.path == NEW {
            let number = event::number(arrival.body).expect("every event has a number");
            state.arrived.entry(number).or_insert_with(Instant::now);
        } else {
            state.others += 1;
        }
        drop(state);
        self.change.notify_one();
        Reply::Status(200)
    }

    fn plan(&self, number: usize, at: Instant) {
        self.state.lock().unwrap().planned.insert(number, at);
    }

    fn others(&self) -> usize {
        self.state.lock().unwrap().others
    }

    async fn until(&self, is_there: impl Fn(&State) -> bool) {
        while !is_there(&self.state.lock().unwrap()) {
            let change = tokio::time::timeout(ARRIVAL_TIME_MAX, self.change.notified()).await;
            assert!(change.is_ok(), "nothing arrives any more");
        }
    }

    fn latencies(&self) -> Vec<Duration> {
        let state = self.state.lock().unwrap();
        let mut latencies: Vec<_> = state.arrived.iter().map(|(number, at)| *at - state.planned[number]).collect();
        latencies.sort_unstable();
        latencies
    }
}
