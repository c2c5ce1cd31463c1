//! What a page costs while the database grows: asked of the real program over HTTP, one after the other.
//!
//! Each webhook has a thousandth of the deliveries, in turn with the others', so that no two rows of a page lie together:
//! the worst there is.

use std::path::Path;
use std::time::{Duration, Instant};

use hooksieve::client::Client;
use hooksieve::clock::{Clock, SystemClock};
use hooksieve::model::Timestamp;
use hooksieve::wire::{
    DeliveriesQuery, DeliveryState, EventsQuery, KeptOutcome, PageQuery, StatsQuery, VerdictsQuery, Webhook,
};

use crate::process::Process;
use crate::rig::{stage, times};
use crate::world::{self, HELD, WEBHOOKS};

/// What was filled in is older than this, and what came since is not.
const FILLED_UNTIL: Duration = Duration::from_secs(30 * 86_400);
/// So long that a webhook has a page of what was filled in it.
const MIDDLE: Duration = Duration::from_millis(50 * WEBHOOKS as u64);

/// A kind of page.
pub struct Kind {
    pub name: &'static str,
    /// Items that a page had at the most.
    pub items: usize,
    /// Half of the pages took at most so long.
    pub p50: Duration,
    /// As many as 99 of a hundred did.
    pub p99: Duration,
}

/// Asks a host that does not run so many times for each kind of page, each time for another webhook's.
pub async fn measure(data: &Path, filled: u32, asked: usize) -> Vec<Kind> {
    let process = Process::start(data, world::SETTINGS).await;
    let user = stage::member(&process.operator()).await;
    let webhooks = webhooks(&user, asked).await;
    let deliveries = async |name, query: DeliveriesQuery| {
        let ask = async |webhook: &Webhook| user.list_deliveries(&webhook.id, &query).await.unwrap().items.len();
        timed(name, &webhooks, ask).await
    };
    let all = DeliveriesQuery::default;
    let until = middle(&user, &webhooks[0], filled).await;
    let kinds = vec![
        deliveries("the newest deliveries", all()).await,
        walk(&user, &webhooks, asked).await,
        deliveries(
            "deliveries of a time in the middle",
            DeliveriesQuery { since: Some(until - MIDDLE), until: Some(until), ..all() },
        )
        .await,
        deliveries("deliveries that were made", DeliveriesQuery { state: Some(DeliveryState::Delivered), ..all() })
            .await,
        deliveries("deliveries that were given up", DeliveriesQuery { state: Some(DeliveryState::Failed), ..all() })
            .await,
        deliveries(
            "deliveries of a type that there are none of",
            DeliveriesQuery { event: Some("TODO_DELETED".to_owned()), ..all() },
        )
        .await,
        timed("verdicts that held an event back", &webhooks, async |webhook: &Webhook| {
            let query = VerdictsQuery { outcome: Some(KeptOutcome::Filtered), ..VerdictsQuery::default() };
            user.list_verdicts(&webhook.id, &query).await.unwrap().items.len()
        })
        .await,
        timed("the newest events of a project", &webhooks, async |webhook: &Webhook| {
            let query = EventsQuery { project_id: webhook.project_ids.first().cloned(), ..EventsQuery::default() };
            user.list_events(&query).await.unwrap().items.len()
        })
        .await,
        timed("statistics of a day", &webhooks, async |webhook: &Webhook| {
            user.get_webhook_stats(&webhook.id, &StatsQuery::default()).await.unwrap();
            1
        })
        .await,
    ];
    process.terminate().await;
    kinds
}

/// The user's webhooks that get events, at most so many of them.
async fn webhooks(user: &Client, count_max: usize) -> Vec<Webhook> {
    let (mut all, mut query) = (Vec::new(), PageQuery { limit: Some(250), cursor: None });
    loop {
        let page = user.list_webhooks(&query).await.unwrap();
        all.extend(page.items);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    // The newest is the first of the list, and those that are held came last.
    all.drain(..HELD);
    all.truncate(count_max);
    all
}

/// The time in the middle of what was filled.
async fn middle(user: &Client, webhook: &Webhook, filled: u32) -> Timestamp {
    let until = SystemClock.now() - FILLED_UNTIL;
    let query = DeliveriesQuery { until: Some(until), limit: Some(1), ..DeliveriesQuery::default() };
    let last = user.list_deliveries(&webhook.id, &query).await.unwrap().items.pop();
    // They came one a millisecond.
    last.map_or(until, |last| last.created_at - Duration::from_millis(u64::from(filled / 2)))
}

/// From the newest page of a webhook by its cursors to the oldest, of one webhook after the other.
async fn walk(user: &Client, webhooks: &[Webhook], asked: usize) -> Kind {
    let mut pages = Vec::new();
    for webhook in webhooks {
        let mut query = DeliveriesQuery::default();
        loop {
            let began = Instant::now();
            let page = user.list_deliveries(&webhook.id, &query).await.unwrap();
            pages.push((began.elapsed(), page.items.len()));
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                break;
            }
        }
        if pages.len() >= asked {
            break;
        }
    }
    Kind::of("all deliveries, by cursors", pages)
}

async fn timed(name: &'static str, webhooks: &[Webhook], ask: impl AsyncFn(&Webhook) -> usize) -> Kind {
    let mut pages = Vec::new();
    for webhook in webhooks {
        let began = Instant::now();
        let items = ask(webhook).await;
        pages.push((began.elapsed(), items));
    }
    Kind::of(name, pages)
}

impl Kind {
    fn of(name: &'static str, pages: Vec<(Duration, usize)>) -> Self {
        let items = pages.iter().map(|(_, items)| *items).max().unwrap_or(0);
        let mut sorted: Vec<Duration> = pages.into_iter().map(|(time, _)| time).collect();
        sorted.sort_unstable();
        Self { name, items, p50: times::at(&sorted, 50), p99: times::at(&sorted, 99) }
    }
}

/// Prints what was measured at each size.
pub fn print(sizes: &[(u32, Vec<Kind>)]) {
    println!("\na page over HTTP, p50 and p99 in ms, and how many items it had at the most\n");
    let sizes_named = sizes.iter().map(|(events, _)| format!(" {events} |"));
    println!("| page |{}", sizes_named.collect::<String>());
    println!("|---|{}", "---:|".repeat(sizes.len()));
    let Some((_, first)) = sizes.first() else { return };
    for (number, kind) in first.iter().enumerate() {
        let figure = |kinds: &Vec<Kind>| {
            let Kind { items, p50, p99, .. } = &kinds[number];
            format!(" {:.2}, {:.2} ({items}) |", p50.as_secs_f64() * 1e3, p99.as_secs_f64() * 1e3)
        };
        println!("| {} |{}", kind.name, sizes.iter().map(|(_, kinds)| figure(kinds)).collect::<String>());
    }
}
