//! What is counted of a webhook's newest events.

use std::collections::HashMap;
use std::sync::Arc;

use super::samples::{
    add_webhooks, at, attempted, claim_one, decide, digest, event, owe, record_attempt, verdict, webhook_id,
};
use crate::model::comparison::Judged;
use crate::model::delivery::AttemptError;
use crate::model::event::Event;
use crate::model::verdict::{Outcome, ReasonClass, Verdict};
use crate::store::{Claim, Dispatched, Next, Stats, StatsQuery, Store, TestOf};

fn all() -> StatsQuery {
    StatsQuery { since: at(-9), events_max: 100, attempts_max: 100, reason_chars_max: 5 }
}

async fn counted(store: &dyn Store, query: StatsQuery) -> Stats {
    store.stats(&webhook_id("w"), query).await.unwrap()
}

fn judged(outcome: Outcome, reason: Option<&str>, reason_class: Option<ReasonClass>) -> Judged {
    Judged { outcome, reason: reason.map(str::to_owned), reason_class }
}

pub(in crate::store) async fn outcomes_reasons_attempts_and_latencies_are_counted(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["v", "w"]).await;
    let filtered = |reason: &str| Verdict { reason: Some(reason.to_owned()), ..verdict("w", Outcome::Filtered) };
    // Told apart by their first five characters.
    for (name, reason) in [("a", "not done: 1"), ("b", "not done: 2"), ("c", "another")] {
        decide(&*store, name, vec![filtered(reason), verdict("v", Outcome::Disabled)]).await;
    }
    let failed = Verdict { reason_class: Some(ReasonClass::Fuel), ..verdict("w", Outcome::FilterError) };
    decide(&*store, "d", vec![failed]).await;
    owe(&*store, "e", &["w"], at(1)).await;
    let first = claim_one(&*store, at(1)).await;
    record_attempt(&*store, attempted(&first, Next::RetryAt(at(5)), at(2))).await.unwrap();
    let second = claim_one(&*store, at(5)).await;
    record_attempt(&*store, attempted(&second, Next::Delivered, at(6))).await.unwrap();

    let stats = counted(&*store, all()).await;

    let verdicts = HashMap::from([
        (judged(Outcome::Filtered, Some("not d"), None), 2),
        (judged(Outcome::Filtered, Some("anoth"), None), 1),
        (judged(Outcome::FilterError, None, Some(ReasonClass::Fuel)), 1),
        (judged(Outcome::Delivered, None, None), 1),
    ]);
    let expected = Stats {
        events: 5,
        oldest: Some(at(0)),
        is_cut: false,
        verdicts,
        attempts: HashMap::from([(None, 1), (Some(AttemptError::Status), 1)]),
        attempt_ms: vec![12, 12],
        delivered_ms: vec![6_000],
    };
    assert_eq!(stats, expected);
    assert_eq!(counted(&*store, StatsQuery { since: at(1), ..all() }).await, Stats::default());
}

pub(in crate::store) async fn only_the_newest_events_are_counted_and_it_is_said(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    for (name, accepted_at) in [("a", 1), ("b", 2), ("c", 3)] {
        let event = Event { accepted_at: at(accepted_at), ..Event::clone(&event(name)) };
        store.accept_event(Arc::new(event), digest(0)).await.unwrap();
    }
    for claimed in store.claim_events(Claim { now: at(9), lease: super::samples::LEASE, rows_max: 9 }).await.unwrap() {
        let (event, fence) = (claimed.stored.seq, claimed.fence);
        let verdicts = vec![verdict("w", Outcome::Filtered)];
        let dispatched = Dispatched { event, fence, verdicts, deliveries: vec![], compared: vec![] };
        store.record_dispatch(dispatched).await.unwrap();
    }
    let seen = async |query| {
        let stats = counted(&*store, query).await;
        (stats.events, stats.oldest, stats.is_cut)
    };

    assert_eq!(seen(all()).await, (3, Some(at(1)), false));
    assert_eq!(seen(StatsQuery { events_max: 3, ..all() }).await, (3, Some(at(1)), false));
    assert_eq!(seen(StatsQuery { events_max: 2, ..all() }).await, (2, Some(at(2)), true));
    assert_eq!(seen(StatsQuery { since: at(2), ..all() }).await, (2, Some(at(2)), false));
    assert_eq!(seen(StatsQuery { attempts_max: 0, ..all() }).await, (0, None, true));
}

pub(in crate::store) async fn a_test_of_the_webhook_is_not_counted(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    let test = TestOf { webhook: webhook_id("w"), since: at(0), tests_max: 9 };
    store.accept_test(event("t"), digest(0), test).await.unwrap();
    decide(&*store, "e", vec![verdict("w", Outcome::Filtered)]).await;
    for claimed in store.claim_events(Claim { now: at(99), lease: super::samples::LEASE, rows_max: 9 }).await.unwrap() {
        let (event, fence) = (claimed.stored.seq, claimed.fence);
        let verdicts = vec![verdict("w", Outcome::Filtered)];
        let dispatched = Dispatched { event, fence, verdicts, deliveries: vec![], compared: vec![] };
        store.record_dispatch(dispatched).await.unwrap();
    }

    assert_eq!(counted(&*store, all()).await.events, 1);
}

pub(in crate::store) async fn what_was_decided_on_events_is_found_for_one_webhook(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["v", "w"]).await;
    let one = decide(&*store, "a", vec![verdict("w", Outcome::Filtered), verdict("v", Outcome::Disabled)]).await;
    let other = decide(&*store, "b", vec![verdict("v", Outcome::Disabled)]).await;

    let recorded = store.recorded(&webhook_id("w"), vec![one, other]).await.unwrap();

    assert_eq!(recorded, HashMap::from([(one, judged(Outcome::Filtered, None, None))]));
}
