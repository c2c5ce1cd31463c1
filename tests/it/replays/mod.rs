//! What was not delivered, or was, is sent again: one delivery at a time, or many by a replay.

mod cli;
mod jobs;
mod order;
mod retry;
mod survival;

use std::time::Duration;

use hooksieve::client::Client;
use hooksieve::model::Timestamp;
use hooksieve::wire::{BatchResult, NewReplay, Replay, ReplayOnly, ReplayState};

use crate::app::marked;

/// A replay of all events of this kind.
pub fn every(only: ReplayOnly) -> NewReplay {
    NewReplay { only, since: Timestamp::from_millis(0), until: None, dry_run: false }
}

/// Accepts `count` events, each of a record that was done.
pub async fn accept(operator: &Client, count: usize) {
    let events: Vec<_> = (0..count).map(|number| marked(&format!("e{number}"), true)).collect();
    for result in operator.send_events(&events).await.unwrap().results {
        assert!(matches!(result, BatchResult::Accepted(_)), "{result:?}");
    }
}

/// The replay once it has ended.
pub async fn ended(client: &Client, replay: &Replay) -> Replay {
    let waiting = async {
        loop {
            let now = client.get_replay(&replay.id).await.unwrap();
            if now.state != ReplayState::Running {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("the replay ends")
}
