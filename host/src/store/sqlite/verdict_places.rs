//! On which events something was decided for a webhook: what its lists, statistics and replays go through.
//!
//! Verdicts lie by event, so that a decision appends. Where a webhook's verdicts are is kept in a table by webhook, and
//! there each webhook has pages of its own: placed one by one, each verdict would write a page for its few bytes. So the
//! verdicts on an event wait until there are many, and then they are placed webhook by webhook, in turn. A decision that
//! finds more waiting than may places twice as many as it adds, in its own transaction, until there are few enough:
//! nothing piles up, and no loop has to keep up. Whoever reads looks in both: the table, and each event that waits. So a
//! verdict is found as soon as it is there.
//!
//! What waits is in memory by webhook, and in a table by event, from which memory is filled at the start and whenever
//! something was rolled back. What was placed already may be placed again then, which changes nothing. A verdict may
//! have gone by the time it is placed: such a place leads nowhere, and goes with the next pass of `retention`.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::writer::Commits;
use crate::model::event::EventSeq;
use crate::model::limits::{
    EVENTS_TO_PLACE_MAX, VERDICTS_PLACED_AT_LEAST, VERDICTS_PLACED_AT_ONCE_MAX, VERDICTS_TO_PLACE_MAX,
};

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

/// How much may wait.
pub(super) struct Bounds {
    /// Events.
    pub(super) events_max: usize,
    /// Their verdicts.
    pub(super) verdicts_max: usize,
    /// Verdicts that a decision places at least where there is too much.
    pub(super) at_least: usize,
    /// Verdicts for one webhook that are placed at once.
    pub(super) at_once_max: usize,
}

/// As it is outside of tests.
pub(super) const BOUNDS: Bounds = Bounds {
    events_max: EVENTS_TO_PLACE_MAX,
    verdicts_max: VERDICTS_TO_PLACE_MAX,
    at_least: VERDICTS_PLACED_AT_LEAST,
    at_once_max: VERDICTS_PLACED_AT_ONCE_MAX,
};

/// Places verdicts. Only the writing thread does.
pub(super) struct Placer {
    bounds: Bounds,
    commits: Arc<Commits>,
    waiting: Mutex<Option<Waiting>>,
}

impl Placer {
    pub(super) fn new(bounds: Bounds, commits: Arc<Commits>) -> Self {
        Self { bounds, commits, waiting: Mutex::default() }
    }

    /// Has the verdicts on an event be found by their webhooks.
    pub(super) fn add(&self, connection: &Connection, event: EventSeq, webhooks: &[i64]) -> rusqlite::Result<()> {
        // Where it panicked, what was done is rolled back, if anything goes on at all.
        let mut state = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let undone = self.commits.undone.load(Ordering::Relaxed);
        let mut waiting = match state.take() {
            Some(waiting) if waiting.undone == undone => waiting,
            _ => Waiting::read(connection, undone)?,
        };
        if !webhooks.is_empty() {
            connection
                .prepare_cached("INSERT INTO verdicts_to_place (event_seq) VALUES (?1) ON CONFLICT DO NOTHING")?
                .execute((event,))?;
            webhooks.iter().for_each(|webhook| waiting.add(event, *webhook));
        }
        let mut left = (2 * webhooks.len()).max(self.bounds.at_least);
        while left > 0 && waiting.is_too_much(&self.bounds) {
            left = left.saturating_sub(waiting.place_next(connection, self.bounds.at_once_max)?);
        }
        // Not after a failure: what is in memory then is not what the rolled back table says.
        *state = Some(waiting);
        Ok(())
    }
}

/// Verdicts that are not placed yet, or were placed by a transaction that was rolled back.
#[derive(Debug, Default)]
struct Waiting {
    /// How many times something had been rolled back.
    undone: u64,
    /// The events of each webhook.
    of_webhook: BTreeMap<i64, Vec<EventSeq>>,
    /// How many verdicts of each event wait.
    of_event: HashMap<EventSeq, u32>,
    verdicts: usize,
    /// The webhook that was the last to have its turn.
    turn: i64,
}

impl Waiting {
    fn read(connection: &Connection, undone: u64) -> rusqlite::Result<Self> {
        let mut waiting = Self { undone, ..Self::default() };
        let mut statement = connection.prepare_cached(
            "SELECT t.event_seq, v.webhook_seq FROM verdicts_to_place t CROSS JOIN verdicts v ON v.event_seq = t.event_seq",
        )?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            waiting.add(row.get(0)?, row.get(1)?);
        }
        Ok(waiting)
    }

    fn add(&mut self, event: EventSeq, webhook: i64) {
        self.of_webhook.entry(webhook).or_default().push(event);
        *self.of_event.entry(event).or_default() += 1;
        self.verdicts += 1;
    }

    fn is_too_much(&self, bounds: &Bounds) -> bool {
        self.of_event.len() > bounds.events_max || self.verdicts > bounds.verdicts_max
    }

    /// Places what waits for the webhook whose turn it is, `at_once_max` verdicts at the most; how many.
    fn place_next(&mut self, connection: &Connection, at_once_max: usize) -> rusqlite::Result<usize> {
        let behind = (Bound::Excluded(self.turn), Bound::Unbounded);
        let next = self.of_webhook.range(behind).next().or_else(|| self.of_webhook.iter().next());
        let Some(webhook) = next.map(|(webhook, _)| *webhook) else { return Ok(0) };
        self.turn = webhook;
        let mut events = self.of_webhook.remove(&webhook).unwrap_or_default();
        // In the order of the table, the oldest first.
        events.sort_unstable();
        let later = events.split_off(events.len().min(at_once_max));
        if !later.is_empty() {
            self.of_webhook.insert(webhook, later);
        }
        let mut place = connection.prepare_cached(
            "INSERT INTO verdicts_of_webhook (webhook_seq, event_seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?;
        let mut done = connection.prepare_cached("DELETE FROM verdicts_to_place WHERE event_seq = ?1")?;
        for event in &events {
            place.execute((webhook, event))?;
            if self.is_done(*event) {
                done.execute((event,))?;
            }
        }
        self.verdicts -= events.len();
        Ok(events.len())
    }

    /// Counts that a verdict on an event was placed; whether that was the last of them.
    fn is_done(&mut self, event: EventSeq) -> bool {
        let Some(left) = self.of_event.get_mut(&event) else { return true };
        *left -= 1;
        let is_done = *left == 0;
        if is_done {
            self.of_event.remove(&event);
        }
        is_done
    }
}
