//! Events: accepted once, claimed by dispatch, decided once.

use std::ops::ControlFlow;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};

use super::columns::one_row;
use super::lease::Leases;
use super::recent::RecentEvents;
use super::verdict_places::Placer;
use super::webhooks::not_before_webhooks;
use super::{deliveries, shadows, verdicts, webhooks};
use crate::model::Timestamp;
use crate::model::event::{Event, EventDigest, EventSeq, StoredEvent};
use crate::model::ids::EventId;
use crate::model::limits::CLAIM_BYTES_MAX;
use crate::store::{Accepted, ClaimedEvent, Dispatched, Recorded, TestAccepted, TestOf};

/// The columns that [`read`] takes, the first 10 of a row.
macro_rules! columns {
    () => {
        "id, event_type, company_id, project_id, user_id, occurred_at, accepted_at, previous_value, current_value, trace_parent"
    };
}

/// The webhook of a test by its id, in a row of `events`.
macro_rules! test_of {
    () => {
        "(SELECT webhooks.id FROM webhooks WHERE webhooks.seq = test_webhook_seq)"
    };
}

/// Where a new event stands, and when it counts as accepted.
#[derive(Clone, Copy)]
pub(super) struct Placed {
    pub(super) seq: EventSeq,
    pub(super) accepted_at: Timestamp,
}

pub(super) fn accept(
    connection: &Connection,
    event: &Event,
    digest: EventDigest,
) -> rusqlite::Result<(Accepted, Option<Placed>)> {
    if let Some(placed) = insert(connection, event, digest, None)? {
        return Ok((Accepted::New, Some(placed)));
    }
    let kept: EventDigest = connection
        .prepare_cached("SELECT digest FROM events WHERE id = ?1")?
        .query_one((&event.id,), |row| row.get(0))?;
    Ok((if kept == digest { Accepted::Duplicate } else { Accepted::Conflict }, None))
}

pub(super) fn accept_test(
    connection: &Connection,
    event: &Event,
    digest: EventDigest,
    test: &TestOf,
) -> rusqlite::Result<TestAccepted> {
    let Some(webhook_seq) = webhooks::seq_of(connection, &test.webhook)? else { return Ok(TestAccepted::Missing) };
    let lately: u32 = connection
        .prepare_cached(
            "SELECT count(*) FROM (SELECT accepted_at FROM events WHERE test_webhook_seq = ?1 ORDER BY seq DESC LIMIT ?2)
             WHERE accepted_at > ?3",
        )?
        .query_one((webhook_seq, test.tests_max, test.since), |row| row.get(0))?;
    if lately >= test.tests_max {
        return Ok(TestAccepted::TooMany);
    }
    let placed = insert(connection, event, digest, Some(webhook_seq))?;
    one_row(usize::from(placed.is_some()))?;
    Ok(TestAccepted::New)
}

/// When an event that came at `?1` counts as accepted.
const ACCEPTED_AT: &str = concat!("SELECT ", not_before_webhooks!("?1"));
/// Keeps an event. Its place is the last row's and not `RETURNING`, for which SQLite makes a table each time.
pub(super) const INSERT: &str =
    "INSERT INTO events (id, digest, event_type, company_id, project_id, user_id, occurred_at, accepted_at, previous_value,
                         current_value, test_webhook_seq, trace_parent)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (id) DO NOTHING";

/// Keeps the event and has it wait for dispatch, unless another has its id.
fn insert(
    connection: &Connection,
    event: &Event,
    digest: EventDigest,
    test_webhook_seq: Option<i64>,
) -> rusqlite::Result<Option<Placed>> {
    let accepted_at: Timestamp =
        connection.prepare_cached(ACCEPTED_AT)?.query_one((event.accepted_at,), |row| row.get(0))?;
    let inserted = connection.prepare_cached(INSERT)?.execute((
        &event.id,
        digest,
        &event.event_type,
        &event.company_id,
        &event.project_id,
        &event.user_id,
        event.occurred_at,
        accepted_at,
        &event.previous_value,
        &event.current_value,
        test_webhook_seq,
        event.trace_parent,
    ))?;
    if inserted == 0 {
        return Ok(None);
    }
    let seq = EventSeq(connection.last_insert_rowid());
    connection.prepare_cached("INSERT INTO dispatch_queue (event_seq) VALUES (?1)")?.execute((seq,))?;
    Ok(Some(Placed { seq, accepted_at }))
}

