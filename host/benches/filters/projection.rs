//! Taking declared fields from an event's bytes, beside parsing all of it.

use std::hint::black_box;

use criterion::Criterion;
use hooksieve::filter::projection::{Plan, Pointer};

use crate::example;

/// What the filter `four-fields` declares.
const FOUR: [&str; 4] = [
    "/currentValue/done",
    "/currentValue/createdAt",
    "/currentValue/todoList/title",
    "/currentValue/todoList/position",
];

pub(crate) fn bench(criterion: &mut Criterion) {
    let record = example::record();
    let event = example::event(&record);
    let fields = FOUR.map(|pointer| Pointer::parse(pointer).expect("a pointer into an event"));
    let plan = Plan::new([fields.as_slice()]);
    let mut group = criterion.benchmark_group("projection");
    group
        .bench_function("four fields", |bencher| bencher.iter(|| black_box(plan.project(black_box(&event))).values(0)));
    group.bench_function("serde_json, all of it", |bencher| {
        bencher.iter(|| serde_json::from_str::<serde_json::Value>(black_box(&record)).expect("it is JSON"));
    });
    group.finish();
}
