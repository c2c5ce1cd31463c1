//! A host that is killed, or told of a failure, at the nth system call with which SQLite changes its files: whatever
//! it had acknowledged is delivered after the next start.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use hooksieve::client::Client;
use hooksieve::wire::{NewEvent, StorageFault};

use super::traced::Traced;
use crate::app::{PROJECT, data_folder, member, problem, raw, webhook};
use crate::process::Process;
use crate::receiver::Receiver;

/// The log is synced with the one, the main file and the folder with the other.
const SYNCS: &str = "fsync,fdatasync";
/// Producers, and what each of them sends.
const PRODUCERS: usize = 4;
const EVENTS: usize = 40;
/// Runs at a time.
const AT_ONCE: usize = 3;

/// What runs came to.
#[derive(Default)]
struct Sheet {
    runs: usize,
    /// Runs that the failure came in.
    struck: usize,
    /// Those of them that it struck while the host started.
    struck_at_start: usize,
    acknowledged: usize,
    delivered: usize,
    duplicated: usize,
}

impl Sheet {
    fn add(mut self, other: &Self) -> Self {
        self.runs += other.runs;
        self.struck += other.struck;
        self.struck_at_start += other.struck_at_start;
        self.acknowledged += other.acknowledged;
        self.delivered += other.delivered;
        self.duplicated += other.duplicated;
        self
    }

    fn print(&self, what: &str) {
        let Self { runs, struck, struck_at_start, acknowledged, delivered, duplicated } = self;
        println!(
            "{what:<32} runs {runs:>4}, struck {struck:>4} ({struck_at_start} at the start), acknowledged \
             {acknowledged:>6}, delivered {delivered:>6}, lost 0, duplicated {duplicated}"
        );
    }
}

/// Which calls the blow falls on, and what is sent until it does.
#[derive(Clone, Copy)]
struct Aim {
    call: &'static str,
    /// Only calls on the database's main file count.
    is_main_file: bool,
    /// Bytes of each event.
    event_bytes: usize,
}

/// Any of the files, with events that stay in the log.
const fn any_file(call: &'static str) -> Aim {
    Aim { call, is_main_file: false, event_bytes: 0 }
}

/// The main file, with events that make the log so long that it is copied there while they come.
const fn main_file(call: &'static str) -> Aim {
    Aim { call, is_main_file: true, event_bytes: 600_000 }
}

