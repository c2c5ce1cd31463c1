//! Replays: begun, listed, moved on a step at a time, ended.
//!
//! A step and what it sends are one transaction, and a step is written only where the replay still stands where the
//! step began. So nothing is sent twice by one replay, whoever is killed when, and one that was canceled sends no more.

use rusqlite::{Connection, OptionalExtension, Row};

use super::columns::{Count, before, one_row, page_of, rows_of};
use super::lease::Leases;
use super::{deliveries, resends, verdicts, webhooks};
use crate::model::Timestamp;
use crate::model::ids::{ReplayId, WebhookId};
use crate::model::replay::{Replay, ReplayCounts, ReplayState};
use crate::model::verdict::Outcome;
use crate::store::{
    DecidedAnew, NewReplay, Page, PageRequest, Recorded, ReplayBegun, ReplayRange, ReplayStep, RunningReplay,
};

/// What [`read`] takes, up to the condition.
macro_rules! select {
    () => {
        "SELECT r.id, w.id, r.only, r.since, r.until, r.state, r.first_position, r.position, r.last_position,
                r.replayed, r.filtered, r.filter_errors, r.out_of_scope, r.under_way, r.created_at, r.finished_at,
                r.failure, r.seq
         FROM webhooks w CROSS JOIN replays r ON r.webhook_seq = w.seq WHERE "
    };
}

/// The replays of enabled webhooks that are under way, with what is due to each of these webhooks, up to a bound. Those
/// of disabled ones rest, as their deliveries do.
pub(super) const RUNNING: &str = "SELECT r.id, w.id, r.only, r.since, r.until, r.position, r.last_position,
            (SELECT count(*) FROM (SELECT 1 FROM deliveries d INDEXED BY deliveries_due
              WHERE d.state = 'pending' AND d.webhook_seq = r.webhook_seq AND d.due_at <= ?1 LIMIT ?2))
     FROM replays r INDEXED BY replays_running CROSS JOIN webhooks w ON w.seq = r.webhook_seq
     WHERE r.state = 'running' AND w.is_enabled";

pub(super) fn add(connection: &Connection, new: &NewReplay) -> rusqlite::Result<ReplayBegun> {
    let range = &new.range;
    let Some(webhook_seq) = webhooks::seq_of(connection, &range.webhook)? else { return Ok(ReplayBegun::Missing) };
    if let Some(refusal) = refusal(connection, webhook_seq, new.running_max)? {
        return Ok(refusal);
    }
    connection
        .prepare_cached(
            "DELETE FROM replays WHERE webhook_seq = ?1 AND seq <=
             (SELECT seq FROM replays WHERE webhook_seq = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute((webhook_seq, new.kept_max.saturating_sub(1)))?;
    connection
        .prepare_cached(
            "INSERT INTO replays (id, webhook_seq, only, since, until, state, first_position, position, last_position,
                                  created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, 'running', ?6, ?6, ?7, ?8)",
        )?
        .execute((
            &new.id,
            webhook_seq,
            range.only,
            range.since,
            range.until,
            new.before,
            range.last,
            new.created_at,
        ))?;
    Ok(ReplayBegun::Written)
}

/// Why no replay of the webhook may begin.
fn refusal(connection: &Connection, webhook_seq: i64, running_max: u32) -> rusqlite::Result<Option<ReplayBegun>> {
    let is_enabled: bool = connection
        .prepare_cached("SELECT is_enabled FROM webhooks WHERE seq = ?1")?
        .query_one((webhook_seq,), |row| row.get(0))?;
    if !is_enabled {
        return Ok(Some(ReplayBegun::Disabled));
    }
    let running: Option<ReplayId> = connection
        .prepare_cached("SELECT id FROM replays WHERE webhook_seq = ?1 AND state = 'running'")?
        .query_one((webhook_seq,), |row| row.get(0))
        .optional()?;
    if let Some(running) = running {
        return Ok(Some(ReplayBegun::Running(running)));
    }
    let of_owner: u32 = connection
        .prepare_cached(
            "SELECT count(*) FROM replays r INDEXED BY replays_running CROSS JOIN webhooks w ON w.seq = r.webhook_seq
             WHERE r.state = 'running' AND w.owner = (SELECT owner FROM webhooks WHERE seq = ?1)",
        )?
        .query_one((webhook_seq,), |row| row.get(0))?;
    Ok((of_owner >= running_max).then_some(ReplayBegun::TooMany))
}

pub(super) fn get(connection: &Connection, id: &ReplayId) -> rusqlite::Result<Option<Replay>> {
    connection.prepare_cached(concat!(select!(), "r.id = ?1"))?.query_one((id,), read).optional()
}

pub(super) fn of_webhook(
    connection: &Connection,
    webhook: &WebhookId,
    page: &PageRequest,
) -> rusqlite::Result<Page<Replay>> {
    let rows = connection
        .prepare_cached(concat!(select!(), "w.id = ?1 AND r.seq < ?2 ORDER BY r.seq DESC LIMIT ?3"))?
        .query_map((webhook, before(page), rows_of(page)), |row| Ok((row.get(17)?, read(row)?)))?
        .collect::<Result<_, _>>()?;
    Ok(page_of(rows, page))
}

/// Ends a replay, unless it has ended; how it stands then.
pub(super) fn end(
    connection: &Connection,
    id: &ReplayId,
    state: ReplayState,
    failure: Option<&str>,
    at: Timestamp,
) -> rusqlite::Result<Option<Replay>> {
    connection
        .prepare_cached(
            "UPDATE replays SET state = ?2, failure = ?3, finished_at = ?4 WHERE id = ?1 AND state = 'running'",
        )?
        .execute((id, state, failure, at))?;
    get(connection, id)
}

/// Ends the replay of a webhook that is deleted.
pub(super) fn cancel_of(connection: &Connection, webhook_seq: i64, at: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE replays SET state = 'canceled', finished_at = ?2 WHERE webhook_seq = ?1 AND state = 'running'",
        )?
        .execute((webhook_seq, at))?;
    Ok(())
}

