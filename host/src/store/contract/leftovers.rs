//! What nothing refers to any more is deleted, and nothing that is needed.

use std::sync::Arc;

use super::retention::{before, forget};
use super::samples::{
    accepted, add_webhooks, at, attempted, claim_one, decide, delivery_claim, event_id, owe, owed, page,
    record_attempt, verdict, webhook_id,
};
use crate::model::ids::ReplayId;
use crate::model::replay::{ReplayOnly, ReplayState};
use crate::model::snapshot::Snapshot;
use crate::model::verdict::Outcome;
use crate::store::{
    Dispatched, Leftovers, LeftoversPlace, NewDelivery, NewReplay, Next, Recorded, Removed, ReplayRange, Store,
    VerdictQuery,
};

const ROWS_MAX: u32 = 100;

/// A whole pass, with so many rows in a step; what it deleted.
async fn forget_leftovers(store: &dyn Store, seconds: i64, rows_max: u32) -> Leftovers {
    let mut deleted = Leftovers::default();
    let mut from = Some(LeftoversPlace::default());
    while let Some(place) = from {
        let step = store.forget_leftovers(at(seconds), rows_max, place).await.unwrap();
        assert!(step.next != from || step.deleted.replays > 0, "a step gets on");
        deleted.replays += step.deleted.replays;
        deleted.snapshots += step.deleted.snapshots;
        deleted.webhooks += step.deleted.webhooks;
        from = step.next;
    }
    deleted
}

async fn begin_replay(store: &dyn Store, name: &str, to: &str) -> ReplayId {
    let id = ReplayId::parse(&format!("rpl_{name}")).unwrap();
    let bounds = store.event_bounds(at(-9), at(9)).await.unwrap();
    let range =
        ReplayRange { webhook: webhook_id(to), only: ReplayOnly::All, since: at(-9), until: at(9), last: bounds.last };
    let new =
        NewReplay { id: id.clone(), range, before: bounds.before, created_at: at(0), running_max: 9, kept_max: 99 };
    store.add_replay(new).await.unwrap();
    id
}

pub(in crate::store) async fn replays_go_when_they_have_ended_long_ago(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["v", "w"]).await;
    accepted(&*store, "e").await;
    for (name, ended) in [("a", 10), ("b", 20), ("c", 30)] {
        let id = begin_replay(&*store, name, "w").await;
        store.end_replay(&id, ReplayState::Done, None, at(ended)).await.unwrap();
    }
    let running = begin_replay(&*store, "running", "v").await;

    assert_eq!(forget_leftovers(&*store, 10, ROWS_MAX).await.replays, 0);
    assert_eq!(forget_leftovers(&*store, 30, 1).await.replays, 2);
    let left = store.replays(&webhook_id("w"), page(9, None)).await.unwrap().items;

    let left: Vec<_> = left.iter().map(|replay| replay.id.as_str()).collect();
    assert_eq!(left, ["rpl_c"]);
    assert!(store.replay(&running).await.unwrap().is_some());
}

/// Owes an event to a webhook as it is in a version.
async fn owe_in(store: &dyn Store, name: &str, to: &str, version: i64) {
    let (event, fence) = accepted(store, name).await;
    let delivery = owed(name, to, at(0));
    let snapshot = Arc::new(Snapshot { version, ..Snapshot::clone(&delivery.snapshot) });
    let deliveries = vec![NewDelivery { snapshot, ..delivery }];
    let dispatched = Dispatched { event, fence, verdicts: Vec::new(), deliveries, compared: Vec::new() };
    assert_eq!(store.record_dispatch(dispatched).await.unwrap(), Recorded::Written);
}

pub(in crate::store) async fn a_webhook_as_deliveries_had_it_goes_with_the_last_of_them(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    owe_in(&*store, "a", "w", 1).await;
    let a = claim_one(&*store, at(0)).await;
    record_attempt(&*store, attempted(&a, Next::Delivered, at(1))).await.unwrap();
    owe_in(&*store, "b", "w", 2).await;
    owe_in(&*store, "c", "w", 3).await;

    assert_eq!(forget_leftovers(&*store, 99, ROWS_MAX).await, Leftovers::default(), "the log still has them");
    forget(&*store, before(9)).await;
    let deleted = forget_leftovers(&*store, 99, 1).await;
    let left = store.claim_deliveries(delivery_claim(at(1), 9, 9)).await.unwrap();

    assert_eq!(deleted, Leftovers { snapshots: 1, ..Leftovers::default() });
    let versions: Vec<_> = left.iter().map(|row| row.snapshot.version).collect();
    assert_eq!(versions, [2, 3], "what is owed is sent as it was decided");
    for row in left {
        record_attempt(&*store, attempted(&row, Next::Delivered, at(2))).await.unwrap();
    }
    forget(&*store, before(9)).await;
    assert_eq!(forget_leftovers(&*store, 99, ROWS_MAX).await.snapshots, 2);
    // What went is written again where it is needed.
    owe(&*store, "d", &["w"], at(3)).await;
    assert_eq!(claim_one(&*store, at(3)).await.delivery.event_id, event_id("d"));
}

pub(in crate::store) async fn a_deleted_webhook_goes_when_nothing_names_it(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["gone", "other", "last"]).await;
    owe(&*store, "owed", &["other"], at(0)).await;
    decide(&*store, "e", vec![verdict("gone", Outcome::Filtered), verdict("other", Outcome::Filtered)]).await;
    begin_replay(&*store, "r", "gone").await;
    for name in ["gone", "last"] {
        assert_eq!(store.delete_webhook(&webhook_id(name), at(10)).await.unwrap(), Removed::Removed);
    }
    let changes = store.webhook_changes(0, 9).await.unwrap();

    assert_eq!(forget_leftovers(&*store, 10, ROWS_MAX).await, Leftovers::default());
    // Its replay was canceled with it; its verdict is still there.
    assert_eq!(forget_leftovers(&*store, 11, ROWS_MAX).await, Leftovers { replays: 1, ..Leftovers::default() });
    assert_eq!(
        store.verdicts_for(&webhook_id("gone"), VerdictQuery::default(), page(9, None)).await.unwrap().items.len(),
        1
    );
    forget(&*store, before(9)).await;
    let deleted = forget_leftovers(&*store, 11, 1).await;
    let left = store.webhook_changes(0, 9).await.unwrap();

    assert_eq!(deleted, Leftovers { webhooks: 1, ..Leftovers::default() }, "the newest stays");
    let of = |changes: &[crate::store::WebhookChange]| -> Vec<(String, i64)> {
        changes.iter().map(|change| (change.id.to_string(), change.change_seq)).collect()
    };
    let expected: Vec<_> = of(&changes).into_iter().filter(|(id, _)| *id != webhook_id("gone").to_string()).collect();
    assert_eq!(of(&left), expected);
    // What comes new has the next numbers, not those of what went.
    add_webhooks(&*store, &["new"]).await;
    let after = left.iter().map(|change| change.change_seq).max().unwrap();
    let newest = store.webhook_changes(after, 9).await.unwrap();
    assert_eq!(of(&newest), [(webhook_id("new").to_string(), after + 1)]);
    assert_eq!(forget_leftovers(&*store, 11, ROWS_MAX).await.webhooks, 1, "the newest is another now");
}
