//! Power cuts: what was acknowledged is there, whatever the disk has kept of what was not synced.
//!
//! A host works while everything that it does to its files is written down. Then the files are made as a cut
//! at some moment would have left them, and a host is started on them. Whether the check would notice a loss is seen with
//! the same record without the syncs of the log, as a database would leave it that does not wait for its disk.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use hooksieve::client::Client;
use hooksieve::wire::NewEvent;
use tempfile::TempDir;

use super::record::{Files, Step, Syncs, left_by_cut, read};
use super::traced::Traced;
use crate::app::{PROJECT, data_folder, member, raw, webhook};
use crate::durability::kept;
use crate::process::{Process, serve};
use crate::queue::numbers::Numbers;
use crate::receiver::Receiver;

const PRODUCERS: usize = 4;
/// Bytes of an event's record.
const RECORD_BYTES: usize = 2_000;

/// An event that was acknowledged, and when, in seconds since the epoch.
type Acknowledged = Vec<(String, f64)>;

/// What a host did, and to what.
struct Recorded {
    folder: TempDir,
    before: Files,
    steps: Vec<Step>,
    acknowledged: Acknowledged,
}

async fn produce(client: Client, producer: usize, events: usize, acknowledged: Arc<Mutex<Acknowledged>>) {
    let current_value = raw(&format!(r#"{{"text":"{}"}}"#, "x".repeat(RECORD_BYTES)));
    for number in 0..events {
        let id = format!("p{producer}-{number}");
        let current_value = Some(current_value.clone());
        let event = NewEvent { id: Some(id.clone()), current_value, ..NewEvent::new("TODO_CREATED", PROJECT) };
        client.send_event(&event).await.unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        acknowledged.lock().unwrap().push((id, now));
    }
}

async fn record(events: usize) -> Recorded {
    let (folder, receiver) = (data_folder().await, Receiver::start().await);
    let process = Process::start(folder.path(), &[]).await;
    let token = member(&process.operator(), "u1").await;
    process.client(&token).create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    process.terminate().await;
    let path = folder.path().join("hooksieve.db");
    let before = Files::from([("hooksieve.db".to_owned(), fs::read(&path).unwrap())]);

    let mut traced = Traced::serve(folder.path(), &["--seccomp-bpf", "-xx", "-ttt", "-s", "1000000"]);
    let process = Process::start_command(&mut traced.command).await;
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let producers = (0..PRODUCERS)
        .map(|producer| produce(process.operator(), producer, events / PRODUCERS, Arc::clone(&acknowledged)));
    join_all(producers).await;
    receiver.wait_for("/a", events).await;
    process.terminate().await;
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    Recorded { folder, before, steps: read(&traced.lines().await), acknowledged }
}

/// What cuts at these steps came to.
struct Sheet {
    cuts: usize,
    acknowledged: usize,
    lost: usize,
    refused: usize,
}

impl Recorded {
    async fn cut(&self, cuts: usize, syncs: Syncs, numbers: &mut Numbers) -> Sheet {
        let mut sheet = Sheet { cuts, acknowledged: 0, lost: 0, refused: 0 };
        for _ in 0..cuts {
            let length = usize::try_from(numbers.below(self.steps.len() as u64 + 1)).unwrap();
            let moment = self.steps.get(length).map_or(f64::INFINITY, |step| step.at);
            let files = left_by_cut(&self.before, &self.steps[..length], syncs, numbers);
            let promised = self.acknowledged.iter().filter(|(_, at)| *at < moment).map(|(id, _)| id);
            let promised: BTreeSet<&String> = promised.collect();
            sheet.acknowledged += promised.len();
            match self.start_on(&files).await {
                Some(kept) => sheet.lost += promised.iter().filter(|id| !kept.contains(**id)).count(),
                None => sheet.refused += 1,
            }
        }
        sheet
    }

    /// The events that a host has of these files; none if it does not start on them.
    async fn start_on(&self, files: &Files) -> Option<BTreeSet<String>> {
        copy(self.folder.path(), files);
        let process = Process::try_start(&mut serve(self.folder.path(), &[])).await.ok()?;
        let kept = kept(&process.operator()).await;
        process.kill().await;
        Some(kept)
    }
}

/// Puts these files in the place of the database's.
fn copy(folder: &Path, files: &Files) {
    for name in ["hooksieve.db", "hooksieve.db-wal", "hooksieve.db-shm"] {
        drop(fs::remove_file(folder.join(name)));
    }
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

async fn cuts(events: usize, cuts: usize, of_control: usize) {
    let recorded = record(events).await;
    let mut numbers = Numbers(0x000c_0ffe);

    let sheet = recorded.cut(cuts, Syncs::All, &mut numbers).await;
    let control = recorded.cut(of_control, Syncs::NotOfLog, &mut numbers).await;

    for (what, Sheet { cuts, acknowledged, lost, refused }) in [("as it is", &sheet), ("without syncs", &control)] {
        let steps = recorded.steps.len();
        println!("{what:<14} {steps} calls, {cuts} cuts, acknowledged {acknowledged}, lost {lost}, refused {refused}");
    }
    assert!(sheet.acknowledged > 0, "every cut came before the first event");
    assert_eq!((sheet.lost, sheet.refused), (0, 0));
    assert!(control.lost > 0, "a loss is not noticed");
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_a_power_cut() {
    cuts(200, 8, 3).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn nothing_acknowledged_is_lost_by_hundreds_of_power_cuts() {
    cuts(4_000, 300, 20).await;
}
