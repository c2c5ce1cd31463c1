//! One event to many webhooks with filters, through the dispatcher and the database.
//!
//! The filters decide against the event, so that what is measured ends with verdicts on disk.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use futures_util::{StreamExt, stream};
use hooksieve::clock::{Clock, SystemClock, random_bytes};
use hooksieve::dispatch::Dispatcher;
use hooksieve::filter::FilterHost;
use hooksieve::metrics::Metrics;
use hooksieve::model::Timestamp;
use hooksieve::model::event::{Event, EventDigest, EventType};
use hooksieve::model::filter::{About, Filter, FilterDigest};
use hooksieve::model::ids::{EventId, FilterId, ProjectId, UserId, WebhookId};
use hooksieve::model::limits::COMMIT_JOBS_MAX;
use hooksieve::model::secret::Secret;
use hooksieve::model::verdict::Outcome;
use hooksieve::model::webhook::{FilterBinding, OnError, Webhook};
use hooksieve::store::sqlite::{Create, OpenOptions, SqliteStore};
use hooksieve::store::{Added, FilterUpload, Project, SealingKey, Store, User};
use hooksieve::traces::Traces;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::example;
use crate::room::{Room, guests, variant};

/// Webhooks, and the filters that they have among them.
const SHAPES: [(u32, usize); 6] = [(1, 1), (100, 1), (100, 100), (10_000, 1), (10_000, 100), (10_000, 1_000)];

pub(crate) fn bench(criterion: &mut Criterion, runtime: &Runtime) {
    let wasm = &guests()["done-records"];
    let room = Room::open(2, 0);
    let mut digests = Vec::new();
    let mut group = criterion.benchmark_group("fan-out");
    group.sample_size(10);
    for (webhooks, filters) in SHAPES {
        for number in digests.len()..filters {
            let number = u32::try_from(number).expect("there are a thousand at the most");
            digests.push(room.upload(runtime, &variant(wasm, number)));
        }
        let folder = TempDir::new().expect("a temporary folder can be made");
        let host = Host::open(folder.path(), &room.host);
        runtime.block_on(host.add(webhooks, &digests[..filters]));
        // The first one reads the webhooks and configures the filters.
        runtime.block_on(host.time(webhooks, 1));
        let name = BenchmarkId::new(format!("{webhooks} webhooks"), format!("{filters} filters"));
        group.bench_function(name, |bencher| bencher.iter_custom(|count| runtime.block_on(host.time(webhooks, count))));
    }
    group.finish();
    without_filters(criterion, runtime, &room);
}

/// What a delivery costs where nothing is asked, and what webhooks cost that do not match.
fn without_filters(criterion: &mut Criterion, runtime: &Runtime, room: &Room) {
    let mut group = criterion.benchmark_group("no filter");
    group.sample_size(10);
    for (owed, others) in [(10_000, 0), (10, 0), (10, 10_000)] {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let host = Host::open(folder.path(), &room.host);
        runtime.block_on(host.add(0, &[]));
        runtime.block_on(host.register((0..owed).map(plain)));
        runtime.block_on(host.register((owed..owed + others).map(elsewhere)));
        runtime.block_on(host.time_until(Outcome::Delivered, owed, 1));
        let name = BenchmarkId::new(format!("{owed} webhooks"), format!("{others} that do not match"));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| runtime.block_on(host.time_until(Outcome::Delivered, owed, count)));
        });
    }
    group.finish();
}

/// A database with webhooks, and what dispatches their events.
pub(crate) struct Host {
    store: Arc<SqliteStore>,
    dispatcher: Dispatcher,
    record: Box<str>,
}

impl Host {
    /// Opens the database in a folder, or makes it.
    pub(crate) fn open(folder: &Path, filters: &Arc<FilterHost>) -> Self {
        let (clock, metrics) = (Arc::new(SystemClock), Arc::new(Metrics::default()));
        let store = SqliteStore::open(&OpenOptions {
            directory: folder.to_owned(),
            create: Create::MayCreate,
            key: SealingKey::from_bytes([7; 32]),
            now: clock.now(),
            metrics: Arc::clone(&metrics),
        });
        let store = store.expect("the database can be opened");
        let shared: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
        let dispatcher =
            Dispatcher::new(shared, Arc::clone(filters), clock, Arc::default(), metrics, Traces::default());
        Self { store, dispatcher, record: example::record().into() }
    }

