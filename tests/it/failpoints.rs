//! A host that fails at each place where it can be had to fail, with an error, a panic and a kill: nothing that was
//! acknowledged is lost, and what comes next is served.
//!
//! Each place has a row that says what leads there. A host is started that fails there, led there, and looked at: one that
//! goes on must serve others, one that ends is started again. All of it happens in one data folder, so each start
//! also has to cope with what the failures before have left.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use hooksieve::client::{Client, ClientError};
use hooksieve::failpoint::Point;
use hooksieve::model::Timestamp;
use hooksieve::wire::{
    CreateToken, DeliveriesQuery, Delivery, NewEvent, NewReplay, NewWebhook, PageQuery, ReplayOnly, ReplayState,
    RotateSecret, UploadQuery,
};
use tempfile::TempDir;

use crate::app::{PROJECT, data_folder, filtered, marked, member, raw, webhook};
use crate::guests::HOSTILE;
use crate::process::{Process, command, serve};
use crate::receiver::{Answer, Receiver};

/// What leads to a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Starting a host.
    Start,
    /// Starting one that serves.
    Serve,
    /// An event.
    Event,
    /// An event that cannot be dispatched at once.
    EventGivenBack,
    Upload,
    NewWebhook,
    Rotation,
    Retry,
    Replay,
    Backup,
    /// Asking the host to stop.
    Stop,
}

/// The rows: a place without one does not compile.
fn way(point: Point) -> Way {
    match point {
        Point::Opened => Way::Start,
        Point::Upkeep => Way::Serve,
        Point::AcceptBegin
        | Point::Accepted
        | Point::CommitBegin
        | Point::Commit
        | Point::Committed
        | Point::Checkpoint
        | Point::EventsClaimed
        | Point::DispatchBegin
        | Point::FiltersAsked
        | Point::DispatchRecorded
        | Point::DeliveriesClaimed
        | Point::SendBegin
        | Point::Sent
        | Point::AttemptRecorded => Way::Event,
        Point::ReleaseBegin => Way::EventGivenBack,
        Point::UploadCompiled | Point::UploadKept | Point::UploadAdded => Way::Upload,
        Point::WebhookAdded => Way::NewWebhook,
        Point::SecretRotated => Way::Rotation,
        Point::DeliveryRetried => Way::Retry,
        Point::ReplayStep | Point::ReplayDecided | Point::ReplayRecorded => Way::Replay,
        Point::BackupCopied | Point::BackupNamed => Way::Backup,
        Point::CloseBegin => Way::Stop,
    }
}

/// What a host is told to do.
fn wanted(point: Point, action: &str) -> String {
    let name = point.as_str();
    match point {
        Point::ReleaseBegin => format!("dispatch-begin=error,{name}={action}"),
        // A start writes too; this is later, among events.
        Point::CommitBegin | Point::Commit | Point::Committed | Point::Checkpoint => format!("{name}={action}@5"),
        _ => format!("{name}={action}"),
    }
}

struct World {
    data: TempDir,
    receiver: Receiver,
    token: String,
    /// The webhook whose deliveries are retried and replayed.
    second: String,
    acknowledged: BTreeSet<String>,
    started: Timestamp,
}

impl World {
    async fn new() -> Self {
        let (data, receiver) = (data_folder().await, Receiver::start().await);
        let process = Process::start(data.path(), &[]).await;
        let token = member(&process.operator(), "u1").await;
        let user = process.client(&token);
        let of_type = |event: &str, new: NewWebhook| NewWebhook { events: vec![event.to_owned()], ..new };
        let all = of_type("TODO_CREATED", webhook(&receiver.url("/all")));
        user.create_webhook(&all).await.unwrap();
        let rule = r#"{"pointer":"/currentValue/id","operator":"exists"}"#;
        let matched = of_type("TODO_CREATED", filtered(&receiver.url("/matched"), "field-match", Some(rule)));
        user.create_webhook(&matched).await.unwrap();
        let second = of_type("TODO_DONE_STATUS_UPDATED", webhook(&receiver.url("/second")));
        let second = user.create_webhook(&second).await.unwrap();
        process.operator().send_event(&marked("replayed", true)).await.unwrap();
        receiver.wait_for("/second", 1).await;
        process.terminate().await;
        let (second, started) = (second.id, second.created_at);
        Self { data, receiver, token, second, acknowledged: BTreeSet::new(), started }
    }