/// Posts a few events; those that were acknowledged, up to the first that was not.
async fn produce(client: Client, producer: String, event_bytes: usize, acknowledged: Arc<Mutex<BTreeSet<String>>>) {
    let padding = "x".repeat(event_bytes);
    for number in 0..EVENTS {
        let id = format!("{producer}-{number}");
        let current_value = Some(raw(&format!(r#"{{"id":"{id}","padding":"{padding}"}}"#)));
        let event = NewEvent { id: Some(id.clone()), current_value, ..NewEvent::new("TODO_CREATED", PROJECT) };
        if client.send_event(&event).await.is_err() {
            return;
        }
        acknowledged.lock().unwrap().insert(id);
    }
}

/// How the failure shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// The process is killed before the call.
    Kill,
    /// The call is not made and fails as on a bad disk.
    InputOutput,
    /// This call and all after it fail as on a disk that is full, though it does not look so.
    NoSpace,
}

impl Blow {
    /// Has the nth such call of each thread fail so.
    fn serve(self, data: &Path, aim: Aim, number: usize) -> Traced {
        let call = aim.call;
        let inject = match self {
            Self::Kill => format!("inject={call}:signal=KILL:when={number}"),
            Self::InputOutput => format!("inject={call}:error=EIO:when={number}"),
            Self::NoSpace => format!("inject={call}:error=ENOSPC:when={number}+"),
        };
        let main_file = data.join("hooksieve.db");
        let mut arguments = vec!["-e", &inject];
        if self != Self::Kill {
            arguments.push("--seccomp-bpf");
        }
        if aim.is_main_file {
            arguments.extend(["-P", main_file.to_str().expect("temporary files have plain names")]);
        }
        Traced::serve(data, &arguments)
    }
}

/// One run: events until the blow strikes, then another start, on which all that was acknowledged must arrive.
async fn run(blow: Blow, aim: Aim, number: usize) -> Sheet {
    let call = aim.call;
    let (data, receiver) = (data_folder().await, Receiver::start().await);
    let process = Process::start(data.path(), &[]).await;
    let token = member(&process.operator(), "u1").await;
    process.client(&token).create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    if aim.is_main_file {
        // After a kill the start would copy the log, and meet the blow.
        process.terminate().await;
    } else {
        process.kill().await;
    }
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));

    let mut traced = blow.serve(data.path(), aim, number);
    let mut sheet = Sheet { runs: 1, ..Sheet::default() };
    match Process::try_start(&mut traced.command).await {
        Err(status) => {
            assert!(!status.success(), "{call} {number}: {status}");
            (sheet.struck, sheet.struck_at_start) = (1, 1);
        }
        Ok(mut process) => {
            let producers = (0..PRODUCERS).map(|producer| {
                produce(process.operator(), format!("p{producer}"), aim.event_bytes, Arc::clone(&acknowledged))
            });
            join_all(producers).await;
            sheet.struck = usize::from(acknowledged.lock().unwrap().len() < PRODUCERS * EVENTS);
            match (sheet.struck, blow) {
                // It came behind the last event, or was no event's failure, or did not come.
                (0, _) => {
                    let (status, _) = process.terminate().await;
                    let (lines, what) = (traced.lines().await, format!("{call} {number}"));
                    match blow {
                        Blow::Kill => assert!(status.success() || status.code().is_none(), "{what}: {status}"),
                        Blow::NoSpace => assert!(status.success(), "{what}: {status}"),
                        Blow::InputOutput if aim.is_main_file || !status.success() => {
                            assert_nothing_synced_after(&lines, &what);
                        }
                        Blow::InputOutput => {}
                    }
                    sheet.struck = usize::from(failed_on_database(&lines).is_some() || !status.success());
                }
                (_, Blow::Kill) => assert_eq!(process.ended().await.code(), None, "{call} {number}"),
                (_, Blow::NoSpace) => {
                    let told = problem(process.operator().get_readiness().await);
                    let fault = told.storage.as_ref().map(|storage| storage.fault);
                    assert_eq!((told.status, fault), (507, Some(StorageFault::Full)), "{call} {number}: {told:?}");
                    assert!(process.terminate().await.0.success(), "{call} {number}");
                }
                (_, Blow::InputOutput) => assert_ends_by_itself(process, traced, &format!("{call} {number}")).await,
            }
        }
    }

    let process = Process::start(data.path(), &[]).await;
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    let arrived = until_arrived(&receiver, &acknowledged, &format!("{call} {number}")).await;
    process.terminate().await;
    sheet.acknowledged = acknowledged.len();
    sheet.delivered = arrived.iter().collect::<BTreeSet<_>>().len();
    sheet.duplicated = arrived.len() - sheet.delivered;
    sheet
}

