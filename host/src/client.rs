//! A typed client of the REST contract: what the command line and the tests call the host with.
//!
//! One method a route, named like its operation ([`routes`]). A refusal keeps the problem as the host told it. The
//! client neither retries nor follows anything: whoever calls knows whether trying again is right.

mod backtest;
mod replays;
mod routes;

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::{Host, Url};

use crate::wire::{Problem, SecretText};

/// Time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for a whole call; compiling an uploaded filter takes the host up to a minute.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
/// Characters of an answer that is not the contract's which an error repeats.
const EXCERPT_CHARS_MAX: usize = 200;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The host's address is not one.
    #[error("{url} is not the address of a host; it should look like http://127.0.0.1:8080")]
    Address {
        /// What was given.
        url: String,
    },
    /// The HTTP client cannot be set up on this machine.
    #[error("the HTTP client cannot be set up")]
    Setup(#[source] reqwest::Error),
    /// No answer came.
    #[error("no answer from {host}; is `hooksieve serve` running there?")]
    NoAnswer {
        /// The host's address.
        host: String,
        /// What happened.
        #[source]
        source: reqwest::Error,
    },
    /// The host refused.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// Something answered, but not as the contract says: a proxy, or a host of another version.
    #[error("an answer that is not Hooksieve's (status {status}): {excerpt}")]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer.
        excerpt: String,
    },
}

impl ClientError {
    /// The problem, if the host refused.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }
}

/// What a call answers.
pub type Result<T> = std::result::Result<T, ClientError>;

/// A host and a token to call it with.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: SecretText,
}

impl Client {
    /// A client of the host at `base_url`, such as `http://127.0.0.1:8080`, that calls with `token`.
    ///
    /// # Errors
    /// When the address is not an http or https URL, or the HTTP client cannot be set up.
    pub fn new(base_url: &str, token: &str) -> Result<Self> {
        let address = || ClientError::Address { url: base_url.to_owned() };
        let base = Url::parse(base_url).map_err(|_| address())?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(address());
        }
        // The HTTP client asks for the process's TLS provider. Ours is the only one, so it does not matter
        // who installs it first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none());
        if is_this_machine(&base) {
            // A proxy of the environment could not reach it, and would be told the token.
            http = http.no_proxy();
        }
        Ok(Self { http: http.build().map_err(ClientError::Setup)?, base, token: token.into() })
    }

    /// The same host with another token.
    #[must_use]
    pub fn with_token(&self, token: &SecretText) -> Self {
        Self { token: token.clone(), ..self.clone() }
    }

    fn get(&self, path: &[&str]) -> RequestBuilder {
        self.request(Method::GET, self.url(path))
    }

    fn list(&self, path: &[&str], query: &impl Serialize) -> RequestBuilder {
        self.request(Method::GET, self.url_with(path, query))
    }

    fn post(&self, path: &[&str]) -> RequestBuilder {
        self.request(Method::POST, self.url(path))
    }

    fn put(&self, path: &[&str]) -> RequestBuilder {
        self.request(Method::PUT, self.url(path))
    }

    fn delete(&self, path: &[&str]) -> RequestBuilder {
        self.request(Method::DELETE, self.url(path))
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url).bearer_auth(self.token.expose())
    }

    /// Each segment is escaped, so that an id cannot lead elsewhere.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().extend(path);
        url
    }

    fn url_with(&self, path: &[&str], query: &impl Serialize) -> Url {
        let mut url = self.url(path);
        let query = serde_urlencoded::to_string(query).expect("the queries of the contract are flat");
        url.set_query((!query.is_empty()).then_some(&query));
        url
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let response = self.accepted(request).await?;
        let status = response.status();
        let body = self.body(response).await?;
        serde_json::from_slice(&body).map_err(|_| unexpected(status, &body))
    }

    async fn done(&self, request: RequestBuilder) -> Result<()> {
        self.accepted(request).await.map(drop)
    }

    /// The response, unless it is a refusal.
    async fn accepted(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|source| self.no_answer(source))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = self.body(response).await?;
        Err(match serde_json::from_slice(&body) {
            Ok(problem) => ClientError::Refused(Box::new(problem)),
            Err(_) => unexpected(status, &body),
        })
    }

    async fn body(&self, response: Response) -> Result<Vec<u8>> {
        let body = response.bytes().await.map_err(|source| self.no_answer(source))?;
        Ok(body.into())
    }

    fn no_answer(&self, source: reqwest::Error) -> ClientError {
        ClientError::NoAnswer { host: self.base.to_string(), source: source.without_url() }
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn unexpected(status: StatusCode, body: &[u8]) -> ClientError {
    let excerpt = String::from_utf8_lossy(body).chars().take(EXCERPT_CHARS_MAX).collect();
    ClientError::Unexpected { status: status.as_u16(), excerpt }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{DeliveriesQuery, DeliveryState, PageQuery};

    #[test]
    fn an_id_cannot_lead_to_another_route() {
        let client = Client::new("http://127.0.0.1:8080/hooks/", "hs_a_b").unwrap();

        let url = client.url(&["v1", "events", "../users/u1?x"]);

        assert_eq!(url.as_str(), "http://127.0.0.1:8080/hooks/v1/events/..%2Fusers%2Fu1%3Fx");
    }

    #[test]
    fn a_query_has_only_what_was_asked_for() {
        let client = Client::new("http://127.0.0.1:8080", "hs_a_b").unwrap();
        let query = DeliveriesQuery { state: Some(DeliveryState::Failed), limit: Some(5), ..Default::default() };

        assert_eq!(client.url_with(&["x"], &query).as_str(), "http://127.0.0.1:8080/x?state=failed&limit=5");
        assert_eq!(client.url_with(&["x"], &PageQuery::default()).as_str(), "http://127.0.0.1:8080/x");
    }

    #[test]
    fn what_is_not_the_address_of_a_host_is_refused() {
        for url in ["127.0.0.1:8080", "ftp://a.example", "localhost"] {
            assert!(matches!(Client::new(url, "hs_a_b"), Err(ClientError::Address { .. })), "{url}");
        }
    }

    #[test]
    fn the_token_does_not_show_in_debug_output() {
        let client = Client::new("http://127.0.0.1:8080", "hs_a_hush").unwrap();

        assert!(!format!("{client:?}").contains("hush"));
    }
}
