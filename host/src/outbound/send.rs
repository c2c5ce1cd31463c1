//! One HTTP request, bounded in everything: where it goes, how long it takes, how much is read.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use super::redact::redact;
use crate::egress::{self, Policy};
use crate::model::delivery::AttemptError;
use crate::model::limits::{ATTEMPT_TIMEOUT, CONNECT_TIMEOUT, RESPONSE_BYTES_MAX};
use crate::model::secret::Secret;
use crate::resolve::{ResolveError, Resolver};

/// Ports whose connections are kept at a time; one more takes the place of another.
const CLIENTS_MAX: usize = 64;
/// Ports whose connections are always kept: nobody's odd port costs everybody theirs.
const USUAL_PORTS: [u16; 2] = [80, 443];

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
}

impl SendOptions {
    /// With the default time limits.
    #[must_use]
    pub fn new(policy: Policy, resolver: Resolver) -> Self {
        Self { policy, resolver, connect_timeout: CONNECT_TIMEOUT, attempt_timeout: ATTEMPT_TIMEOUT }
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
    fn failed(error: AttemptError, detail: impl Into<String>) -> Self {
        Self { error: Some(error), error_detail: Some(detail.into()), ..Self::default() }
    }
}

/// Makes requests over kept connections.
pub struct Sender {
    /// One client for each port: the hook that judges addresses is told a name but no port, and what the
    /// operator allows may hang on the port.
    clients: Mutex<HashMap<u16, reqwest::Client>>,
    options: SendOptions,
}

impl Sender {
    /// A sender with its own connections.
    ///
    /// # Errors
    /// When TLS cannot be set up, for instance because the machine has no root certificates.
    pub fn new(options: SendOptions) -> Result<Self, reqwest::Error> {
        let sender = Self { clients: Mutex::default(), options };
        sender.client(443)?;
        Ok(sender)
    }

    /// One for tests that send nothing.
    #[cfg(test)]
    pub(crate) fn to_nowhere() -> Self {
        Self { clients: Mutex::default(), options: SendOptions::new(Policy::default(), Resolver::System) }
    }

