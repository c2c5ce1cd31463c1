//! The least that a sender could do that answers once an event is on the disk: what is posted is appended to a file, synced
//! together with what came meanwhile, answered, signed, posted on by the host's own HTTP client, and what came of it
//! is appended too.
//!
//! It looks at no event, knows no user, keeps nothing that could be looked for, and could not go on after a kill. So it is
//! how far a host with all that could come on this machine, as the [`floor`](crate::floor) is for one that accepts nothing either.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::floor::{Poster, beside};

/// Records that wait for the thread that writes.
const QUEUE: usize = 4_096;

/// A running sender.
pub struct Bare {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<()>,
}

/// What is appended, and who waits until it is on the disk.
struct Record {
    text: String,
    synced: Option<oneshot::Sender<()>>,
}

/// What the handlers share.
struct Shared {
    records: mpsc::Sender<Record>,
    webhooks: Vec<Webhook>,
}

/// Where an event goes.
struct Webhook {
    poster: Poster,
    places: Semaphore,
}

impl Bare {
    /// Starts one that posts each event to all of `urls`, `at_once` at a time to each, with its file on `disk`.
    pub async fn start(disk: &Path, urls: Vec<String>, at_once: usize) -> Self {
        let file = NamedTempFile::new_in(disk).unwrap();
        let (records, waiting) = mpsc::channel(QUEUE);
        std::thread::spawn(move || append(file.into_file(), waiting));
        let webhooks =
            urls.into_iter().map(|url| Webhook { poster: Poster::new(url), places: Semaphore::new(at_once) });
        let shared = Arc::new(Shared { records, webhooks: webhooks.collect() });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(beside(async move {
            let app = Router::new().route("/v1/events", post(accept)).with_state(shared);
            let listener = TcpListener::from_std(listener).unwrap();
            let serving = axum::serve(listener, app).with_graceful_shutdown(async { drop(stopped.await) });
            serving.await.unwrap();
        }));
        Self { address, stop, ended }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Once everything was posted.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap();
    }
}

/// Appends what has queued and syncs it, until nobody can queue anything.
fn append(mut file: File, mut records: mpsc::Receiver<Record>) {
    let mut together = Vec::new();
    while records.blocking_recv_many(&mut together, QUEUE) > 0 {
        let text: String = together.iter().map(|record| record.text.as_str()).collect();
        file.write_all(text.as_bytes()).unwrap();
        file.sync_data().unwrap();
        for record in together.drain(..) {
            if let Some(synced) = record.synced {
                synced.send(()).unwrap();
            }
        }
    }
}

async fn accept(State(shared): State<Arc<Shared>>, body: String) -> StatusCode {
    let (synced, is_synced) = oneshot::channel();
    shared.records.send(Record { text: body.clone(), synced: Some(synced) }).await.unwrap();
    is_synced.await.unwrap();
    for number in 0..shared.webhooks.len() {
        let (shared, body) = (Arc::clone(&shared), body.clone());
        tokio::spawn(async move {
            let webhook = &shared.webhooks[number];
            let place = webhook.places.acquire().await.unwrap();
            webhook.poster.post(body).await;
            drop(place);
            let text = format!("{number} delivered\n");
            shared.records.send(Record { text, synced: None }).await.unwrap();
        });
    }
    StatusCode::ACCEPTED
}
