//! What is read of the past.

use std::sync::Arc;

use super::samples::{
    add_webhooks, at, attempted, claim, claim_one, decide, delivery_id, digest, event_of_type, owe, owed, page,
    record_attempt, secret, user, verdict, webhook, webhook_id,
};
use crate::model::delivery::{Delivery, DeliveryState};
use crate::model::event::EventType;
use crate::model::filter::FilterDigest;
use crate::model::limits::PAGE_EVENTS_EXAMINED_MAX;
use crate::model::verdict::{Outcome, ReasonClass, Verdict};
use crate::model::webhook::Webhook;
use crate::store::{DeliveryQuery, Dispatched, LoggedVerdict, Next, Page, Store, VerdictQuery};

pub(in crate::store) async fn attempts_are_listed_in_their_order(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    let first = claim_one(&*store, at(0)).await;
    let failed = attempted(&first, Next::RetryAt(at(5)), at(1));
    record_attempt(&*store, failed.clone()).await.unwrap();
    let second = claim_one(&*store, at(5)).await;
    let mut done = attempted(&second, Next::Delivered, at(6));
    done.attempt.status = None;
    done.attempt.response = Vec::new();
    record_attempt(&*store, done.clone()).await.unwrap();

    let listed = store.attempts(&delivery_id("e", "w")).await.unwrap();

    assert_eq!(listed, [failed.attempt, done.attempt]);
    assert!(store.attempts(&delivery_id("other", "w")).await.unwrap().is_empty());
}

pub(in crate::store) async fn deliveries_are_listed_newest_first_by_state_and_time(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["v", "w"]).await;
    owe(&*store, "a", &["w"], at(1)).await;
    let claimed = claim_one(&*store, at(1)).await;
    record_attempt(&*store, attempted(&claimed, Next::Failed, at(1))).await.unwrap();
    for (event, created_at) in [("b", 2), ("c", 3), ("d", 4)] {
        owe(&*store, event, &["v", "w"], at(created_at)).await;
    }
    let list = async |query: DeliveryQuery, items_max, after| {
        let page = store.deliveries(&webhook_id("w"), query, page(items_max, after)).await.unwrap();
        let ids = page.items.iter().map(|delivery: &Delivery| delivery.event_id.to_string()).collect::<Vec<_>>();
        (ids.concat(), page.next)
    };

    let (first, next) = list(DeliveryQuery::default(), 3, None).await;
    let (second, end) = list(DeliveryQuery::default(), 3, next).await;
    let pending = DeliveryQuery { state: Some(DeliveryState::Pending), ..DeliveryQuery::default() };
    let between = DeliveryQuery { since: Some(at(2)), until: Some(at(4)), ..DeliveryQuery::default() };

    assert_eq!((first.as_str(), second.as_str(), end), ("dcb", "a", None));
    let failed = DeliveryQuery { state: Some(DeliveryState::Failed), ..DeliveryQuery::default() };
    let failed_later = DeliveryQuery { since: Some(at(2)), ..failed.clone() };

    assert_eq!(list(pending, 9, None).await.0, "dcb");
    assert_eq!(list(failed, 9, None).await, ("a".to_owned(), None));
    assert_eq!(list(failed_later, 9, None).await.0, "");
    assert_eq!(list(between, 9, None).await.0, "cb");
    assert_eq!(list(DeliveryQuery::default(), 4, None).await.1, None);
}

