//! A replay goes on where it was, whatever happens to the process in between.

use std::collections::BTreeMap;

use hooksieve::wire::{ReplayOnly, ReplayState};
use tempfile::TempDir;

use super::{accept, ended, every};
use crate::app::{filtered, marked, member};
use crate::process::Process;
use crate::queue::tally::DUPLICATES_OF_A_KILL_MAX;
use crate::receiver::Receiver;

#[tokio::test]
async fn a_replay_survives_kills_and_sends_each_event_again_once() {
    const EVENTS: usize = 400;
    const KILLS: usize = 3;
    let (data, receiver) = (TempDir::new().unwrap(), Receiver::start().await);
    let process = Process::start(data.path(), &[]).await;
    let token = member(&process.operator(), "u1").await;
    let user = process.client(&token);
    let webhook = user.create_webhook(&filtered(&receiver.url("/a"), "done-records", None)).await.unwrap();
    accept(&process.operator(), EVENTS).await;
    for number in 0..20 {
        process.operator().send_event(&marked(&format!("kept-back-{number}"), false)).await.unwrap();
    }
    let first = receiver.wait_for("/a", EVENTS).await;

    let replay = user.replay_webhook(&webhook.id, &every(ReplayOnly::All)).await.unwrap();
    let mut process = process;
    for kill in 1..=KILLS {
        receiver.wait_for("/a", EVENTS + kill * EVENTS / (KILLS + 2)).await;
        let between = process.client(&token).get_replay(&replay.id).await.unwrap();
        process.kill().await;
        assert_eq!(between.state, ReplayState::Running, "the kill comes in the middle");
        process = Process::start(data.path(), &[]).await;
    }
    let done = ended(&process.client(&token), &replay).await;

    assert_eq!((done.state, done.replayed, done.filtered), (ReplayState::Done, EVENTS as u64, 20));
    assert_eq!(done.examined, EVENTS as u64 + 20);
    let mut counts: BTreeMap<String, usize> = first.iter().map(|one| (one.message_id().to_owned(), 0)).collect();
    assert_eq!(counts.len(), EVENTS);
    // Attempts that a kill cut off are made again, so a few more may come than were sent again.
    let mut expected = 2 * EVENTS;
    loop {
        let received = receiver.wait_for("/a", expected).await;
        counts.values_mut().for_each(|count| *count = 0);
        for one in &received {
            *counts.get_mut(one.message_id()).expect("nothing comes under another id") += 1;
        }
        if counts.values().all(|count| *count >= 2) {
            let twice: usize = counts.values().map(|count| count - 2).sum();
            let expected_max = KILLS * DUPLICATES_OF_A_KILL_MAX as usize;
            assert!(twice <= expected_max, "{twice} came once more than they were sent again");
            return;
        }
        expected = received.len() + 1;
    }
}
