//! Webhooks and the order of their changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::samples::{
    accepted, add_webhooks, at, attempted, binding, claim_one, delivery_claim, delivery_id, failure, owe, owed, page,
    record_attempt, secret, upload, user, verdict, webhook, webhook_id,
};
use crate::model::delivery::DeliveryState;
use crate::model::health::{DisabledReason, Failure, Hold, HoldReason, Trouble};
use crate::model::verdict::Outcome;
use crate::model::webhook::{Health, PayloadFormat, Webhook};
use crate::store::{DeliveryQuery, Dispatched, Next, Recorded, Removed, Store, Updated, VerdictQuery, WebhookWindow};

pub(in crate::store) async fn a_webhook_reads_back_as_it_was(store: Arc<dyn Store>) {
    let uploaded = upload("flt_1", None, 1);
    store.add_filter(uploaded.clone()).await.unwrap();
    let full = Webhook { filter: Some(binding(&uploaded)), ..webhook("full") };
    let bare = Webhook {
        name: None,
        events: vec![],
        project_ids: vec![],
        payload_format: PayloadFormat::Compact,
        headers: BTreeMap::new(),
        is_enabled: false,
        health: Health::Unhealthy,
        failures_in_a_row: 4,
        trouble: Trouble {
            failing_since: Some(at(1)),
            unhealthy_since: Some(at(2)),
            last_failure: Some(Failure { detail: Some("why".into()), status: None, ..failure(at(3)) }),
            hold: Some(Hold { until: at(4), reason: HoldReason::RetryAfter }),
            failed_probes: 5,
            recovered_at: Some(at(6)),
            disabled: Some(DisabledReason::Failing),
        },
        filter_failures_in_a_row: 5,
        version: 9,
        ..webhook("bare")
    };

    for wanted in [full, bare] {
        store.add_webhook(wanted.clone(), secret()).await.unwrap();
        assert_eq!(store.webhook(&wanted.id).await.unwrap().as_deref(), Some(&wanted));
    }
    assert_eq!(store.webhook(&webhook_id("other")).await.unwrap(), None);
}

pub(in crate::store) async fn a_webhook_is_updated_only_from_the_version_that_was_read(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    let changed = Webhook {
        name: None,
        url: "https://elsewhere.example.com".into(),
        payload_format: PayloadFormat::Compact,
        headers: BTreeMap::new(),
        is_enabled: false,
        version: 2,
        updated_at: at(9),
        ..webhook("w")
    };

    assert_eq!(store.update_webhook(7, changed.clone()).await.unwrap(), Updated::Stale);
    assert_eq!(store.webhook(&webhook_id("w")).await.unwrap().as_deref(), Some(&webhook("w")));
    assert_eq!(store.update_webhook(1, changed.clone()).await.unwrap(), Updated::Written);
    assert_eq!(store.update_webhook(1, changed.clone()).await.unwrap(), Updated::Stale);
    let trouble = Trouble { disabled: Some(DisabledReason::Owner), ..Trouble::default() };
    let read = store.webhook(&webhook_id("w")).await.unwrap();
    assert_eq!(read.as_deref(), Some(&Webhook { trouble, ..changed }));
    assert_eq!(store.update_webhook(1, webhook("other")).await.unwrap(), Updated::Missing);
}

pub(in crate::store) async fn webhooks_are_listed_newest_first_in_pages_and_counted(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["a", "b", "c", "d"]).await;
    let foreign = Webhook { owner: user("somebody"), ..webhook("foreign") };
    store.add_webhook(foreign, secret()).await.unwrap();
    store.delete_webhook(&webhook_id("b"), at(1)).await.unwrap();

    let first = store.webhooks(&user("owner"), page(2, None)).await.unwrap();
    let second = store.webhooks(&user("owner"), page(2, first.next)).await.unwrap();
    let whole = store.webhooks(&user("owner"), page(3, None)).await.unwrap();

    let ids = |items: &[Arc<Webhook>]| items.iter().map(|webhook| webhook.id.to_string()).collect::<Vec<_>>();
    assert_eq!((ids(&first.items), ids(&second.items)), (vec!["d".into(), "c".into()], vec!["a".into()]));
    assert!(first.next.is_some() && second.next.is_none() && whole.next.is_none());
    assert_eq!(ids(&whole.items), ["d", "c", "a"]);
    assert_eq!(store.count_webhooks(&user("owner")).await.unwrap(), 3);
    assert_eq!(store.count_webhooks(&user("nobody")).await.unwrap(), 0);
}

pub(in crate::store) async fn a_window_on_webhooks_has_what_was_asked_for_and_the_total(store: Arc<dyn Store>) {
    for (id, is_enabled) in [("a", true), ("b", false), ("c", true), ("d", true), ("e", true)] {
        store.add_webhook(Webhook { is_enabled, ..webhook(id) }, secret()).await.unwrap();
    }
    store.add_webhook(Webhook { owner: user("somebody"), ..webhook("foreign") }, secret()).await.unwrap();
    store.delete_webhook(&webhook_id("c"), at(1)).await.unwrap();

    for (is_enabled, skip, take, wanted, total) in [
        (None, 0, 9, "e d b a", 4),
        (None, 1, 2, "d b", 4),
        (None, 4, 2, "", 4),
        (None, u32::MAX, u32::MAX, "", 4),
        (Some(true), 0, 2, "e d", 3),
        (Some(true), 2, 2, "a", 3),
        (Some(false), 0, 2, "b", 1),
    ] {
        let window = WebhookWindow { is_enabled, skip, take };
        let seen = store.webhook_window(&user("owner"), window).await.unwrap();

        let ids: Vec<&str> = seen.items.iter().map(|webhook| webhook.id.as_str()).collect();
        assert_eq!((ids.join(" ").as_str(), seen.total), (wanted, total), "{window:?}");
    }
}