pub(in crate::store) async fn deliveries_that_are_rare_are_found_over_several_pages(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    let all = PAGE_EVENTS_EXAMINED_MAX + 2;
    let event = |number: usize| {
        let event_type = if number == 0 { "TODO_DELETED" } else { "TODO_CREATED" };
        (Arc::new(event_of_type(&format!("e{number}"), event_type)), digest(0))
    };
    store.accept_events((0..all).map(event).collect()).await.unwrap();
    let mut writing = Vec::new();
    while writing.len() < all {
        for claimed in store.claim_events(claim(at(0), 1_000)).await.unwrap() {
            let deliveries = vec![owed(claimed.stored.event.id.as_str(), "w", at(1))];
            let (event, fence) = (claimed.stored.seq, claimed.fence);
            let dispatched = Dispatched { event, fence, verdicts: Vec::new(), deliveries, compared: Vec::new() };
            writing.push(store.record_dispatch(dispatched));
        }
    }
    // The oldest first; the others in any order.
    writing.remove(0).await.unwrap();
    futures_util::future::try_join_all(writing).await.unwrap();
    let deleted = DeliveryQuery { event_type: Some(EventType::parse("TODO_DELETED").unwrap()), ..Default::default() };
    let list = async |query: &DeliveryQuery, after| {
        let page = store.deliveries(&webhook_id("w"), query.clone(), page(2, after)).await.unwrap();
        (page.items.iter().map(|delivery| delivery.event_id.to_string()).collect::<Vec<_>>().concat(), page.next)
    };

    let (first, next) = list(&deleted, None).await;
    let (second, end) = list(&deleted, next).await;
    let (newest, more) = list(&DeliveryQuery::default(), None).await;

    assert_eq!((first.as_str(), second.as_str(), end), ("", "e0", None));
    assert!(next.is_some() && more.is_some());
    assert_eq!(newest.matches('e').count(), 2);
}

pub(in crate::store) async fn verdicts_are_listed_newest_first_by_outcome_and_time(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["v", "w"]).await;
    let full = Verdict {
        reason: Some("no fuel left".into()),
        reason_class: Some(ReasonClass::Fuel),
        filter_digest: Some(FilterDigest([3; 32])),
        fuel: Some(10_000_000),
        duration_us: Some(1_234),
        decided_at: at(1),
        ..verdict("w", Outcome::FilterError)
    };
    decide(&*store, "a", vec![full.clone()]).await;
    for (event, outcome, decided_at) in
        [("b", Outcome::Filtered, 2), ("c", Outcome::OutOfScope, 3), ("d", Outcome::Filtered, 4)]
    {
        let decided = |webhook| Verdict { decided_at: at(decided_at), ..verdict(webhook, outcome) };
        decide(&*store, event, vec![decided("w"), decided("v")]).await;
    }
    let list = async |query: VerdictQuery, items_max, after| -> Page<LoggedVerdict> {
        store.verdicts_for(&webhook_id("w"), query, page(items_max, after)).await.unwrap()
    };
    let ids = |page: &Page<LoggedVerdict>| page.items.iter().map(|item| item.event_id.to_string()).collect::<String>();

    let first = list(VerdictQuery::default(), 3, None).await;
    let second = list(VerdictQuery::default(), 3, first.next).await;
    let filtered = VerdictQuery { outcome: Some(Outcome::Filtered), ..VerdictQuery::default() };
    let between = VerdictQuery { since: Some(at(2)), until: Some(at(4)), ..VerdictQuery::default() };

    assert_eq!((ids(&first).as_str(), ids(&second).as_str(), second.next), ("dcb", "a", None));
    assert_eq!(second.items[0].verdict, full);
    assert_eq!(ids(&list(filtered, 9, None).await), "db");
    assert_eq!(ids(&list(between, 9, None).await), "cb");
}

pub(in crate::store) async fn verdicts_on_an_event_are_those_of_the_owner_or_of_all(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    store.add_webhook(Webhook { owner: user("other"), ..webhook("v") }, secret()).await.unwrap();

    let event = decide(&*store, "e", vec![verdict("w", Outcome::Filtered), verdict("v", Outcome::Disabled)]).await;

    let of = async |owner: Option<&str>| {
        let verdicts = store.verdicts_on(event, owner.map(user).as_ref()).await.unwrap();
        verdicts.iter().map(|verdict| verdict.webhook_id.to_string()).collect::<String>()
    };
    assert_eq!(
        (of(None).await, of(Some("owner")).await, of(Some("nobody")).await),
        ("wv".into(), "w".into(), "".into())
    );
}

pub(in crate::store) async fn a_row_can_be_written_and_read_back(store: Arc<dyn Store>) {
    store.check().await.unwrap();
    store.check().await.unwrap();
}
