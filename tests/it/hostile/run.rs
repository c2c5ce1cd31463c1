//! One row: the module is uploaded, configured and asked, its neighbours are asked too, and the host is looked at.

use std::time::{Duration, Instant};

use hooksieve::client::{Client, ClientError};
use hooksieve::wire::{Filter, FilterChoice, NewWebhook, Outcome, ReasonClass, UploadQuery, Verdict, Webhook};
use tempfile::TempDir;

use super::watched::{Seen, Watched};
use super::{Expected, Row};
use crate::app::{created, filtered, http, member, raw, webhook};
use crate::process::Process;
use crate::receiver::Receiver;

/// How long the host may take to say that it lives.
const HEALTH_MAX: Duration = Duration::from_secs(1);
/// How long an event may take to a neighbour.
const DELIVERY_MAX: Duration = Duration::from_secs(2);
/// How long a refusal may be, whatever it repeats of the module: twenty names of 128 bytes, and what is said of them.
const REFUSAL_BYTES_MAX: usize = 8 << 10;
/// A configuration of `changed-fields` under which each new record is delivered.
const TITLE: &str = r#"{"fields":["/title"]}"#;
/// The neighbours' paths.
const NEIGHBOURS: [&str; 2] = ["/same-user", "/other-user"];

/// A host, a user who uploads what they should not, and neighbours.
pub struct World {
    process: Process,
    receiver: Receiver,
    user: Client,
    watched: Watched,
    before: Seen,
    events: usize,
    /// Rows that did not come to what they say.
    wrong: Vec<String>,
    _folders: [TempDir; 2],
}

/// What became of a module.
enum Became {
    Refused(ClientError),
    Unconfigured(Filter, ClientError),
    Attached(Filter, Box<Webhook>),
}

