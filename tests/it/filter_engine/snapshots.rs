//! Filters whose `configure` is expensive are called as snapshots, which nobody can tell by what they say or cost.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hooksieve::filter::projection::EventFields;
use hooksieve::filter::{Batches, Configured, Decision, FilterHost, FilterLimits, Request};
use hooksieve::model::verdict::ReasonClass;

use super::determinism::Numbers;
use super::{DONE, EVENT, Room, request};
use crate::guests::{CEL, FIELD_MATCH, HandWritten};

/// How long a snapshot may take to be made on a busy machine, behind whose work a compiler stands back.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is looked for.
const LOOK_PAUSE: Duration = Duration::from_millis(5);
/// Events that a filter is asked about with a snapshot and without.
const EVENTS: usize = 100;
/// Such events for a filter that looks at none.
const EVENTS_UNSEEN: usize = 3;
/// Calls after which a snapshot would be there, if there were to be one.
const CALLS_UNTIL_ONE: usize = 64;

const PATTERN: &str = r#"{"pointer":"/currentValue/title","operator":"matches","value":"^[a-z]+(é|漢){1,3}.*$"}"#;
/// Delivers some, skips some, and fails on some that have other types or nothing there.
const EXPRESSION: &str =
    r#"{"expression":"currentValue.done && currentValue.title.contains('a') || currentValue.count == 7"}"#;
/// Uses up fuel in `configure`: twenty thousand times what is in the loop.
const WORK: &str = "(local i32) (loop $again (local.set 0 (i32.add (local.get 0) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get 0) (i32.const 20000))))";

/// A hand-written filter that works in `configure` and does this there and in `decide`.
fn expensive(configure: &str, decide: &str, extra: &str) -> Vec<u8> {
    let extra = format!(
        "(memory (export \"memory\") 2) (global $kept (mut i64) (i64.const 0)) (func $work {WORK})
         (func $burn (param i64) (loop $again (local.set 0 (i64.sub (local.get 0) (i64.const 1)))
            (br_if $again (i64.gt_s (local.get 0) (i64.const 0)))))
         {extra}"
    );
    let configure = format!("(call $work) {configure}");
    HandWritten { configure, body: decide.to_owned(), extra, ..HandWritten::default() }.module()
}

