//! A receiver of deliveries on this machine: records every request and answers as it was told.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Response, Uri};
use hooksieve::model::limits::DELIVERY_BODY_BYTES_MAX;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

/// How long a test waits for what arrives over the network.
const PATIENCE: Duration = Duration::from_secs(30);

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The message id, which is the delivery's.
    pub fn message_id(&self) -> &str {
        self.header("webhook-id")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// One answer to give.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    is_held: bool,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), is_held: false }
    }

    /// Does not answer before [`Receiver::release`].
    pub fn held() -> Self {
        Self { is_held: true, ..Self::status(204) }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }
}

/// What a path answers: the script first, then always the same.
struct Script {
    answers: VecDeque<Answer>,
    at_last: Answer,
}

struct Shared {
    received: watch::Sender<Vec<Received>>,
    scripts: Mutex<HashMap<String, Script>>,
    required: Mutex<HashMap<String, (&'static str, String)>>,
    releases: Semaphore,
    /// Requests that are being answered, by path.
    answering: Mutex<HashMap<String, usize>>,
    most: Mutex<AtOnce>,
}

/// The most requests that were being answered at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AtOnce {
    pub on_one_path: usize,
    pub in_all: usize,
}

/// A receiver that runs until it is dropped.
pub struct Receiver {
    base: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            received: watch::Sender::new(Vec::new()),
            scripts: Mutex::default(),
            required: Mutex::default(),
            releases: Semaphore::new(0),
            answering: Mutex::default(),
            most: Mutex::default(),
        });
        let router = Router::new()
            .fallback(receive)
            .layer(DefaultBodyLimit::max(DELIVERY_BODY_BYTES_MAX))
            .with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, shared, serving }
    }

    pub fn port(&self) -> u16 {
        self.base.rsplit(':').next().unwrap().parse().unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Answers on `path` from now on: first with `answers`, one after the other, then 204.
    pub fn script(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        let script = Script { answers: answers.into_iter().collect(), at_last: Answer::status(204) };
        self.shared.scripts.lock().unwrap().insert(path.to_owned(), script);
    }

    /// Always answers on `path` with `answer` from now on.
    pub fn always(&self, path: &str, answer: Answer) {
        let script = Script { answers: VecDeque::new(), at_last: answer };
        self.shared.scripts.lock().unwrap().insert(path.to_owned(), script);
    }

    /// Answers on `path` with 401 unless this header has this value.
    pub fn require(&self, path: &str, name: &'static str, value: &str) {
        self.shared.required.lock().unwrap().insert(path.to_owned(), (name, value.to_owned()));
    }

    /// Answers all requests that are held, and holds none from now on.
    pub fn release(&self) {
        self.shared.releases.close();
    }

    /// The most that has come at once.
    pub fn most_at_once(&self) -> AtOnce {
        *self.shared.most.lock().unwrap()
    }

    /// What has arrived on `path`.
    pub fn on(&self, path: &str) -> Vec<Received> {
        on(&self.shared.received.borrow(), path)
    }

    /// The only request that has arrived on `path`.
    pub fn only(&self, path: &str) -> Received {
        let [only] = <[Received; 1]>::try_from(self.on(path)).unwrap();
        only
    }

    /// Waits until `count` requests have arrived, on whatever paths.
    pub async fn wait_for_all(&self, count: usize) {
        let mut received = self.shared.received.subscribe();
        let waiting = received.wait_for(|received| received.len() >= count);
        let is_enough = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
        assert!(is_enough, "{} of {count} requests arrived", self.shared.received.borrow().len());
    }

    /// What has arrived on `path`, once that is at least `count`.
    pub async fn wait_for(&self, path: &str, count: usize) -> Vec<Received> {
        let mut received = self.shared.received.subscribe();
        let waiting = received.wait_for(|received| on(received, path).len() >= count);
        let enough = tokio::time::timeout(PATIENCE, waiting).await.map(|received| on(&received.unwrap(), path));
        enough.unwrap_or_else(|_| panic!("{} of {count} requests on {path} arrived", self.on(path).len()))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn on(received: &[Received], path: &str) -> Vec<Received> {
    received.iter().filter(|received| received.path == path).cloned().collect()
}

async fn receive(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
    let received = Received {
        path: uri.path().to_owned(),
        headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let is_allowed = shared.allows(&received);
    shared.begin(&received.path);
    shared.received.send_modify(|all| all.push(received));
    let answer = if is_allowed { shared.answer(uri.path()) } else { Answer::status(401) };
    if answer.is_held {
        // Closed by `release`; until then there are no permits.
        drop(shared.releases.acquire().await);
    }
    shared.end(uri.path());
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}

impl Shared {
    fn allows(&self, received: &Received) -> bool {
        let required = self.required.lock().unwrap();
        required.get(&received.path).is_none_or(|(name, value)| received.header(name) == value)
    }

    fn begin(&self, path: &str) {
        let mut answering = self.answering.lock().unwrap();
        let on_path = answering.entry(path.to_owned()).or_default();
        *on_path += 1;
        let (on_one_path, in_all) = (*on_path, answering.values().sum());
        let mut most = self.most.lock().unwrap();
        *most = AtOnce { on_one_path: most.on_one_path.max(on_one_path), in_all: most.in_all.max(in_all) };
    }

    /// Before the answer is sent: whoever has it may send the next request.
    fn end(&self, path: &str) {
        *self.answering.lock().unwrap().get_mut(path).unwrap() -= 1;
    }

    fn answer(&self, path: &str) -> Answer {
        let mut scripts = self.scripts.lock().unwrap();
        let Some(script) = scripts.get_mut(path) else { return Answer::status(204) };
        script.answers.pop_front().unwrap_or_else(|| script.at_last.clone())
    }
}
