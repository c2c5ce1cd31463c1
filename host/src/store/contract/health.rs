//! What attempts and filters mean for a webhook.

use std::sync::Arc;

use super::samples::{
    FAILURES_MAX, add_webhooks, at, attempted, binding, claim_one, decide, delivery_claim, failure, gone, owe,
    record_attempt, secret, upload, verdict, webhook, webhook_id,
};
use crate::model::Timestamp;
use crate::model::filter::FilterDigest;
use crate::model::health::{DisabledReason, Trouble};
use crate::model::limits::FILTER_FAILURES_UNTIL_FAILING;
use crate::model::verdict::{Outcome, ReasonClass, Verdict};
use crate::model::webhook::{FilterBinding, Health, Webhook};
use crate::store::{Next, Store};

async fn read(store: &dyn Store) -> Arc<Webhook> {
    store.webhook(&webhook_id("w")).await.unwrap().unwrap()
}

/// The place of the last change.
async fn last_change(store: &dyn Store) -> i64 {
    store.webhook_changes(0, 99).await.unwrap().last().unwrap().change_seq
}

/// One attempt on a delivery that is due.
async fn attempt(store: &dyn Store, event: &str, next: Next, when: Timestamp) {
    owe(store, event, &["w"], at(0)).await;
    let claimed = claim_one(store, when).await;
    record_attempt(store, attempted(&claimed, next, when)).await.unwrap();
}

pub(in crate::store) async fn failures_in_a_row_make_a_webhook_unhealthy_and_a_success_heals_it(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    let before = last_change(&*store).await;

    for number in 1..=FAILURES_MAX + 1 {
        attempt(&*store, &format!("e{number}"), Next::Failed, at(i64::from(number) * 20)).await;
    }
    let sick = read(&*store).await;
    let after = last_change(&*store).await;
    attempt(&*store, "good", Next::Delivered, at(500)).await;
    let healed = read(&*store).await;

    assert_eq!((sick.health, sick.version, sick.failures_in_a_row), (Health::Unhealthy, 2, FAILURES_MAX + 1));
    assert_eq!(sick.updated_at, at(i64::from(FAILURES_MAX) * 20), "when the threshold was crossed");
    assert!(sick.is_enabled);
    assert_eq!(after, before + 1);
    assert_eq!((healed.health, healed.version, healed.failures_in_a_row), (Health::Healthy, 3, 0));
    assert_eq!((healed.updated_at, last_change(&*store).await), (at(500), after + 1));
}

pub(in crate::store) async fn a_count_alone_is_not_a_change(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    let before = last_change(&*store).await;

    attempt(&*store, "bad", Next::Failed, at(1)).await;
    let counted = read(&*store).await;
    attempt(&*store, "good", Next::Delivered, at(2)).await;

    let trouble = Trouble { failing_since: Some(at(1)), last_failure: Some(failure(at(1))), ..Trouble::default() };
    assert_eq!(*counted, Webhook { failures_in_a_row: 1, trouble, ..webhook("w") });
    assert_eq!(*read(&*store).await, webhook("w"));
    assert_eq!(last_change(&*store).await, before);
}

pub(in crate::store) async fn an_endpoint_that_is_gone_disables_its_webhook(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    let claimed = claim_one(&*store, at(0)).await;
    let before = last_change(&*store).await;

    let gone = gone(&claimed, at(4));
    record_attempt(&*store, gone).await.unwrap();

    let disabled = read(&*store).await;
    assert_eq!((disabled.is_enabled, disabled.health, disabled.version), (false, Health::Unhealthy, 2));
    assert_eq!((disabled.updated_at, last_change(&*store).await), (at(4), before + 1));
}

pub(in crate::store) async fn a_webhook_is_disabled_and_unhealthy_at_its_owners_wish(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w", "other"]).await;
    let before = last_change(&*store).await;

    let disabled = store.disable_webhook(&webhook_id("w"), at(4)).await.unwrap().unwrap();
    let again = store.disable_webhook(&webhook_id("w"), at(5)).await.unwrap().unwrap();

    let disabled_reason = Some(DisabledReason::Owner);
    let trouble = Trouble { unhealthy_since: Some(at(4)), disabled: disabled_reason, ..Trouble::default() };
    let wanted = Webhook {
        is_enabled: false,
        health: Health::Unhealthy,
        trouble,
        version: 2,
        updated_at: at(4),
        ..webhook("w")
    };
    assert_eq!((&*disabled, &*again, &*read(&*store).await), (&wanted, &wanted, &wanted));
    assert_eq!(last_change(&*store).await, before + 1, "done already is done");
    assert_eq!(store.webhook(&webhook_id("other")).await.unwrap().as_deref(), Some(&webhook("other")));
    store.delete_webhook(&webhook_id("w"), at(6)).await.unwrap();
    assert_eq!(store.disable_webhook(&webhook_id("w"), at(7)).await.unwrap(), None);
}

