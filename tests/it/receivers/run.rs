//! All rows at once: each receiver has a webhook, each webhook gets the same events, and the neighbours get others.

use std::fs;
use std::time::{Duration, Instant};

use hooksieve::client::Client;
use hooksieve::wire::{Attempt, DeliveriesQuery, NewWebhook, Webhook};
use tempfile::TempDir;

use super::tls::Pki;
use super::wire::Hostile;
use super::{AttemptError, Expected, Row};
use crate::app::{created, data_folder, marked, member, webhook};
use crate::hostile::watched::Watched;
use crate::process::{Process, most_resident_bytes};
use crate::receiver::Receiver;

/// The time limit of attempts, in seconds.
const LIMIT_SECS: u64 = 2;
/// How much longer than its time limit an attempt may take.
const LATE_MAX: Duration = Duration::from_millis(500);
/// How long an event may take to a neighbour.
const DELIVERY_MAX: Duration = Duration::from_secs(2);
/// Events that every hostile receiver gets at once.
const EVENTS: usize = 3;
/// Events that the neighbours get meanwhile, one after the other.
const NEIGHBOURS_EVENTS: usize = 20;
/// How much more memory the host may have at any time than before.
const PEAK_BYTES_MAX: u64 = 64 << 20;
/// How long the test waits for what should be soon.
const PATIENCE: Duration = Duration::from_secs(30);
const NEIGHBOURS: [&str; 2] = ["/same-user", "/other-user"];

/// A row, its receiver and its webhook.
struct Running {
    row: Row,
    hostile: Hostile,
    webhook: Webhook,
}

pub async fn all(rows: Vec<Row>, pki: &Pki) {
    let (data, temporary) = (data_folder().await, TempDir::new().unwrap());
    let roots = temporary.path().join("roots.pem");
    fs::write(&roots, &pki.root).unwrap();
    let settings = [
        ("SSL_CERT_FILE", roots.to_str().unwrap()),
        ("TMPDIR", temporary.path().to_str().unwrap()),
        ("HOOKSIEVE_DELIVERY_ATTEMPT_TIMEOUT_SECS", &LIMIT_SECS.to_string()),
        // One attempt of each delivery is what the rows are about.
        ("HOOKSIEVE_DELIVERY_RETRY_DELAYS_SECS", "3600"),
    ];
    let process = Process::start(data.path(), &settings).await;
    let (operator, receiver) = (process.operator(), Receiver::start().await);
    let user = process.client(&member(&operator, "hostile").await);
    let other = process.client(&member(&operator, "other").await);
    for (client, path) in [&user, &other].into_iter().zip(NEIGHBOURS) {
        let events = vec!["TODO_DONE_STATUS_UPDATED".to_owned()];
        client.create_webhook(&NewWebhook { events, ..webhook(&receiver.url(path)) }).await.unwrap();
    }
    tell_neighbours(&operator, &receiver, 1).await;
    let watched = Watched::new(process.pid(), data.path(), temporary.path());
    let before = watched.now();

    let running = start(&user, rows).await;
    for number in 0..EVENTS {
        operator.send_event(&created(&format!("hostile-{number}"))).await.unwrap();
    }
    for count in 2..2 + NEIGHBOURS_EVENTS {
        tell_neighbours(&operator, &receiver, count).await;
    }
    let wrong = judge(&user, &running).await;
    wait_until_closed(&running).await;
    let peak = most_resident_bytes(process.pid()).saturating_sub(before.rss_bytes);
    println!("the host's memory grew by {} MiB at the most", peak >> 20);
    for Running { webhook, .. } in &running {
        user.delete_webhook(&webhook.id).await.unwrap();
    }
    drop(running);

    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(peak < PEAK_BYTES_MAX, "{} MiB", peak >> 20);
    watched.wait_until_nothing_is_left(&before).await;
}

