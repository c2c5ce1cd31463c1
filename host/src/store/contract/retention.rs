//! What has had its time is deleted, and nothing that is needed.

use std::sync::Arc;

use super::samples::{
    accepted, add_webhooks, at, attempted, claim_one, decide, delivery_id, digest, event, event_id, owe, page,
    record_attempt, verdict, webhook_id,
};
use crate::model::event::Event;
use crate::model::ids::ReplayId;
use crate::model::replay::{ReplayOnly, ReplayState};
use crate::model::verdict::{Outcome, Verdict};
use crate::store::{
    Accepted, Deleted, DeliveryQuery, EventQuery, EventScope, NewReplay, Next, PageRequest, ReplayRange, Retained,
    Retention, RetentionPlace, Retried, StatsQuery, Store, VerdictQuery,
};

/// What was accepted before a time has had its time.
pub(super) fn before(seconds: i64) -> Retention {
    let never = at(-1_000_000);
    Retention { before: at(seconds), before_if_large: never, bytes_max: u64::MAX, replays_since: never, rows_max: 100 }
}

/// A whole pass, step by step; what it deleted.
pub(super) async fn forget(store: &dyn Store, retention: Retention) -> Deleted {
    let mut deleted = Deleted::default();
    let mut from = Some(RetentionPlace::begin());
    while let Some(place) = from {
        let step: Retained = store.forget(retention, place).await.unwrap();
        assert_ne!(step.next, from, "a step gets on");
        deleted.events += step.deleted.events;
        deleted.verdicts += step.deleted.verdicts;
        deleted.deliveries += step.deleted.deliveries;
        deleted.attempts += step.deleted.attempts;
        from = step.next;
    }
    deleted
}

/// Accepts events at these seconds, named by their letters.
async fn accept(store: &dyn Store, events: &[(&str, i64)]) {
    for (name, seconds) in events {
        let event = Event { accepted_at: at(*seconds), ..Event::clone(&event(name)) };
        assert_eq!(store.accept_event(Arc::new(event), digest(0)).await.unwrap(), Accepted::New);
    }
}

async fn events(store: &dyn Store, page: PageRequest) -> (String, Option<i64>) {
    let query = EventQuery { scope: EventScope::All, event_types: Vec::new(), since: None, until: None };
    let page = store.events(query, page).await.unwrap();
    (page.items.iter().map(|stored| stored.event.id.to_string()).collect(), page.next)
}

async fn left(store: &dyn Store) -> String {
    events(store, page(99, None)).await.0
}

pub(in crate::store) async fn an_event_goes_with_all_that_hangs_on_it(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["v", "w"]).await;
    // All of the contract's events are accepted at 0.
    let seq = owe(&*store, "e", &["w"], at(0)).await;
    let claimed = claim_one(&*store, at(0)).await;
    record_attempt(&*store, attempted(&claimed, Next::Delivered, at(1))).await.unwrap();
    decide(&*store, "f", vec![verdict("v", Outcome::Filtered), verdict("w", Outcome::Filtered)]).await;

    assert_eq!(forget(&*store, before(0)).await, Deleted::default());
    let deleted = forget(&*store, before(1)).await;

    assert_eq!(deleted, Deleted { events: 2, verdicts: 3, deliveries: 1, attempts: 1 });
    assert_eq!(store.event(&event_id("e")).await.unwrap(), None);
    assert_eq!(store.verdicts_on(seq, None).await.unwrap(), []);
    assert_eq!(store.delivery(&delivery_id("e", "w")).await.unwrap(), None);
    assert_eq!(store.attempts(&delivery_id("e", "w")).await.unwrap(), []);
    assert_eq!(store.retry_delivery(&delivery_id("e", "w"), at(2)).await.unwrap(), Retried::Missing);
    for webhook in ["v", "w"] {
        let id = webhook_id(webhook);
        let verdicts = store.verdicts_for(&id, VerdictQuery::default(), page(9, None)).await.unwrap();
        let deliveries = store.deliveries(&id, DeliveryQuery::default(), page(9, None)).await.unwrap();
        let query = StatsQuery { since: at(-9), events_max: 9, attempts_max: 9, reason_chars_max: 9 };
        assert_eq!((verdicts.items.len(), verdicts.next, deliveries.items.len()), (0, None, 0));
        assert_eq!(store.stats(&id, query).await.unwrap().events, 0);
    }
    assert_eq!(forget(&*store, before(1)).await, Deleted::default());
    // Its id is free again, and what comes under it is found.
    decide(&*store, "e", vec![verdict("w", Outcome::Filtered)]).await;
    let again = store.verdicts_for(&webhook_id("w"), VerdictQuery::default(), page(9, None)).await.unwrap();
    assert_eq!(again.items.len(), 1);
}