pub(in crate::store) async fn a_success_does_not_heal_a_disabled_webhook(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe(&*store, "e", &["w"], at(0)).await;
    owe(&*store, "f", &["w"], at(0)).await;
    let claimed = store.claim_deliveries(delivery_claim(at(0), 9, 9)).await.unwrap();
    let gone = gone(&claimed[0], at(1));
    record_attempt(&*store, gone).await.unwrap();
    let disabled = read(&*store).await;

    record_attempt(&*store, attempted(&claimed[1], Next::Delivered, at(2))).await.unwrap();

    assert_eq!((disabled.is_enabled, disabled.health), (false, Health::Unhealthy));
    let trouble = Trouble { failing_since: None, ..disabled.trouble.clone() };
    assert_eq!(*read(&*store).await, Webhook { failures_in_a_row: 0, trouble, ..(*disabled).clone() });
}

pub(in crate::store) async fn an_edit_leaves_health_and_counts_as_they_are(store: Arc<dyn Store>) {
    let uploaded = upload("f", None, 1);
    store.add_filter(uploaded.clone()).await.unwrap();
    store.add_webhook(Webhook { filter: Some(binding(&uploaded)), ..webhook("w") }, secret()).await.unwrap();
    let trapped = Verdict {
        filter_digest: Some(uploaded.filter.digest),
        reason_class: Some(ReasonClass::Trap),
        ..verdict("w", Outcome::FilterError)
    };
    decide(&*store, "trapped", vec![trapped]).await;
    attempt(&*store, "bad", Next::Failed, at(1)).await;
    let before = read(&*store).await;

    attempt(&*store, "good", Next::Delivered, at(2)).await;
    let stale = Webhook { name: None, health: Health::Unhealthy, version: 2, ..(*before).clone() };
    store.update_webhook(1, stale.clone()).await.unwrap();
    let edited = read(&*store).await;
    let rebound = FilterBinding { config: "{}".into(), ..binding(&uploaded) };
    store.update_webhook(2, Webhook { filter: Some(rebound.clone()), version: 3, ..stale.clone() }).await.unwrap();

    assert_eq!((before.failures_in_a_row, before.filter_failures_in_a_row), (1, 1));
    let now = Webhook { health: Health::Healthy, failures_in_a_row: 0, trouble: Trouble::default(), ..stale };
    assert_eq!(*edited, now, "not as it was read");
    let fresh = Webhook { filter: Some(rebound), filter_failures_in_a_row: 0, version: 3, ..(*edited).clone() };
    assert_eq!(*read(&*store).await, fresh);
}

pub(in crate::store) async fn filter_failures_are_told_when_they_begin_and_cease_to_count_as_failing(
    store: Arc<dyn Store>,
) {
    let uploaded = upload("f", None, 1);
    store.add_filter(uploaded.clone()).await.unwrap();
    store.add_webhook(Webhook { filter: Some(binding(&uploaded)), ..webhook("w") }, secret()).await.unwrap();
    let ran = |outcome| Verdict { filter_digest: Some(uploaded.filter.digest), ..verdict("w", outcome) };
    let failed = || Verdict { reason_class: Some(ReasonClass::Fuel), ..ran(Outcome::Delivered) };

    let mut told = vec![last_change(&*store).await];
    for number in 0..FILTER_FAILURES_UNTIL_FAILING + 1 {
        decide(&*store, &format!("bad{number}"), vec![failed()]).await;
        told.push(last_change(&*store).await);
    }
    // The filter did not run: says nothing of it.
    decide(&*store, "scope", vec![verdict("w", Outcome::OutOfScope)]).await;
    let failing = read(&*store).await;
    decide(&*store, "good", vec![ran(Outcome::Filtered)]).await;
    let after_success = last_change(&*store).await;
    decide(&*store, "bad", vec![failed()]).await;
    decide(&*store, "good2", vec![ran(Outcome::Delivered)]).await;

    let steps: Vec<_> = told.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(steps, [0, 0, 1, 0]);
    assert_eq!((failing.filter_failures_in_a_row, failing.version), (FILTER_FAILURES_UNTIL_FAILING + 1, 1));
    assert_eq!(after_success, told.last().unwrap() + 1);
    assert_eq!(last_change(&*store).await, after_success, "one failure is not told, nor its end");
    assert_eq!(read(&*store).await.filter_failures_in_a_row, 0);
}

pub(in crate::store) async fn a_verdict_of_a_former_filter_is_not_counted(store: Arc<dyn Store>) {
    let uploaded = upload("f", None, 1);
    store.add_filter(uploaded.clone()).await.unwrap();
    store.add_webhook(Webhook { filter: Some(binding(&uploaded)), ..webhook("w") }, secret()).await.unwrap();

    let former = Verdict {
        filter_digest: Some(FilterDigest([9; 32])),
        reason_class: Some(ReasonClass::Trap),
        ..verdict("w", Outcome::FilterError)
    };
    decide(&*store, "e", vec![former]).await;

    assert_eq!(read(&*store).await.filter_failures_in_a_row, 0);
}
