//! Replays: what they take up, and that no step of one is written twice.

use std::sync::Arc;

use super::resends::{join, owe_until};
use super::samples::{
    add_webhooks, at, attempted, claim_one, decide, delivery_claim, delivery_id, digest, event_of_type, names, owe,
    owed, page, project, record_attempt, user, verdict, webhook, webhook_id,
};
use crate::model::delivery::DeliveryState;
use crate::model::event::EventSeq;
use crate::model::ids::ReplayId;
use crate::model::replay::{Foreseen, Replay, ReplayCounts, ReplayOnly, ReplayState, Treatment};
use crate::model::verdict::{Outcome, Verdict};
use crate::model::webhook::Webhook;
use crate::store::{DecidedAnew, NewReplay, Next, Recorded, ReplayBegun, ReplayRange, ReplayStep, Store, TestOf};

fn replay_id(name: &str) -> ReplayId {
    ReplayId::parse(&format!("rpl_{name}")).unwrap()
}

/// All events of these times.
async fn range(store: &dyn Store, webhook: &str, only: ReplayOnly) -> (ReplayRange, EventSeq) {
    let (since, until) = (at(-9), at(9));
    let bounds = store.event_bounds(since, until).await.unwrap();
    (ReplayRange { webhook: webhook_id(webhook), only, since, until, last: bounds.last }, bounds.before)
}

async fn new(store: &dyn Store, name: &str, webhook: &str, only: ReplayOnly) -> NewReplay {
    let (range, before) = range(store, webhook, only).await;
    NewReplay { id: replay_id(name), range, before, created_at: at(10), running_max: 2, kept_max: 3 }
}

async fn begin(store: &dyn Store, name: &str, webhook: &str, only: ReplayOnly) -> ReplayBegun {
    store.add_replay(new(store, name, webhook, only).await).await.unwrap()
}

async fn kept(store: &dyn Store, name: &str) -> Replay {
    store.replay(&replay_id(name)).await.unwrap().unwrap()
}

/// A step over all that is left, in which what can be sent again is.
async fn step(store: &dyn Store, name: &str) -> ReplayStep {
    let running = store.running_replays(at(20), 99).await.unwrap();
    let replay = running.into_iter().find(|replay| replay.id == replay_id(name)).unwrap();
    let page = store.replay_page(&replay.range, replay.position, 99).await.unwrap();
    let again = page.candidates.iter().filter(|candidate| candidate.treatment == Treatment::SendAgain);
    ReplayStep {
        id: replay.id,
        from: replay.position,
        to: page.position,
        is_last: page.is_last,
        send_again: again.map(|candidate| candidate.seq).collect(),
        decided: Vec::new(),
        counts: ReplayCounts::default(),
        at: at(20),
    }
}

/// Something of each kind for the webhook `w`, whose owner is a member.
async fn fill(store: &dyn Store) {
    add_webhooks(store, &["v", "w"]).await;
    join(store).await;
    owe_until(store, "delivered", "w", Next::Delivered).await;
    owe_until(store, "failed", "w", Next::Failed).await;
    owe_until(store, "others", "v", Next::Failed).await;
    for (name, outcome) in [
        ("filtered", Outcome::Filtered),
        ("error", Outcome::FilterError),
        ("disabled", Outcome::Disabled),
        ("out", Outcome::OutOfScope),
    ] {
        decide(store, name, vec![verdict("w", outcome)]).await;
    }
    owe(store, "pending", &["w"], at(0)).await;
}