impl World {
    /// The host starts with its usual bounds, so that the bundled filters are compiled whatever the bounds of the test are.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let (data, temporary) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let settings = [settings, &[("TMPDIR", temporary.path().to_str().unwrap())]].concat();
        Process::start(data.path(), &settings[settings.len() - 1..]).await.terminate().await;
        let process = Process::start(data.path(), &settings).await;
        let receiver = Receiver::start().await;
        let operator = process.operator();
        let (user, other) =
            (process.client(&member(&operator, "hostile").await), process.client(&member(&operator, "other").await));
        for (client, path) in [&user, &other].into_iter().zip(NEIGHBOURS) {
            client.create_webhook(&filtered(&receiver.url(path), "changed-fields", Some(TITLE))).await.unwrap();
        }
        let watched = Watched::new(process.pid(), data.path(), temporary.path());
        let before = watched.now();
        let mut world = Self {
            process,
            receiver,
            user,
            watched,
            before,
            events: 0,
            wrong: Vec::new(),
            _folders: [data, temporary],
        };
        // What a host opens once and keeps is opened now.
        for _ in 0..5 {
            let good = Row::new(
                "a good filter",
                crate::guests::DONE_RECORDS.to_vec(),
                Expected::Decides("null", Outcome::Filtered),
            );
            let became = world.give(&good).await;
            let event = world.send().await;
            world.judge(&good, &became, &event).await.unwrap();
            world.take_back(became).await;
        }
        world.before = world.watched.now();
        println!("| module | bytes | what became of it | s | MiB |\n|---|---|---|---|---|");
        world
    }

    /// Does what the row says and prints what came of it.
    pub async fn run(&mut self, row: &Row) {
        let began = Instant::now();
        let became = self.give(row).await;
        let took = began.elapsed();
        let event = self.send().await;
        let told = self.judge(row, &became, &event).await.unwrap_or_else(|wrong| {
            self.wrong.push(format!("{}: {wrong}", row.name));
            format!("not as expected: {wrong}")
        });
        self.take_back(became).await;
        self.check_health(row).await;
        let now = self.watched.wait_until_nothing_is_left(&self.before).await;
        let more = i128::from(now.rss_bytes >> 20) - i128::from(self.before.rss_bytes >> 20);
        println!("| {} | {} | {told} | {:.2} | {more:+} |", row.name, row.module.len(), took.as_secs_f64());
    }

    /// After all rows.
    pub fn end(self) {
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
    }

    /// Uploads the module and gives it to a webhook.
    async fn give(&self, row: &Row) -> Became {
        let filter = match self
            .user
            .upload_filter(&UploadQuery { name: Some("hostile".to_owned()) }, row.module.clone())
            .await
        {
            Ok(filter) => filter,
            Err(error) => return Became::Refused(error),
        };
        let config = match row.expected {
            Expected::Unconfigured(config, _) | Expected::Decides(config, _) | Expected::Fails(config, _) => config,
            _ => "null",
        };
        let choice = FilterChoice { id: filter.id.clone(), config: Some(raw(config)), on_error: None };
        let new = NewWebhook { filter: Some(choice), ..webhook(&self.receiver.url("/hostile")) };
        match self.user.create_webhook(&new).await {
            Ok(webhook) => Became::Attached(filter, Box::new(webhook)),
            Err(error) => Became::Unconfigured(filter, error),
        }
    }

    /// An event, which the neighbours get; its id.
    async fn send(&mut self) -> String {
        self.events += 1;
        let began = Instant::now();
        let event = self.process.operator().send_event(&created(&format!("e{}", self.events))).await.unwrap().id;
        for path in NEIGHBOURS {
            self.receiver.wait_for(path, self.events).await;
        }
        assert!(began.elapsed() < DELIVERY_MAX, "the neighbours had to wait {:?}", began.elapsed());
        event
    }

    /// Compares what became of the module with its row; tells it in a few words.
    async fn judge(&self, row: &Row, became: &Became, event: &str) -> Result<String, String> {
        match (became, row.expected) {
            (Became::Refused(error), Expected::Refused(told)) => refusal(error, 400, told),
            (Became::Refused(error), Expected::TooLarge) => refusal(error, 413, &["bytes"]),
            (Became::Refused(error), Expected::Bounded) => refusal(error, 400, &["compiled"]),
            (Became::Unconfigured(_, error), Expected::Unconfigured(_, told)) => refusal(error, 400, told),
            (Became::Attached(..), Expected::Bounded) => Ok("compiled".to_owned()),
            (Became::Attached(_, webhook), Expected::Decides(_, outcome)) => {
                decided(self.verdict(event, webhook).await, outcome, None)
            }
            (Became::Attached(_, webhook), Expected::Fails(_, class)) => {
                decided(self.verdict(event, webhook).await, Outcome::FilterError, Some(class))
            }
            (Became::Refused(error) | Became::Unconfigured(_, error), _) => Err(error.to_string()),
            (Became::Attached(..), _) => Err("it was taken".to_owned()),
        }
    }

    async fn verdict(&self, event: &str, webhook: &Webhook) -> Verdict {
        crate::app::verdict(&self.user, event, webhook).await
    }

    async fn take_back(&self, became: Became) {
        let filter = match became {
            Became::Refused(_) => return,
            Became::Unconfigured(filter, _) => filter,
            Became::Attached(filter, webhook) => {
                self.user.delete_webhook(&webhook.id).await.unwrap();
                filter
            }
        };
        self.user.delete_filter(&filter.id).await.unwrap();
    }

    async fn check_health(&self, row: &Row) {
        let began = Instant::now();
        let answer = http().get(format!("{}/healthz", self.process.url())).send().await.unwrap();
        assert!(answer.status().is_success(), "after {}", row.name);
        assert!(began.elapsed() < HEALTH_MAX, "after {}: {:?}", row.name, began.elapsed());
    }
}

/// What a refusal tells, which must have all of `told`.
fn refusal(error: &ClientError, status: u16, told: &[&str]) -> Result<String, String> {
    let problem = error.problem().ok_or_else(|| error.to_string())?;
    let brief: String = problem.detail.chars().take(160).collect();
    if problem.detail.len() > REFUSAL_BYTES_MAX || problem.detail.contains(char::is_control) {
        return Err(format!("it repeats too much: {}", brief.escape_debug()));
    }
    let has_all = problem.status == status && told.iter().all(|told| problem.detail.contains(told));
    if has_all { Ok(format!("{status}: {brief}")) } else { Err(format!("{}: {brief}", problem.status)) }
}

fn decided(verdict: Verdict, outcome: Outcome, class: Option<ReasonClass>) -> Result<String, String> {
    let class_told = verdict.reason_class.map_or(String::new(), |class| format!("{class:?}, "));
    let reason: String = verdict.reason.iter().flat_map(|reason| reason.chars().take(80)).collect();
    let told = format!("{:?}: {class_told}{}", verdict.outcome, reason.escape_debug());
    if (verdict.outcome, verdict.reason_class) == (outcome, class) { Ok(told) } else { Err(told) }
}
