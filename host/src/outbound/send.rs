//! One HTTP request, bounded in everything: where it goes, how long it takes, how much is read.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{
    self,
    ErrorKind::{BrokenPipe, ConnectionReset, InvalidData, InvalidInput, TimedOut, UnexpectedEof},
};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::Uri;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::http::uri::Scheme;
use url::Url;

use super::dial::{NotInTime, Pool, TooMuch};
use super::redact::redact;
use crate::egress::{self, Policy};
use crate::model::delivery::AttemptError;
use crate::model::limits::{ATTEMPT_TIMEOUT, CONNECT_TIMEOUT, CONNECTIONS_KEPT_MAX, RESPONSE_BYTES_MAX};
use crate::model::secret::Secret;
use crate::resolve::{ResolveError, Resolver};

/// How requests are made.
#[derive(Clone)]
pub struct SendOptions {
    /// Where they may go.
    pub policy: Policy,
    /// How names become addresses.
    pub resolver: Resolver,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// Time for the whole attempt, body included.
    pub attempt_timeout: Duration,
    /// Connections that are kept, about.
    pub connections_kept_max: usize,
}

impl SendOptions {
    /// With the default time limits.
    #[must_use]
    pub fn new(policy: Policy, resolver: Resolver) -> Self {
        Self {
            policy,
            resolver,
            connect_timeout: CONNECT_TIMEOUT,
            attempt_timeout: ATTEMPT_TIMEOUT,
            connections_kept_max: CONNECTIONS_KEPT_MAX,
        }
    }
}

/// One request to make.
pub struct Request<'a> {
    /// Where to.
    pub url: &'a str,
    /// The webhook's own headers.
    pub headers: &'a BTreeMap<String, Secret>,
    /// The signature headers.
    pub signed: Vec<(&'static str, String)>,
    /// The body, JSON.
    pub body: String,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// The status, if the endpoint answered.
    pub status: Option<u16>,
    /// Why it failed, if it did.
    pub error: Option<AttemptError>,
    /// More about the failure.
    pub error_detail: Option<String>,
    /// The value of `Retry-After`.
    pub retry_after: Option<String>,
    /// The beginning of the response body.
    pub response: Vec<u8>,
}

impl Sent {
    fn failed(failed: Failed) -> Self {
        let mut sent = Self::default();
        sent.fail(failed);
        sent
    }

    /// What the endpoint has said by then stays: a status means what it means, whatever happens to its body.
    fn fail(&mut self, Failed(error, detail): Failed) {
        (self.error, self.error_detail) = (Some(error), Some(detail));
    }
}

/// Why there is no whole answer, and more about it.
struct Failed(AttemptError, String);

/// How much of an answer's body was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    /// All that there is.
    Whole,
    /// It went on.
    Beginning,
}

/// Makes requests over kept connections.
pub struct Sender {
    pool: Pool,
    options: SendOptions,
}

impl Sender {
    /// A sender with its own connections.
    ///
    /// # Errors
    /// When TLS cannot be set up, for instance because the machine has no root certificates.
    pub fn new(options: SendOptions) -> Result<Self, rustls::Error> {
        Ok(Self { pool: Pool::new(&options)?, options })
    }

    /// Makes the request. Every way it can fail is an answer, not an error.
    pub async fn send(&self, request: Request<'_>) -> Sent {
        self.send_within(request, self.options.attempt_timeout).await
    }

    /// The same in `limit`, if that is shorter than what every attempt has.
    pub async fn send_within(&self, request: Request<'_>, limit: Duration) -> Sent {
        let limit = limit.min(self.options.attempt_timeout);
        // Before anything is kept of it: a connection that is kept already is dialled by nobody.
        if let Err(refused) = egress::judge_url(request.url, &self.options.policy) {
            return Sent::failed(Failed(AttemptError::Refused, ResolveError::from(refused).to_string()));
        }
        let own_headers = request.headers;
        let mut sent = Sent::default();
        let read = match tokio::time::timeout(limit, exchange(&self.pool, request, &mut sent)).await {
            Ok(Ok(read)) => read,
            Ok(Err(failed)) => {
                sent.fail(failed);
                Read::Beginning
            }
            Err(_) => {
                let detail = format!("no complete answer within {} s", limit.as_secs_f32());
                sent.fail(Failed(AttemptError::Timeout, detail));
                Read::Beginning
            }
        };
        redact(&mut sent.response, own_headers.values().map(Secret::expose), read == Read::Beginning);
        sent
    }
}

