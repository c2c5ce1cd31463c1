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

use crate::receiver::{Answer, Receiver};
use crate::started;

pub use crate::process::OPERATOR_TOKEN;

/// The program that becomes a compiling child.
pub const COMPILER: &str = env!("CARGO_BIN_EXE_hooksieve-under-test");
/// The metrics' token of every host in process.
pub const METRICS_TOKEN: &str = "metrics_0123456789abcdef0123456789abcdef";
/// What the collector of traces of every host in process wants.
pub const COLLECTOR_TOKEN: &str = "collector_0123456789abcdef0123456789abcdef";
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
    resolver: Resolver,
}

impl TestApp {
    /// A host whose loops run only in [`TestApp::run_until_idle`].
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// As [`TestApp::start`], with another configuration.
    pub async fn start_with(configure: impl FnOnce(&mut Config)) -> Self {
        Self::start_resolving(Resolver::System, configure).await
    }

    /// As [`TestApp::start_with`], with another resolver.
    pub async fn start_resolving(resolver: Resolver, configure: impl FnOnce(&mut Config)) -> Self {
        Self::open(data_folder().await, resolver, configure, Path::new(COMPILER)).await
    }

    async fn open(data: TempDir, resolver: Resolver, configure: impl FnOnce(&mut Config), compiler: &Path) -> Self {
        let (app, clock) = open(data.path(), resolver.clone(), configure, compiler).await;
        let app = Arc::new(app);
        let (listener, base) = listen().await;
        let router = app.router();
        let stop = Stop::default();
        let until_stop = stop.requested.clone().cancelled_owned();
        let serving = tokio::spawn(hooksieve::api::serve(listener, router, until_stop));
        Self { app: Some(app), clock, base, stop, serving, data, resolver }
    }

    /// A host with the data of this one, which runs its loops itself: stopped, rid of all compiled
    /// filters, and started with this compiler as [`TestApp::start`] does.
    pub async fn reopened(self, compiler: &Path) -> Self {
        let (data, resolver) = self.stopped().await;
        std::fs::remove_dir_all(data.path().join("compiled")).unwrap();
        Self::open(data, resolver, |_| {}, compiler).await
    }

    /// A host with the data of this one, which runs its loops itself, and another configuration.
    pub async fn reconfigured(self, configure: impl FnOnce(&mut Config)) -> Self {
        let (data, resolver) = self.stopped().await;
        Self::open(data, resolver, configure, Path::new(COMPILER)).await
    }

    /// Stops, and waits until the host is down.
    pub async fn stop(self) {
        self.stopped().await;
    }

    async fn stopped(mut self) -> (TempDir, Resolver) {
        self.stop.requested.cancel();
        (&mut self.serving).await.unwrap();
        (std::mem::replace(&mut self.data, TempDir::new().unwrap()), self.resolver.clone())
    }

    /// A host whose loops run by themselves, as in production; its clock stands nonetheless.
    pub async fn start_running() -> Self {
        Self::start_running_with(Resolver::System, |_| {}).await
    }

    /// The same with another resolver and configuration.
    pub async fn start_running_with(resolver: Resolver, configure: impl FnOnce(&mut Config)) -> Self {
        let data = data_folder().await;
        let (app, clock) = open(data.path(), resolver.clone(), configure, Path::new(COMPILER)).await;
        let (listener, base) = listen().await;
        let stop = Stop::default();
        let serve = app.serve(listener, stop.clone());
        let serving = tokio::spawn(async move { serve.await.unwrap() });
        Self { app: None, clock, base, stop, serving, data, resolver }
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
        self.client(&member(&self.operator(), id).await)
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

    /// Moves the clock, and does nothing.
    pub fn set_forward(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Moves the clock back, and does nothing.
    pub fn set_back(&self, by: Duration) {
        self.clock.set_back(by);
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

/// A data folder that saves the host from compiling its bundled filters.
pub async fn data_folder() -> TempDir {
    started::data_folder(async |data| drop(open(data, Resolver::System, |_| {}, Path::new(COMPILER)).await)).await
}

async fn open(
    data: &Path,
    resolver: Resolver,
    configure: impl FnOnce(&mut Config),
    compiler: &Path,
) -> (App, Arc<ManualClock>) {
    let mut config = Config { data: data.to_owned(), dev: true, ..Config::default() };
    // Tests try every route without a token, faster than anybody should.
    config.limits.failed_authentications_per_second = 0;
    configure(&mut config);
    let clock = Arc::new(ManualClock::new(NOW.parse().unwrap()));
    let options = AppOptions {
        config,
        secrets: Secrets {
            operator_token: Some(Secret::new(OPERATOR_TOKEN)),
            sealing_key: None,
            metrics_token: Some(Secret::new(METRICS_TOKEN)),
            otlp_headers: Some(Secret::new(format!("authorization=Bearer%20{COLLECTOR_TOKEN}"))),
        },
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        resolver,
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

/// A user with a webhook whose endpoint has failed once, and the delivery of `e1` that waits for its next attempt.
pub async fn failed_once(app: &TestApp, receiver: &Receiver) -> (Client, Webhook, Delivery) {
    let user = app.user("u1").await;
    let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    receiver.script("/a", [Answer::status(500)]);
    app.send(&created("e1")).await;
    let waiting = only_delivery(&user, &webhook).await.delivery;
    (user, webhook, waiting)
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

/// A client for whatever no typed one is for. A proxy that the environment names does not know this machine's ports.
pub fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Makes a user who is a member of [`PROJECT`]; their token. What is there already stays.
pub async fn member(operator: &Client, id: &str) -> String {
    operator.put_user(id, &PutUser::default()).await.unwrap();
    operator.put_project(PROJECT, &PutProject::default()).await.unwrap();
    operator.add_member(PROJECT, id).await.unwrap();
    operator.create_token(id, &CreateToken::default()).await.unwrap().token.expose().to_owned()
}
