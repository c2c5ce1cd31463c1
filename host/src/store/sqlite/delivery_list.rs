//! Lists of a webhook's deliveries, newest first, at a cost that does not grow with the deliveries there are.
//!
//! Those that were given up have an index of their own, since they are few and looked for. For the other states and
//! for types a page is looked for among a bounded number of deliveries, and says where the next goes on: an index for
//! these would cost every delivery that arrives.

use rusqlite::{Connection, OptionalExtension};

use super::columns::rows_of;
use super::deliveries::{columns, read};
use crate::model::Timestamp;
use crate::model::delivery::{Delivery, DeliveryState};
use crate::model::ids::WebhookId;
use crate::model::limits::PAGE_EVENTS_EXAMINED_MAX;
use crate::store::{DeliveryQuery, Page, PageRequest};

/// The newest deliveries of a webhook within bounds.
macro_rules! newest {
    ($index:literal, $which:literal, $bounds_and_order:literal) => {
        concat!(
            "SELECT * FROM (SELECT ",
            columns!(),
            ", d.seq, ?7 IS NULL OR e.event_type = ?7
             FROM webhooks w CROSS JOIN deliveries d INDEXED BY ",
            $index,
            " ON d.webhook_seq = w.seq CROSS JOIN events e ON e.seq = d.event_seq
             WHERE w.id = ?1 AND ",
            $which,
            $bounds_and_order,
            " LIMIT ?5)"
        )
    };
}

/// The newest deliveries of a webhook before a place: first those of the place's own time, then those before it, as
/// in `event_list`.
macro_rules! newest_before {
    ($index:literal, $which:literal) => {
        concat!(
            newest!($index, $which, "d.created_at = ?2 AND d.seq < ?3 AND ?2 >= ?4 ORDER BY d.seq DESC"),
            " UNION ALL ",
            newest!($index, $which, "d.created_at < ?2 AND d.created_at >= ?4 ORDER BY d.created_at DESC, d.seq DESC"),
            " LIMIT ?5"
        )
    };
}

/// Among all of the webhook's.
pub(super) const OF_WEBHOOK: &str = newest_before!("deliveries_of_webhook", "");
/// Among those that were given up in the state `?6`.
pub(super) const GIVEN_UP: &str =
    newest_before!("deliveries_given_up", "d.state IN ('failed', 'canceled') AND d.state = ?6 AND ");

pub(super) fn page(
    connection: &Connection,
    webhook: &WebhookId,
    query: &DeliveryQuery,
    page: &PageRequest,
) -> rusqlite::Result<Page<Delivery>> {
    let Some((time, seq)) = start(connection, query, page)? else {
        return Ok(Page { items: Vec::new(), next: None });
    };
    let is_given_up = matches!(query.state, Some(DeliveryState::Failed | DeliveryState::Canceled));
    let since = query.since.unwrap_or(Timestamp::from_millis(i64::MIN));
    let is_sifted = query.event_type.is_some() || (query.state.is_some() && !is_given_up);
    let rows_max = if is_sifted { PAGE_EVENTS_EXAMINED_MAX as u32 } else { rows_of(page) };
    let mut statement = connection.prepare_cached(if is_given_up { GIVEN_UP } else { OF_WEBHOOK })?;
    let mut rows = statement.query((webhook, time, seq, since, rows_max, query.state, &query.event_type))?;
    let (mut items, mut read_rows, mut last) = (Vec::new(), 0, None);
    while let Some(row) = rows.next()? {
        if items.len() == page.items_max as usize {
            return Ok(Page { items, next: last });
        }
        read_rows += 1;
        last = Some(row.get(11)?);
        let (state, is_of_type): (DeliveryState, bool) = (row.get(4)?, row.get(12)?);
        if is_of_type && query.state.is_none_or(|wanted| wanted == state) {
            items.push(read(row)?);
        }
    }
    Ok(Page { items, next: last.filter(|_| read_rows == rows_max) })
}

/// The time and place to begin before, unless nothing can be there.
fn start(
    connection: &Connection,
    query: &DeliveryQuery,
    page: &PageRequest,
) -> rusqlite::Result<Option<(Timestamp, i64)>> {
    let until = (query.until.unwrap_or(Timestamp::from_millis(i64::MAX)), i64::MIN);
    let Some(after) = page.after else { return Ok(Some(until)) };
    let created_at: Option<Timestamp> = connection
        .prepare_cached("SELECT created_at FROM deliveries WHERE seq = ?1")?
        .query_one((after,), |row| row.get(0))
        .optional()?;
    // The oldest go first: where the last one of a page has gone, all behind it have, but for those still owed.
    Ok(created_at.map(|created_at| until.min((created_at, after))))
}
