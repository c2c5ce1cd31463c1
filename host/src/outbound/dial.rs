//! How an endpoint is reached: to judged addresses only, in bounded time, and reading no more than a bound.
//!
//! The client follows no redirects, asks no proxy of the environment, keeps no cookies and decompresses nothing,
//! because it is only this: a pool of HTTP/1.1 connections. The certificates that the machine trusts are read once.
//!
//! The library's pool bounds what it keeps for one host, and not what it keeps for all. So where more are open than are to be
//! kept, another pool takes its place, and all connections of the former that carry no request are closed with it. TLS
//! sessions are resumed over that: both pools have one configuration.

use std::error::Error;
use std::future::{Future, Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec;

use http_body_util::Full;
use hyper::Uri;
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tower_service::Service;

use super::send::SendOptions;
use crate::egress::{self, Policy};
use crate::model::limits::{ANSWER_HEAD_BYTES_MAX, ANSWER_READ_BYTES_MAX};
use crate::resolve::{ResolveError, Resolver};

type Failure = Box<dyn Error + Send + Sync>;
type Dialling<T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;
type Stream = TokioIo<Bounded<TcpStream>>;

/// There was no connection, handshake included, in the time there is for one.
#[derive(Debug, thiserror::Error)]
#[error("no connection in time")]
pub(super) struct NotInTime;

/// The endpoint sent more than is read.
#[derive(Debug, thiserror::Error)]
#[error("more than {ANSWER_READ_BYTES_MAX} bytes came in before the answer was read")]
pub(super) struct TooMuch;

/// Makes requests over kept connections, of which there are no more than a bound.
pub(super) struct Pool {
    tls: ClientConfig,
    options: SendOptions,
    current: RwLock<Arc<Kept>>,
}

/// Connections, and how many of them are open.
struct Kept {
    client: Client<Timed, Full<Bytes>>,
    open: Arc<AtomicUsize>,
}

impl Pool {
    /// A pool without connections.
    ///
    /// # Errors
    /// When TLS cannot be set up, for instance because the machine has no root certificates.
    pub(super) fn new(options: &SendOptions) -> Result<Self, rustls::Error> {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let tls = tls.with_safe_default_protocol_versions()?.with_platform_verifier()?.with_no_client_auth();
        let current = RwLock::new(Arc::new(Kept::new(&tls, options)));
        Ok(Self { tls, options: options.clone(), current })
    }

    /// Makes a request, over a connection that is kept where there is one.
    pub(super) fn request(&self, request: hyper::Request<Full<Bytes>>) -> ResponseFuture {
        self.current().client.request(request)
    }

    fn current(&self) -> Arc<Kept> {
        let current = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        if !self.has_too_many(&current) {
            return current;
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // Another may have done so meanwhile.
        if self.has_too_many(&current) {
            *current = Arc::new(Kept::new(&self.tls, &self.options));
        }
        Arc::clone(&current)
    }

    fn has_too_many(&self, kept: &Kept) -> bool {
        kept.open.load(Ordering::Relaxed) > self.options.connections_kept_max
    }
}

impl Kept {
    fn new(tls: &ClientConfig, options: &SendOptions) -> Self {
        let SendOptions { policy, resolver, connect_timeout, .. } = options.clone();
        let open = Arc::new(AtomicUsize::new(0));
        let tcp = Tcp { policy, resolver, timeout: connect_timeout, open: Arc::clone(&open) };
        let https = HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .http1_max_buf_size(ANSWER_HEAD_BYTES_MAX)
            .build(Timed { https: https.wrap_connector(tcp), timeout: connect_timeout });
        Self { client, open }
    }
}

/// Counts a connection while it is there.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(open: Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(open)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Connects, TLS included, in time.
#[derive(Clone)]
pub(super) struct Timed {
    https: HttpsConnector<Tcp>,
    timeout: Duration,
}

impl Service<Uri> for Timed {
    type Response = MaybeHttpsStream<Stream>;
    type Error = Failure;
    type Future = Dialling<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.timeout, self.https.call(uri));
        Box::pin(async move { connecting.await.map_err(|_| NotInTime)? })
    }
}

