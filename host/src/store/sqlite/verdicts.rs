//! Verdicts: why a webhook did or did not get an event.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::columns::{Count, before, page_of, rows_of};
use super::health;
use super::resends::is_member;
use super::shadows::judged;
use super::verdict_places::{self, Placer};
use super::webhooks;
use crate::model::comparison::Judged;
use crate::model::event::EventSeq;
use crate::model::ids::{UserId, WebhookId};
use crate::model::limits::PAGE_EVENTS_EXAMINED_MAX;
use crate::model::verdict::Verdict;
use crate::store::{LoggedVerdict, Page, PageRequest, VerdictQuery};

/// Keeps a verdict.
pub(super) const INSERT: &str =
    "INSERT INTO verdicts (event_seq, webhook_seq, outcome, reason, reason_class, filter_digest, fuel, duration_us, decided_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// Keeps the verdicts on an event, and counts those that filters gave.
pub(super) fn add(
    connection: &Connection,
    event: EventSeq,
    verdicts: &[Verdict],
    placer: &Placer,
) -> rusqlite::Result<()> {
    let mut seq_of = connection.prepare_cached("SELECT seq FROM webhooks WHERE id = ?1")?;
    let mut rows = Vec::with_capacity(verdicts.len());
    for verdict in verdicts {
        let webhook: i64 = seq_of.query_one((&verdict.webhook_id,), |row| row.get(0))?;
        rows.push((webhook, verdict));
    }
    // In the order of the table, so that they are appended.
    rows.sort_unstable_by_key(|(webhook, _)| *webhook);
    let mut insert = connection.prepare_cached(INSERT)?;
    for (webhook, verdict) in &rows {
        insert.execute(row_of(event, *webhook, verdict))?;
    }
    drop(insert);
    let any_fails = health::any_filter_fails(connection)?;
    for (webhook, verdict) in &rows {
        // Where none fails, a filter that did not fail now changes nothing.
        if any_fails || verdict.reason_class.is_some() {
            count_filter(connection, *webhook, verdict)?;
        }
    }
    let webhooks: Vec<i64> = rows.into_iter().map(|(webhook, _)| webhook).collect();
    placer.add(connection, event, &webhooks)
}

