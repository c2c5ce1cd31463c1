//! A host in process: its own data folder, a clock that stands, a port of its own, and loops that run only
//! when a test says so.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hooksieve::app::{App, AppOptions};
use hooksieve::client::{Client, ClientError};
use hooksieve::clock::{Clock, ManualClock};
use hooksieve::config::{Config, Secrets};
use hooksieve::lifecycle::Stop;
use hooksieve::model::Timestamp;
use hooksieve::model::secret::Secret;
use hooksieve::resolve::Resolver;
use hooksieve::wire::{
    CreateToken, DeliveriesQuery, Delivery, DeliveryDetail, FilterChoice, NewEvent, NewWebhook, Problem, PutProject,
    PutUser, Verdict, Webhook,
};
use serde_json::value::RawValue;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use crate::process::OPERATOR_TOKEN;

/// The program that becomes a compiling child.
pub const COMPILER: &str = env!("CARGO_BIN_EXE_hooksieve-under-test");
/// The project of the guide's example.
pub const PROJECT: &str = "clakt90vu000bvt64hhffqleq";
/// The guide's example of a delivery, as the specification has it.
pub const GUIDE_EXAMPLE: &str = include_str!("fixtures/guide-example.json");
/// The moment of the guide's example, where the clock stands at first.
const NOW: &str = "2022-12-01T11:23:09.241Z";

/// A host in process.
pub struct TestApp {
    app: Option<Arc<App>>,
    clock: Arc<ManualClock>,
    base: String,
    stop: Stop,
    serving: JoinHandle<()>,
    data: TempDir,
}

impl TestApp {
    /// A host whose loops run only in [`TestApp::run_until_idle`].
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// As [`TestApp::start`], with another configuration.
    pub async fn start_with(configure: impl FnOnce(&mut Config)) -> Self {
        Self::open(TempDir::new().unwrap(), configure, Path::new(COMPILER)).await
    }

    async fn open(data: TempDir, configure: impl FnOnce(&mut Config), compiler: &Path) -> Self {
        let (app, clock) = open(data.path(), configure, compiler).await;
        let app = Arc::new(app);
        let (listener, base) = listen().await;
        let router = app.router();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { app: Some(app), clock, base, stop: Stop::default(), serving, data }
    }

    /// A host with the data of this one, which runs its loops itself: stopped, rid of all compiled
    /// filters, and started with this compiler as [`TestApp::start`] does.
    pub async fn reopened(mut self, compiler: &Path) -> Self {
        self.stop.requested.cancel();
        (&mut self.serving).await.unwrap();
        let data = std::mem::replace(&mut self.data, TempDir::new().unwrap());
        std::fs::remove_dir_all(data.path().join("compiled")).unwrap();
        Self::open(data, |_| {}, compiler).await
    }