pub(in crate::store) async fn a_replay_takes_up_what_it_is_for_and_a_few_at_a_time(store: Arc<dyn Store>) {
    fill(&*store).await;
    let taken = async |only, candidates_max| {
        let (range, before) = range(&*store, "w", only).await;
        let page = store.replay_page(&range, before, candidates_max).await.unwrap();
        let kinds: Vec<_> = page.candidates.iter().map(|one| (one.treatment, one.event.is_some())).collect();
        (kinds, page.is_last)
    };
    let (again, anew, under_way) =
        ((Treatment::SendAgain, false), (Treatment::DecideAnew, true), (Treatment::UnderWay, false));

    assert_eq!(taken(ReplayOnly::Failed, 9).await, (vec![again], true));
    for only in [ReplayOnly::Filtered, ReplayOnly::FilterError, ReplayOnly::Disabled] {
        assert_eq!(taken(only, 9).await, (vec![anew], true), "{only:?}");
    }
    assert_eq!(taken(ReplayOnly::All, 9).await, (vec![again, again, anew, anew, anew, anew, under_way], true));
    assert_eq!(taken(ReplayOnly::All, 3).await, (vec![again, again, anew], false));
    let (range, before) = range(&*store, "w", ReplayOnly::All).await;
    let counted = store.count_replay(&range, before, 99).await.unwrap();
    let foreseen = Foreseen { send_again: 2, decide_anew: 4, out_of_scope: 0, under_way: 1 };
    assert_eq!((counted.foreseen, counted.is_last), (foreseen, true));
    let first = store.count_replay(&range, before, 2).await.unwrap();
    assert_eq!((first.foreseen.send_again, first.is_last), (2, false));
}

pub(in crate::store) async fn a_replay_is_for_a_time_and_not_for_tests(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    join(&*store).await;
    // Stored in another order than that of their times.
    for (name, accepted_at) in [("c", 3), ("a", 1), ("d", 4), ("b", 2)] {
        let event = crate::model::event::Event { accepted_at: at(accepted_at), ..event_of_type(name, "TODO_CREATED") };
        store.accept_event(Arc::new(event), digest(0)).await.unwrap();
    }
    let test = TestOf { webhook: webhook_id("w"), since: at(0), tests_max: 9 };
    let tested = crate::model::event::Event { accepted_at: at(3), ..event_of_type("t", "TODO_CREATED") };
    store.accept_test(Arc::new(tested), digest(1), test).await.unwrap();
    for claimed in store.claim_events(super::samples::claim(at(5), 99)).await.unwrap() {
        let verdicts = vec![verdict("w", Outcome::Filtered)];
        let (event, fence) = (claimed.stored.seq, claimed.fence);
        store
            .record_dispatch(crate::store::Dispatched {
                event,
                fence,
                verdicts,
                deliveries: Vec::new(),
                compared: Vec::new(),
            })
            .await
            .unwrap();
    }
    let between = async |since, until| {
        let bounds = store.event_bounds(at(since), at(until)).await.unwrap();
        let (webhook, last) = (webhook_id("w"), bounds.last);
        let range = ReplayRange { webhook, only: ReplayOnly::Filtered, since: at(since), until: at(until), last };
        let page = store.replay_page(&range, bounds.before, 99).await.unwrap();
        assert!(page.is_last);
        page.candidates.iter().map(|one| one.event.as_ref().unwrap().id.to_string()).collect::<String>()
    };

    assert_eq!(between(2, 4).await, "cb");
    assert_eq!(between(0, 99).await, "cadb");
    assert_eq!(between(5, 99).await, "");
    assert_eq!(between(-9, 1).await, "");
}

pub(in crate::store) async fn a_step_makes_due_what_it_takes_up_and_is_written_once(store: Arc<dyn Store>) {
    fill(&*store).await;
    claim_one(&*store, at(0)).await;
    begin(&*store, "r", "w", ReplayOnly::All).await;
    let step = step(&*store, "r").await;

    assert_eq!(store.record_replay(step.clone()).await.unwrap(), Recorded::Written);
    assert_eq!(store.record_replay(step).await.unwrap(), Recorded::LeaseLost);

    let claimed = store.claim_deliveries(delivery_claim(at(20), 9, 9)).await.unwrap();
    assert_eq!(names(&claimed), [("delivered", "w"), ("failed", "w")]);
    assert_eq!(claimed[0].delivery.id, delivery_id("delivered", "w"));
    let done = kept(&*store, "r").await;
    assert_eq!((done.state, done.finished_at, done.counts.replayed), (ReplayState::Done, Some(at(20)), 2));
    assert_eq!(done.progress, 1.0);
}

