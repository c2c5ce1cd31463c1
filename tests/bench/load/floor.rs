//! The floor: what the host's own HTTP client can do with the same signatures and bodies on this machine,
//! when nothing is stored, matched or filtered.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::join_all;
use hooksieve::egress::Policy;
use hooksieve::model::secret::Secret;
use hooksieve::outbound::{Request, SendOptions, Sender};
use hooksieve::resolve::Resolver;
use hooksieve::sign;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::journal::Journal;
use crate::open;
use crate::rig::event;
use crate::rig::sink::Sink;

/// Threads of the host's runtime on a machine with two cores, and so of this one's.
const THREADS: usize = 2;

/// Posts `body` to one path of `url` after the other.
pub struct Poster {
    sender: Sender,
    secrets: [Secret; 1],
    url: String,
    headers: BTreeMap<String, Secret>,
}

impl Poster {
    pub fn new(url: String) -> Self {
        let options = SendOptions::new(Policy::dev(), Resolver::System);
        let secrets = [sign::generate_secret(&[7; 32])];
        Self { sender: Sender::new(options).unwrap(), secrets, url, headers: BTreeMap::new() }
    }

    pub async fn post(&self, body: String) {
        let signed = sign::headers(&self.secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body.as_bytes());
        let sent = self.sender.send(Request { url: &self.url, headers: &self.headers, signed, body }).await;
        assert_eq!(sent.status, Some(200), "{:?}", sent.error_detail);
    }
}

/// Runs `work` on threads like the host's; the driver's own runtime has only one, for the sink.
pub async fn beside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (done, result) = oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
        drop(done.send(runtime.unwrap().block_on(work)));
    });
    result.await.unwrap()
}

/// Requests as quickly as they are answered, so many at a time, while it is on.
pub struct Floor {
    is_on: watch::Sender<bool>,
    /// What arrives is noted as what the host delivers is, so that the receiver costs both the same.
    journal: Arc<Journal>,
    posting: JoinHandle<()>,
    _sink: Sink,
}

impl Floor {
    /// Requests with this body, `at_once` at a time. It is not on yet.
    pub async fn start(body: &str, at_once: usize) -> Self {
        let number = event::number(body.as_bytes()).expect("every delivery has a number");
        let journal = Arc::new(Journal::new(number + 1, 0));
        let arriving = Arc::clone(&journal);
        let sink = Sink::start(move |arrival| arriving.arrive(arrival)).await;
        let (is_on, on) = watch::channel(false);
        let (url, body) = (sink.url("/0"), body.to_owned());
        let posting = tokio::spawn(beside(async move {
            let poster = Arc::new(Poster::new(url));
            let posting = (0..at_once).map(|_| {
                let (poster, body, mut on) = (Arc::clone(&poster), body.clone(), on.clone());
                tokio::spawn(async move {
                    while on.wait_for(|on| *on).await.is_ok() {
                        poster.post(body.clone()).await;
                    }
                })
            });
            join_all(posting).await.into_iter().for_each(|ended| ended.unwrap());
        }));
        Self { is_on, journal, posting, _sink: sink }
    }

    pub fn turn(&self, is_on: bool) {
        self.is_on.send_replace(is_on);
    }

    /// Requests that arrived.
    pub fn count(&self) -> u64 {
        self.journal.arrived()
    }

    pub async fn stop(self) {
        drop(self.is_on);
        self.posting.await.unwrap();
    }
}

/// Sends `events` requests at fixed times, `rate` a second, each with the number of its event in the journal.
pub async fn latency(body: &str, journal: &Arc<Journal>, rate: u32, events: usize) {
    let arriving = Arc::clone(journal);
    let sink = Sink::start(move |arrival| arriving.arrive(arrival)).await;
    let (url, body, journal) = (sink.url("/0"), body.to_owned(), Arc::clone(journal));
    let sampled = event::member(event::number(body.as_bytes()).expect("every delivery has a number"));
    beside(async move {
        let poster = Arc::new(Poster::new(url));
        let mut plan = open::plan(&journal, rate, events);
        let mut posting = tokio::task::JoinSet::new();
        while let Some(number) = plan.recv().await {
            let (poster, body, journal) = (Arc::clone(&poster), body.clone(), Arc::clone(&journal));
            let sampled = sampled.clone();
            posting.spawn(async move {
                poster.post(body.replacen(&sampled, &event::member(number), 1)).await;
                journal.acknowledge(number, 202);
            });
        }
        posting.join_all().await;
    })
    .await;
}
