//! Holds, and what a change of health is told as.

use std::sync::Arc;

use super::samples::{
    FAILURES_MAX, PAUSE, add_webhooks, at, attempted, claim, claim_one, delivery_claim, failure, gone, names, owe,
    project, record_attempt, secret, webhook, webhook_id,
};
use crate::model::Timestamp;
use crate::model::health::{Answer, DisabledReason, Hold, HoldReason, Trouble};
use crate::model::operational::operator;
use crate::model::webhook::{Health, Webhook};
use crate::store::{Attempted, ClaimedDelivery, Next, Recorded, Store, Updated};

async fn read(store: &dyn Store) -> Arc<Webhook> {
    store.webhook(&webhook_id("w")).await.unwrap().unwrap()
}

/// Owes so many events to `w`, all due at once.
async fn owe_many(store: &dyn Store, count: u32) {
    for number in 0..count {
        owe(store, &format!("e{number}"), &["w"], at(0)).await;
    }
}

/// Makes `w` UNHEALTHY, by attempts that all fail at once; what is retried is due at once.
async fn sicken(store: &dyn Store, when: Timestamp) {
    for row in store.claim_deliveries(delivery_claim(when, 9, FAILURES_MAX)).await.unwrap() {
        record_attempt(store, attempted(&row, Next::RetryAt(when), when)).await.unwrap();
    }
    assert_eq!(read(store).await.health, Health::Unhealthy);
}

async fn claim_at(store: &dyn Store, when: i64) -> Vec<ClaimedDelivery> {
    store.claim_deliveries(delivery_claim(at(when), 9, 9)).await.unwrap()
}

pub(in crate::store) async fn a_webhook_that_is_held_gets_no_attempt_before_its_hold_ends(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w", "other"]).await;
    // More than one look by time reads, so that both ways to claim are gone.
    owe_many(&*store, 20).await;
    sicken(&*store, at(0)).await;

    let before_it_ends = claim_at(&*store, 9).await;
    let next_due = store.next_due().await.unwrap();
    let counted = store.queues(at(9)).await.unwrap().deliveries_due;
    owe(&*store, "x", &["other"], at(9)).await;
    let others = claim_at(&*store, 9).await;
    let probes = claim_at(&*store, 10).await;

    assert!(before_it_ends.is_empty(), "{before_it_ends:?}");
    assert_eq!((next_due, counted), (Some(at(0) + PAUSE), 0));
    assert_eq!(names(&others), [("x", "other")]);
    assert_eq!(probes.len(), 1);
}

pub(in crate::store) async fn an_unhealthy_webhook_has_one_attempt_under_way(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe_many(&*store, 8).await;
    sicken(&*store, at(0)).await;

    let probe = claim_one(&*store, at(10)).await;
    let in_flight = vec![(webhook_id("w"), 1)];
    let claim = crate::store::DeliveryClaim { in_flight, ..delivery_claim(at(10), 9, 9) };
    let more = store.claim_deliveries(claim).await.unwrap();
    record_attempt(&*store, attempted(&probe, Next::RetryAt(at(11)), at(11))).await.unwrap();

    assert!(more.is_empty(), "{more:?}");
    let hold = Hold { until: at(11) + PAUSE, reason: HoldReason::Unhealthy };
    assert_eq!(read(&*store).await.trouble.hold, Some(hold));
    assert_eq!(store.next_due().await.unwrap(), Some(hold.until));
}

pub(in crate::store) async fn a_success_frees_all_that_waited_behind_a_hold(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe_many(&*store, 8).await;
    sicken(&*store, at(0)).await;
    let probe = claim_one(&*store, at(10)).await;

    record_attempt(&*store, attempted(&probe, Next::Delivered, at(11))).await.unwrap();

    let healed = read(&*store).await;
    let hold = healed.trouble.hold;
    assert!(hold.is_some_and(|hold| hold.until < at(12)), "{hold:?}");
    let trouble = Trouble { recovered_at: Some(at(11)), hold, ..Trouble::default() };
    assert_eq!((healed.health, &healed.trouble), (Health::Healthy, &trouble));
    assert_eq!(store.next_due().await.unwrap(), hold.map(|hold| hold.until));
    assert_eq!(claim_at(&*store, 11).await.len(), 0);
    assert_eq!(claim_at(&*store, 12).await.len(), 7);
}

