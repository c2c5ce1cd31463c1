//! Hostile receivers, each the endpoint of a webhook of a real host. What each does stands in its row as steps
//! ([`wire::Step`]), and so does what the attempt is to come to. Every attempt ends within its time limit, under the
//! documented name, and leaves no connection open; the host's memory stays flat, and two neighbours, another webhook of
//! the same user and one of another user, get what happens meanwhile.
//!
//! - [`answers`]: heads and bodies. [`breaks`]: connections that break, hang or go at a snail's pace. [`tls`]: handshakes.
//! - [`run`]: all rows at once. [`wire`]: a receiver that does what its steps say.
//! - [`reuse`]: kept connections. [`retry_after`]: the header, however it is written.

mod answers;
mod breaks;
mod retry_after;
mod reuse;
mod run;
mod tls;
mod wire;

use std::borrow::Cow;

use hooksieve::wire::AttemptError;
use wire::Step;

/// One receiver and what an attempt on it is to come to.
pub struct Row {
    pub name: Cow<'static, str>,
    pub scheme: &'static str,
    pub steps: Vec<Step>,
    pub expected: Expected,
}

/// What an attempt is to come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    pub error: Option<AttemptError>,
    pub status: Option<u16>,
    /// What the log must have of the response, from its beginning.
    pub response: Vec<u8>,
}

impl Row {
    fn new(name: impl Into<Cow<'static, str>>, steps: Vec<Step>, expected: Expected) -> Self {
        Self { name: name.into(), scheme: "http", steps, expected }
    }
}

fn fails(error: AttemptError) -> Expected {
    Expected { error: Some(error), status: None, response: Vec::new() }
}

fn succeeds(status: u16) -> Expected {
    Expected { error: None, status: Some(status), response: Vec::new() }
}

impl Expected {
    fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    fn with_response(self, response: impl Into<Vec<u8>>) -> Self {
        Self { response: response.into(), ..self }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_hostile_receiver_hurts_the_host_or_anybody_else() {
    let mut rows = answers::rows();
    rows.extend(breaks::rows());
    let pki = tls::Pki::new();
    rows.extend(tls::rows(&pki));

    run::all(rows, &pki).await;
}