pub(in crate::store) async fn what_waits_or_is_owed_stays(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["v", "w"]).await;
    owe(&*store, "owed", &["v"], at(0)).await;
    let half = owe(&*store, "half", &["v", "w"], at(0)).await;
    let mut claimed = store.claim_deliveries(super::samples::delivery_claim(at(0), 9, 9)).await.unwrap();
    let of_w = claimed.iter().position(|row| row.webhook.id == webhook_id("w")).unwrap();
    record_attempt(&*store, attempted(&claimed.remove(of_w), Next::Delivered, at(1))).await.unwrap();
    accepted(&*store, "undecided").await;
    decide(&*store, "done", vec![verdict("v", Outcome::Filtered)]).await;

    let deleted = forget(&*store, before(9)).await;

    // What was delivered goes, though the same event is still owed to another.
    assert_eq!(deleted, Deleted { events: 1, verdicts: 1, deliveries: 1, attempts: 1 });
    assert_eq!(left(&*store).await, "undecidedhalfowed");
    assert_eq!(store.verdicts_on(half, None).await.unwrap().len(), 2);
    // What is under way at that moment is written down, and goes then.
    for row in claimed {
        record_attempt(&*store, attempted(&row, Next::Delivered, at(2))).await.unwrap();
    }
    let deleted = forget(&*store, before(9)).await;
    assert_eq!(deleted, Deleted { events: 2, verdicts: 3, deliveries: 2, attempts: 2 });
    assert_eq!(left(&*store).await, "undecided");
}

pub(in crate::store) async fn a_replay_keeps_what_it_has_yet_to_look_at_unless_it_rests_for_long(
    store: Arc<dyn Store>,
) {
    add_webhooks(&*store, &["w"]).await;
    for name in ["a", "b", "c", "d"] {
        decide(&*store, name, vec![verdict("w", Outcome::Filtered)]).await;
    }
    let bounds = store.event_bounds(at(-9), at(9)).await.unwrap();
    let place = async |name| store.event(&event_id(name)).await.unwrap().unwrap().seq;
    let range = ReplayRange {
        webhook: webhook_id("w"),
        only: ReplayOnly::All,
        since: at(-9),
        until: at(9),
        last: place("c").await,
    };
    let id = ReplayId::parse("rpl_r").unwrap();
    let new =
        NewReplay { id: id.clone(), range, before: place("a").await, created_at: at(10), running_max: 9, kept_max: 9 };
    assert!(bounds.before < new.before);
    store.add_replay(new).await.unwrap();

    forget(&*store, before(9)).await;
    assert_eq!(left(&*store).await, "cb");

    forget(&*store, Retention { replays_since: at(11), ..before(9) }).await;
    assert_eq!(left(&*store).await, "");
    store.end_replay(&id, ReplayState::Canceled, None, at(12)).await.unwrap();
}

pub(in crate::store) async fn a_database_that_is_too_large_loses_the_oldest_first_but_nothing_young(
    store: Arc<dyn Store>,
) {
    accept(&*store, &[("c", 30), ("a", 10), ("b", 20)]).await;
    for claimed in store.claim_events(super::samples::claim(at(30), 9)).await.unwrap() {
        let (event, fence) = (claimed.stored.seq, claimed.fence);
        let nothing = crate::store::Dispatched {
            event,
            fence,
            verdicts: Vec::new(),
            deliveries: Vec::new(),
            compared: Vec::new(),
        };
        store.record_dispatch(nothing).await.unwrap();
    }
    let large = Retention { before: at(0), before_if_large: at(25), bytes_max: 0, ..before(0) };

    assert_eq!(forget(&*store, Retention { bytes_max: 1 << 40, ..large }).await, Deleted::default());
    let first = store.forget(Retention { rows_max: 1, ..large }, RetentionPlace::begin()).await.unwrap();
    assert_eq!((first.deleted.events, left(&*store).await.as_str()), (1, "cb"));

    assert_eq!(forget(&*store, large).await.events, 1);
    assert_eq!(left(&*store).await, "c");
}

pub(in crate::store) async fn a_step_deletes_no_more_rows_than_it_may(store: Arc<dyn Store>) {
    let names: Vec<_> = (0..50).map(|number| format!("w{number:02}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    add_webhooks(&*store, &names).await;
    let all = |names: &[&str]| -> Vec<Verdict> { names.iter().map(|name| verdict(name, Outcome::Filtered)).collect() };
    for event in ["a", "b", "c"] {
        decide(&*store, event, all(&names)).await;
    }
    let retention = Retention { rows_max: 20, ..before(9) };

    let (mut steps, mut from) = (Vec::new(), Some(RetentionPlace::begin()));
    while let Some(place) = from {
        let step = store.forget(retention, place).await.unwrap();
        steps.push(step.deleted.events + step.deleted.verdicts);
        from = step.next;
    }

    assert_eq!(steps.iter().sum::<u64>(), 153);
    assert!(steps.iter().all(|rows| *rows <= 21), "{steps:?}");
    let found = store.verdicts_for(&webhook_id("w07"), VerdictQuery::default(), page(9, None)).await.unwrap();
    assert_eq!((found.items.len(), found.next), (0, None));
}

pub(in crate::store) async fn a_list_goes_on_where_its_last_event_has_gone(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "owed", &["w"], at(0)).await;
    for name in ["a", "b", "c"] {
        decide(&*store, name, vec![verdict("w", Outcome::Filtered)]).await;
    }
    let (first, next) = events(&*store, page(2, None)).await;
    let verdicts = store.verdicts_for(&webhook_id("w"), VerdictQuery::default(), page(2, None)).await.unwrap();

    forget(&*store, before(9)).await;

    assert_eq!(first, "cb");
    assert_eq!(events(&*store, page(2, next)).await, ("owed".to_owned(), None));
    let rest = store.verdicts_for(&webhook_id("w"), VerdictQuery::default(), page(2, verdicts.next)).await.unwrap();
    let rest: Vec<_> = rest.items.iter().map(|item| item.event_id.as_str()).collect();
    assert_eq!(rest, ["owed"]);
}