pub(in crate::store) async fn what_an_endpoint_asks_for_holds_all_of_its_deliveries(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe_many(&*store, 2).await;
    let claimed = store.claim_deliveries(delivery_claim(at(0), 1, 1)).await.unwrap();

    let failed = attempted(&claimed[0], Next::RetryAt(at(1)), at(0));
    let answer = Answer { asked_until: Some(at(100)), ..failed.answer.clone() };
    record_attempt(&*store, Attempted { answer, ..failed }).await.unwrap();

    assert!(claim_at(&*store, 99).await.is_empty());
    assert_eq!(store.next_due().await.unwrap(), Some(at(100)));
    assert_eq!(claim_at(&*store, 100).await.len(), 2);
    assert_eq!(read(&*store).await.health, Health::Healthy);
}

pub(in crate::store) async fn attempts_that_end_at_once_are_all_counted(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe_many(&*store, 8).await;
    let claimed = store.claim_deliveries(delivery_claim(at(0), 8, 8)).await.unwrap();

    let ending: Vec<_> = claimed
        .iter()
        .map(|row| {
            let (store, failed) = (Arc::clone(&store), attempted(row, Next::RetryAt(at(1)), at(0)));
            tokio::spawn(async move { record_attempt(&*store, failed).await })
        })
        .collect();
    let edited = Webhook { name: None, version: 2, ..webhook("w") };
    let edited = store.update_webhook(1, edited).await.unwrap();
    for ended in ending {
        ended.await.unwrap().unwrap();
    }

    let counted = read(&*store).await;
    assert_eq!((counted.failures_in_a_row, counted.health), (8, Health::Unhealthy));
    assert_eq!(counted.trouble.hold, Some(Hold { until: at(0) + PAUSE, reason: HoldReason::Unhealthy }));
    let versions = 2 + i64::from(edited == Updated::Written);
    assert_eq!(counted.version, versions, "one change of health, and the edit if it came first");
}

pub(in crate::store) async fn attempts_that_are_written_together_count_one_after_the_other(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe_many(&*store, 2 * FAILURES_MAX + 3).await;
    let claimed = store.claim_deliveries(delivery_claim(at(0), 99, 99)).await.unwrap();
    let (first, second) = claimed.split_at(FAILURES_MAX as usize + 3);
    let all = async |rows: &[ClaimedDelivery], is_failure: fn(usize) -> bool| {
        let next = |place| if is_failure(place) { Next::RetryAt(at(1)) } else { Next::Delivered };
        let ended = rows.iter().enumerate().map(|(place, row)| attempted(row, next(place), at(0)));
        let recorded = store.record_attempts(ended.collect()).await.unwrap();
        assert!(recorded.iter().all(|recorded| *recorded == Recorded::Written));
        read(&*store).await
    };

    // One bad between two good ones, which is forgotten; then as many bad as make it UNHEALTHY.
    let sick = all(first, |place| place == 1 || place > 2).await;
    // A probe that succeeds, and one more bad before a good one.
    let healed = all(second, |place| place == 1).await;

    assert_eq!((sick.health, sick.failures_in_a_row), (Health::Unhealthy, FAILURES_MAX));
    assert_eq!((healed.health, healed.failures_in_a_row), (Health::Healthy, 0));
    assert_eq!(healed.trouble.last_failure, None);
}

pub(in crate::store) async fn what_a_former_url_answered_is_not_held_against_the_new_one(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe_many(&*store, FAILURES_MAX + 2).await;
    let claimed = store.claim_deliveries(delivery_claim(at(0), 9, FAILURES_MAX + 2)).await.unwrap();
    for row in &claimed[..FAILURES_MAX as usize] {
        record_attempt(&*store, attempted(row, Next::RetryAt(at(1)), at(0))).await.unwrap();
    }

    let version = read(&*store).await.version;
    let moved = Webhook { url: "https://new.example.com/".into(), version: version + 1, ..webhook("w") };
    store.update_webhook(version, moved).await.unwrap();
    record_attempt(&*store, attempted(&claimed[FAILURES_MAX as usize], Next::RetryAt(at(1)), at(0))).await.unwrap();
    record_attempt(&*store, gone(&claimed[FAILURES_MAX as usize + 1], at(0))).await.unwrap();

    let now = read(&*store).await;
    assert!(now.is_enabled);
    assert_eq!((now.health, now.failures_in_a_row, now.trouble.hold), (Health::Unhealthy, 0, None));
    assert_eq!(claim_at(&*store, 1).await.len(), 1, "a probe of the new one at once");
}