    fn client(&self, port: u16) -> Result<reqwest::Client, reqwest::Error> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&port) {
            return Ok(client.clone());
        }
        let SendOptions { policy, resolver, connect_timeout, .. } = self.options.clone();
        let client = reqwest::Client::builder()
            .user_agent(concat!("Hooksieve/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(connect_timeout)
            .dns_resolver(Arc::new(Judging { policy, resolver, port }))
            .build()?;
        if clients.len() == CLIENTS_MAX {
            let other = clients.keys().copied().find(|port| !USUAL_PORTS.contains(port));
            if let Some(other) = other {
                clients.remove(&other);
            }
        }
        clients.insert(port, client.clone());
        Ok(client)
    }

    /// Makes the request. Every way it can fail is an answer, not an error.
    pub async fn send(&self, request: Request<'_>) -> Sent {
        self.send_within(request, self.options.attempt_timeout).await
    }

    /// The same in `limit`, if that is shorter than what every attempt has.
    pub async fn send_within(&self, request: Request<'_>, limit: Duration) -> Sent {
        let limit = limit.min(self.options.attempt_timeout);
        // Literals never reach the resolver, so the URL is judged here as well.
        let target = match egress::judge_url(request.url, &self.options.policy) {
            Ok(target) => target,
            Err(refused) => return Sent::failed(AttemptError::Refused, ResolveError::from(refused).to_string()),
        };
        let client = match self.client(target.port()) {
            Ok(client) => client,
            Err(error) => return Sent::failed(AttemptError::Tls, error.to_string()),
        };
        match tokio::time::timeout(limit, exchange(&client, request)).await {
            Ok(sent) => sent,
            Err(_) => {
                let limit = limit.as_secs_f32();
                Sent::failed(AttemptError::Timeout, format!("no complete answer within {limit} s"))
            }
        }
    }
}

async fn exchange(client: &reqwest::Client, request: Request<'_>) -> Sent {
    let own_headers = request.headers;
    let headers = match headers(&request) {
        Ok(headers) => headers,
        Err(detail) => return Sent::failed(AttemptError::Refused, detail),
    };
    let sending = client.post(request.url).headers(headers).body(request.body).send();
    let mut response = match sending.await {
        Ok(response) => response,
        Err(error) => return classify(&error),
    };
    let status = response.status();
    let error = match status.as_u16() {
        200..=299 => None,
        300..=399 => Some(AttemptError::Redirect),
        _ => Some(AttemptError::Status),
    };
    let retry_after = response.headers().get(RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut sent = Sent { status: Some(status.as_u16()), error, retry_after, ..Sent::default() };
    if let Err(error) = read_beginning(&mut response, &mut sent.response).await {
        let broken = classify(&error);
        (sent.error, sent.error_detail) = (broken.error, broken.error_detail);
    }
    redact(&mut sent.response, own_headers.values().map(Secret::expose));
    sent
}

/// Reads as much of the body as the log keeps. What is longer is not read: the connection is closed.
async fn read_beginning(response: &mut reqwest::Response, beginning: &mut Vec<u8>) -> Result<(), reqwest::Error> {
    while let Some(chunk) = response.chunk().await? {
        let room = RESPONSE_BYTES_MAX - beginning.len();
        beginning.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if beginning.len() == RESPONSE_BYTES_MAX {
            return Ok(());
        }
    }
    Ok(())
}

fn headers(request: &Request<'_>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(reqwest::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
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

fn classify(error: &reqwest::Error) -> Sent {
    let mut class = if error.is_connect() { AttemptError::Connect } else { AttemptError::Broken };
    let mut innermost = error.to_string();
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(cause) = next {
        next = cause.source();
        innermost = cause.to_string();
        if let Some(resolve) = cause.downcast_ref::<ResolveError>() {
            class = match resolve {
                ResolveError::Refused(_) => AttemptError::Refused,
                ResolveError::Lookup(_) => AttemptError::Dns,
            };
            break;
        }
        if cause.is::<rustls::Error>() {
            class = AttemptError::Tls;
        }
        // An I/O error may carry the TLS error inside without naming it as its source.
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
            class = AttemptError::Tls;
        }
    }
    if error.is_timeout() {
        class = AttemptError::Timeout;
        innermost = "no connection in time".to_owned();
    }
    Sent::failed(class, innermost)
}

/// Judges every address of a name; only what was judged is dialled.
struct Judging {
    policy: Policy,
    resolver: Resolver,
    port: u16,
}

impl Resolve for Judging {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, resolver) = (self.policy.clone(), self.resolver.clone());
        let url = format!("http://{}:{}/", name.as_str(), self.port);
        Box::pin(async move {
            let target = egress::judge_url(&url, &policy).map_err(ResolveError::from)?;
            let addresses = resolver.resolve(&target, &policy).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn judging(name: &str, address: &str) -> (Judging, Name) {
        let address: IpAddr = address.parse().unwrap();
        let table = HashMap::from([(name.to_owned(), vec![address])]);
        let resolver = Resolver::Table(Arc::new(table));
        (Judging { policy: Policy::default(), resolver, port: 443 }, name.parse().unwrap())
    }

    #[tokio::test]
    async fn a_name_that_no_url_brought_is_judged_as_one() {
        let (judging, name) = judging("printer.local", "8.8.8.8");

        let refused = judging.resolve(name).await.err().expect("a private name");

        let refused = refused.downcast::<ResolveError>().unwrap();
        assert!(matches!(*refused, ResolveError::Refused(_)), "{refused:?}");
    }

    #[tokio::test]
    async fn the_client_gets_the_addresses_that_were_judged_with_their_port() {
        let (judging, name) = judging("public.example", "8.8.8.8");

        let addresses: Vec<_> = judging.resolve(name).await.unwrap().collect();

        assert_eq!(addresses, ["8.8.8.8:443".parse().unwrap()]);
    }
}
