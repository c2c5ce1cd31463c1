//! What one endpoint that never answers costs the others: a hundred webhooks, ninety-nine of which answer at once, with
//! and without the hundredth, in turns within one run.
//!
//! `cargo bench --bench isolation -- --rounds 5 --secs 10 --events-per-second 10`; ends with 1 if the p99 of the healthy
//! ones is more than twice of what it is without the silent one. The silent webhook is a new one in each round, since
//! one that has failed a few times is left alone and costs nothing.

use std::net::SocketAddr;
use std::process::{ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hooksieve::client::Client;
use hooksieve::wire::{CreateToken, NewEvent, NewWebhook, PutProject, PutUser};
use serde_json::value::RawValue;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hooksieve-under-test");
const TOKEN: &str = "hs_operator_0123456789abcdef0123456789abcdef";
const PROJECT: &str = "isolation";
const HEALTHY: usize = 99;
const EVENT: &str = "TODO_CREATED";
/// How much longer the healthy ones' p99 may be beside the silent one.
const RATIO_MAX: f64 = 2.0;
/// How long the last deliveries of a round may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long, how often and how fast.
struct Plan {
    rounds: u32,
    secs: u64,
    events_per_second: u64,
}

impl Plan {
    fn read() -> anyhow::Result<Self> {
        let mut plan = Self { rounds: 5, secs: 10, events_per_second: 10 };
        // Cargo adds `--bench`.
        let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            let value = words.next().with_context(|| format!("{word} takes a number"))?;
            match word.as_str() {
                "--rounds" => plan.rounds = value.parse()?,
                "--secs" => plan.secs = value.parse()?,
                "--events-per-second" => plan.events_per_second = value.parse()?,
                _ => bail!("{word} is none of --rounds, --secs, --events-per-second"),
            }
        }
        Ok(plan)
    }
}

/// How long deliveries took, from the post of their event, in this round.
#[derive(Clone)]
struct Latencies {
    began: Instant,
    micros: Arc<Mutex<Vec<u64>>>,
}

impl Latencies {
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<u64>> {
        self.micros.lock().expect("nobody panics while it is held")
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let plan = Plan::read()?;
    let data = TempDir::new()?;
    let (_host, url) = start_host(data.path()).await?;
    let operator = Client::new(&url, TOKEN)?;
    let user = member(&operator).await?;
    let latencies = Latencies { began: Instant::now(), micros: Arc::default() };
    for _ in 0..HEALTHY {
        let address = healthy(latencies.clone()).await?;
        user.create_webhook(&webhook(address)).await?;
    }
    let silent = silent().await?;

    // The first round warms caches and connections, and does not count.
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for round in 0..=plan.rounds {
        let alone = run(&plan, &operator, &latencies).await?;
        let added = user.create_webhook(&webhook(silent)).await?;
        let beside = run(&plan, &operator, &latencies).await?;
        user.delete_webhook(&added.id).await?;
        if round > 0 {
            without.extend(alone);
            with.extend(beside);
        }
    }

    Ok(tell(without, with))
}

fn tell(mut without: Vec<u64>, mut with: Vec<u64>) -> ExitCode {
    println!("| {HEALTHY} healthy webhooks | deliveries | p50 ms | p95 ms | p99 ms |\n|---|---|---|---|---|");
    for (name, latencies) in [("alone", &mut without), ("beside a silent one", &mut with)] {
        latencies.sort_unstable();
        let [p50, p95, p99] = [0.50, 0.95, 0.99].map(|part| at(latencies, part) / 1_000.0);
        println!("| {name} | {} | {p50:.2} | {p95:.2} | {p99:.2} |", latencies.len());
    }
    let ratio = at(&with, 0.99) / at(&without, 0.99);
    println!("p99 ratio: {ratio:.2}, at most {RATIO_MAX}");
    if ratio <= RATIO_MAX { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The value below which this part of the sorted ones lies.
fn at(sorted: &[u64], part: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * part) as usize] as f64
}

/// One round: events at a steady rate, and then all that they came to.
async fn run(plan: &Plan, operator: &Client, latencies: &Latencies) -> anyhow::Result<Vec<u64>> {
    latencies.all().clear();
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / plan.events_per_second as f64));
    let events = plan.secs * plan.events_per_second;
    for _ in 0..events {
        ticks.tick().await;
        let value = RawValue::from_string(format!(r#"{{"sent":{}}}"#, latencies.now()))?;
        operator.send_event(&NewEvent { current_value: Some(value), ..NewEvent::new(EVENT, PROJECT) }).await?;
    }
    let expected = events as usize * HEALTHY;
    let ended = Instant::now();
    while latencies.all().len() < expected {
        if ended.elapsed() > PATIENCE {
            bail!("{} of {expected} deliveries came", latencies.all().len());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(std::mem::take(&mut *latencies.all()))
}

async fn start_host(data: &std::path::Path) -> anyhow::Result<(Child, String)> {
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    command.env("HOOKSIEVE_OPERATOR_TOKEN", TOKEN).env("HOOKSIEVE_LOG_LEVEL", "error");
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("it has no output")?).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(url) = line.strip_prefix("hooksieve listens on ") {
            let url = url.to_owned();
            // Kept open, or the host could not print.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok((child, url));
        }
    }
    bail!("the host ended before it listened")
}

async fn member(operator: &Client) -> anyhow::Result<Client> {
    operator.put_user("u1", &PutUser::default()).await?;
    operator.put_project(PROJECT, &PutProject::default()).await?;
    operator.add_member(PROJECT, "u1").await?;
    let token = operator.create_token("u1", &CreateToken::default()).await?;
    Ok(operator.with_token(&token.token))
}

fn webhook(address: SocketAddr) -> NewWebhook {
    NewWebhook { url: format!("http://{address}/"), events: vec![EVENT.to_owned()], ..NewWebhook::default() }
}

/// An endpoint that answers at once.
async fn healthy(latencies: Latencies) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // It ends when the host closes the connection.
            tokio::spawn(answer(BufReader::new(stream), latencies.clone()));
        }
    });
    Ok(address)
}

async fn answer(mut stream: BufReader<TcpStream>, latencies: Latencies) -> anyhow::Result<()> {
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let came = latencies.now();
        let body: serde_json::Value = serde_json::from_slice(&body)?;
        let sent = body["currentValue"]["sent"].as_u64().context("an event of another program")?;
        latencies.all().push(came - sent);
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
    }
}

/// An endpoint that takes connections and never answers.
async fn silent() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move { while stream.read(&mut [0; 4_096]).await.is_ok_and(|read| read > 0) {} });
        }
    });
    Ok(address)
}