pub(in crate::store) async fn changes_are_told_in_order_and_include_deletions(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["a", "b", "c"]).await;
    let before = store.webhook_changes(0, 10).await.unwrap();
    assert_eq!(before.iter().map(|change| change.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    let last = before[2].change_seq;

    store.update_webhook(1, Webhook { version: 2, ..webhook("b") }).await.unwrap();
    store.delete_webhook(&webhook_id("a"), at(1)).await.unwrap();

    let after = store.webhook_changes(last, 10).await.unwrap();
    let told: Vec<_> = after.iter().map(|change| (change.id.as_str(), change.webhook.is_some())).collect();
    assert_eq!(told, [("b", true), ("a", false)]);
    assert!(last < after[0].change_seq && after[0].change_seq < after[1].change_seq);
    assert!(store.webhook_changes(after[1].change_seq, 10).await.unwrap().is_empty());
    assert_eq!(store.webhook_changes(0, 1).await.unwrap()[0].id.as_str(), "c");
}

pub(in crate::store) async fn a_deleted_webhook_is_gone_and_its_log_is_not(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    let event = owe(&*store, "done", &["w"], at(0)).await;
    let claimed = claim_one(&*store, at(0)).await;
    record_attempt(&*store, attempted(&claimed, Next::Delivered, at(1))).await.unwrap();
    owe(&*store, "waiting", &["w"], at(1)).await;

    assert_eq!(store.delete_webhook(&webhook_id("w"), at(2)).await.unwrap(), Removed::Removed);

    assert_eq!(store.webhook(&webhook_id("w")).await.unwrap(), None);
    assert_eq!(store.delete_webhook(&webhook_id("w"), at(3)).await.unwrap(), Removed::Missing);
    assert_eq!(store.update_webhook(1, webhook("w")).await.unwrap(), Updated::Missing);
    let waiting = store.delivery(&delivery_id("waiting", "w")).await.unwrap().unwrap();
    assert_eq!((waiting.state, waiting.finished_at), (DeliveryState::Canceled, Some(at(2))));
    let done = store.delivery(&delivery_id("done", "w")).await.unwrap().unwrap();
    assert_eq!((done.state, done.finished_at), (DeliveryState::Delivered, Some(at(1))));
    assert_eq!(store.attempts(&done.id).await.unwrap().len(), 1);
    assert_eq!(store.verdicts_on(event, None).await.unwrap().len(), 1);
    let verdicts = store.verdicts_for(&webhook_id("w"), VerdictQuery::default(), page(9, None)).await.unwrap();
    let deliveries = store.deliveries(&webhook_id("w"), DeliveryQuery::default(), page(9, None)).await.unwrap();
    assert_eq!((verdicts.items.len(), deliveries.items.len()), (2, 2));
    assert!(store.claim_deliveries(delivery_claim(at(99), 9, 9)).await.unwrap().is_empty());
    assert_eq!(store.next_due().await.unwrap(), None);
}

pub(in crate::store) async fn a_webhook_that_is_deleted_while_an_event_is_decided_gets_nothing(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    let (event, fence) = accepted(&*store, "e").await;
    store.delete_webhook(&webhook_id("w"), at(1)).await.unwrap();

    let verdicts = vec![verdict("w", Outcome::Delivered)];
    let dispatched = Dispatched { event, fence, verdicts, deliveries: vec![owed("e", "w", at(2))], compared: vec![] };
    assert_eq!(store.record_dispatch(dispatched).await.unwrap(), Recorded::Written);

    let delivery = store.delivery(&delivery_id("e", "w")).await.unwrap().unwrap();
    assert_eq!((delivery.state, delivery.finished_at), (DeliveryState::Canceled, Some(at(2))));
    assert!(store.claim_deliveries(delivery_claim(at(99), 9, 9)).await.unwrap().is_empty());
}

pub(in crate::store) async fn ten_thousand_webhooks_are_read_by_their_changes(store: Arc<dyn Store>) {
    let adding: Vec<_> = (0..10_000)
        .map(|number| {
            let store = Arc::clone(&store);
            async move { store.add_webhook(webhook(&format!("w{number}")), secret()).await }
        })
        .collect();
    // As many at once as may wait for the writer.
    let mut adding = adding.into_iter();
    loop {
        let batch: Vec<_> = adding.by_ref().take(1_000).map(tokio::spawn).collect();
        if batch.is_empty() {
            break;
        }
        for added in batch {
            added.await.unwrap().unwrap();
        }
    }

    let mut seen = std::collections::HashSet::new();
    let mut after = 0;
    loop {
        let changes = store.webhook_changes(after, 3_000).await.unwrap();
        let Some(last) = changes.last() else { break };
        after = last.change_seq;
        seen.extend(changes.into_iter().map(|change| change.id));
    }

    assert_eq!(seen.len(), 10_000);
}
