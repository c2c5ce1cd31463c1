//! What a second thread brings, beside what it brings where nothing is shared: the most that this machine gives.
//!
//! All are measured in turns and in short rounds, of which the table has those that were disturbed least.

use std::hint::black_box;
use std::time::{Duration, Instant};

use hooksieve::filter::{FilterHost, Request};
use tokio::runtime::Runtime;

use crate::room::{Room, guests};

/// The word that selects this.
pub(crate) const NAME: &str = "threads";
/// Rounds of everything.
const ROUNDS: usize = 400;
/// The place of the round that counts, among those of its kind by the time that they took.
const COUNTED: usize = ROUNDS / 20;
/// Calls that a thread makes in a round: a millisecond.
const CALLS: u32 = 200;
/// Bytes that a call overwrites to reset its memory, about.
const RESET_BYTES: usize = 128 << 10;
/// How often they are overwritten in the time of a call, and how many steps of arithmetic that is.
const RESETS_PER_CALL: u32 = 3;
const STEPS_PER_CALL: u32 = 4_000;

/// Measures, and prints a table.
pub(crate) fn measure(runtime: &Runtime) {
    let wasm = &guests()["four-fields-guest"];
    let rooms = [Room::open(2, 0), Room::open(1, 0), Room::open(1, 0)];
    let requests = rooms.each_ref().map(|room| room.request(runtime, room.upload(runtime, wasm), "null"));
    let hosts = rooms.each_ref().map(|room| room.host.as_ref());
    let [both, first, second] = [0, 1, 2].map(|at| (hosts[at], &requests[at]));
    let together = |threads| calls(runtime, threads, [both, both]);
    let apart = |threads| calls(runtime, threads, [first, second]);
    let rows: [(&str, &dyn Fn(usize) -> Duration); 4] = [
        ("arithmetic", &|threads| native(threads, arithmetic)),
        ("overwriting memory", &|threads| native(threads, overwrite)),
        ("calls, in a host each", &apart),
        ("calls, in one host", &together),
    ];
    let mut times = rows.map(|_| [Vec::new(), Vec::new()]);
    for _ in 0..ROUNDS {
        for ((_, round), [one, two]) in rows.iter().zip(&mut times) {
            one.push(round(1));
            two.push(round(2));
        }
    }
    println!("\n| on two threads | times as much as on one |\n|---|---:|");
    for ((name, _), took) in rows.iter().zip(times) {
        let [one, two] = took.map(|mut took| *took.select_nth_unstable(COUNTED).1);
        println!("| {name} | {:.2} |", 2.0 * one.as_secs_f64() / two.as_secs_f64());
    }
}

/// How long each of so many threads takes for its calls.
fn calls<R: Fn() -> Request>(runtime: &Runtime, threads: usize, callees: [(&FilterHost, &R); 2]) -> Duration {
    let made = callees.map(|(host, request)| (host, (0..CALLS).map(|_| request()).collect::<Vec<_>>()));
    let asking = made.into_iter().take(threads).map(|(host, requests)| host.decide_all(requests));
    let asking: Vec<_> = asking.collect();
    let began = Instant::now();
    let answers = runtime.block_on(futures_util::future::join_all(asking));
    let took = began.elapsed();
    assert!(answers.iter().flatten().all(Result::is_ok));
    took
}

/// How long so many threads take that do the same and share nothing.
fn native(threads: usize, work: fn()) -> Duration {
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    began.elapsed()
}

fn arithmetic() {
    let mut number = 1_u64;
    for _ in 0..CALLS * STEPS_PER_CALL {
        number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}

fn overwrite() {
    let mut bytes = vec![0_u8; RESET_BYTES];
    for _ in 0..CALLS * RESETS_PER_CALL {
        bytes.fill(black_box(1));
        black_box(&mut bytes);
    }
}
