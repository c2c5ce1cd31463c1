//! Who gets a turn when not everybody can.

use std::sync::Arc;
use std::time::Duration;

use super::samples::{
    add_webhooks, at, attempted, delivery_claim, names, owe, record_attempt, secret, webhook, webhook_id,
};
use crate::model::limits::LEASE;
use crate::model::webhook::Webhook;
use crate::store::{ClaimedDelivery, DeliveryClaim, Next, Recorded, Store, Updated};

/// How many of these deliveries are to each of the webhooks.
fn counts<const N: usize>(claimed: &[ClaimedDelivery], webhooks: [&str; N]) -> [usize; N] {
    webhooks.map(|webhook| names(claimed).iter().filter(|(_, to)| *to == webhook).count())
}

/// Has a webhook get its first event.
async fn deliver_to(store: &dyn Store, webhook: &str) {
    owe(store, &format!("first-of-{webhook}"), &[webhook], at(0)).await;
    let claimed = store.claim_deliveries(delivery_claim(at(0), 1, 8)).await.unwrap();
    record_attempt(store, attempted(&claimed[0], Next::Delivered, at(0))).await.unwrap();
}

pub(in crate::store) async fn every_webhook_gets_a_first_attempt_before_any_gets_a_second(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["busy", "quiet", "third"]).await;
    for number in 0..20 {
        owe(&*store, &format!("e{number}"), &["busy"], at(0)).await;
    }
    owe(&*store, "x", &["quiet", "third"], at(1)).await;

    let three = store.claim_deliveries(delivery_claim(at(1), 3, 8)).await.unwrap();
    let more = store.claim_deliveries(delivery_claim(at(1), 99, 8)).await.unwrap();

    assert_eq!(names(&three), [("e0", "busy"), ("x", "quiet"), ("x", "third")]);
    assert_eq!(more.len(), 8, "one webhook gets no more than its share");
}

pub(in crate::store) async fn attempts_under_way_count_against_the_share(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["a", "b", "c"]).await;
    for number in 0..9 {
        owe(&*store, &format!("e{number}"), &["a", "b", "c"], at(0)).await;
    }
    let in_flight = vec![(webhook_id("a"), 4), (webhook_id("b"), 3), (webhook_id("elsewhere"), 9)];
    let claim = DeliveryClaim { in_flight: in_flight.clone(), ..delivery_claim(at(0), 3, 4) };

    let few = store.claim_deliveries(claim).await.unwrap();
    let claim = DeliveryClaim { in_flight, ..delivery_claim(at(0), 99, 4) };
    let many = store.claim_deliveries(claim).await.unwrap();

    assert_eq!(names(&few), [("e0", "c"), ("e1", "c"), ("e2", "c")], "who has the fewest under way goes first");
    assert_eq!(counts(&many, ["a", "b", "c"]), [0, 1, 4]);
}

pub(in crate::store) async fn turns_go_round_where_there_is_no_room_for_everybody(store: Arc<dyn Store>) {
    let webhooks = ["a", "b", "c", "d", "e"];
    add_webhooks(&*store, &webhooks).await;
    for number in 0..4 {
        owe(&*store, &format!("e{number}"), &webhooks, at(0)).await;
    }

    let mut turns = Vec::new();
    for _ in 0..10 {
        let claimed = store.claim_deliveries(delivery_claim(at(0), 2, 8)).await.unwrap();
        for row in &claimed {
            turns.push(row.webhook.id.to_string());
            record_attempt(&*store, attempted(row, Next::Delivered, at(0))).await.unwrap();
        }
    }

    let round: Vec<_> = webhooks.iter().cycle().take(20).map(ToString::to_string).collect();
    assert_eq!(turns, round);
}

pub(in crate::store) async fn the_oldest_deliveries_of_a_webhook_go_first(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    for (name, due_at) in [("late", 3), ("early", 1), ("middle", 2), ("future", 9)] {
        owe(&*store, name, &["w"], at(due_at)).await;
    }

    let claimed = store.claim_deliveries(delivery_claim(at(5), 99, 99)).await.unwrap();

    assert_eq!(names(&claimed), [("early", "w"), ("middle", "w"), ("late", "w")]);
}

/// Keeps webhooks whose last attempt failed.
async fn add_failing(store: &dyn Store, names: &[&str]) {
    for name in names {
        store.add_webhook(Webhook { failures_in_a_row: 1, ..webhook(name) }, secret()).await.unwrap();
    }
}

