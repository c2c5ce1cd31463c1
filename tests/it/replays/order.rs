//! What happens during a replay goes before what it sends, and canceling one ends it.

use hooksieve::client::Client;
use hooksieve::model::limits::REPLAY_WAITING_MAX;
use hooksieve::wire::{DeliveriesQuery, DeliveryState, Outcome, Replay, ReplayOnly, ReplayState, Webhook};
use tempfile::TempDir;

use super::{accept, ended, every};
use crate::app::{created, member, verdict, webhook};
use crate::process::Process;
use crate::receiver::{Answer, Receiver};

/// More than a replay has due at a time, several times over.
const EVENTS: usize = 120;
/// How many attempts of one webhook are under way.
const UNDER_WAY: usize = 8;

/// A replay of events that have all arrived once, with as many attempts held as there may be.
struct UnderWay {
    process: Process,
    receiver: Receiver,
    user: Client,
    webhook: Webhook,
    replay: Replay,
    _data: TempDir,
}

impl UnderWay {
    async fn start() -> Self {
        let (data, receiver) = (TempDir::new().unwrap(), Receiver::start().await);
        let process = Process::start(data.path(), &[("HOOKSIEVE_DELIVERY_ATTEMPT_TIMEOUT_SECS", "30")]).await;
        let user = process.client(&member(&process.operator(), "u1").await);
        let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
        accept(&process.operator(), EVENTS).await;
        receiver.wait_for("/a", EVENTS).await;
        receiver.always("/a", Answer::held());
        let replay = user.replay_webhook(&webhook.id, &every(ReplayOnly::All)).await.unwrap();
        receiver.wait_for("/a", EVENTS + UNDER_WAY).await;
        Self { process, receiver, user, webhook, replay, _data: data }
    }
}

#[tokio::test]
async fn an_event_that_comes_during_a_replay_waits_for_a_few_of_its_deliveries_and_not_for_all() {
    let UnderWay { process, receiver, user, webhook, replay, _data } = UnderWay::start().await;

    process.operator().send_event(&created("live")).await.unwrap();
    while verdict(&user, "live", &webhook).await.outcome == Outcome::Waiting {
        tokio::task::yield_now().await;
    }
    receiver.release();
    let received = receiver.wait_for("/a", 2 * EVENTS + 1).await;

    let live = verdict(&user, "live", &webhook).await.delivery_id.unwrap();
    let place = received.iter().position(|one| one.message_id() == live).unwrap();
    let before_it = place - EVENTS;
    assert!(before_it <= REPLAY_WAITING_MAX as usize, "{before_it} of {EVENTS} were sent again before it");
    println!("a new event during a replay of {EVENTS} came behind {before_it} of them");
    let done = ended(&user, &replay).await;
    assert_eq!((done.state, done.replayed), (ReplayState::Done, EVENTS as u64));
}

#[tokio::test]
async fn a_replay_that_is_canceled_sends_what_was_due_and_no_more() {
    let UnderWay { process: _process, receiver, user, webhook, replay, _data } = UnderWay::start().await;

    let canceled = user.cancel_replay(&replay.id).await.unwrap();
    receiver.release();
    let due = usize::try_from(canceled.replayed).unwrap();
    receiver.wait_for("/a", EVENTS + due).await;
    let pending = DeliveriesQuery { state: Some(DeliveryState::Pending), ..DeliveriesQuery::default() };
    while !user.list_deliveries(&webhook.id, &pending).await.unwrap().items.is_empty() {
        tokio::task::yield_now().await;
    }

    assert_eq!(canceled.state, ReplayState::Canceled);
    assert!((UNDER_WAY..=REPLAY_WAITING_MAX as usize).contains(&due), "{due}");
    assert_eq!(receiver.on("/a").len(), EVENTS + due);
    assert_eq!(user.get_replay(&replay.id).await.unwrap(), canceled);
}