pub(in crate::store) async fn what_was_decided_anew_is_owed_and_says_when_it_was_decided_first(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    join(&*store).await;
    let event = decide(&*store, "e", vec![verdict("w", Outcome::FilterError)]).await;
    let decided = |outcome, when, delivery| DecidedAnew {
        event,
        verdict: Verdict { reason: Some("anew".into()), decided_at: at(when), ..verdict("w", outcome) },
        delivery,
    };
    for (name, when, outcome, delivery) in
        [("first", 20, Outcome::Filtered, None), ("second", 30, Outcome::Delivered, Some(owed("e", "w", at(30))))]
    {
        begin(&*store, name, "w", ReplayOnly::All).await;
        let step = step(&*store, name).await;
        let decided = vec![decided(outcome, when, delivery)];
        store.record_replay(ReplayStep { decided, at: at(when), ..step }).await.unwrap();
    }

    let [kept_verdict] = <[Verdict; 1]>::try_from(store.verdicts_on(event, None).await.unwrap()).unwrap();
    assert_eq!((kept_verdict.outcome, kept_verdict.reason.as_deref()), (Outcome::Delivered, Some("anew")));
    assert_eq!((kept_verdict.decided_at, kept_verdict.first_decided_at), (at(30), Some(at(0))));
    assert_eq!(kept_verdict.delivery_id, Some(delivery_id("e", "w")));
    assert_eq!(claim_one(&*store, at(30)).await.delivery.state, DeliveryState::Pending);
    let counts = (kept(&*store, "first").await.counts, kept(&*store, "second").await.counts);
    assert_eq!((counts.0.filtered, counts.1.replayed), (1, 1));
}

pub(in crate::store) async fn what_changed_since_a_step_was_read_is_not_sent_again(store: Arc<dyn Store>) {
    fill(&*store).await;
    let pending = claim_one(&*store, at(0)).await;
    record_attempt(&*store, attempted(&pending, Next::Failed, at(1))).await.unwrap();
    begin(&*store, "r", "w", ReplayOnly::Failed).await;
    let filtered = store.event(&super::samples::event_id("filtered")).await.unwrap().unwrap().seq;
    let mut step = step(&*store, "r").await;
    assert_eq!(step.send_again.len(), 2);
    let delivery = Some(owed("filtered", "w", at(20)));
    step.decided = vec![DecidedAnew { event: filtered, verdict: verdict("w", Outcome::Delivered), delivery }];
    store.retry_delivery(&delivery_id("pending", "w"), at(15)).await.unwrap();
    let sent = claim_one(&*store, at(15)).await;
    store.remove_member(&project("project"), &user("owner"), at(16)).await.unwrap();

    store.record_replay(step).await.unwrap();

    assert_eq!(sent.delivery.id, delivery_id("pending", "w"));
    assert!(store.claim_deliveries(delivery_claim(at(99), 9, 9)).await.unwrap().is_empty());
    let counts = kept(&*store, "r").await.counts;
    assert_eq!((counts.replayed, counts.out_of_scope, counts.examined()), (0, 3, 3));
    let untouched = store.verdicts_on(filtered, None).await.unwrap();
    assert_eq!((untouched[0].outcome, untouched[0].first_decided_at), (Outcome::Filtered, None));
}