/// Calls the filter until it has a snapshot.
async fn until_there_is_one(room: &Room, configured: &Arc<Configured>) {
    let (began, before) = (Instant::now(), room.snapshots().len());
    while room.snapshots().len() == before {
        assert!(began.elapsed() < PATIENCE, "no snapshot is made");
        room.evaluate(configured).await;
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

/// A room in which a compiler may take as long.
fn open() -> Room {
    Room::with_limits(FilterLimits { compile_time_max: PATIENCE, ..FilterLimits::default() })
}

/// What the filter says of many events, and the fuel.
async fn all(room: &Room, configured: &Arc<Configured>, events: usize) -> Vec<(Decision, u64)> {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let (mut all, mut took_us) = (Vec::new(), Vec::new());
    for _ in 0..events {
        let (previous, current) = (numbers.record(), numbers.record());
        let event = EventFields { previous_value: &previous, current_value: &current, ..EVENT };
        let values = configured.project(&event);
        let evaluation = room.host.decide(Request { configured: Arc::clone(configured), values }).await.unwrap();
        took_us.push(evaluation.duration_us);
        all.push((evaluation.decision, evaluation.fuel));
    }
    took_us.sort_unstable();
    println!("{} µs and {} fuel a call (medians of {events})", took_us[events / 2], all[events / 2].1);
    all
}

/// A room in which there can be no snapshots, because uploads are not found again, and one in which there are.
struct Rooms {
    plain: Room,
    room: Room,
}

impl Rooms {
    fn open() -> Self {
        Self { plain: open(), room: open() }
    }

    /// Checks that the filter says the same and uses the same fuel without a snapshot and with one; what that is.
    async fn compare(&self, wasm: &[u8], config: &str, events: usize) -> Vec<(Decision, u64)> {
        let Self { plain, room } = self;
        let digest = plain.host.admit(None, wasm).await.unwrap().digest;
        let without = all(plain, &plain.configure(digest, config).await.unwrap(), events).await;
        assert!(plain.snapshots().is_empty());
        let configured = room.configured(wasm, config).await;
        until_there_is_one(room, &configured).await;
        let with = all(room, &configured, events).await;
        assert_eq!(with, without, "{config}");
        with
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bundled_filters_say_and_use_the_same_as_snapshots() {
    let rooms = Rooms::open();
    let mut kinds = std::collections::HashSet::new();
    for (wasm, config) in [(CEL, EXPRESSION), (FIELD_MATCH, PATTERN)] {
        let said = rooms.compare(wasm, config, EVENTS).await;

        kinds.extend(said.iter().map(|(decision, _)| std::mem::discriminant(decision)));
    }
    assert_eq!(kinds.len(), 3, "there was each kind of verdict");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_filter_kept_in_configure_and_how_it_fails_is_the_same_as_a_snapshot() {
    let rooms = Rooms::open();
    let unless = |condition: &str| format!("(if {condition} (then) (else (unreachable)))");
    for (name, configure, decide, extra, expected) in [
        (
            "globals and memory that grew",
            "(global.set $kept (i64.const 7)) (drop (memory.grow (i32.const 3))) (i32.store (i32.const 320000) (i32.const 5))",
            [
                unless("(i64.eq (global.get $kept) (i64.const 7))"),
                unless("(i32.eq (memory.size) (i32.const 5))"),
                unless("(i32.eq (i32.load (i32.const 320000)) (i32.const 5))"),
            ]
            .concat(),
            "",
            None,
        ),
        (
            "what its start did, once",
            "",
            unless("(i64.eq (global.get $kept) (i64.const 1))"),
            "(func $start (global.set $kept (i64.add (global.get $kept) (i64.const 1)))) (start $start)",
            None,
        ),
        ("no fuel left", "", "(call $burn (i64.const 9223372036854775807))".to_owned(), "", Some(ReasonClass::Fuel)),
        ("a trap", "", "unreachable".to_owned(), "", Some(ReasonClass::Trap)),
        (
            "no stack left",
            "",
            "(call $deeper)".to_owned(),
            "(func $deeper (call $deeper) (call $work))",
            Some(ReasonClass::StackOverflow),
        ),
        (
            "no memory left",
            "",
            "(if (i32.eq (memory.grow (i32.const 60000)) (i32.const -1)) (then unreachable))".to_owned(),
            "",
            Some(ReasonClass::MemoryLimit),
        ),
    ] {
        let said = rooms.compare(&expensive(configure, &decide, extra), "null", EVENTS_UNSEEN).await;

        let class = |decision: &Decision| match decision {
            Decision::Failed(failure) => Some(failure.class),
            _ => None,
        };
        assert!(said.iter().all(|(decision, _)| class(decision) == expected), "{name}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_may_keep_something_elsewhere_has_no_snapshot_and_runs_on() {
    let good = expensive("", "", "");
    for (name, configure, extra) in [
        ("a table that changes", "(table.set $t (i32.const 0) (ref.null func))", "(table $t 1 funcref)"),
        ("a float that is no number", "(global.set $f (f32.const nan:0x1))", "(global $f (mut f32) (f32.const 0))"),
        ("memory that was refused", "(drop (memory.grow (i32.const 60000)))", ""),
    ] {
        let room = open();
        let configured = room.configured(&expensive(configure, "", extra), "null").await;
        let first = room.evaluate(&configured).await;

        for _ in 0..CALLS_UNTIL_ONE {
            let again = room.evaluate(&configured).await;
            assert_eq!((again.decision, again.fuel), (first.decision.clone(), first.fuel), "{name}");
        }

        // They are made one after the other, so where there is the second one there is no first.
        until_there_is_one(&room, &room.configured(&good, "null").await).await;
        let beginning = FilterHost::digest(&good).to_string()[..32].to_owned();
        let is_good = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(&beginning);
        assert!(room.snapshots().iter().all(is_good), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_is_cheap_to_take_has_no_snapshot() {
    let room = open();
    let configured = room.configured(FIELD_MATCH, DONE).await;

    for _ in 0..CALLS_UNTIL_ONE {
        room.evaluate(&configured).await;
    }

    assert!(room.snapshots().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_a_snapshot_decide_as_each_event_alone() {
    let room = open();
    let configured = room.configured(FIELD_MATCH, PATTERN).await;
    until_there_is_one(&room, &configured).await;
    let alone = room.decide(&configured).await;
    let events = vec![request(&configured).values; 40];

    let mut batches = Batches::new(Arc::clone(&configured));
    let together = room.host.decide_some(&mut batches, &events.into()).await.unwrap();

    assert!(together.len() > 1);
    assert!(together.iter().all(|decision| *decision == alone));
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_go_with_their_filter_and_no_other() {
    let room = open();
    let other = expensive("", "", "");
    for (wasm, config) in [(other.as_slice(), "null"), (FIELD_MATCH, PATTERN)] {
        let configured = room.configured(wasm, config).await;
        until_there_is_one(&room, &configured).await;
    }
    let before = room.snapshots();

    room.host.forget(&FilterHost::digest(&other)).await;

    let left = room.snapshots();
    assert_eq!((before.len(), left.len()), (2, 1));
    assert!(before.contains(&left[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_with_a_flipped_bit_is_not_run_but_made_again() {
    let room = open();
    let before = room.configured(FIELD_MATCH, PATTERN).await;
    let digest = room.upload(FIELD_MATCH).await.unwrap().digest;
    until_there_is_one(&room, &before).await;
    let said = room.evaluate(&before).await;
    let path = room.snapshots().remove(0);
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(&path, &flipped).unwrap();

    let room = room.reopened(super::COMPILER.as_ref());
    let after = room.configure(digest, PATTERN).await.unwrap();
    let began = Instant::now();
    while fs::read(&path).unwrap() == flipped {
        assert!(began.elapsed() < PATIENCE, "it is not made again");
        let again = room.evaluate(&after).await;
        assert_eq!((again.decision, again.fuel), (said.decision.clone(), said.fuel));
        tokio::time::sleep(LOOK_PAUSE).await;
    }

    let again = room.evaluate(&after).await;
    assert_eq!((again.decision, again.fuel), (said.decision, said.fuel));
}