async fn start(user: &Client, rows: Vec<Row>) -> Vec<Running> {
    let mut running = Vec::new();
    for row in rows {
        let hostile = Hostile::start(row.steps.clone());
        let url = format!("{}://127.0.0.1:{}/", row.scheme, hostile.port());
        let new = NewWebhook { events: vec!["TODO_CREATED".to_owned()], ..webhook(&url) };
        let webhook = user.create_webhook(&new).await.unwrap();
        running.push(Running { row, hostile, webhook });
    }
    running
}

/// An event for the neighbours, who are to have `count` then.
async fn tell_neighbours(operator: &Client, receiver: &Receiver, count: usize) {
    let began = Instant::now();
    operator.send_event(&marked(&format!("neighbours-{count}"), true)).await.unwrap();
    for path in NEIGHBOURS {
        receiver.wait_for(path, count).await;
    }
    assert!(began.elapsed() < DELIVERY_MAX, "the neighbours had to wait {:?}", began.elapsed());
}

/// What did not come to what its row says.
async fn judge(user: &Client, running: &[Running]) -> Vec<String> {
    let mut wrong = Vec::new();
    println!("| receiver | what came of it | ms |\n|---|---|---|");
    for Running { row, hostile, webhook } in running {
        let attempts = attempts(user, webhook).await;
        let slowest = attempts.iter().map(|attempt| attempt.duration_ms).max().unwrap_or_default();
        println!("| {} | {} | {slowest} |", row.name, told(&attempts[0]));
        for attempt in attempts.iter().filter(|attempt| !is_as(&row.expected, attempt)) {
            wrong.push(format!("{}: {}, not {:?}", row.name, told(attempt), (row.expected.error, row.expected.status)));
        }
        if Duration::from_millis(slowest) > Duration::from_secs(LIMIT_SECS) + LATE_MAX {
            wrong.push(format!("{}: {slowest} ms", row.name));
        }
        if row.expected.error == Some(AttemptError::Redirect) && hostile.requests() != EVENTS {
            wrong.push(format!("{}: {} requests", row.name, hostile.requests()));
        }
    }
    wrong
}

fn is_as(expected: &Expected, attempt: &Attempt) -> bool {
    (attempt.error, attempt.status) == (expected.error, expected.status)
        && attempt.error_detail.is_some()
            == !matches!(expected.error, None | Some(AttemptError::Status | AttemptError::Redirect))
        && attempt.response.starts_with(&*String::from_utf8_lossy(&expected.response))
}

fn told(attempt: &Attempt) -> String {
    let error = attempt.error.map_or("success".to_owned(), |error| format!("{error:?}").to_lowercase());
    let status = attempt.status.map_or(String::new(), |status| format!(", {status}"));
    let detail = attempt.error_detail.as_ref().map_or(String::new(), |detail| format!(": {detail}"));
    let bytes = attempt.response.len();
    format!("{error}{status}{detail}{}", if bytes > 0 { format!(", {bytes} bytes of response") } else { String::new() })
}

/// The first attempt of every delivery to the webhook.
async fn attempts(user: &Client, webhook: &Webhook) -> Vec<Attempt> {
    let began = Instant::now();
    let deliveries = loop {
        let deliveries = user.list_deliveries(&webhook.id, &DeliveriesQuery::default()).await.unwrap().items;
        if deliveries.len() == EVENTS && deliveries.iter().all(|delivery| delivery.attempt_count > 0) {
            break deliveries;
        }
        assert!(began.elapsed() < PATIENCE, "{deliveries:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let mut attempts = Vec::new();
    for delivery in deliveries {
        attempts.push(user.get_delivery(&delivery.id).await.unwrap().attempts.remove(0));
    }
    attempts
}

/// Waits until the host has closed every connection to a hostile receiver.
async fn wait_until_closed(running: &[Running]) {
    let began = Instant::now();
    let is_open = |running: &&Running| running.hostile.open() > 0;
    while let Some(Running { row, .. }) = running.iter().find(is_open) {
        assert!(began.elapsed() < PATIENCE, "{} has a connection", row.name);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