pub(in crate::store) async fn enabling_a_webhook_begins_anew(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe_many(&*store, FAILURES_MAX).await;
    sicken(&*store, at(0)).await;
    let disabled = store.disable_webhook(&webhook_id("w"), at(1)).await.unwrap().unwrap();

    let version = disabled.version;
    store.update_webhook(version, Webhook { version: version + 1, ..webhook("w") }).await.unwrap();

    assert_eq!(*read(&*store).await, Webhook { version: version + 1, ..webhook("w") });
}

pub(in crate::store) async fn a_webhook_whose_check_failed_is_changed_and_stays_disabled(store: Arc<dyn Store>) {
    let disabled = Webhook { is_enabled: false, ..webhook("w") };
    store.add_webhook(disabled.clone(), secret()).await.unwrap();

    let changed = Webhook { name: Some("New".into()), version: 2, updated_at: at(5), ..disabled };
    let stale = store.update_failed_webhook(7, changed.clone(), failure(at(5))).await.unwrap();
    let written = store.update_failed_webhook(1, changed.clone(), failure(at(5))).await.unwrap();

    assert_eq!((stale, written), (Updated::Stale, Updated::Written));
    let trouble = Trouble {
        unhealthy_since: Some(at(5)),
        last_failure: Some(failure(at(5))),
        disabled: Some(DisabledReason::HealthCheck),
        ..Trouble::default()
    };
    assert_eq!(*read(&*store).await, Webhook { health: Health::Unhealthy, trouble, ..changed });
}

/// The operational events so far: type, id and project.
async fn told(store: &dyn Store) -> Vec<(String, String)> {
    let events = store.claim_events(claim(at(9_999), 99)).await.unwrap();
    let told = events.into_iter().map(|row| {
        let event = &row.stored.event;
        assert_eq!(event.project_id, project("hooksieve:webhooks"));
        (event.event_type.to_string(), event.id.to_string())
    });
    told.collect()
}

pub(in crate::store) async fn each_change_of_health_is_one_event_of_the_operators_project(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe_many(&*store, FAILURES_MAX + 4).await;

    sicken(&*store, at(0)).await;
    let failed = claim_one(&*store, at(10)).await;
    record_attempt(&*store, attempted(&failed, Next::RetryAt(at(500)), at(11))).await.unwrap();
    let good = claim_one(&*store, at(30)).await;
    record_attempt(&*store, attempted(&good, Next::Delivered, at(31))).await.unwrap();
    let more = claim_at(&*store, 32).await;
    record_attempt(&*store, attempted(&more[0], Next::Delivered, at(33))).await.unwrap();
    record_attempt(&*store, gone(&more[1], at(34))).await.unwrap();
    store.disable_webhook(&webhook_id("w"), at(35)).await.unwrap();

    let wanted = [("UNHEALTHY", 2), ("RECOVERED", 3), ("DISABLED", 4)];
    let wanted = wanted.map(|(change, version)| (format!("WEBHOOK_{change}"), format!("hooksieve:w:{version}")));
    assert_eq!(told(&*store).await, wanted);
    let members = store.members(&project("hooksieve:webhooks")).await.unwrap();
    assert_eq!(members.iter().cloned().collect::<Vec<_>>(), [operator()]);
}

pub(in crate::store) async fn the_operators_own_webhooks_make_no_events(store: Arc<dyn Store>) {
    store.add_webhook(Webhook { owner: operator(), ..webhook("w") }, secret()).await.unwrap();
    owe_many(&*store, FAILURES_MAX).await;

    sicken(&*store, at(0)).await;
    store.disable_webhook(&webhook_id("w"), at(1)).await.unwrap();

    assert!(told(&*store).await.is_empty());
}

pub(in crate::store) async fn a_webhooks_secrets_and_next_attempts_are_told(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["v", "w", "x"]).await;
    owe(&*store, "later", &["w"], at(9)).await;
    owe(&*store, "sooner", &["w", "x"], at(4)).await;
    store.delete_webhook(&webhook_id("x"), at(5)).await.unwrap();

    let ids = ["v", "w", "x", "never_added"].map(webhook_id);
    let next = store.next_attempts(&ids).await.unwrap();
    let secrets = store.signing_secrets(&webhook_id("w"), at(5)).await.unwrap();

    assert_eq!(next, [(webhook_id("w"), at(4))].into());
    assert_eq!(secrets.iter().map(|secret| secret.expose()).collect::<Vec<_>>(), [secret().expose()]);
    assert!(store.signing_secrets(&webhook_id("x"), at(5)).await.unwrap().is_empty());
}
