//! Where we dial and where we never do: the egress policy through the real API, a real socket and a resolver
//! that answers as a test says.
//!
//! 127.0.0.1 stands for the public internet: the policy of these hosts allows it at high ports, and nothing
//! else of this machine. 127.0.0.2 and ::1 stand for everything private: there are [`Trap`]s.

mod allowed;
mod answers;
mod guards;
mod names;
mod proxies;
mod spellings;

use std::collections::{HashMap, VecDeque};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hooksieve::client::Client;
use hooksieve::config::Config;
use hooksieve::resolve::{Names, Resolver};
use hooksieve::wire::{Attempt, AttemptError, Webhook};

use crate::app::{TestApp, only_delivery};
use crate::receiver::Receiver;

/// Only what stands for the public internet is allowed.
fn strict(config: &mut Config) {
    config.dev = false;
    config.egress.allow = rules(&["127.0.0.1:1024-65535"]);
}

fn rules(texts: &[&str]) -> Vec<hooksieve::egress::AllowRule> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// A resolver whose answers a test scripts.
#[derive(Default)]
struct Script(Mutex<HashMap<String, Answers>>);

#[derive(Default)]
struct Answers {
    coming: VecDeque<Vec<IpAddr>>,
    at_last: Vec<IpAddr>,
    count: usize,
}

impl Script {
    fn resolver(self: &Arc<Self>) -> Resolver {
        Resolver::Table(Arc::clone(self) as Arc<dyn Names>)
    }

    /// From now on `name` has these addresses.
    fn set(&self, name: &str, addresses: &[&str]) {
        self.set_in_turn(name, &[addresses]);
    }

    /// From now on one lookup after the other gets these answers, and the last again and again.
    fn set_in_turn(&self, name: &str, answers: &[&[&str]]) {
        let parse = |text: &&str| text.parse().unwrap();
        let mut coming: VecDeque<Vec<IpAddr>> =
            answers.iter().map(|addresses| addresses.iter().map(parse).collect()).collect();
        let at_last = coming.pop_back().unwrap();
        self.0.lock().unwrap().insert(name.to_owned(), Answers { coming, at_last, count: 0 });
    }

    /// How often `name` was looked up since its answers were set.
    fn count(&self, name: &str) -> usize {
        self.0.lock().unwrap()[name].count
    }
}

#[async_trait]
impl Names for Script {
    async fn addresses(&self, name: &str) -> Vec<IpAddr> {
        let mut names = self.0.lock().unwrap();
        let Some(answers) = names.get_mut(name) else { return Vec::new() };
        answers.count += 1;
        answers.coming.pop_front().unwrap_or_else(|| answers.at_last.clone())
    }
}

/// A private address that is never to be dialled.
struct Trap(TcpListener);

impl Trap {
    /// At the port that a receiver has on 127.0.0.1, so that only the address tells them apart.
    fn beside(receiver: &Receiver) -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 2], receiver.port())))
    }

    fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// Connections are complete before anybody accepts them, so none can be missed.
    fn assert_never_dialled(&self, at: &str) {
        let accepted = self.0.accept().map(|(_, from)| from);
        assert!(accepted.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "{at}: {accepted:?}");
    }
}

/// The only attempt that was made for a webhook.
async fn only_attempt(client: &Client, webhook: &Webhook) -> Attempt {
    let [only] = <[Attempt; 1]>::try_from(only_delivery(client, webhook).await.attempts).unwrap();
    only
}

fn assert_refused(attempt: &Attempt, words: &str, at: &str) {
    assert_eq!((attempt.error, attempt.status), (Some(AttemptError::Refused), None), "{at}: {attempt:?}");
    let detail = attempt.error_detail.as_deref().unwrap_or_default();
    assert!(detail.contains(words), "{at}: {attempt:?}");
}

/// A user's client of such a host.
async fn host(script: &Arc<Script>) -> (TestApp, Client) {
    let app = TestApp::start_resolving(script.resolver(), strict).await;
    let user = app.user("u1").await;
    (app, user)
}
