//! Deletes what has had its time, the oldest events first, a bounded number of rows in a step.
//!
//! An event goes with all that hangs on it, and only when nothing of it is needed any more: it is decided on, nothing of
//! it is owed, and no replay has yet to look at it. Deliveries that have ended go also where another of the same event
//! is still owed. The places by which webhooks find their verdicts (`verdict_places`) are tidied once, at the end of a
//! pass, webhook by webhook, since each webhook has pages of its own there; until then such a place leads nowhere,
//! which readers expect.
//!
//! The file keeps its size: pages that are free are used again. Giving them back would move others into their places,
//! which costs the one writer as much as deleting did.

use rusqlite::{Connection, OptionalExtension, Params};

use crate::model::Timestamp;
use crate::store::{Deleted, Retained, Retention, RetentionPlace};

/// Events that a step looks at, so that it is short also where none of them may go.
const EVENTS_EXAMINED_MAX: u32 = 256;

/// The next events, the oldest first.
pub(super) const OLDEST: &str = "SELECT accepted_at, seq FROM events INDEXED BY events_by_time
     WHERE accepted_at >= ?2 AND accepted_at < ?1 AND (accepted_at > ?2 OR seq > ?3) ORDER BY accepted_at, seq LIMIT ?4";
/// Whether somebody has yet to look at an event.
pub(super) const IS_NEEDED: &str = "SELECT EXISTS (SELECT 1 FROM dispatch_queue WHERE event_seq = ?1)
     OR EXISTS (SELECT 1 FROM replays INDEXED BY replays_running
                WHERE state = 'running' AND created_at >= ?2 AND position < ?1 AND last_position >= ?1)";

pub(super) fn step(connection: &Connection, retention: &Retention, from: RetentionPlace) -> rusqlite::Result<Retained> {
    let mut step = Step { connection, retention, deleted: Deleted::default(), rows: 0 };
    let next = match from {
        RetentionPlace::Events { accepted_at, seq, last } => step.events(accepted_at, seq, last)?,
        RetentionPlace::Verdicts { webhook, event, last } => step.places(webhook, event, last)?,
    };
    Ok(Retained { deleted: step.deleted, next })
}

/// Bytes of the database that are in use.
fn bytes_used(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = pragma("page_count")? - pragma("freelist_count")?;
    Ok(u64::try_from(pages * pragma("page_size")?).unwrap_or(0))
}

struct Step<'a> {
    connection: &'a Connection,
    retention: &'a Retention,
    deleted: Deleted,
    /// Rows that it has deleted or looked at.
    rows: u32,
}

