//! What a replay goes through: the verdicts for its webhook, in the order of the events.
//!
//! That order has an index and never changes, whatever is decided anew meanwhile, so a place in it is all that a
//! replay must remember. Each look is bounded by the verdicts that it reads, not by what it finds.

use rusqlite::{Connection, Row};

use super::events;
use super::resends::is_member;
use super::{verdict_places, webhooks};
use crate::model::Timestamp;
use crate::model::delivery::DeliveryState;
use crate::model::event::EventSeq;
use crate::model::limits::{CLAIM_BYTES_MAX, EVENTS_OUT_OF_ORDER_MAX, REPLAY_VERDICTS_PER_STEP_MAX};
use crate::model::replay::{Foreseen, Treatment};
use crate::model::verdict::Outcome;
use crate::store::{EventBounds, ReplayCandidate, ReplayCounted, ReplayPage, ReplayRange};

/// The verdict for a webhook on an event. Tests are none of what happened, and are not replayed.
pub(super) const VERDICT: &str = concat!(
    "SELECT v.outcome, d.state, e.test_webhook_seq IS NULL AND e.accepted_at >= ?3 AND e.accepted_at < ?4, ",
    is_member!(),
    " FROM verdicts v CROSS JOIN webhooks w ON w.seq = v.webhook_seq CROSS JOIN events e ON e.seq = v.event_seq
     LEFT JOIN deliveries d ON d.event_seq = v.event_seq AND d.webhook_seq = v.webhook_seq
     WHERE v.event_seq = ?1 AND v.webhook_seq = ?2"
);
/// The first event of a time: events can be stored in another order than that of their times, but not by far.
pub(super) const FIRST_SINCE: &str = "SELECT min(seq) FROM
     (SELECT seq FROM events INDEXED BY events_by_time WHERE accepted_at >= ?1 ORDER BY accepted_at, seq LIMIT ?2)";
/// The last event before a time.
pub(super) const LAST_BEFORE: &str = "SELECT max(seq) FROM
     (SELECT seq FROM events INDEXED BY events_by_time WHERE accepted_at < ?1
      ORDER BY accepted_at DESC, seq DESC LIMIT ?2)";

/// The places of the events that were accepted in a time.
pub(super) fn bounds(connection: &Connection, since: Timestamp, until: Timestamp) -> rusqlite::Result<EventBounds> {
    let place = |sql: &str, time: Timestamp| -> rusqlite::Result<Option<i64>> {
        connection.prepare_cached(sql)?.query_one((time, EVENTS_OUT_OF_ORDER_MAX), |row| row.get(0))
    };
    let (first, last) = (place(FIRST_SINCE, since)?, place(LAST_BEFORE, until)?);
    let last = last.unwrap_or(0);
    Ok(EventBounds { before: EventSeq(first.map_or(last, |first| first - 1)), last: EventSeq(last) })
}

/// What a replay takes up behind a place, no more than `candidates_max`, with the events to decide on.
pub(super) fn page(
    connection: &Connection,
    range: &ReplayRange,
    position: EventSeq,
    candidates_max: u32,
) -> rusqlite::Result<ReplayPage> {
    let mut candidates = Vec::new();
    let mut bytes = 0;
    let (position, is_last) =
        walk(connection, range, position, REPLAY_VERDICTS_PER_STEP_MAX, |seq, treatment, is_in_scope| {
            let is_decided = treatment == Treatment::DecideAnew && is_in_scope;
            let event = if is_decided { Some(events::stored_by_seq(connection, seq)?.event) } else { None };
            bytes += event.as_deref().map_or(0, events::weight);
            candidates.push(ReplayCandidate { seq, treatment, is_in_scope, event });
            Ok(candidates.len() < candidates_max as usize && bytes <= CLAIM_BYTES_MAX)
        })?;
    Ok(ReplayPage { candidates, position, is_last })
}

/// How many a replay would take up of the next `rows_max` verdicts.
pub(super) fn count(
    connection: &Connection,
    range: &ReplayRange,
    position: EventSeq,
    rows_max: u32,
) -> rusqlite::Result<ReplayCounted> {
    let mut foreseen = Foreseen::default();
    let (position, is_last) = walk(connection, range, position, rows_max, |_, treatment, is_in_scope| {
        foreseen.count(treatment, is_in_scope);
        Ok(true)
    })?;
    Ok(ReplayCounted { foreseen, position, is_last })
}

/// Shows `visit` what a replay takes up of the next `rows_max` verdicts, for as long as it wants more; the last event
/// that was looked at, and whether nothing comes behind it.
fn walk(
    connection: &Connection,
    range: &ReplayRange,
    position: EventSeq,
    rows_max: u32,
    mut visit: impl FnMut(EventSeq, Treatment, bool) -> rusqlite::Result<bool>,
) -> rusqlite::Result<(EventSeq, bool)> {
    let all = (range.last.max(position), true);
    let Some(webhook) = webhooks::any_seq_of(connection, &range.webhook)? else { return Ok(all) };
    let mut places = connection.prepare_cached(verdict_places::OLDEST_FIRST)?;
    let mut verdict = connection.prepare_cached(VERDICT)?;
    let mut places = places.query((webhook, position.0.saturating_add(1), range.last.0.saturating_add(1)))?;
    let mut last = position;
    for _ in 0..rows_max {
        let Some(place) = places.next()? else { return Ok(all) };
        last = place.get(0)?;
        let mut rows = verdict.query((last, webhook, range.since, range.until))?;
        let Some(row) = rows.next()? else { continue };
        if let Some(treatment) = treatment(row, range)?
            && !visit(last, treatment, row.get(3)?)?
        {
            break;
        }
    }
    Ok((last, last >= range.last))
}

fn treatment(row: &Row<'_>, range: &ReplayRange) -> rusqlite::Result<Option<Treatment>> {
    let (outcome, delivery): (Outcome, Option<DeliveryState>) = (row.get(0)?, row.get(1)?);
    let is_meant: bool = row.get(2)?;
    Ok(range.only.treatment(outcome, delivery).filter(|_| is_meant))
}
