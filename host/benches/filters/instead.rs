//! The predicate of the filter `four-fields` in what a user would pick instead, on the same record.
//!
//! None of these has fuel, a bound on memory or a fresh state for each event, but where it says so.

use std::hint::black_box;

use cel::{Context, Program};
use criterion::{BatchSize, Criterion};
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, data, unwrap_valr};
use jaq_json::Val;
use serde_json::Value;

use crate::example;

const CEL: &str = r#"!record.done && record.todoList.title == "ETEST" && record.todoList.position > 1000.0
    && record.createdAt.startsWith("2022-12")"#;
const JAVASCRIPT: &str = r#"function matches(record) {
    return !record.done && record.todoList.title === "ETEST" && record.todoList.position > 1000
        && record.createdAt.startsWith("2022-12");
}"#;
const JQ: &str = r#".done == false and .todoList.title == "ETEST" and .todoList.position > 1000
    and .createdAt[:7] == "2022-12""#;

pub(crate) fn bench(criterion: &mut Criterion) {
    let record = example::record();
    native(criterion, &record);
    cel(criterion, &record);
    quickjs(criterion, &record);
    jaq(criterion, &record);
}

fn matches(record: &Value) -> bool {
    record["done"] == Value::Bool(false)
        && record["todoList"]["title"] == "ETEST"
        && record["todoList"]["position"].as_f64().is_some_and(|position| position > 1000.0)
        && record["createdAt"].as_str().is_some_and(|at| at.starts_with("2022-12"))
}

fn native(criterion: &mut Criterion, record: &str) {
    let parsed: Value = serde_json::from_str(record).expect("it is JSON");
    assert!(matches(&parsed));
    let mut group = criterion.benchmark_group("native");
    group.bench_function("on a parsed value", |bencher| bencher.iter(|| matches(black_box(&parsed))));
    group.bench_function("parse, then decide", |bencher| {
        bencher.iter(|| matches(&serde_json::from_str(black_box(record)).expect("it is JSON")));
    });
    group.finish();
}

fn cel(criterion: &mut Criterion, record: &str) {
    let parsed: Value = serde_json::from_str(record).expect("it is JSON");
    let program = Program::compile(CEL).expect("it is CEL");
    let context = |parsed: &Value| {
        let mut context = Context::default();
        context.add_variable("record", parsed).expect("a record is a CEL value");
        context
    };
    let ready = context(&parsed);
    assert_eq!(program.execute(&ready), Ok(true.into()));
    let mut group = criterion.benchmark_group("cel");
    group.bench_function("executed", |bencher| bencher.iter(|| program.execute(black_box(&ready))));
    group.bench_function("variables built, executed", |bencher| {
        bencher.iter(|| program.execute(&context(black_box(&parsed))));
    });
    group.bench_function("parse, variables built, executed", |bencher| {
        bencher.iter(|| {
            let parsed = serde_json::from_str(black_box(record)).expect("it is JSON");
            program.execute(&context(&parsed))
        });
    });
    group.finish();
}

fn quickjs(criterion: &mut Criterion, record: &str) {
    use rquickjs::{Context, Function, Runtime};
    let decide = |context: &Context| {
        context.with(|js| {
            let matches: Function<'_> = js.globals().get("matches").expect("it is defined");
            let parsed = js.json_parse(black_box(record)).expect("it is JSON");
            matches.call::<_, bool>((parsed,)).expect("it answers with a boolean")
        })
    };
    let fresh = || {
        let runtime = Runtime::new().expect("a runtime can be made");
        let context = Context::full(&runtime).expect("a context can be made");
        context.with(|js| js.eval::<(), _>(JAVASCRIPT)).expect("it is JavaScript");
        context
    };
    let reused = fresh();
    assert!(decide(&reused));
    let mut group = criterion.benchmark_group("quickjs");
    group.bench_function("reused", |bencher| bencher.iter(|| decide(&reused)));
    group.bench_function("fresh context", |bencher| {
        bencher.iter_batched(|| (), |()| decide(&fresh()), BatchSize::PerIteration);
    });
    group.finish();
}

fn jaq(criterion: &mut Criterion, record: &str) {
    let defs = jaq_core::defs();
    let funs = jaq_core::funs();
    let arena = Arena::default();
    let modules = Loader::new(defs).load(&arena, File { code: JQ, path: () }).expect("it is jq");
    let filter = Compiler::default().with_funs(funs).compile(modules).expect("its functions are known");
    let decide = || {
        let input = jaq_json::read::parse_single(black_box(record.as_bytes())).expect("it is JSON");
        let context = Ctx::<data::JustLut<Val>>::new(&filter.lut, Vars::new([]));
        filter.id.run((context, input)).map(unwrap_valr).next()
    };
    assert_eq!(decide(), Some(Ok(Val::from(true))));
    criterion.benchmark_group("jaq").bench_function("parse, then run", |bencher| bencher.iter(decide));
}