    /// A host whose loops run by themselves, as in production; its clock stands nonetheless.
    pub async fn start_running() -> Self {
        let data = TempDir::new().unwrap();
        let (app, clock) = open(data.path(), |_| {}, Path::new(COMPILER)).await;
        let (listener, base) = listen().await;
        let stop = Stop::default();
        let serve = app.serve(listener, stop.clone());
        let serving = tokio::spawn(async move { serve.await.unwrap() });
        Self { app: None, clock, base, stop, serving, data }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn client(&self, token: &str) -> Client {
        Client::new(&self.base, token).unwrap()
    }

    pub fn operator(&self) -> Client {
        self.client(OPERATOR_TOKEN)
    }

    /// A client of a user who is a member of [`PROJECT`].
    pub async fn user(&self, id: &str) -> Client {
        let client = self.stranger(id).await;
        self.operator().put_project(PROJECT, &PutProject::default()).await.unwrap();
        self.operator().add_member(PROJECT, id).await.unwrap();
        client
    }

    /// A client of a user who is a member of nothing.
    pub async fn stranger(&self, id: &str) -> Client {
        let operator = self.operator();
        operator.put_user(id, &PutUser::default()).await.unwrap();
        let token = operator.create_token(id, &CreateToken::default()).await.unwrap();
        operator.with_token(&token.token)
    }

    /// Accepts an event and does all that is due.
    pub async fn send(&self, event: &NewEvent) -> String {
        let id = self.operator().send_event(event).await.unwrap().id;
        self.run_until_idle().await;
        id
    }

    /// Does all that is due at the clock's time.
    pub async fn run_until_idle(&self) {
        let app = self.app.as_ref().expect("the loops of this host run by themselves");
        app.run_until_idle().await.unwrap();
    }

    /// Moves the clock and does all that is due then.
    pub async fn run_after(&self, wait: Duration) {
        self.clock.advance(wait);
        self.run_until_idle().await;
    }

    /// Moves the clock to a delivery's next attempt and makes it.
    pub async fn run_next_attempt(&self, delivery: &Delivery) {
        let due = delivery.next_attempt_at.expect("another attempt is due");
        self.run_after(due.since(self.now())).await;
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop.requested.cancel();
        self.serving.abort();
    }
}

async fn open(data: &Path, configure: impl FnOnce(&mut Config), compiler: &Path) -> (App, Arc<ManualClock>) {
    let mut config = Config { data: data.to_owned(), dev: true, ..Config::default() };
    configure(&mut config);
    let clock = Arc::new(ManualClock::new(NOW.parse().unwrap()));
    let options = AppOptions {
        config,
        secrets: Secrets { operator_token: Some(Secret::new(OPERATOR_TOKEN)), sealing_key: None, metrics_token: None },
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        resolver: Resolver::System,
        compiler: compiler.to_owned(),
    };
    (App::open(options).await.unwrap(), clock)
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (listener, base)
}

/// JSON text as it is.
pub fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

/// The event of the guide's example, under this id.
pub fn created(id: &str) -> NewEvent {
    // As text, in which the members keep their order.
    let mut example: HashMap<String, Box<RawValue>> = serde_json::from_str(GUIDE_EXAMPLE).unwrap();
    NewEvent {
        id: Some(id.to_owned()),
        company_id: Some("clakt8jud0002vt64205yyj10".to_owned()),
        user_id: Some("claksl2ye0000vtas0h0ln71e".to_owned()),
        current_value: example.remove("currentValue"),
        ..NewEvent::new("TODO_CREATED", PROJECT)
    }
}

/// An event of a record that was open and now is done or not.
pub fn marked(id: &str, done: bool) -> NewEvent {
    NewEvent {
        id: Some(id.to_owned()),
        previous_value: Some(raw(r#"{"id":"r1","done":false}"#)),
        current_value: Some(raw(&format!(r#"{{"id":"r1","done":{done}}}"#))),
        ..NewEvent::new("TODO_DONE_STATUS_UPDATED", PROJECT)
    }
}

/// A webhook for both of these events.
pub fn webhook(url: &str) -> NewWebhook {
    let events = ["TODO_CREATED", "TODO_DONE_STATUS_UPDATED"].map(str::to_owned).to_vec();
    NewWebhook { url: url.to_owned(), events, ..NewWebhook::default() }
}

/// The same with a filter.
pub fn filtered(url: &str, filter: &str, config: Option<&str>) -> NewWebhook {
    let filter = FilterChoice { id: filter.to_owned(), config: config.map(raw), on_error: None };
    NewWebhook { filter: Some(filter), ..webhook(url) }
}

/// The only delivery to a webhook.
pub async fn only_delivery(client: &Client, webhook: &Webhook) -> DeliveryDetail {
    let page = client.list_deliveries(&webhook.id, &DeliveriesQuery::default()).await.unwrap();
    let [only] = <[Delivery; 1]>::try_from(page.items).unwrap();
    client.get_delivery(&only.id).await.unwrap()
}

/// The verdict on an event for a webhook, as its owner sees it.
pub async fn verdict(client: &Client, event: &str, webhook: &Webhook) -> Verdict {
    let page = client.list_event_verdicts(event).await.unwrap();
    let found = page.items.into_iter().find(|verdict| verdict.webhook_id == webhook.id);
    found.unwrap()
}

/// The problem that a call was refused with.
pub fn problem<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> Problem {
    answer.unwrap_err().problem().expect("the host refused").clone()
}
