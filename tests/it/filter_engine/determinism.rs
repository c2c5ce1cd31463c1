//! The same filter, configuration and event give the same verdict, reason and fuel, whatever else the machine does.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use futures_util::{StreamExt, stream};
use hooksieve::filter::projection::EventFields;
use hooksieve::filter::{Configured, Decision, Request};
use hooksieve::json::canonicalise;
use serde_json::{Value, json};

use super::Room;
use crate::guests::{DONE_RECORDS, FIELD_MATCH, HOSTILE};

/// Events of one run.
const RECORDS: u64 = 10_000;
/// Calls under way at a time.
const AT_ONCE: usize = 32;
/// Threads that do nothing but use up each core.
const BURNERS_PER_CORE: usize = 3;
/// Conditions over text, numbers, lists and changes.
const CONFIGS: [&str; 4] = [
    r#"{"pointer":"/currentValue/done","operator":"eq","value":true}"#,
    r#"{"all":[{"pointer":"/currentValue/title","operator":"contains","value":"a"},{"pointer":"/currentValue/position","operator":"lt","value":0.5}]}"#,
    r#"{"any":[{"pointer":"/currentValue/position","operator":"gt","value":1e300},{"pointer":"/currentValue/title","operator":"eq","value":""}]}"#,
    r#"{"pointer":"/currentValue/count","operator":"eq","value":7}"#,
];
/// What filters that fail are told to do; each once in so many events.
const DEEDS: [&str; 5] = ["loop", "alloc", "recurse", "huge-reason", "count"];
const DEED_EACH: u64 = 50;

/// What one call came to; all of it is to be the same.
type Outcome = (Decision, u64);

/// Numbers that look random and are the same each time.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // Xorshift, as Marsaglia gives it.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// The canonical text of a record.
    pub(super) fn record(&mut self) -> String {
        let letters = ['a', 'b', '"', '\\', 'é', '\u{1}', '漢', '😀'];
        let length = if self.below(50) == 0 { 3_000 } else { self.below(40) };
        let title: String = (0..length).map(|_| letters[usize::try_from(self.below(8)).unwrap()]).collect();
        let positions = [0.0, -0.0, 0.1, 1e21, -1e-7, 5e-324, f64::MAX, 65_535.0];
        let tags: Vec<_> =
            (0..self.below(6)).map(|tag| json!({"tag": {"id": tag, "title": format!("t{}", self.below(9))}})).collect();
        let mut record = json!({
            "id": format!("r{}", self.below(1_000_000)),
            "title": title,
            "position": positions[usize::try_from(self.below(8)).unwrap()],
            "count": self.below(10),
            "done": self.below(2) == 0,
            "todoTags": tags,
        });
        match self.below(8) {
            0 => record["done"] = Value::Null,
            1 => record["title"] = json!(self.below(100)),
            2 => drop(record.as_object_mut().unwrap().remove("position")),
            _ => {}
        }
        canonicalise(record.to_string().as_bytes()).unwrap()
    }
}

/// Every core's time, until it is dropped.
struct FullLoad {
    is_over: Arc<AtomicBool>,
    burners: Vec<JoinHandle<u64>>,
}

impl FullLoad {
    fn start() -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let cores = std::thread::available_parallelism().unwrap().get();
        let burn = |seed| {
            let is_over = Arc::clone(&is_over);
            std::thread::spawn(move || {
                let mut numbers = Numbers(seed);
                while !is_over.load(Ordering::Relaxed) {
                    black_box(numbers.next());
                }
                numbers.0
            })
        };
        let burners = (1..=u64::try_from(BURNERS_PER_CORE * cores).unwrap()).map(burn).collect();
        Self { is_over, burners }
    }
}

impl Drop for FullLoad {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for burner in self.burners.drain(..) {
            burner.join().unwrap();
        }
    }
}

/// What all events come to in a room of their own, so that nothing is remembered from another run.
async fn run() -> Vec<Outcome> {
    let room = Room::open();
    let mut filters = vec![room.configured(DONE_RECORDS, "null").await];
    for config in CONFIGS {
        filters.push(room.configured(FIELD_MATCH, config).await);
    }
    let mut deeds = Vec::new();
    for deed in DEEDS {
        deeds.push(room.configured(HOSTILE, &format!(r#"{{"do":"{deed}"}}"#)).await);
    }
    let pick = |filters: &[Arc<Configured>], number: u64| {
        Arc::clone(&filters[usize::try_from(number).unwrap() % filters.len()])
    };
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let requests = (0..RECORDS).map(|number| {
        let (previous, current) = (numbers.record(), numbers.record());
        let is_deed = number % DEED_EACH == 0;
        let configured = if is_deed { pick(&deeds, number / DEED_EACH) } else { pick(&filters, number) };
        let values =
            configured.project(&EventFields { previous_value: &previous, current_value: &current, ..super::EVENT });
        Request { configured, values }
    });
    let calls = stream::iter(requests).map(|request| async {
        let evaluation = room.host.decide(request).await.unwrap();
        (evaluation.decision, evaluation.fuel)
    });
    calls.buffered(AT_ONCE).collect().await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_records_get_the_same_verdicts_reasons_and_fuel_under_full_load() {
    let calm = run().await;
    let (first, second) = {
        let _load = FullLoad::start();
        (run().await, run().await)
    };

    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    for (number, outcome) in calm.iter().enumerate() {
        assert_eq!((outcome, outcome), (&first[number], &second[number]), "record {number}");
        let kind = match &outcome.0 {
            Decision::Deliver => "deliver".to_owned(),
            Decision::Skip(_) => "skip".to_owned(),
            Decision::Failed(failure) => failure.class.as_str().to_owned(),
        };
        *kinds.entry(kind).or_default() += 1;
    }
    let fuel: u64 = calm.iter().map(|(_, fuel)| fuel).sum();
    println!("{} records three times, twice under full load: {kinds:?}, {fuel} fuel each time", calm.len());
    // Each way for a verdict to come about was among them.
    for kind in ["deliver", "skip", "error", "fuel", "memory-limit", "stack-overflow", "bad-result"] {
        assert!(kinds.contains_key(kind), "{kind} did not happen: {kinds:?}");
    }
}
