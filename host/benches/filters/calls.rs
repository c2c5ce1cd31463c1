//! One call of a filter on one event, each in a fresh instance.

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::Criterion;
use hooksieve::filter::{Batches, Configured, FilterHost, Request};
use hooksieve::model::limits::VERDICTS_REMEMBERED_MAX;
use tokio::runtime::Runtime;

use crate::example;
use crate::room::{CEL_CONFIG, FIELD_MATCH_CONFIG, PATTERN_CONFIG, Room, guests};

/// The filters that are called, and their configurations.
const CALLED: [(&str, &str, &str); 6] = [
    ("minimal", "always-guest", "null"),
    ("four fields", "four-fields-guest", "null"),
    ("many texts", "many-texts-guest", "null"),
    ("field-match", "field-match", FIELD_MATCH_CONFIG),
    ("field-match, a pattern", "field-match", PATTERN_CONFIG),
    ("cel", "cel-filter", CEL_CONFIG),
];
/// Those whose `configure` is expensive, which are called as snapshots once these are made.
const SNAPSHOTS: [(&str, &str, &str); 2] = [CALLED[4], CALLED[5]];
/// Events in a batch, as backtests have them in the end.
const BATCH_EVENTS: usize = 128;
/// How long a snapshot may take to be made.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn bench(criterion: &mut Criterion, runtime: &Runtime) {
    let guests = guests();
    let room = Room::open(1, 0);
    let two = Room::open(2, 0);
    let mut group = criterion.benchmark_group("call");
    for (name, package, config) in CALLED {
        let digest = room.upload(runtime, &guests[package]);
        let request = room.request(runtime, digest, config);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| runtime.block_on(time(&room.host, 1, &request, count)));
        });
    }
    let digest = two.upload(runtime, &guests["four-fields-guest"]);
    let request = two.request(runtime, digest, "null");
    group.bench_function("four fields, two threads", |bencher| {
        bencher.iter_custom(|count| runtime.block_on(time(&two.host, 2, &request, count)));
    });
    let remembering = Room::open(1, VERDICTS_REMEMBERED_MAX);
    let digest = remembering.upload(runtime, &guests["four-fields-guest"]);
    let request = remembering.request(runtime, digest, "null");
    group.bench_function("four fields, remembered", |bencher| {
        bencher.iter_custom(|count| runtime.block_on(time(&remembering.host, 1, &request, count)));
    });
    let digest = room.upload(runtime, &guests["four-fields-guest"]);
    let configured = room.configured(runtime, digest, "null");
    group.bench_function("four fields, an event in a batch of 128", |bencher| {
        bencher.iter_custom(|count| runtime.block_on(time_in_batches(&room.host, &configured, count)));
    });
    for (name, package, config) in SNAPSHOTS {
        let snapshots = Room::open(1, 0);
        let digest = snapshots.upload(runtime, &guests[package]);
        snapshots.keep(digest, &guests[package]);
        let request = snapshots.request(runtime, digest, config);
        runtime.block_on(until_it_is_a_snapshot(&snapshots, &request));
        group.bench_function(format!("{name}, as a snapshot"), |bencher| {
            bencher.iter_custom(|count| runtime.block_on(time(&snapshots.host, 1, &request, count)));
        });
    }
    group.finish();
}

async fn until_it_is_a_snapshot(room: &Room, request: &impl Fn() -> Request) {
    let began = Instant::now();
    while room.snapshots() == 0 {
        assert!(began.elapsed() < PATIENCE, "no snapshot is made");
        room.host.decide(request()).await.expect("it is called until then");
    }
}

/// How long `count` events take together, in batches.
async fn time_in_batches(host: &FilterHost, configured: &Arc<Configured>, count: u64) -> Duration {
    let record = example::record();
    let values = configured.project(&example::event(&record));
    let mut batches = Batches::new(Arc::clone(configured));
    let batch: Arc<[_]> = vec![values; BATCH_EVENTS].into();
    // A backtest begins with small ones.
    while batches.events_max() < BATCH_EVENTS {
        host.decide_some(&mut batches, &batch).await.expect("it is called");
    }
    let began = Instant::now();
    for _ in 0..count.div_ceil(BATCH_EVENTS as u64) {
        let decided = host.decide_some(&mut batches, &batch).await.expect("it is called");
        assert_eq!(decided.len(), BATCH_EVENTS);
    }
    began.elapsed().mul_f64(count as f64 / count.next_multiple_of(BATCH_EVENTS as u64) as f64)
}

/// How long `count` calls take together, half of them on each thread where there are two.
async fn time(host: &FilterHost, threads: usize, request: &impl Fn() -> Request, count: u64) -> Duration {
    let mut requests: Vec<Request> = (0..count).map(|_| request()).collect();
    let half = requests.split_off(requests.len() / threads);
    let began = Instant::now();
    let (one, other) = futures_util::join!(host.decide_all(requests), host.decide_all(half));
    let took = began.elapsed();
    assert!(one.iter().chain(&other).all(Result::is_ok));
    took
}