pub(in crate::store) async fn one_replay_of_a_webhook_goes_on_and_a_few_of_an_owner(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["u", "v", "w"]).await;
    let (all, u) = (ReplayOnly::All, webhook_id("u"));

    assert_eq!(begin(&*store, "1", "u", all).await, ReplayBegun::Written);
    assert_eq!(begin(&*store, "2", "u", all).await, ReplayBegun::Running(replay_id("1")));
    assert_eq!(begin(&*store, "3", "v", all).await, ReplayBegun::Written);
    assert_eq!(begin(&*store, "4", "w", all).await, ReplayBegun::TooMany);
    let canceled = store.end_replay(&replay_id("1"), ReplayState::Canceled, None, at(11)).await.unwrap().unwrap();
    let again = store.end_replay(&replay_id("1"), ReplayState::Failed, Some("no".into()), at(12)).await.unwrap();
    assert_eq!((canceled.state, canceled.finished_at), (ReplayState::Canceled, Some(at(11))));
    assert_eq!(again, Some(canceled), "what has ended stays as it is");
    assert_eq!(begin(&*store, "5", "w", all).await, ReplayBegun::Written);
    store.end_replay(&replay_id("5"), ReplayState::Failed, Some("why".into()), at(12)).await.unwrap();
    assert_eq!(kept(&*store, "5").await.failure.as_deref(), Some("why"));
    store.update_webhook(1, Webhook { is_enabled: false, version: 2, ..webhook("u") }).await.unwrap();
    assert_eq!(begin(&*store, "6", "u", all).await, ReplayBegun::Disabled);
    store.delete_webhook(&u, at(13)).await.unwrap();
    assert_eq!(begin(&*store, "7", "u", all).await, ReplayBegun::Missing);
}

pub(in crate::store) async fn the_newest_replays_of_a_webhook_are_kept_and_listed(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["v", "w"]).await;
    begin(&*store, "other", "v", ReplayOnly::All).await;
    for name in ["1", "2", "3", "4", "5"] {
        begin(&*store, name, "w", ReplayOnly::All).await;
        store.end_replay(&replay_id(name), ReplayState::Canceled, None, at(11)).await.unwrap();
    }
    let list = async |after| {
        let page = store.replays(&webhook_id("w"), page(2, after)).await.unwrap();
        (page.items.iter().map(|replay| replay.id.to_string()).collect::<Vec<_>>().concat(), page.next)
    };

    let (first, next) = list(None).await;
    let (second, end) = list(next).await;

    assert_eq!((first.as_str(), second.as_str(), end), ("rpl_5rpl_4", "rpl_3", None));
    assert_eq!(kept(&*store, "other").await.state, ReplayState::Running);
}

pub(in crate::store) async fn a_replay_has_room_beside_what_is_due_and_rests_with_its_webhook(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    join(&*store).await;
    owe_until(&*store, "later", "w", Next::RetryAt(at(500))).await;
    for name in ["a", "b", "c"] {
        owe(&*store, name, &["w"], at(2)).await;
    }
    begin(&*store, "r", "w", ReplayOnly::All).await;
    let room = async |waiting_max| {
        store.running_replays(at(20), waiting_max).await.unwrap().iter().map(|replay| replay.room).collect::<Vec<_>>()
    };

    assert_eq!(room(8).await, [5]);
    store.claim_deliveries(delivery_claim(at(20), 2, 2)).await.unwrap();
    assert_eq!(room(8).await, [5], "what is under way takes room too");
    assert_eq!(room(3).await, [0]);
    store.update_webhook(1, Webhook { is_enabled: false, version: 2, ..webhook("w") }).await.unwrap();
    assert!(room(8).await.is_empty());
    store.update_webhook(2, Webhook { version: 3, ..webhook("w") }).await.unwrap();
    assert_eq!(room(8).await, [5]);
    store.delete_webhook(&webhook_id("w"), at(21)).await.unwrap();
    assert!(room(8).await.is_empty());
    let ended = kept(&*store, "r").await;
    assert_eq!((ended.state, ended.finished_at), (ReplayState::Canceled, Some(at(21))));
}

pub(in crate::store) async fn a_step_of_a_canceled_replay_writes_nothing(store: Arc<dyn Store>) {
    fill(&*store).await;
    claim_one(&*store, at(0)).await;
    begin(&*store, "r", "w", ReplayOnly::Failed).await;
    let step = step(&*store, "r").await;
    store.end_replay(&replay_id("r"), ReplayState::Canceled, None, at(11)).await.unwrap();

    assert_eq!(store.record_replay(step).await.unwrap(), Recorded::LeaseLost);

    assert!(store.claim_deliveries(delivery_claim(at(20), 9, 9)).await.unwrap().is_empty());
    assert_eq!(kept(&*store, "r").await.counts, ReplayCounts::default());
}
