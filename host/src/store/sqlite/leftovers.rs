//! Deletes what nothing refers to any more: replays that ended long ago, webhooks as deliveries had them, and webhooks
//! that were deleted. A bounded number of rows in a step, as in `retention`, which takes away what refers to these.
//!
//! The shape of a webhook that deliveries had is in use while one of them is there. To know that, all deliveries of the
//! webhook are read, by us and by SQLite's own check, since an index would cost every delivery a page. So the shapes of a
//! webhook with very many deliveries wait until it has fewer. Dispatch writes a shape again where it finds none.
//!
//! Of a deleted webhook a row is left that says so, until the other rows that name it have gone. The newest row stays, and
//! the one that changed last: the numbers of others follow from theirs.

use rusqlite::{Connection, OptionalExtension, Params};

use crate::model::Timestamp;
use crate::model::limits::SNAPSHOT_DELIVERIES_MAX;
use crate::store::{Leftovers, LeftoversPlace, LeftoversStep};

/// Deliveries, or events, that take about as long to look at as one row to delete.
const LOOKS_PER_ROW: u32 = 16;

/// Replays that ended before `?1`.
pub(super) const ENDED_REPLAYS: &str = "DELETE FROM replays WHERE seq IN (SELECT seq FROM replays INDEXED BY replays_ended WHERE finished_at < ?1 LIMIT ?2)";
/// The next webhooks that were deleted before `?1`.
pub(super) const DELETED_WEBHOOKS: &str = "SELECT deleted_at, seq FROM webhooks INDEXED BY webhooks_deleted
     WHERE deleted_at >= ?2 AND deleted_at < ?1 AND (deleted_at > ?2 OR seq > ?3) ORDER BY deleted_at, seq LIMIT ?4";
/// Deletes a webhook that was deleted, unless something names it or follows from it.
pub(super) const UNNAMED_WEBHOOK: &str = "DELETE FROM webhooks WHERE seq = ?1
       AND seq < (SELECT max(seq) FROM webhooks) AND change_seq < (SELECT max(change_seq) FROM webhooks)
       AND NOT EXISTS (SELECT 1 FROM deliveries INDEXED BY deliveries_of_webhook WHERE webhook_seq = ?1)
       AND NOT EXISTS (SELECT 1 FROM webhook_snapshots WHERE webhook_seq = ?1)
       AND NOT EXISTS (SELECT 1 FROM replays INDEXED BY replays_of_webhook WHERE webhook_seq = ?1)
       AND NOT EXISTS (SELECT 1 FROM events INDEXED BY events_of_test WHERE test_webhook_seq = ?1)
       AND NOT EXISTS (SELECT 1 FROM verdicts_of_webhook WHERE webhook_seq = ?1)
       AND NOT EXISTS (SELECT 1 FROM verdicts_to_place t CROSS JOIN verdicts v
                       ON v.event_seq = t.event_seq AND v.webhook_seq = ?1)";

pub(super) fn step(
    connection: &Connection,
    before: Timestamp,
    rows_max: u32,
    from: LeftoversPlace,
) -> rusqlite::Result<LeftoversStep> {
    let mut step = Step { connection, deleted: Leftovers::default(), room: rows_max };
    let next = match from {
        LeftoversPlace::Replays => step.replays(before)?,
        LeftoversPlace::Snapshots { webhook, version } => step.snapshots(webhook, version)?,
        LeftoversPlace::Webhooks { deleted_at, seq } => step.webhooks(before, deleted_at, seq)?,
    };
    Ok(LeftoversStep { deleted: step.deleted, next })
}

struct Step<'a> {
    connection: &'a Connection,
    deleted: Leftovers,
    /// Rows that it may still delete or look at.
    room: u32,
}

impl Step<'_> {
    fn take(&mut self, rows: u32) {
        self.room = self.room.saturating_sub(rows);
    }

    fn delete(&mut self, sql: &str, parameters: impl Params) -> rusqlite::Result<u64> {
        let deleted = self.connection.prepare_cached(sql)?.execute(parameters)?;
        Ok(deleted as u64)
    }

    fn replays(&mut self, before: Timestamp) -> rusqlite::Result<Option<LeftoversPlace>> {
        self.deleted.replays = self.delete(ENDED_REPLAYS, (before, self.room))?;
        let is_more = self.deleted.replays == u64::from(self.room);
        Ok(Some(if is_more { LeftoversPlace::Replays } else { LeftoversPlace::Snapshots { webhook: 0, version: 0 } }))
    }

    /// Goes on behind a version of a webhook, until there is no room.
    fn snapshots(&mut self, mut webhook: i64, mut version: i64) -> rusqlite::Result<Option<LeftoversPlace>> {
        while self.room > 0 {
            let next: Option<(i64, i64)> = self
                .connection
                .prepare_cached(
                    "SELECT webhook_seq, version FROM webhook_snapshots
                     WHERE (webhook_seq, version) > (?1, ?2) ORDER BY webhook_seq, version LIMIT 1",
                )?
                .query_one((webhook, version), |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some(next) = next else {
                return Ok(Some(LeftoversPlace::Webhooks { deleted_at: Timestamp::from_millis(i64::MIN), seq: 0 }));
            };
            (webhook, version) = next;
            let deliveries: u32 = self
                .connection
                .prepare_cached(
                    "SELECT count(*) FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_of_webhook
                                           WHERE webhook_seq = ?1 LIMIT ?2)",
                )?
                .query_one((webhook, SNAPSHOT_DELIVERIES_MAX), |row| row.get(0))?;
            self.take(1 + deliveries / LOOKS_PER_ROW);
            if deliveries == SNAPSHOT_DELIVERIES_MAX {
                version = i64::MAX;
                continue;
            }
            self.deleted.snapshots += self.delete(
                "DELETE FROM webhook_snapshots WHERE webhook_seq = ?1 AND version = ?2 AND NOT EXISTS
                   (SELECT 1 FROM deliveries INDEXED BY deliveries_of_webhook
                    WHERE webhook_seq = ?1 AND snapshot_version = ?2)",
                (webhook, version),
            )?;
        }
        Ok(Some(LeftoversPlace::Snapshots { webhook, version }))
    }

    fn webhooks(
        &mut self,
        before: Timestamp,
        mut deleted_at: Timestamp,
        mut seq: i64,
    ) -> rusqlite::Result<Option<LeftoversPlace>> {
        // Whether one is named is looked for in each event whose verdicts wait to be placed.
        let waiting: u32 = self
            .connection
            .prepare_cached("SELECT count(*) FROM verdicts_to_place")?
            .query_one((), |row| row.get(0))?;
        let room = (self.room / (1 + waiting / LOOKS_PER_ROW)).max(1);
        let found: Vec<(Timestamp, i64)> = self
            .connection
            .prepare_cached(DELETED_WEBHOOKS)?
            .query_map((before, deleted_at, seq, room), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let is_end = found.len() < room as usize;
        for row in found {
            (deleted_at, seq) = row;
            self.deleted.webhooks += self.delete(UNNAMED_WEBHOOK, (seq,))?;
        }
        Ok((!is_end).then_some(LeftoversPlace::Webhooks { deleted_at, seq }))
    }
}