    fn user(&self, process: &Process) -> Client {
        process.client(&self.token)
    }

    /// Posts an event until the host takes it; whether it did before it ended.
    async fn post(&mut self, process: &Process, id: &str) -> bool {
        loop {
            match process.operator().send_event(&named(id)).await {
                Ok(accepted) => return self.acknowledged.insert(accepted.id),
                Err(ClientError::Refused(problem)) if problem.code != "STORAGE_UNAVAILABLE" => {}
                Err(_) => return false,
            }
        }
    }

    /// Has the host come to the place, and see what is left of it.
    async fn fail_at(&mut self, point: Point, action: &str) {
        let (name, way) = (format!("{}-{action}", point.as_str()), way(point));
        let wanted = wanted(point, action);
        if way == Way::Backup {
            return self.back_up(&name, &wanted).await;
        }
        let mut armed = serve(self.data.path(), &[("HOOKSIEVE_FAILPOINTS", &wanted)]);
        if way == Way::Start {
            assert!(Process::try_start(&mut armed).await.is_err(), "{name}: it started");
            return;
        }
        let mut process = Process::start_command(&mut armed).await;
        let line = format!("failpoint {}", point.as_str());
        if way == Way::Stop {
            process.ask_to_stop();
            assert!(process.prints(&line).await, "{name}: nothing came to that place");
            assert!(!process.ended().await.success(), "{name}");
            return;
        }
        self.lead(&process, way, &name).await;
        assert!(process.prints(&line).await, "{name}: nothing came to that place");
        // Either it goes on and serves others, or it ends; then the next start has to.
        let neighbour = format!("neighbour-of-{name}");
        if action != "kill" && self.post(&process, &neighbour).await && self.arrives(&mut process, &neighbour).await {
            let (status, _) = process.terminate().await;
            assert!(status.success(), "{name}: {status}");
            return;
        }
        assert!(!process.ended().await.success(), "{name}");
    }

    /// Whether the event arrives where it should before the host ends.
    async fn arrives(&self, process: &mut Process, id: &str) -> bool {
        let arriving = async {
            for path in ["/all", "/matched"] {
                while !self.arrived(path).contains_key(id) {
                    self.receiver.wait_for(path, self.receiver.on(path).len() + 1).await;
                }
            }
        };
        tokio::select! {
            () = arriving => true,
            _ = process.ended() => false,
        }
    }

    /// How often each event arrived on a path.
    fn arrived(&self, path: &str) -> BTreeMap<String, usize> {
        let mut arrived = BTreeMap::new();
        for received in self.receiver.on(path) {
            let id = received.json()["currentValue"]["id"].as_str().unwrap().to_owned();
            *arrived.entry(id).or_default() += 1;
        }
        arrived
    }

    /// Does what leads to the place; the host may fail on the way.
    async fn lead(&mut self, process: &Process, way: Way, name: &str) {
        let user = self.user(process);
        let nothing = NewWebhook { events: Vec::new(), ..webhook(&self.receiver.url("/nothing")) };
        match way {
            Way::Event | Way::EventGivenBack => drop(self.post(process, name).await),
            Way::Upload => failed(user.upload_filter(&UploadQuery::default(), HOSTILE.to_vec()).await),
            Way::NewWebhook => failed(user.create_webhook(&nothing).await),
            Way::Rotation => {
                let webhook = user.create_webhook(&nothing).await.unwrap();
                failed(user.rotate_secret(&webhook.id, &RotateSecret::default()).await);
            }
            Way::Retry => failed(user.retry_delivery(&self.waiting(process, name).await).await),
            Way::Replay => {
                // A replay that an earlier failure left under way may come to the place before this one.
                let (only, since) = (ReplayOnly::All, self.started);
                let again = NewReplay { only, since, until: None, dry_run: false };
                drop(user.replay_webhook(&self.second, &again).await);
            }
            Way::Start | Way::Serve | Way::Backup | Way::Stop => {}
        }
    }