/// What [`stored`] reads, up to the condition.
macro_rules! select_stored {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            ", seq, NOT EXISTS (SELECT 1 FROM dispatch_queue WHERE event_seq = seq), ",
            test_of!(),
            " FROM events WHERE "
        )
    };
}

pub(super) fn get(connection: &Connection, id: &EventId) -> rusqlite::Result<Option<StoredEvent>> {
    connection.prepare_cached(concat!(select_stored!(), "id = ?1"))?.query_one((id,), stored).optional()
}

pub(super) fn stored_by_seq(connection: &Connection, seq: EventSeq) -> rusqlite::Result<StoredEvent> {
    connection.prepare_cached(concat!(select_stored!(), "seq = ?1"))?.query_one((seq,), stored)
}

/// Hands over those of `wanted`, which are in order, for as long as more are taken; whether they still are. All between them are
/// looked at too.
pub(super) fn read_run(
    connection: &Connection,
    wanted: &[EventSeq],
    mut take: impl FnMut(StoredEvent) -> ControlFlow<()>,
) -> rusqlite::Result<ControlFlow<()>> {
    let [first, ..] = wanted else { return Ok(ControlFlow::Continue(())) };
    let mut statement = connection.prepare_cached(concat!(select_stored!(), "seq BETWEEN ?1 AND ?2 ORDER BY seq"))?;
    let mut rows = statement.query((first, wanted.last()))?;
    while let Some(row) = rows.next()? {
        if wanted.binary_search(&row.get(10)?).is_ok() && take(stored(row)?).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The event in a row that goes on with its place, whether it is dispatched, and the webhook of a test.
fn stored(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    let event = Arc::new(read(row)?);
    Ok(StoredEvent { seq: row.get(10)?, event, is_dispatched: row.get(11)?, test_of: row.get(12)? })
}

/// The event in a row that begins with [`columns`].
fn read(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        id: row.get(0)?,
        event_type: row.get(1)?,
        company_id: row.get(2)?,
        project_id: row.get(3)?,
        user_id: row.get(4)?,
        occurred_at: row.get(5)?,
        accepted_at: row.get(6)?,
        previous_value: row.get(7)?,
        current_value: row.get(8)?,
        trace_parent: row.get(9)?,
    })
}

/// The place of the last event, also if it was deleted since; 0 before the first.
pub(super) fn last(connection: &Connection) -> rusqlite::Result<i64> {
    let last = connection
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'events'")?
        .query_one((), |row| row.get(0))
        .optional()?;
    Ok(last.unwrap_or(0))
}

/// About how many bytes an event takes in memory.
pub(super) fn weight(event: &Event) -> usize {
    event.previous_value.len() + event.current_value.len()
}

/// The events at these places, until they weigh too much to be claimed at once; by `read`, those that are not at hand. They
/// have no fence yet.
pub(super) fn claimed<E>(
    seqs: &[EventSeq],
    recent: &RecentEvents,
    mut read: impl FnMut(EventSeq) -> Result<StoredEvent, E>,
) -> Result<Vec<ClaimedEvent>, E> {
    let (mut claimed, mut bytes) = (Vec::new(), 0);
    for &seq in seqs {
        let stored = match recent.get(seq) {
            Some((event, test_of)) => StoredEvent { seq, event, is_dispatched: false, test_of },
            None => read(seq)?,
        };
        bytes += weight(&stored.event);
        claimed.push(ClaimedEvent { stored, fence: 0 });
        if bytes > CLAIM_BYTES_MAX {
            break;
        }
    }
    Ok(claimed)
}

pub(super) fn record_dispatch(
    connection: &Connection,
    dispatched: &Dispatched,
    leases: &Leases,
    placer: &Placer,
) -> rusqlite::Result<Recorded> {
    if leases.row(dispatched.fence) != Some(dispatched.event.0) {
        return Ok(Recorded::LeaseLost);
    }
    let ended =
        connection.prepare_cached("DELETE FROM dispatch_queue WHERE event_seq = ?1")?.execute((dispatched.event,))?;
    if ended == 0 {
        return Ok(Recorded::LeaseLost);
    }
    for delivery in &dispatched.deliveries {
        deliveries::add(connection, dispatched.event, delivery)?;
    }
    verdicts::add(connection, dispatched.event, &dispatched.verdicts, placer)?;
    for compared in &dispatched.compared {
        shadows::record(connection, dispatched.event, compared)?;
    }
    Ok(Recorded::Written)
}
