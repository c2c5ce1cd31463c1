//! Verdicts: why a webhook did or did not get an event.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::columns::{Count, before, one_row, page_of, rows_of};
use super::health;
use super::resends::is_member;
use super::shadows::judged;
use crate::model::comparison::Judged;
use crate::model::event::EventSeq;
use crate::model::ids::{UserId, WebhookId};
use crate::model::limits::PAGE_EVENTS_EXAMINED_MAX;
use crate::model::verdict::Verdict;
use crate::store::{LoggedVerdict, Page, PageRequest, VerdictQuery};

/// Keeps a verdict, and counts it if a filter gave it.
pub(super) fn add(connection: &Connection, event: EventSeq, verdict: &Verdict) -> rusqlite::Result<()> {
    let added = connection
        .prepare_cached(
            "INSERT INTO verdicts (event_seq, webhook_seq, outcome, reason, reason_class, filter_digest, fuel,
                                   duration_us, decided_at)
             SELECT ?1, seq, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM webhooks WHERE id = ?2",
        )?
        .execute(row_of(event, verdict))?;
    one_row(added)?;
    count_filter(connection, verdict)
}

/// Puts a verdict in the place of the one that is there, and counts it if a filter gave it. Not if the webhook's
/// creator is no member of the event's project now; whether it was done.
pub(super) fn renew(connection: &Connection, event: EventSeq, verdict: &Verdict) -> rusqlite::Result<bool> {
    let renewed = connection
        .prepare_cached(concat!(
            "UPDATE verdicts SET outcome = ?3, reason = ?4, reason_class = ?5, filter_digest = ?6, fuel = ?7,
                    duration_us = ?8, first_decided_at = coalesce(first_decided_at, decided_at), decided_at = ?9
             WHERE event_seq = ?1 AND webhook_seq = (SELECT seq FROM webhooks WHERE id = ?2)
               AND (SELECT ",
            is_member!(),
            " FROM events e, webhooks w WHERE e.seq = event_seq AND w.seq = webhook_seq)"
        ))?
        .execute(row_of(event, verdict))?;
    if renewed > 0 {
        count_filter(connection, verdict)?;
    }
    Ok(renewed > 0)
}

/// What is kept of a verdict, `?1` to `?9`.
fn row_of(event: EventSeq, verdict: &Verdict) -> impl Params {
    (
        event,
        &verdict.webhook_id,
        verdict.outcome,
        &verdict.reason,
        verdict.reason_class,
        verdict.filter_digest,
        verdict.fuel.map(Count),
        verdict.duration_us.map(Count),
        verdict.decided_at,
    )
}

fn count_filter(connection: &Connection, verdict: &Verdict) -> rusqlite::Result<()> {
    if let Some(digest) = &verdict.filter_digest {
        let failed = verdict.reason_class.is_some();
        health::filter_ran(connection, &verdict.webhook_id, digest, failed)?;
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

pub(super) fn of_webhook(
    connection: &Connection,
    webhook: &WebhookId,
    query: &VerdictQuery,
    page: &PageRequest,
) -> rusqlite::Result<Page<LoggedVerdict>> {
    let is_sifted = query.outcome.is_some() || query.since.is_some() || query.until.is_some();
    let end = if is_sifted { end_of_search(connection, webhook, before(page))? } else { None };
    let rows = connection
        .prepare_cached(
            "SELECT w.id, v.outcome, v.reason, v.reason_class, v.filter_digest, v.fuel, v.duration_us, d.id,
                    v.decided_at, v.first_decided_at, e.id, v.event_seq, e.test_webhook_seq IS NOT NULL
             FROM webhooks w CROSS JOIN verdicts v INDEXED BY verdicts_of_webhook ON v.webhook_seq = w.seq
             JOIN events e ON e.seq = v.event_seq
             LEFT JOIN deliveries d ON d.event_seq = v.event_seq AND d.webhook_seq = v.webhook_seq
             WHERE w.id = ?1 AND v.event_seq < ?2 AND v.event_seq >= ?7 AND (?3 IS NULL OR v.outcome = ?3)
               AND (?4 IS NULL OR v.decided_at >= ?4) AND (?5 IS NULL OR v.decided_at < ?5)
             ORDER BY v.event_seq DESC LIMIT ?6",
        )?
        .query_map(
            (webhook, before(page), query.outcome, query.since, query.until, rows_of(page), end.unwrap_or(0)),
            |row| {
                Ok((row.get(11)?, LoggedVerdict { event_id: row.get(10)?, is_test: row.get(12)?, verdict: read(row)? }))
            },
        )?
        .collect::<Result<_, _>>()?;
    let found = page_of(rows, page);
    Ok(Page { next: found.next.or(end), ..found })
}

/// The last verdict among which a page is looked for; `None` where there are fewer. There is no index by outcome or
/// time, which every verdict would pay for: a page may be short, and says where the next goes on.
fn end_of_search(connection: &Connection, webhook: &WebhookId, before: i64) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT v.event_seq
             FROM webhooks w CROSS JOIN verdicts v INDEXED BY verdicts_of_webhook ON v.webhook_seq = w.seq
             WHERE w.id = ?1 AND v.event_seq < ?2 ORDER BY v.event_seq DESC LIMIT 1 OFFSET ?3",
        )?
        .query_one((webhook, before, PAGE_EVENTS_EXAMINED_MAX as u32 - 1), |row| row.get(0))
        .optional()
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
