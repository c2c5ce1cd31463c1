//! An endpoint on this machine: takes whatever comes and hands it on, unjudged.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::signatures::Signatures;
use crate::clock::{Clock, SystemClock};
use crate::model::Timestamp;
use crate::model::limits::DELIVERY_BODY_BYTES_MAX;
use crate::model::secret::Secret;
use crate::sign;

/// Requests that wait to be looked at; further ones wait for their answer.
const WAITING_MAX: usize = 256;

/// The endpoint. It ends when it is dropped.
pub(super) struct Receiver {
    address: SocketAddr,
    arrivals: mpsc::Receiver<Arrival>,
    _serving: AbortOnDropHandle<()>,
}

/// A request that came in.
#[derive(Debug)]
pub(super) struct Arrival {
    /// The path that it was sent to.
    pub(super) path: String,
    /// When it was there as a whole.
    pub(super) at: Instant,
    /// Its body.
    pub(super) body: Bytes,
    received_at: Timestamp,
    headers: HeaderMap,
}

impl Receiver {
    /// Listens on the loopback address and answers every request with `status`. Port 0 takes a free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub(super) async fn start(port: u16, status: StatusCode) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr().context("asking for the port")?;
        let (sender, arrivals) = mpsc::channel(WAITING_MAX);
        let router = Router::new()
            .fallback(receive)
            .layer(DefaultBodyLimit::max(DELIVERY_BODY_BYTES_MAX))
            .with_state(Answering { status, arrivals: sender });
        let serving = tokio::spawn(async move {
            // Its accept loop ends only with its task.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self { address, arrivals, _serving: AbortOnDropHandle::new(serving) })
    }

    /// A URL of the endpoint; any path will do.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// The next request.
    pub(super) async fn next(&mut self) -> Option<Arrival> {
        self.arrivals.recv().await
    }

    /// The next request, if one is there already.
    pub(super) fn take(&mut self) -> Option<Arrival> {
        self.arrivals.try_recv().ok()
    }
}

#[derive(Clone)]
struct Answering {
    status: StatusCode,
    arrivals: mpsc::Sender<Arrival>,
}

async fn receive(State(answering): State<Answering>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let (at, received_at) = (Instant::now(), SystemClock.now());
    let arrival = Arrival { path: uri.path().to_owned(), at, body, received_at, headers };
    match answering.arrivals.send(arrival).await {
        Ok(()) => answering.status,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl Arrival {
    /// The message's id, the same in all attempts.
    pub(super) fn message_id(&self) -> Option<&str> {
        self.header(sign::WEBHOOK_ID)
    }

    /// The event type that the body names.
    pub(super) fn event(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Named {
            event: String,
        }
        serde_json::from_slice(&self.body).ok().map(|Named { event }| event)
    }

    /// What the signatures are worth, judged at the time of arrival.
    ///
    /// # Panics
    /// When `secrets` is empty.
    pub(super) fn check(&self, secrets: &[Secret], tolerance: Duration) -> Signatures {
        let header = |name| self.header(name);
        Signatures::check(&self.body, header, secrets, self.received_at.as_secs(), tolerance)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
