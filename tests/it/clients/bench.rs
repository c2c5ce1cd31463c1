//! A host as a process, receivers in other languages, and payloads that are hard to verify.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use hooksieve::client::Client;
use hooksieve::wire::{NewWebhook, PayloadFormat, PutProject, Webhook};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::installed::{self, SOURCES};
use crate::app::{PROJECT, member};
use crate::process::Process;

/// How long a test waits for a line of a receiver.
const PATIENCE: Duration = Duration::from_secs(60);

/// The `currentValue` of events: what serialisers and signatures stumble over.
pub fn payloads() -> Vec<String> {
    let large: Vec<String> = (0..20_000).map(|n| format!(r#"{{"n":{n},"t":"größer {n}"}}"#)).collect();
    vec![
        "null".to_owned(),
        "{}".to_owned(),
        r#"{"":"","a":[],"b":{},"c":null,"d":[[],{}]}"#.to_owned(),
        // Characters of one to four bytes, escaped and not, and those that are escaped in some languages only.
        r#"{"é\u2028\u2029":"\ud83d\ude00 😀 \/ / \" \\ \b\f\n\r\t \u0000\u001f \u007f ÿ 中 <script>&amp;'"}"#
            .to_owned(),
        // Numbers that have several spellings.
        r#"{"a":1.0,"b":1e21,"c":1E-7,"d":-0,"e":0.1e-6,"f":123456789012345680000,"g":5e-324,"h":4.35,"i":1.50}"#
            .to_owned(),
        // Keys that JavaScript reorders, and keys that objects have anyway.
        r#"{"b":1,"10":2,"9":3,"a":4,"01":5,"__proto__":{"x":1},"constructor":{"prototype":{"y":2}},"toJSON":6}"#
            .to_owned(),
        // A key that is given twice.
        r#"{"a":1,"b":2,"a":3}"#.to_owned(),
        format!("[{}]", large.join(", ")),
    ]
}

/// How a webhook comes to its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretKind {
    /// Hooksieve made it.
    Generated,
    /// The user chose some text.
    Chosen,
    /// The user chose a key in base64, as Standard Webhooks has it.
    ChosenKey,
}

impl SecretKind {
    pub const ALL: [Self; 3] = [Self::Generated, Self::Chosen, Self::ChosenKey];

    pub fn chosen(self) -> Option<&'static str> {
        match self {
            Self::Generated => None,
            Self::Chosen => Some("It's a Secret to Everybody – ✓"),
            Self::ChosenKey => Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        }
    }
}

/// A receiver's program, and the ways to verify that it has as paths.
#[derive(Clone, Copy, Debug)]
pub enum Program {
    Express,
    Fastify,
    Python,
}

impl Program {
    pub const ALL: [Self; 3] = [Self::Express, Self::Fastify, Self::Python];

    pub fn ways(self) -> &'static [&'static str] {
        match self {
            Self::Express | Self::Fastify => &["raw", "parsed"],
            Self::Python => &["raw"],
        }
    }

    fn command(self) -> Command {
        let script = |path: &str| Path::new(SOURCES).join(path);
        let node = |path: &str| {
            let mut node = Command::new("node");
            node.arg(script(path)).env("NODE_PATH", installed::node());
            node
        };
        match self {
            Self::Express => node("node/express.js"),
            Self::Fastify => node("node/fastify.js"),
            Self::Python => {
                let mut python = Command::new(installed::python("python"));
                python.arg("-B").arg(script("python/receiver.py"));
                python
            }
        }
    }
}

/// A receiver that runs until it is dropped.
pub struct Foreign {
    base: String,
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
    _stdin: ChildStdin,
}

/// What a receiver said of one request.
#[derive(Debug)]
pub struct Judged {
    pub path: String,
    pub id: String,
    pub status: u64,
    pub ways: BTreeMap<String, bool>,
}

impl Foreign {
    /// Starts it with the secrets that it keeps, by the last segment of the paths.
    pub async fn start(program: Program, secrets: &BTreeMap<String, String>) -> Self {
        let mut command = program.command();
        command.env("SECRETS", serde_json::to_string(secrets).unwrap());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let stdin = child.stdin.take().unwrap();
        let base = line(&mut lines).await;
        Self { base, lines, _child: child, _stdin: stdin }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The next request that it has answered.
    pub async fn next(&mut self) -> Judged {
        let said: Value = serde_json::from_str(&line(&mut self.lines).await).unwrap();
        let text = |name: &str| said[name].as_str().unwrap().to_owned();
        let ways = said["ways"].as_object().unwrap().iter();
        Judged {
            path: text("path"),
            id: text("id"),
            status: said["status"].as_u64().unwrap(),
            ways: ways.map(|(way, holds)| (way.clone(), holds.as_bool().unwrap())).collect(),
        }
    }
}

pub(super) async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("the receiver says nothing");
    line.unwrap().expect("the receiver has ended")
}

/// A host with a user who is a member of [`PROJECT`].
pub struct Bench {
    pub host: Process,
    pub user: Client,
    pub user_token: String,
    _data: TempDir,
}

impl Bench {
    pub async fn start() -> Self {
        let data = TempDir::new().unwrap();
        let host = Process::start(data.path(), &[("HOOKSIEVE_DELIVERY_RETRY_DELAYS_SECS", "1,1")]).await;
        let operator = host.operator();
        operator.put_project(PROJECT, &PutProject::default()).await.unwrap();
        let user_token = member(&operator, "ada").await;
        let user = host.client(&user_token);
        Self { host, user, user_token, _data: data }
    }

    /// Registers a webhook for `TODO_CREATED`, and tells its secret.
    pub async fn register(&self, url: &str, kind: SecretKind, format: PayloadFormat) -> (Webhook, String) {
        let new = NewWebhook {
            url: url.to_owned(),
            events: vec!["TODO_CREATED".to_owned()],
            secret: kind.chosen().map(Into::into),
            payload_format: Some(format),
            ..NewWebhook::default()
        };
        let mut webhook = self.user.create_webhook(&new).await.unwrap();
        let secret = webhook.secret.take().unwrap().expose().to_owned();
        (webhook, secret)
    }

    /// Posts a `TODO_CREATED` with this record.
    pub async fn post(&self, id: &str, current_value: &str) {
        let event =
            format!(r#"{{"id":"{id}","event":"TODO_CREATED","projectId":"{PROJECT}","currentValue":{current_value}}}"#);
        self.host.operator().send_event_text(event).await.unwrap();
    }
}