pub(in crate::store) async fn webhooks_that_fail_take_no_more_than_their_places(store: Arc<dyn Store>) {
    add_failing(&*store, &["bad", "worse"]).await;
    add_webhooks(&*store, &["good"]).await;
    for number in 0..9 {
        owe(&*store, &format!("e{number}"), &["bad", "worse", "good"], at(0)).await;
    }
    let to = |claimed: &[ClaimedDelivery]| counts(claimed, ["bad", "worse", "good"]);

    let few = DeliveryClaim { failing_max: 4, ..delivery_claim(at(0), 8, 8) };
    let first = store.claim_deliveries(few.clone()).await.unwrap();
    let in_flight = vec![(webhook_id("bad"), 2), (webhook_id("worse"), 2), (webhook_id("good"), 4)];
    let second = store.claim_deliveries(DeliveryClaim { in_flight, ..few.clone() }).await.unwrap();
    let in_flight = vec![(webhook_id("bad"), 2), (webhook_id("worse"), 1), (webhook_id("good"), 8)];
    let third = store.claim_deliveries(DeliveryClaim { in_flight, ..few }).await.unwrap();

    assert_eq!(to(&first), [2, 2, 4]);
    assert_eq!(to(&second), [0, 0, 4], "what failing webhooks have under way counts");
    assert_eq!(to(&third), [0, 1, 0], "a place that is free again goes to who has the fewest");
}

pub(in crate::store) async fn webhooks_that_fail_take_turns_beside_the_others(store: Arc<dyn Store>) {
    add_failing(&*store, &["a", "b", "c"]).await;
    add_webhooks(&*store, &["good"]).await;
    for number in 0..6 {
        owe(&*store, &format!("e{number}"), &["a", "b", "c", "good"], at(0)).await;
    }

    let mut turns = Vec::new();
    for _ in 0..6 {
        let claim = DeliveryClaim { failing_max: 1, ..delivery_claim(at(0), 2, 8) };
        for row in store.claim_deliveries(claim).await.unwrap() {
            let is_good = row.webhook.id == webhook_id("good");
            let next = if is_good { Next::Delivered } else { Next::Failed };
            record_attempt(&*store, attempted(&row, next, at(0))).await.unwrap();
            turns.extend((!is_good).then(|| row.webhook.id.to_string()));
        }
    }

    assert_eq!(turns, ["a", "b", "c", "a", "b", "c"]);
}

pub(in crate::store) async fn webhooks_that_were_never_delivered_to_leave_places_to_those_that_were(
    store: Arc<dyn Store>,
) {
    add_webhooks(&*store, &["known", "new", "newer"]).await;
    deliver_to(&*store, "known").await;
    for number in 0..9 {
        owe(&*store, &format!("e{number}"), &["known", "new", "newer"], at(0)).await;
    }
    let few = DeliveryClaim { doubtful_max: 4, ..delivery_claim(at(0), 8, 8) };
    let to = |claimed: &[ClaimedDelivery]| counts(claimed, ["known", "new", "newer"]);

    let before = store.claim_deliveries(few.clone()).await.unwrap();
    let in_flight = vec![(webhook_id("known"), 4), (webhook_id("new"), 2), (webhook_id("newer"), 2)];
    let full = store.claim_deliveries(DeliveryClaim { in_flight, ..few.clone() }).await.unwrap();
    let answered = before.iter().find(|row| row.webhook.id == webhook_id("new")).unwrap();
    record_attempt(&*store, attempted(answered, Next::Delivered, at(0))).await.unwrap();
    let in_flight = vec![(webhook_id("known"), 8), (webhook_id("new"), 1), (webhook_id("newer"), 2)];
    let after = store.claim_deliveries(DeliveryClaim { in_flight, ..few }).await.unwrap();

    assert_eq!(to(&before), [4, 2, 2]);
    assert_eq!(to(&full), [4, 0, 0], "what those have under way counts");
    assert_eq!(to(&after), [0, 6, 2], "one that has answered is known from then on");
}

pub(in crate::store) async fn a_webhook_with_another_url_was_not_delivered_to(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["moved"]).await;
    deliver_to(&*store, "moved").await;
    let before = store.webhook(&webhook_id("moved")).await.unwrap().unwrap();
    let moved = Webhook { url: "https://example.com/elsewhere".to_owned(), version: 2, ..(*before).clone() };
    assert_eq!(store.update_webhook(before.version, moved).await.unwrap(), Updated::Written);
    owe(&*store, "second", &["moved"], at(0)).await;

    let none = DeliveryClaim { doubtful_max: 0, ..delivery_claim(at(0), 8, 8) };

    assert!(store.claim_deliveries(none).await.unwrap().is_empty());
    assert_eq!(names(&store.claim_deliveries(delivery_claim(at(0), 8, 8)).await.unwrap()), [("second", "moved")]);
}

