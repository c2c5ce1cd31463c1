//! One call of a filter on one event, each in a fresh instance.

use std::time::{Duration, Instant};

use criterion::Criterion;
use hooksieve::filter::{FilterHost, Request};
use tokio::runtime::Runtime;

use crate::room::{FIELD_MATCH_CONFIG, Room, guests};

/// The filters that are called, and their configurations.
const CALLED: [(&str, &str, &str); 4] = [
    ("minimal", "always-guest", "null"),
    ("four fields", "four-fields-guest", "null"),
    ("many texts", "many-texts-guest", "null"),
    ("field-match", "field-match", FIELD_MATCH_CONFIG),
];

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
    group.finish();
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