/// What arrived, once all that was acknowledged has.
async fn until_arrived(receiver: &Receiver, acknowledged: &BTreeSet<String>, what: &str) -> Vec<String> {
    let id = |received: crate::receiver::Received| received.json()["currentValue"]["id"].as_str().unwrap().to_owned();
    let waiting = async {
        loop {
            let arrived: Vec<String> = receiver.on("/a").into_iter().map(id).collect();
            let missing = acknowledged.iter().filter(|id| !arrived.contains(id)).count();
            if missing == 0 {
                return arrived;
            }
            receiver.wait_for("/a", arrived.len() + 1).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap_or_else(|_| panic!("{what}: events are lost"))
}

/// A host whose disk failed says so, takes in nothing more, syncs nothing again and ends with a failure.
async fn assert_ends_by_itself(mut process: Process, traced: Traced, what: &str) {
    let operator = process.operator();

    let told = problem(operator.get_readiness().await);
    let storage = told.storage.as_ref().unwrap_or_else(|| panic!("{what}: {told:?}"));
    assert_eq!((told.status, storage.fault), (503, StorageFault::Io), "{what}: {told:?}");
    assert!(told.detail.contains("repair the disk"), "{what}: {told:?}");
    let refused = problem(operator.send_event(&NewEvent::new("TODO_CREATED", PROJECT)).await);
    assert_eq!((refused.status, refused.code.as_str()), (503, "STORAGE_UNAVAILABLE"), "{what}");
    assert_eq!(process.ended().await.code(), Some(1), "{what}");

    assert_nothing_synced_after(&traced.lines().await, what);
}

/// Nothing is synced again after a call that failed.
fn assert_nothing_synced_after(lines: &[String], what: &str) {
    // Of the folder SQLite syncs as well as it can; the host does it once more.
    let failed = failed_on_database(lines).unwrap_or_else(|| panic!("{what}: no call failed: {lines:#?}"));
    let later = lines[failed + 1..].iter().find(|line| line.contains("/hooksieve.db") && line.contains("sync("));
    assert_eq!(later, None, "{what}: a sync after one that failed");
}

/// The line that tells of the failure of a call on the database's files. Where another thread's call came between, `strace`
/// writes two lines, and the second, which tells how the call ended, does not name the file.
fn failed_on_database(lines: &[String]) -> Option<usize> {
    let thread = |line: &str| line.split(' ').next().map(str::to_owned);
    (0..lines.len()).find(|&place| {
        let line = &lines[place];
        let mut earlier = lines[..place].iter().rev();
        let began =
            if line.contains(" resumed>") { earlier.find(|began| thread(began) == thread(line)) } else { Some(line) };
        line.contains("(INJECTED)") && began.is_some_and(|began| began.contains("/hooksieve.db"))
    })
}

/// Runs with the blow at each of these calls. `struck_min` of them must have come to it.
async fn runs(what: &str, blow: Blow, aim: Aim, numbers: impl Iterator<Item = usize>, struck_min: usize) {
    let sheets = stream::iter(numbers).map(|number| run(blow, aim, number)).buffer_unordered(AT_ONCE);
    let sheet = sheets.fold(Sheet::default(), async |all, one| all.add(&one)).await;
    sheet.print(what);
    assert!(sheet.struck >= struck_min, "{what}: only {} of {} runs were struck", sheet.struck, sheet.runs);
    assert!(sheet.acknowledged > 0, "{what}: no event was acknowledged in any run");
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_a_kill_at_a_write_or_a_sync() {
    runs("killed at a sync", Blow::Kill, any_file(SYNCS), [2, 7, 19].into_iter(), 3).await;
    runs("killed at a write", Blow::Kill, any_file("pwrite64"), [3, 171, 260].into_iter(), 3).await;
}

#[tokio::test]
async fn a_write_or_a_sync_that_fails_ends_the_host_and_loses_nothing() {
    runs("a sync fails", Blow::InputOutput, any_file(SYNCS), [2, 4, 8].into_iter(), 3).await;
    runs("a write fails", Blow::InputOutput, any_file("pwrite64"), [170, 200].into_iter(), 2).await;
}

#[tokio::test]
async fn a_write_that_finds_no_room_loses_nothing_and_the_host_can_be_stopped() {
    runs("no room", Blow::NoSpace, any_file("pwrite64"), [170, 230].into_iter(), 2).await;
}

#[tokio::test]
async fn nothing_is_lost_when_the_log_is_being_copied() {
    runs("killed at a copy", Blow::Kill, main_file("pwrite64"), [300].into_iter(), 1).await;
    runs("killed at a copy's sync", Blow::Kill, main_file(SYNCS), [1].into_iter(), 1).await;
    runs("a copy fails", Blow::InputOutput, main_file("pwrite64"), [300].into_iter(), 1).await;
    runs("a copy's sync fails", Blow::InputOutput, main_file(SYNCS), [1].into_iter(), 1).await;
    runs("no room for a copy", Blow::NoSpace, main_file("pwrite64"), [300].into_iter(), 1).await;
}

#[tokio::test]
#[ignore = "takes some minutes"]
async fn nothing_acknowledged_is_lost_wherever_the_calls_fail() {
    runs("killed at a sync", Blow::Kill, any_file(SYNCS), 1..=60, 40).await;
    runs("killed at a write", Blow::Kill, any_file("pwrite64"), (1..=600).step_by(7), 60).await;
    runs("a sync fails", Blow::InputOutput, any_file(SYNCS), 1..=60, 40).await;
    runs("a write fails", Blow::InputOutput, any_file("pwrite64"), (1..=600).step_by(7), 60).await;
    runs("no room", Blow::NoSpace, any_file("pwrite64"), (1..=600).step_by(7), 60).await;
}