pub(in crate::store) async fn the_next_of_a_webhook_is_claimed_as_by_a_claim(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["a", "b"]).await;
    let soon = at(0) + Duration::from_millis(1);
    deliver_to(&*store, "a").await;
    for name in ["e0", "e1"] {
        owe(&*store, name, &["a", "b"], at(0)).await;
    }
    owe(&*store, "e2", &["a"], soon).await;
    let next = |webhook, when| store.claim_next(&webhook_id(webhook), when, LEASE);

    let too_early = next("a", at(-1));
    let first = next("a", at(0)).unwrap();
    let others = store.claim_deliveries(delivery_claim(at(0), 9, 1)).await.unwrap();
    let none = next("a", at(0));
    let after_its_time = next("a", soon).unwrap();

    assert!(too_early.is_none() && none.is_none(), "{too_early:?}, {none:?}");
    assert_eq!(names(&[first.clone(), after_its_time]), [("e0", "a"), ("e2", "a")]);
    assert_eq!(names(&others), [("e0", "b"), ("e1", "a")], "each delivery has one claimant");
    let ended = attempted(&first, Next::Delivered, at(2));
    assert_eq!(record_attempt(&*store, ended).await.unwrap(), Recorded::Written);
}

pub(in crate::store) async fn of_a_webhook_of_which_little_good_is_known_there_is_no_next(store: Arc<dyn Store>) {
    let webhooks = ["unproven", "failing", "moved", "disabled", "deleted"];
    add_webhooks(&*store, &webhooks).await;
    for name in &webhooks[1..] {
        deliver_to(&*store, name).await;
    }
    owe(&*store, "fails", &["failing"], at(0)).await;
    let claimed = store.claim_deliveries(delivery_claim(at(0), 1, 8)).await.unwrap();
    record_attempt(&*store, attempted(&claimed[0], Next::Failed, at(0))).await.unwrap();
    owe(&*store, "e", &webhooks, at(0)).await;
    let moved = Webhook { url: "https://elsewhere.example/".to_owned(), version: 2, ..webhook("moved") };
    let disabled = Webhook { is_enabled: false, version: 2, ..webhook("disabled") };
    for changed in [moved, disabled] {
        assert_eq!(store.update_webhook(1, changed).await.unwrap(), Updated::Written);
    }
    store.delete_webhook(&webhook_id("deleted"), at(0)).await.unwrap();

    for name in webhooks {
        let next = store.claim_next(&webhook_id(name), at(0), LEASE);

        assert!(next.is_none(), "{name}: {next:?}");
    }
    let claimed = store.claim_deliveries(delivery_claim(at(0), 9, 8)).await.unwrap();
    assert_eq!(names(&claimed), [("e", "unproven"), ("e", "moved"), ("e", "failing")]);
}

pub(in crate::store) async fn there_is_no_next_while_others_wait_for_a_place(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["busy", "late", "unproven"]).await;
    for name in ["busy", "late"] {
        deliver_to(&*store, name).await;
    }
    for name in ["e0", "e1", "e2"] {
        owe(&*store, name, &["busy"], at(0)).await;
    }
    let claim = |rows_max| DeliveryClaim {
        in_flight: vec![(webhook_id("busy"), 1)],
        doubtful_max: 0,
        ..delivery_claim(at(0), rows_max, 1)
    };
    let next = || store.claim_next(&webhook_id("busy"), at(0), LEASE);

    owe(&*store, "for-whom-there-is-another-bound", &["unproven"], at(0)).await;
    let nobody_waits = (store.claim_deliveries(claim(0)).await.unwrap().len(), next());
    owe(&*store, "late", &["late"], at(0)).await;
    let one_waits = (store.claim_deliveries(claim(0)).await.unwrap().len(), next());
    let served = store.claim_deliveries(claim(1)).await.unwrap();
    let nobody_waits_again = next();

    assert_eq!((nobody_waits.0, one_waits.0), (0, 0), "there is no place");
    assert_eq!(
        names(&nobody_waits.1.into_iter().chain(nobody_waits_again).collect::<Vec<_>>()),
        [("e0", "busy"), ("e1", "busy")]
    );
    assert!(one_waits.1.is_none(), "{:?}", one_waits.1);
    assert_eq!(names(&served), [("late", "late")]);
}
