//! On which events something was decided for a webhook: what its lists, statistics and replays go through.
//!
//! Verdicts lie by event, so that a decision for many webhooks appends. Where a webhook's verdicts are is kept in a
//! table by webhook, and there each webhook has pages of its own: an event with verdicts for ten thousand webhooks
//! would write ten thousand pages for as many small rows. So such an event waits until there are many, and then they
//! are placed together, webhook by webhook. Each such decision places as many verdicts as it adds, in its own
//! transaction: nothing piles up, no loop has to keep up, and what waits is bounded. Whoever reads looks in both: the
//! table, and each event that waits. So a verdict is found as soon as it is there.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rusqlite::{CachedStatement, Connection, OptionalExtension};

use crate::model::event::EventSeq;
use crate::model::limits::{EVENTS_PLACED_TOGETHER, VERDICTS_PLACED_AT_LEAST, VERDICTS_PLACED_SINGLY_MAX};

/// The events on which something was decided for a webhook (`?1`), from one (`?2`) to before another (`?3`). The
/// verdict may be gone already.
macro_rules! places {
    ($order:literal) => {
        concat!(
            "SELECT event_seq FROM verdicts_of_webhook WHERE webhook_seq = ?1 AND event_seq >= ?2 AND event_seq < ?3
             UNION
             SELECT p.event_seq FROM verdicts_to_place p WHERE p.event_seq >= ?2 AND p.event_seq < ?3
               AND EXISTS (SELECT 1 FROM verdicts v WHERE v.event_seq = p.event_seq AND v.webhook_seq = ?1)
             ORDER BY 1 ",
            $order
        )
    };
}

/// The newest first.
pub(super) const NEWEST_FIRST: &str = places!("DESC");
/// The oldest first.
pub(super) const OLDEST_FIRST: &str = places!("ASC");

/// When verdicts are placed.
pub(super) struct Bounds {
    /// Verdicts on one event that are placed with it.
    pub(super) singly_max: usize,
    /// Events with more that are placed together.
    pub(super) together: u32,
    /// Verdicts that are placed with each of these at least.
    pub(super) at_least: usize,
}

/// As it is outside of tests.
pub(super) const BOUNDS: Bounds = Bounds {
    singly_max: VERDICTS_PLACED_SINGLY_MAX,
    together: EVENTS_PLACED_TOGETHER,
    at_least: VERDICTS_PLACED_AT_LEAST,
};

/// Has the verdicts on an event be found by their webhooks, which come in order.
pub(super) fn add(connection: &Connection, event: EventSeq, webhooks: &[i64], bounds: &Bounds) -> rusqlite::Result<()> {
    if webhooks.len() <= bounds.singly_max {
        return place(connection, webhooks.iter().map(|webhook| (*webhook, event)));
    }
    connection
        .prepare_cached("INSERT INTO verdicts_to_place (event_seq, placed_to) VALUES (?1, 0)")?
        .execute((event,))?;
    let mut left = webhooks.len().max(bounds.at_least);
    while left > 0 {
        match place_waiting(connection, left, bounds.together)? {
            0 => break,
            placed => left = left.saturating_sub(placed),
        }
    }
    Ok(())
}

fn place(connection: &Connection, places: impl Iterator<Item = (i64, EventSeq)>) -> rusqlite::Result<()> {
    let mut insert =
        connection.prepare_cached("INSERT INTO verdicts_of_webhook (webhook_seq, event_seq) VALUES (?1, ?2)")?;
    for place in places {
        insert.execute(place)?;
    }
    Ok(())
}

/// Places `count` verdicts of the events that are placed together now: more where they are of one webhook, fewer where
/// there are not as many; how many.
fn place_waiting(connection: &Connection, count: usize, events: u32) -> rusqlite::Result<usize> {
    let Some(mut together) = Together::begin(connection, count, events)? else { return Ok(0) };
    let mut places: Vec<(i64, EventSeq)> = Vec::with_capacity(count);
    let mut placed_to = 0;
    while let Some(webhook) = together.next_webhook() {
        if places.len() >= count && webhook > placed_to {
            break;
        }
        placed_to = webhook;
        places.extend(together.pop()?);
    }
    let (placed, is_done) = (places.len(), together.next_webhook().is_none());
    place(connection, places.into_iter())?;
    for waiting in &together.events {
        if is_done {
            connection
                .prepare_cached("DELETE FROM verdicts_to_place WHERE event_seq = ?1")?
                .execute((waiting.event,))?;
        } else {
            connection
                .prepare_cached("UPDATE verdicts_to_place SET placed_to = ?2 WHERE event_seq = ?1")?
                .execute((waiting.event, placed_to))?;
        }
    }
    Ok(placed)
}

/// An event that waits, and the next of its webhooks.
struct Waiting {
    event: EventSeq,
    read: VecDeque<i64>,
}

/// The events whose verdicts are placed together, merged by webhook.
struct Together<'c> {
    statement: CachedStatement<'c>,
    events: Vec<Waiting>,
    /// The next webhook of each event, and which event that is. Events of one webhook come in order.
    heads: BinaryHeap<Reverse<(i64, usize)>>,
    /// How many are read of an event at a time.
    chunk: u32,
}

impl<'c> Together<'c> {
    /// The events with which placing goes on, or begins if `events_max` wait. About `count` verdicts are wanted.
    fn begin(connection: &'c Connection, count: usize, events_max: u32) -> rusqlite::Result<Option<Self>> {
        let begun: Option<i64> = connection
            .prepare_cached("SELECT placed_to FROM verdicts_to_place WHERE placed_to > 0 LIMIT 1")?
            .query_one((), |row| row.get(0))
            .optional()?;
        let placed_to = begun.unwrap_or(0);
        let events: Vec<Waiting> = connection
            .prepare_cached("SELECT event_seq FROM verdicts_to_place WHERE placed_to = ?1 ORDER BY event_seq LIMIT ?2")?
            .query_map((placed_to, events_max), |row| Ok(Waiting { event: row.get(0)?, read: VecDeque::new() }))?
            .collect::<Result<_, _>>()?;
        if begun.is_none() && events.len() < events_max as usize {
            return Ok(None);
        }
        let statement = connection.prepare_cached(
            "SELECT webhook_seq FROM verdicts WHERE event_seq = ?1 AND webhook_seq > ?2 ORDER BY webhook_seq LIMIT ?3",
        )?;
        let chunk = u32::try_from(count).unwrap_or(u32::MAX) / events_max + 1;
        let mut together = Self { statement, events, heads: BinaryHeap::new(), chunk };
        for number in 0..together.events.len() {
            together.advance(number, placed_to)?;
        }
        Ok(Some(together))
    }

    fn next_webhook(&self) -> Option<i64> {
        self.heads.peek().map(|Reverse((webhook, _))| *webhook)
    }

    fn pop(&mut self) -> rusqlite::Result<Option<(i64, EventSeq)>> {
        let Some(Reverse((webhook, number))) = self.heads.pop() else { return Ok(None) };
        self.advance(number, webhook)?;
        Ok(Some((webhook, self.events[number].event)))
    }

    /// Has the next webhook of an event, behind `after`, take its turn.
    fn advance(&mut self, number: usize, after: i64) -> rusqlite::Result<()> {
        let waiting = &mut self.events[number];
        if waiting.read.is_empty() {
            let rows = self.statement.query_map((waiting.event, after, self.chunk), |row| row.get(0))?;
            waiting.read = rows.collect::<Result<_, _>>()?;
        }
        self.heads.extend(waiting.read.pop_front().map(|webhook| Reverse((webhook, number))));
        Ok(())
    }
}