/// What the endpoint says goes into `sent` as it comes in, so that it is known even where the time ends.
async fn exchange(pool: &Pool, request: Request<'_>, sent: &mut Sent) -> Result<Read, Failed> {
    let request = to_http(request).map_err(|detail| Failed(AttemptError::Refused, detail))?;
    let is_tls = request.uri().scheme() == Some(&Scheme::HTTPS);
    let asking = pool.request(request).await;
    let response = asking.map_err(|error| {
        let point = match (error.is_connect(), is_tls) {
            (true, false) => Point::Connecting,
            (true, true) => Point::Securing,
            (false, _) => Point::Exchanging,
        };
        classify(&error, point)
    })?;
    let status = response.status().as_u16();
    sent.status = Some(status);
    sent.error = match status {
        200..=299 => None,
        300..=399 => Some(AttemptError::Redirect),
        _ => Some(AttemptError::Status),
    };
    let retry_after = response.headers().get(RETRY_AFTER);
    sent.retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
    read_beginning(response.into_body(), &mut sent.response).await.map_err(|error| classify(&error, Point::Exchanging))
}

/// Reads as much of the body as the log keeps. What is longer is not read: the connection is closed.
async fn read_beginning(mut body: Incoming, beginning: &mut Vec<u8>) -> hyper::Result<Read> {
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame?.into_data() else { continue };
        let room = RESPONSE_BYTES_MAX - beginning.len();
        beginning.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if beginning.len() == RESPONSE_BYTES_MAX {
            return Ok(Read::Beginning);
        }
    }
    Ok(Read::Whole)
}

fn to_http(request: Request<'_>) -> Result<hyper::Request<Full<Bytes>>, String> {
    let headers = headers(&request)?;
    let url = Url::parse(request.url).map_err(|error| error.to_string())?;
    let uri = Uri::try_from(url.as_str()).map_err(|error| error.to_string())?;
    let mut made = hyper::Request::new(Full::from(request.body));
    *made.method_mut() = hyper::Method::POST;
    *made.uri_mut() = uri;
    *made.headers_mut() = headers;
    Ok(made)
}

fn headers(request: &Request<'_>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("Hooksieve/", env!("CARGO_PKG_VERSION"))));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in request.headers {
        let name = HeaderName::try_from(name).map_err(|_| format!("the header {name} has no valid name"))?;
        let mut value =
            HeaderValue::try_from(value.expose()).map_err(|_| format!("the header {name} has no valid value"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    for (name, value) in &request.signed {
        let value = HeaderValue::try_from(value).map_err(|_| format!("the header {name} has no valid value"))?;
        headers.insert(*name, value);
    }
    Ok(headers)
}

/// How far it had come.
#[derive(Clone, Copy)]
enum Point {
    /// No connection without TLS was made.
    Connecting,
    /// No connection with TLS was made.
    Securing,
    /// There was a connection.
    Exchanging,
}

/// What an error is called, and the innermost cause of it.
fn classify(error: &(dyn Error + 'static), point: Point) -> Failed {
    let mut class = match point {
        Point::Connecting | Point::Securing => AttemptError::Connect,
        Point::Exchanging => AttemptError::Broken,
    };
    let mut innermost = error.to_string();
    for cause in causes(error) {
        class = class_of(cause, point).unwrap_or(class);
        innermost = cause.to_string();
    }
    Failed(class, innermost)
}

/// An error and its causes, those too that an I/O error carries inside without naming them as its source.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| {
        let inside = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| cause.source())
    })
}

/// What one cause of an error says of its class, if anything.
fn class_of(cause: &(dyn Error + 'static), point: Point) -> Option<AttemptError> {
    if cause.is::<rustls::Error>() {
        return Some(AttemptError::Tls);
    }
    if cause.is::<NotInTime>() {
        return Some(AttemptError::Timeout);
    }
    if cause.is::<TooMuch>() {
        return Some(AttemptError::Malformed);
    }
    if let Some(error) = cause.downcast_ref::<ResolveError>() {
        return Some(match error {
            ResolveError::Refused(_) => AttemptError::Refused,
            ResolveError::Lookup(_) => AttemptError::Dns,
        });
    }
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        return error.is_parse().then_some(AttemptError::Malformed);
    }
    let error = cause.downcast_ref::<io::Error>()?;
    match (point, error.kind()) {
        (_, TimedOut) => Some(AttemptError::Timeout),
        // There was a connection before there was none.
        (Point::Connecting, ConnectionReset) => Some(AttemptError::Broken),
        (Point::Securing, UnexpectedEof | ConnectionReset | BrokenPipe) => Some(AttemptError::Tls),
        // So hyper says that chunks make no sense.
        (Point::Exchanging, InvalidData | InvalidInput) => Some(AttemptError::Malformed),
        _ => None,
    }
}

#[cfg(test)]
impl Sender {
    /// One for tests that send nothing.
    pub(crate) fn to_nowhere() -> Self {
        let options = SendOptions::new(Policy::default(), Resolver::System);
        Self::new(options).expect("a client needs nothing but root certificates")
    }
}
