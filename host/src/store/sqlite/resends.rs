//! Deliveries that are attempted again although they were finished, or earlier than was planned.
//!
//! What they send does not change: id, event and snapshot stay, and attempts are numbered on; only the schedule
//! begins anew. Whether the webhook's creator may still see the event is asked in the transaction that writes, so
//! nobody who leaves a project at that moment gets another event of it.

use rusqlite::{Connection, OptionalExtension, Row};

use super::columns::{Finished, one_row};
use super::lease::Leases;
use crate::model::Timestamp;
use crate::model::delivery::DeliveryState;
use crate::model::event::EventSeq;
use crate::model::ids::DeliveryId;
use crate::model::replay::ReplayCounts;
use crate::store::Retried;

/// Whether the creator of the webhook `w` is a member of the project of the event `e` now.
macro_rules! is_member {
    () => {
        "EXISTS (SELECT 1 FROM members m WHERE m.project_id = e.project_id AND m.user_id = w.owner)"
    };
}
pub(super) use is_member;

/// What [`Found`] reads, up to the condition. A test concerns no project.
macro_rules! select_found {
    () => {
        concat!(
            "SELECT d.seq, d.state, d.due_at, w.is_enabled, e.test_webhook_seq IS NOT NULL OR ",
            is_member!(),
            " FROM deliveries d JOIN webhooks w ON w.seq = d.webhook_seq AND w.deleted_at IS NULL
             JOIN events e ON e.seq = d.event_seq WHERE "
        )
    };
}

/// A delivery, and what decides on whether it is attempted again.
struct Found {
    seq: i64,
    state: DeliveryState,
    due_at: Timestamp,
    is_enabled: bool,
    is_in_scope: bool,
}

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    Ok(Found {
        seq: row.get(0)?,
        state: row.get(1)?,
        due_at: row.get(2)?,
        is_enabled: row.get(3)?,
        is_in_scope: row.get(4)?,
    })
}

/// Makes a delivery due now at its owner's wish, also one whose next attempt is due later.
pub(super) fn retry(
    connection: &Connection,
    id: &DeliveryId,
    at: Timestamp,
    leases: &Leases,
) -> rusqlite::Result<Retried> {
    let delivery =
        connection.prepare_cached(concat!(select_found!(), "d.id = ?1"))?.query_one((id,), found).optional()?;
    let Some(delivery) = delivery else { return Ok(Retried::Missing) };
    let is_under_way =
        delivery.state == DeliveryState::Pending && (delivery.due_at <= at || leases.is_leased(delivery.seq));
    Ok(if delivery.state == DeliveryState::Delivered {
        Retried::Delivered
    } else if is_under_way {
        Retried::UnderWay
    } else if !delivery.is_enabled {
        Retried::Disabled
    } else if !delivery.is_in_scope {
        Retried::OutOfScope
    } else {
        begin_anew(connection, delivery.seq, at, leases)?;
        Retried::Due
    })
}

/// Makes the delivery of an event due now, whatever became of it, unless it is on its way; counts what became of it.
pub(super) fn send_again(
    connection: &Connection,
    webhook_seq: i64,
    event: EventSeq,
    at: Timestamp,
    leases: &Leases,
    counts: &mut ReplayCounts,
) -> rusqlite::Result<()> {
    let delivery = connection
        .prepare_cached(concat!(select_found!(), "d.event_seq = ?1 AND d.webhook_seq = ?2"))?
        .query_one((event, webhook_seq), found)
        .optional()?;
    // A replay that rests for long does not keep what has had its time.
    let Some(delivery) = delivery else { return Ok(()) };
    let counter = if delivery.state == DeliveryState::Pending {
        &mut counts.under_way
    } else if !delivery.is_in_scope {
        &mut counts.out_of_scope
    } else {
        begin_anew(connection, delivery.seq, at, leases)?;
        &mut counts.replayed
    };
    *counter += 1;
    Ok(())
}

fn begin_anew(connection: &Connection, seq: i64, at: Timestamp, leases: &Leases) -> rusqlite::Result<()> {
    let updated = connection
        .prepare_cached(
            "UPDATE deliveries SET state = 'pending', due_at = ?2, attempts_before = attempt_count, finished_at = ?3
             WHERE seq = ?1",
        )?
        .execute((seq, at, Finished(None)))?;
    // An attempt of before may still be under way: of one that was canceled.
    leases.revoke(seq);
    one_row(updated)
}