    /// A delivery that waits for its second attempt.
    async fn waiting(&self, process: &Process, name: &str) -> String {
        self.receiver.script("/second", [Answer::status(500)]);
        process.operator().send_event(&marked(name, true)).await.unwrap();
        loop {
            let page = self.user(process).list_deliveries(&self.second, &DeliveriesQuery::default()).await.unwrap();
            let is_it = |delivery: &&Delivery| delivery.event_id == name && delivery.attempt_count == 1;
            if let Some(delivery) = page.items.iter().find(is_it) {
                return delivery.id.clone();
            }
        }
    }

    /// A backup fails, and another one does not.
    async fn back_up(&self, name: &str, wanted: &str) {
        let place = TempDir::new().unwrap();
        let copy = async |settings: &[(&str, &str)], file: &str| {
            let mut backup = command(settings);
            backup.arg("backup").arg(place.path().join(file)).arg("--data").arg(self.data.path());
            backup.output().await.unwrap()
        };

        let failed = copy(&[("HOOKSIEVE_FAILPOINTS", wanted)], "first.db").await;
        assert!(!failed.status.success(), "{name}");
        assert!(String::from_utf8_lossy(&failed.stdout).contains("failpoint backup"), "{name}");
        let is_told = wanted.ends_with("=error");
        assert!(!is_told || !place.path().join("first.db").exists(), "{name}: what failed is there");
        let second = copy(&[], "second.db").await;
        assert!(second.status.success(), "{name}: {second:?}");
    }
}

/// An event that is known by its record.
fn named(id: &str) -> NewEvent {
    let current_value = Some(raw(&format!(r#"{{"id":"{id}"}}"#)));
    NewEvent { id: Some(id.to_owned()), current_value, ..NewEvent::new("TODO_CREATED", PROJECT) }
}

/// That the host failed in what it was asked.
fn failed<T: Debug>(answer: Result<T, ClientError>) {
    match answer.unwrap_err() {
        ClientError::Refused(problem) => assert_eq!(problem.status, 500, "{problem:?}"),
        ClientError::NoAnswer { .. } => {}
        other => panic!("{other:?}"),
    }
}

async fn each_place(action: &str) {
    let mut world = World::new().await;
    for point in Point::ALL {
        world.fail_at(*point, action).await;
    }

    let mut process = Process::start(world.data.path(), &[]).await;
    for id in &world.acknowledged {
        assert!(world.arrives(&mut process, id).await, "{id} is lost");
    }
    let (user, page) = (world.user(&process), PageQuery::default());
    let replays = user.list_replays(&world.second, &page).await.unwrap().items;
    assert!(replays.iter().all(|replay| replay.state != ReplayState::Failed), "{replays:?}");
    // The secrets, the members and the filters are whole.
    user.list_filters(&page).await.unwrap();
    process.operator().create_token("u1", &CreateToken::default()).await.unwrap();
    let (status, _) = process.terminate().await;
    assert!(status.success(), "{status}");
    let copies: usize = ["/all", "/matched"].iter().flat_map(|path| world.arrived(path).into_values()).sum();
    let events: usize = ["/all", "/matched"].iter().map(|path| world.arrived(path).len()).sum();
    println!(
        "{action}: {} places, acknowledged {}, lost 0, delivered {events}, duplicated {}",
        Point::ALL.len(),
        world.acknowledged.len(),
        copies - events
    );
    // An attempt that was under way at each of the webhooks, where the attempt was made.
    assert!(copies - events <= 2 * Point::ALL.len());
}

#[tokio::test]
async fn an_error_at_any_place_loses_nothing_and_stops_nobody_else() {
    each_place("error").await;
}

#[tokio::test]
async fn a_panic_at_any_place_loses_nothing() {
    each_place("panic").await;
}

#[tokio::test]
async fn a_kill_at_any_place_loses_nothing() {
    each_place("kill").await;
}
