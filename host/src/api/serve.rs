//! Serving connections, each bounded in time and all of them in number.
//!
//! A client that does not say what it wants, or does not read what it asked for, must not keep a place for
//! ever: there are only so many, and each takes a file descriptor that deliveries need too. A head or a line that
//! is too long is read and answered with a problem by the [layers](super::layers) as far as the buffer here goes;
//! beyond that the server breaks off with a bare 431.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::gate::Peer;
use super::patience::Patient;
use crate::model::limits::{
    CONNECTIONS_MAX, REQUEST_HEAD_BUFFER_BYTES, REQUEST_HEAD_TIME_MAX, REQUEST_HEADERS_READ_MAX,
};

/// How long to rest when the system has no more file descriptors: a connection has to end first.
const EXHAUSTED_REST: Duration = Duration::from_millis(100);

/// Serves `router` until `stop`, then lets the requests that are under way end.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let open = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok((stream, peer)) => (stream, peer.ip()),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(EXHAUSTED_REST).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection is gone already");
        }
        let router = TowerToHyperService::new(router.clone());
        let from_peer = service_fn(move |request| router.call(with_peer(request, peer)));
        let connection = builder().serve_connection(TokioIo::new(Patient::new(stream)), from_peer);
        let connection = open.watch(connection);
        tokio::spawn(async move {
            // A client that breaks off is its own affair.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
            drop(place);
        });
    }
    drop(listener);
    open.shutdown().await;
}

/// How one connection is spoken to.
fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_HEAD_TIME_MAX)
        .max_buf_size(REQUEST_HEAD_BUFFER_BYTES)
        .max_headers(REQUEST_HEADERS_READ_MAX);
    builder
}

fn with_peer<B>(mut request: Request<B>, peer: IpAddr) -> Request<B> {
    request.extensions_mut().insert(Peer(peer));
    request
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, Bytes};
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    use super::*;
    use crate::api::body::{self, BodyLimits};
    use crate::model::limits::{ANSWER_STALL_MAX, ANSWER_TIME_MAX};

    const ANSWER_BYTES: usize = 1 << 20;

    /// The client's side of a connection, and the server's until it ends.
    fn connected() -> (DuplexStream, JoinHandle<Duration>) {
        let limits = BodyLimits { bytes_max: 1_024, time_max: Duration::from_secs(30) };
        let echo = post(async move |body: Body| body::read(body, limits).await);
        let router =
            Router::new().route("/echo", echo).route("/large", get(async || Bytes::from(vec![b'x'; ANSWER_BYTES])));
        let (client, server) = tokio::io::duplex(4_096);
        let service = TowerToHyperService::new(router);
        let connection = builder().serve_connection(TokioIo::new(Patient::new(server)), service);
        let began = Instant::now();
        let ended = tokio::spawn(async move {
            drop(connection.await);
            began.elapsed()
        });
        (client, ended)
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_end_is_given_up() {
        let (mut client, ended) = connected();
        client.write_all(b"GET /large HTTP/1.1\r\nhost: ").await.unwrap();

        let took = ended.await.unwrap();

        assert!((REQUEST_HEAD_TIME_MAX..REQUEST_HEAD_TIME_MAX * 2).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_drips_is_given_up_in_the_same_time() {
        let (mut client, ended) = connected();
        let dripping = tokio::spawn(async move {
            client.write_all(b"GET /large HTTP/1.1\r\nhost: ").await.unwrap();
            while client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });

        let took = ended.await.unwrap();

        assert!((REQUEST_HEAD_TIME_MAX..REQUEST_HEAD_TIME_MAX * 2).contains(&took), "{took:?}");
        dripping.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_answered_with_a_timeout() {
        let (mut client, _ended) = connected();
        client.write_all(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nab").await.unwrap();

        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.unwrap();

        assert_eq!(&answer, b"HTTP/1.1 408");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_reads_is_given_up() {
        let (mut client, ended) = connected();
        client.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();

        let took = ended.await.unwrap();

        assert!((ANSWER_STALL_MAX..ANSWER_STALL_MAX * 2).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_read_a_little_at_a_time_is_given_up_too() {
        let (mut client, ended) = connected();
        client.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let reading = tokio::spawn(async move {
            let mut little = [0; 512];
            while client.read(&mut little).await.is_ok_and(|read| read > 0) {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        });

        let took = ended.await.unwrap();

        assert!((ANSWER_TIME_MAX..ANSWER_TIME_MAX + ANSWER_STALL_MAX).contains(&took), "{took:?}");
        reading.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_pauses_and_goes_on_gets_its_whole_answer_and_the_next() {
        let (mut client, _ended) = connected();

        for _ in 0..2 {
            client.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            tokio::time::sleep(ANSWER_STALL_MAX / 2).await;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            let mut answer = vec![0; ANSWER_BYTES];
            client.read_exact(&mut answer).await.unwrap();

            assert!(head.starts_with(b"HTTP/1.1 200") && answer.iter().all(|byte| *byte == b'x'));
        }
    }
}