pub(super) fn running(
    connection: &Connection,
    now: Timestamp,
    waiting_max: u32,
) -> rusqlite::Result<Vec<RunningReplay>> {
    let row = |row: &Row<'_>| {
        let waiting: u32 = row.get(7)?;
        Ok(RunningReplay {
            id: row.get(0)?,
            range: ReplayRange {
                webhook: row.get(1)?,
                only: row.get(2)?,
                since: row.get(3)?,
                until: row.get(4)?,
                last: row.get(6)?,
            },
            position: row.get(5)?,
            room: waiting_max.saturating_sub(waiting),
        })
    };
    connection.prepare_cached(RUNNING)?.query_map((now, waiting_max), row)?.collect()
}

pub(super) fn record(connection: &Connection, step: &ReplayStep, leases: &Leases) -> rusqlite::Result<Recorded> {
    let found: Option<(i64, i64)> = connection
        .prepare_cached("SELECT seq, webhook_seq FROM replays WHERE id = ?1 AND position = ?2 AND state = 'running'")?
        .query_one((&step.id, step.from), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((seq, webhook_seq)) = found else { return Ok(Recorded::LeaseLost) };
    let mut counts = step.counts;
    for event in &step.send_again {
        resends::send_again(connection, webhook_seq, *event, step.at, leases, &mut counts)?;
    }
    for decided in &step.decided {
        decide_anew(connection, decided, &mut counts)?;
    }
    let moved = connection
        .prepare_cached(
            "UPDATE replays SET position = ?2, replayed = replayed + ?3, filtered = filtered + ?4,
                    filter_errors = filter_errors + ?5, out_of_scope = out_of_scope + ?6, under_way = under_way + ?7,
                    state = iif(?8, 'done', 'running'), finished_at = iif(?8, ?9, NULL)
             WHERE seq = ?1",
        )?
        .execute((
            seq,
            step.to,
            Count(counts.replayed),
            Count(counts.filtered),
            Count(counts.filter_errors),
            Count(counts.out_of_scope),
            Count(counts.under_way),
            step.is_last,
            step.at,
        ))?;
    one_row(moved)?;
    Ok(Recorded::Written)
}

fn decide_anew(connection: &Connection, decided: &DecidedAnew, counts: &mut ReplayCounts) -> rusqlite::Result<()> {
    // Who left the project since the filter was asked gets nothing, and the verdict stays what it was.
    if !verdicts::renew(connection, decided.event, &decided.verdict)? {
        counts.out_of_scope += 1;
        return Ok(());
    }
    if let Some(delivery) = &decided.delivery {
        deliveries::add(connection, decided.event, delivery)?;
    }
    match decided.verdict.outcome {
        Outcome::Delivered => counts.replayed += 1,
        Outcome::Filtered => counts.filtered += 1,
        Outcome::FilterError => counts.filter_errors += 1,
        Outcome::OutOfScope | Outcome::Disabled => counts.out_of_scope += 1,
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Replay> {
    let count = |place: usize| row.get::<_, Count>(place).map(|count| count.0);
    let (first, position, last): (i64, i64, i64) = (row.get(6)?, row.get(7)?, row.get(8)?);
    let events = (last - first).max(0);
    // Of so many events the nearest double will do.
    let progress = if events == 0 { 1.0 } else { (position - first) as f64 / events as f64 };
    Ok(Replay {
        id: row.get(0)?,
        webhook_id: row.get(1)?,
        only: row.get(2)?,
        since: row.get(3)?,
        until: row.get(4)?,
        state: row.get(5)?,
        progress,
        counts: ReplayCounts {
            replayed: count(9)?,
            filtered: count(10)?,
            filter_errors: count(11)?,
            out_of_scope: count(12)?,
            under_way: count(13)?,
        },
        created_at: row.get(14)?,
        finished_at: row.get(15)?,
        failure: row.get(16)?,
    })
}