impl Step<'_> {
    fn room(&self) -> u32 {
        self.retention.rows_max.saturating_sub(self.rows)
    }

    /// Deletes events behind a place; where to go on.
    fn events(
        &mut self,
        mut accepted_at: Timestamp,
        mut seq: i64,
        mut last: i64,
    ) -> rusqlite::Result<Option<RetentionPlace>> {
        let is_large = bytes_used(self.connection)? > self.retention.bytes_max;
        let Retention { before, before_if_large, .. } = *self.retention;
        let before = if is_large { before.max(before_if_large) } else { before };
        let events: Vec<(Timestamp, i64)> = self
            .connection
            .prepare_cached(OLDEST)?
            .query_map((before, accepted_at, seq, EVENTS_EXAMINED_MAX), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let is_end = events.len() < EVENTS_EXAMINED_MAX as usize;
        for (time, event) in events {
            let verdicts = self.deleted.verdicts;
            let is_done = self.event(event)?;
            if self.deleted.verdicts > verdicts {
                last = last.max(event);
            }
            if !is_done {
                return Ok(Some(RetentionPlace::Events { accepted_at, seq, last }));
            }
            (accepted_at, seq) = (time, event);
        }
        Ok(if !is_end {
            Some(RetentionPlace::Events { accepted_at, seq, last })
        } else if last > 0 {
            Some(RetentionPlace::Verdicts { webhook: 0, event: 0, last })
        } else {
            None
        })
    }

    /// Deletes what may go of an event; whether that is done, and not only begun.
    fn event(&mut self, event: i64) -> rusqlite::Result<bool> {
        let is_needed = self
            .connection
            .prepare_cached(IS_NEEDED)?
            .query_one((event, self.retention.replays_since), |row| row.get(0))?;
        if is_needed {
            return Ok(true);
        }
        self.deliveries(event)?;
        if self.room() == 0 {
            return Ok(false);
        }
        let is_owed: bool = self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM deliveries WHERE event_seq = ?1)")?
            .query_one((event,), |row| row.get(0))?;
        if is_owed {
            return Ok(true);
        }
        self.delete(
            "DELETE FROM shadow_samples WHERE event_seq = ?1 AND webhook_seq IN
               (SELECT webhook_seq FROM shadow_samples INDEXED BY shadow_samples_of_event WHERE event_seq = ?1 LIMIT ?2)",
            (event, self.room()),
        )?;
        self.deleted.verdicts += self.delete(
            "DELETE FROM verdicts WHERE event_seq = ?1 AND webhook_seq IN
               (SELECT webhook_seq FROM verdicts WHERE event_seq = ?1 ORDER BY webhook_seq LIMIT ?2)",
            (event, self.room()),
        )?;
        if self.room() == 0 {
            return Ok(false);
        }
        self.delete("DELETE FROM verdicts_to_place WHERE event_seq = ?1", (event,))?;
        self.deleted.events += self.delete("DELETE FROM events WHERE seq = ?1", (event,))?;
        Ok(true)
    }

    /// Deletes an event's deliveries that have ended, with their attempts.
    fn deliveries(&mut self, event: i64) -> rusqlite::Result<()> {
        let ended: Vec<i64> = self
            .connection
            .prepare_cached("SELECT seq FROM deliveries WHERE event_seq = ?1 AND state <> 'pending' LIMIT ?2")?
            .query_map((event, self.room()), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for delivery in ended {
            if self.room() == 0 {
                break;
            }
            self.deleted.attempts += self.delete("DELETE FROM attempts WHERE delivery_seq = ?1", (delivery,))?;
            self.deleted.deliveries += self.delete("DELETE FROM deliveries WHERE seq = ?1", (delivery,))?;
        }
        Ok(())
    }

    /// Deletes rows; how many.
    fn delete(&mut self, sql: &str, parameters: impl Params) -> rusqlite::Result<u64> {
        let deleted = self.connection.prepare_cached(sql)?.execute(parameters)?;
        self.rows = self.rows.saturating_add(u32::try_from(deleted).unwrap_or(u32::MAX));
        Ok(deleted as u64)
    }

    /// Deletes the places of verdicts that are gone, on events up to `last`; where to go on.
    fn places(&mut self, mut webhook: i64, mut event: i64, last: i64) -> rusqlite::Result<Option<RetentionPlace>> {
        let mut places = self.connection.prepare_cached(
            "SELECT event_seq, EXISTS (SELECT 1 FROM verdicts v WHERE v.event_seq = p.event_seq AND v.webhook_seq = ?1)
             FROM verdicts_of_webhook p WHERE p.webhook_seq = ?1 AND p.event_seq > ?2 AND p.event_seq <= ?3
             ORDER BY p.event_seq LIMIT ?4",
        )?;
        let mut next_webhook = self.connection.prepare_cached(
            "SELECT webhook_seq FROM verdicts_of_webhook WHERE webhook_seq > ?1 ORDER BY webhook_seq LIMIT 1",
        )?;
        loop {
            let room = self.room();
            let found: Vec<(i64, bool)> = places
                .query_map((webhook, event, last, room), |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            let gone = found.iter().filter(|(_, is_there)| !is_there);
            for (event, _) in gone {
                self.delete(
                    "DELETE FROM verdicts_of_webhook WHERE webhook_seq = ?1 AND event_seq = ?2",
                    (webhook, event),
                )?;
            }
            if let Some((last_found, _)) = found.last()
                && found.len() == room as usize
            {
                event = *last_found;
                return Ok(Some(RetentionPlace::Verdicts { webhook, event, last }));
            }
            let next = next_webhook.query_one((webhook,), |row| row.get(0)).optional()?;
            let Some(next) = next else { return Ok(None) };
            (webhook, event) = (next, 0);
            self.rows += 1;
            if self.room() == 0 {
                return Ok(Some(RetentionPlace::Verdicts { webhook, event, last }));
            }
        }
    }
}