/// Puts a verdict in the place of the one that is there, and counts it if a filter gave it. Not if the webhook's
/// creator is no member of the event's project now; whether it was done.
pub(super) fn renew(connection: &Connection, event: EventSeq, verdict: &Verdict) -> rusqlite::Result<bool> {
    let Some(webhook) = webhooks::any_seq_of(connection, &verdict.webhook_id)? else { return Ok(false) };
    let renewed = connection
        .prepare_cached(concat!(
            "UPDATE verdicts SET outcome = ?3, reason = ?4, reason_class = ?5, filter_digest = ?6, fuel = ?7,
                    duration_us = ?8, first_decided_at = coalesce(first_decided_at, decided_at), decided_at = ?9
             WHERE event_seq = ?1 AND webhook_seq = ?2
               AND (SELECT ",
            is_member!(),
            " FROM events e, webhooks w WHERE e.seq = event_seq AND w.seq = webhook_seq)"
        ))?
        .execute(row_of(event, webhook, verdict))?;
    if renewed > 0 {
        count_filter(connection, webhook, verdict)?;
    }
    Ok(renewed > 0)
}

/// What is kept of a verdict, `?1` to `?9`.
fn row_of(event: EventSeq, webhook: i64, verdict: &Verdict) -> impl Params {
    (
        event,
        webhook,
        verdict.outcome,
        &verdict.reason,
        verdict.reason_class,
        verdict.filter_digest,
        verdict.fuel.map(Count),
        verdict.duration_us.map(Count),
        verdict.decided_at,
    )
}

fn count_filter(connection: &Connection, webhook: i64, verdict: &Verdict) -> rusqlite::Result<()> {
    if let Some(digest) = &verdict.filter_digest {
        health::filter_ran(connection, webhook, digest, verdict.reason_class.is_some())?;
    }
    Ok(())
}

pub(super) fn on_event(
    connection: &Connection,
    event: EventSeq,
    owner: Option<&UserId>,
) -> rusqlite::Result<Vec<Verdict>> {
    connection
        .prepare_cached(
            "SELECT w.id, v.outcome, v.reason, v.reason_class, v.filter_digest, v.fuel, v.duration_us, d.id,
                    v.decided_at, v.first_decided_at
             FROM verdicts v JOIN webhooks w ON w.seq = v.webhook_seq
             LEFT JOIN deliveries d ON d.event_seq = v.event_seq AND d.webhook_seq = v.webhook_seq
             WHERE v.event_seq = ?1 AND (?2 IS NULL OR w.owner = ?2)
             ORDER BY v.webhook_seq",
        )?
        .query_map((event, owner), read)?
        .collect()
}

/// What was decided on these events for one webhook, where anything was.
pub(super) fn recorded(
    connection: &Connection,
    webhook: &WebhookId,
    events: Vec<EventSeq>,
) -> rusqlite::Result<HashMap<EventSeq, Judged>> {
    let mut statement = connection.prepare_cached(
        "SELECT v.outcome, v.reason, v.reason_class FROM webhooks w CROSS JOIN verdicts v ON v.webhook_seq = w.seq
         WHERE w.id = ?1 AND v.event_seq = ?2",
    )?;
    let mut recorded = HashMap::new();
    for event in events {
        if let Some(verdict) = statement.query_one((webhook, event), |row| judged(row, 0)).optional()? {
            recorded.insert(event, verdict);
        }
    }
    Ok(recorded)
}

/// The verdicts for a webhook, newest first. There is no index by outcome or time, which every verdict would pay for:
/// a page is looked for among a bounded number of events, may be short, and says where the next goes on.
pub(super) fn of_webhook(
    connection: &Connection,
    webhook: &WebhookId,
    query: &VerdictQuery,
    page: &PageRequest,
) -> rusqlite::Result<Page<LoggedVerdict>> {
    let Some(webhook) = webhooks::any_seq_of(connection, webhook)? else {
        return Ok(Page { items: Vec::new(), next: None });
    };
    let mut places = connection.prepare_cached(verdict_places::NEWEST_FIRST)?;
    let mut meant = connection.prepare_cached(
        "SELECT w.id, v.outcome, v.reason, v.reason_class, v.filter_digest, v.fuel, v.duration_us, d.id,
                v.decided_at, v.first_decided_at, e.id, e.test_webhook_seq IS NOT NULL
         FROM verdicts v JOIN webhooks w ON w.seq = v.webhook_seq JOIN events e ON e.seq = v.event_seq
         LEFT JOIN deliveries d ON d.event_seq = v.event_seq AND d.webhook_seq = v.webhook_seq
         WHERE v.event_seq = ?1 AND v.webhook_seq = ?2 AND (?3 IS NULL OR v.outcome = ?3)
           AND (?4 IS NULL OR v.decided_at >= ?4) AND (?5 IS NULL OR v.decided_at < ?5)",
    )?;
    let mut rows = Vec::new();
    let mut places = places.query((webhook, i64::MIN, before(page)))?;
    let mut examined = 0;
    let mut end = None;
    while rows.len() < rows_of(page) as usize
        && let Some(place) = places.next()?
    {
        let event: i64 = place.get(0)?;
        let logged = meant.query_one((event, webhook, query.outcome, query.since, query.until), |row| {
            Ok(LoggedVerdict { event_id: row.get(10)?, is_test: row.get(11)?, verdict: read(row)? })
        });
        rows.extend(logged.optional()?.map(|logged| (event, logged)));
        examined += 1;
        if examined == PAGE_EVENTS_EXAMINED_MAX {
            end = Some(event);
            break;
        }
    }
    let found = page_of(rows, page);
    Ok(Page { next: found.next.or(end), ..found })
}

fn read(row: &Row<'_>) -> rusqlite::Result<Verdict> {
    Ok(Verdict {
        webhook_id: row.get(0)?,
        outcome: row.get(1)?,
        reason: row.get(2)?,
        reason_class: row.get(3)?,
        filter_digest: row.get(4)?,
        fuel: row.get::<_, Option<Count>>(5)?.map(|count| count.0),
        duration_us: row.get::<_, Option<Count>>(6)?.map(|count| count.0),
        delivery_id: row.get(7)?,
        decided_at: row.get(8)?,
        first_decided_at: row.get(9)?,
    })
}