    /// Adds one owner in one project, whose webhooks take turns with the filters.
    pub(crate) async fn add(&self, webhooks: u32, filters: &[FilterDigest]) {
        let now = SystemClock.now();
        let user = User { id: owner(), name: None };
        self.store.put_user(user, now).await.expect("it is written");
        let project = Project { id: project(), name: None, company_id: None };
        self.store.put_project(project, now).await.expect("it is written");
        self.store.add_member(&self::project(), &owner()).await.expect("it is written");
        let uploading = filters.iter().map(async |digest| {
            self.store.add_filter(upload(*digest, now)).await.expect("it is written");
        });
        // As many at a time as one commit takes.
        stream::iter(uploading).buffer_unordered(COMMIT_JOBS_MAX).for_each(async |()| {}).await;
        self.register((0..webhooks).zip(filters.iter().cycle()).map(|(number, filter)| webhook(number, *filter))).await;
    }

    async fn register(&self, webhooks: impl Iterator<Item = Webhook>) {
        let adding = webhooks.map(async |webhook| {
            let added = self.store.add_webhook(webhook, Secret::new("secret")).await;
            assert_eq!(added.expect("it is written"), Added::Written);
        });
        stream::iter(adding).buffer_unordered(COMMIT_JOBS_MAX).for_each(async |()| {}).await;
    }

    /// How long `count` events take together, one after the other, until each of `webhooks` has its verdict.
    pub(crate) async fn time(&self, webhooks: u32, count: u64) -> Duration {
        self.time_until(Outcome::Filtered, webhooks, count).await
    }

    async fn time_until(&self, outcome: Outcome, webhooks: u32, count: u64) -> Duration {
        let mut total = Duration::ZERO;
        for _ in 0..count {
            let (event, digest) = (Arc::new(self.event()), EventDigest(random_bytes(&SystemClock)));
            self.store.accept_event(Arc::clone(&event), digest).await.expect("it is written");
            let began = Instant::now();
            assert_eq!(self.dispatcher.step().await.expect("the store answers"), 1);
            assert!(self.dispatcher.drain(Duration::MAX).await);
            total += began.elapsed();
            let stored = self.store.event(&event.id).await.expect("the store answers").expect("it was accepted");
            let verdicts = self.store.verdicts_on(stored.seq, None).await.expect("the store answers");
            let decided = verdicts.iter().filter(|verdict| verdict.outcome == outcome).count();
            assert_eq!(decided, webhooks as usize);
        }
        total
    }

    /// Closes the database, so that another process may open it.
    pub(crate) async fn close(self) {
        self.store.close().await.expect("it can be closed");
    }

    fn event(&self) -> Event {
        let now = SystemClock.now();
        Event {
            id: EventId::generate(now, random_bytes(&SystemClock)),
            event_type: EventType::parse("TODO_CREATED").expect("a type"),
            company_id: None,
            project_id: project(),
            user_id: None,
            occurred_at: now,
            accepted_at: now,
            previous_value: "null".into(),
            current_value: self.record.clone(),
            trace_parent: None,
        }
    }
}

fn project() -> ProjectId {
    ProjectId::parse("project").expect("an id")
}

fn owner() -> UserId {
    UserId::parse("owner").expect("an id")
}

fn filter_id(digest: FilterDigest) -> FilterId {
    FilterId::parse(&format!("flt_{digest}")).expect("an id")
}

/// What the store has of a filter; its bytes are nobody's business here.
fn upload(digest: FilterDigest, at: Timestamp) -> FilterUpload {
    let about = About {
        name: "done-records".into(),
        version: "0.1.0".into(),
        description: "Measured".into(),
        config_schema: None,
    };
    let filter = Filter {
        id: filter_id(digest),
        owner: None,
        name: "done-records".into(),
        digest,
        size_bytes: 0,
        wit_version: "0.1.0".into(),
        about,
        created_at: at,
    };
    FilterUpload { filter, wasm: Default::default() }
}

fn webhook(number: u32, filter: FilterDigest) -> Webhook {
    let binding =
        FilterBinding { filter_id: filter_id(filter), digest: filter, config: "null".into(), on_error: OnError::Skip };
    Webhook { filter: Some(binding), ..plain(number) }
}

/// A webhook that gets every event.
fn plain(number: u32) -> Webhook {
    let id = WebhookId::parse(&format!("wh_{number:08}")).expect("an id");
    let url = format!("https://example.com/{number}");
    Webhook {
        events: vec![EventType::parse("TODO_CREATED").expect("a type")],
        project_ids: vec![project()],
        // Before every event, whatever the time that its making took.
        ..Webhook::new(id, "00".into(), owner(), url, Timestamp::from_millis(0))
    }
}

/// A webhook that gets none: it wants another type, or another project, or is of somebody who is no member.
fn elsewhere(number: u32) -> Webhook {
    let webhook = plain(number);
    match number % 3 {
        0 => Webhook { events: vec![EventType::parse("TODO_DELETED").expect("a type")], ..webhook },
        1 => Webhook { project_ids: vec![ProjectId::parse("another").expect("an id")], ..webhook },
        _ => {
            let owner = UserId::parse(&format!("stranger-{number}")).expect("an id");
            Webhook { owner, project_ids: Vec::new(), ..webhook }
        }
    }
}