/// Connects without TLS.
#[derive(Clone)]
struct Tcp {
    policy: Policy,
    resolver: Resolver,
    timeout: Duration,
    open: Arc<AtomicUsize>,
}

impl Service<Uri> for Tcp {
    type Response = Stream;
    type Error = Failure;
    type Future = Dialling<Stream>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Self { policy, resolver, timeout, open } = self.clone();
        Box::pin(async move {
            let addresses = judged(&uri, &policy, &resolver).await?;
            let mut http = HttpConnector::new_with_resolver(Judged(addresses));
            http.enforce_http(false);
            http.set_nodelay(true);
            http.set_connect_timeout(Some(timeout));
            let stream = http.call(uri).await?;
            Ok(TokioIo::new(Bounded { stream: stream.into_inner(), unanswered: 0, _counted: Counted::new(open) }))
        })
    }
}

/// The addresses of a request's host, every one of them judged.
async fn judged(uri: &Uri, policy: &Policy, resolver: &Resolver) -> Result<Vec<std::net::SocketAddr>, ResolveError> {
    let target = egress::judge_url(&uri.to_string(), policy)?;
    resolver.resolve(&target, policy).await
}

/// Only what was judged is dialled. Asked for names alone; a literal is the address that was judged.
#[derive(Clone)]
struct Judged(Vec<std::net::SocketAddr>);

impl Service<Name> for Judged {
    type Response = vec::IntoIter<std::net::SocketAddr>;
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(self.0.clone().into_iter()))
    }
}

/// A stream that reads no more than [`ANSWER_READ_BYTES_MAX`] after it has written. An answer may have parts without an
/// end that count for neither its head nor its body: informational answers, extensions of chunks. Reading them takes
/// the processor from everybody, as fast as they come.
pub(super) struct Bounded<T> {
    stream: T,
    unanswered: usize,
    _counted: Counted,
}

impl<T: AsyncRead + Unpin> AsyncRead for Bounded<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.unanswered > ANSWER_READ_BYTES_MAX {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, TooMuch)));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.unanswered += buf.filled().len() - before;
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Bounded<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.unanswered = 0;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.unanswered = 0;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl<T: Connection> Connection for Bounded<T> {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::net::IpAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn judged_of(url: &str, name: &str) -> Result<Vec<std::net::SocketAddr>, ResolveError> {
        let address: IpAddr = "8.8.8.8".parse().unwrap();
        let resolver = Resolver::Table(Arc::new(HashMap::from([(name.to_owned(), vec![address])])));
        judged(&url.parse().unwrap(), &Policy::default(), &resolver).await
    }

    #[tokio::test]
    async fn a_name_that_no_url_brought_is_judged_as_one() {
        let refused = judged_of("https://printer.local/", "printer.local").await;

        assert!(matches!(refused, Err(ResolveError::Refused(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn the_client_gets_the_addresses_that_were_judged_with_their_port() {
        let addresses = judged_of("https://public.example/", "public.example").await;

        assert_eq!(addresses.unwrap(), ["8.8.8.8:443".parse().unwrap()]);
    }

    #[tokio::test]
    async fn a_peer_that_sends_without_an_end_is_read_up_to_the_bound_after_each_request() {
        let (ours, mut theirs) = tokio::io::duplex(4 << 10);
        let sending = tokio::spawn(async move { while theirs.write_all(&[0; 1 << 10]).await.is_ok() {} });
        let mut bounded = Bounded { stream: ours, unanswered: 0, _counted: Counted::new(Arc::default()) };

        let mut read = Vec::new();
        let first = bounded.read_to_end(&mut read).await.unwrap_err();
        // It writes, though nobody reads that.
        drop(bounded.write(b"x").await);
        let again = bounded.read(&mut [0; 1 << 10]).await;

        assert!(first.get_ref().is_some_and(|inner| inner.is::<TooMuch>()), "{first}");
        assert!(read.len() > ANSWER_READ_BYTES_MAX && read.len() <= ANSWER_READ_BYTES_MAX + (4 << 10));
        assert!(again.is_ok());
        sending.abort();
    }
}
