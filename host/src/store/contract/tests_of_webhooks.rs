//! Events that test one webhook.

use std::sync::Arc;

use super::samples::{
    add_webhooks, at, claim, claim_one, delivery_id, digest, event, event_id, event_of_type, owed, page, project, user,
    verdict, webhook_id,
};
use crate::model::Timestamp;
use crate::model::event::Event;
use crate::model::verdict::Outcome;
use crate::store::{
    Accepted, DeliveryQuery, Dispatched, EventQuery, EventScope, Project, Recorded, Store, TestAccepted, TestOf, User,
    VerdictQuery,
};

/// Tests `w` with an event of that name.
async fn test(store: &dyn Store, name: &str, when: Timestamp, since: Timestamp, tests_max: u32) -> TestAccepted {
    let event = Event { accepted_at: when, ..event_of_type(name, "TODO_CREATED") };
    let test = TestOf { webhook: webhook_id("w"), since, tests_max };
    store.accept_test(Arc::new(event), digest(1), test).await.unwrap()
}

pub(in crate::store) async fn a_test_is_marked_from_its_event_to_its_delivery(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;

    assert_eq!(test(&*store, "t", at(0), at(0), 9).await, TestAccepted::New);
    let claimed = store.claim_events(claim(at(0), 9)).await.unwrap();
    let verdicts = vec![verdict("w", Outcome::Delivered)];
    let (event, fence) = (claimed[0].stored.seq, claimed[0].fence);
    let dispatched = Dispatched { event, fence, verdicts, deliveries: vec![owed("t", "w", at(0))], compared: vec![] };
    assert_eq!(store.record_dispatch(dispatched).await.unwrap(), Recorded::Written);
    let attempted = claim_one(&*store, at(0)).await;

    assert_eq!((claimed.len(), &claimed[0].stored.test_of), (1, &Some(webhook_id("w"))));
    let stored = store.event(&event_id("t")).await.unwrap().unwrap();
    assert_eq!((&stored.test_of, stored.is_dispatched), (&Some(webhook_id("w")), true));
    assert!(attempted.delivery.is_test);
    assert!(store.delivery(&delivery_id("t", "w")).await.unwrap().unwrap().is_test);
    let deliveries = store.deliveries(&webhook_id("w"), DeliveryQuery::default(), page(9, None)).await.unwrap();
    let verdicts = store.verdicts_for(&webhook_id("w"), VerdictQuery::default(), page(9, None)).await.unwrap();
    assert!(deliveries.items[0].is_test && verdicts.items[0].is_test);
}

pub(in crate::store) async fn what_was_posted_is_no_test(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;

    super::samples::owe(&*store, "e", &["w"], at(0)).await;

    assert_eq!(store.event(&event_id("e")).await.unwrap().unwrap().test_of, None);
    assert!(!claim_one(&*store, at(0)).await.delivery.is_test);
    let verdicts = store.verdicts_for(&webhook_id("w"), VerdictQuery::default(), page(9, None)).await.unwrap();
    assert!(!verdicts.items[0].is_test);
}

pub(in crate::store) async fn a_webhook_is_tested_no_more_than_it_may_be(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w", "other"]).await;

    assert_eq!(test(&*store, "a", at(1), at(0), 2).await, TestAccepted::New);
    assert_eq!(test(&*store, "b", at(2), at(0), 2).await, TestAccepted::New);
    assert_eq!(test(&*store, "c", at(3), at(0), 2).await, TestAccepted::TooMany);
    assert_eq!(store.event(&event_id("c")).await.unwrap(), None);
    assert_eq!(test(&*store, "d", at(9), at(1), 2).await, TestAccepted::New, "the first one is out of the window");
    let other = TestOf { webhook: webhook_id("other"), since: at(0), tests_max: 1 };
    let accepted = store.accept_test(event("e"), digest(1), other).await.unwrap();
    assert_eq!(accepted, TestAccepted::New, "each webhook has its own");
}

pub(in crate::store) async fn a_webhook_that_is_gone_is_not_tested(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    store.delete_webhook(&webhook_id("w"), at(1)).await.unwrap();

    assert_eq!(test(&*store, "t", at(2), at(0), 9).await, TestAccepted::Missing);

    assert!(store.claim_events(claim(at(2), 9)).await.unwrap().is_empty());
    assert_eq!(store.accept_event(event("t"), digest(0)).await.unwrap(), Accepted::New, "its id is free");
}

pub(in crate::store) async fn a_test_is_in_no_list_of_events(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    store.put_user(User { id: user("u"), name: None }, at(0)).await.unwrap();
    store.put_project(Project { id: project("project"), name: None, company_id: None }, at(0)).await.unwrap();
    store.add_member(&project("project"), &user("u")).await.unwrap();
    store.accept_event(event("e"), digest(0)).await.unwrap();
    assert_eq!(test(&*store, "t", at(1), at(0), 9).await, TestAccepted::New);

    for scope in [EventScope::All, EventScope::Projects(vec![project("project")]), EventScope::ProjectsOf(user("u"))] {
        let query = EventQuery { scope, event_types: Vec::new(), since: None, until: None };
        let listed = store.events(query.clone(), page(9, None)).await.unwrap().items;

        let ids: Vec<_> = listed.iter().map(|stored| stored.event.id.as_str()).collect();
        assert_eq!(ids, ["e"], "{query:?}");
    }
}
