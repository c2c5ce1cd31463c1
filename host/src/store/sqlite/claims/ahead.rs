//! What is read before a claim needs it: a claim that has to read has all others wait, and endpoints have nothing to do.

use std::ops::ControlFlow;
use std::sync::Arc;

use rusqlite::Connection;

use super::{AtHand, Pick};
use crate::model::Timestamp;
use crate::model::event::{EventSeq, StoredEvent};
use crate::model::limits::{
    EVENTS_AHEAD_BYTES_MAX, EVENTS_AHEAD_MAX, EVENTS_READ_AHEAD_BYTES_MAX, EVENTS_READ_AHEAD_MAX,
};
use crate::store::Result;
use crate::store::sqlite::SqliteStore;
use crate::store::sqlite::beginning::Listed;
use crate::store::sqlite::events;
use crate::store::sqlite::pending::{Place, read_from};
use crate::store::sqlite::readers::Readers;
use crate::store::sqlite::recent::RecentEvents;

/// Events between two that are wanted, which are read with them rather than sought past.
const GAP_MAX: i64 = 4;

impl SqliteStore {
    /// Has what follows these picks be read, where much of it is not in memory. Nobody waits for it, and it is not
    /// said what cannot be read: whoever claims it will say so.
    pub(super) fn read_ahead(&self, picks: &[Pick], now: Timestamp) {
        let behind = picks.iter().filter(|pick| pick.is_look_due).map(|pick| (pick.webhook, pick.owed.place()));
        let behind: Vec<_> = behind.collect();
        if behind.is_empty() {
            return;
        }
        let Ok(reading) = Arc::clone(&self.at_hand.reading).try_lock_owned() else { return };
        let deliveries = self.at_hand.deliveries_lacking(&behind, now);
        if deliveries.is_empty() && self.at_hand.events_lacking(&behind).is_empty() {
            return;
        }
        let (at_hand, readers) = (Arc::clone(&self.at_hand), Arc::clone(&self.readers));
        tokio::spawn(async move {
            if !deliveries.is_empty() && read_deliveries(&at_hand, &readers, deliveries).await.is_err() {
                return;
            }
            let events = at_hand.events_lacking(&behind);
            if events.is_empty() {
                return;
            }
            let read = move |connection: &Connection| {
                read_events(connection, &events, &at_hand.recent);
                Ok(())
            };
            drop(readers.read(read).await);
            drop(reading);
        });
    }
}

impl AtHand {
    /// Where the deliveries of these webhooks go on that are due and not in memory, if that is soon.
    fn deliveries_lacking(&self, behind: &[(i64, Place)], now: Timestamp) -> Vec<(i64, Place)> {
        let state = self.pending.state();
        behind.iter().filter_map(|&(webhook, place)| Some((webhook, state.half_read(webhook, place, now)?))).collect()
    }

    /// The events that come next for these webhooks, if most of them are not in memory.
    fn events_lacking(&self, behind: &[(i64, Place)]) -> Vec<EventSeq> {
        let state = self.pending.state();
        let (events_max, bytes_max) = (state.share_of(EVENTS_AHEAD_MAX), state.share_of(EVENTS_AHEAD_BYTES_MAX));
        // More would be looked through again and again before half of it is missing.
        let events_max = events_max.min(2 * EVENTS_READ_AHEAD_MAX);
        let mut lacking = Vec::new();
        for &(webhook, place) in behind {
            let next = state.events_behind(webhook, place).take(events_max);
            let (mut missing, looked_at) = self.recent.missing(next, bytes_max);
            if missing.len() > looked_at / 2 {
                lacking.append(&mut missing);
            }
        }
        // Webhooks are often owed the same.
        lacking.sort_unstable();
        lacking.dedup();
        lacking.truncate(EVENTS_READ_AHEAD_MAX);
        lacking
    }
}

/// Reads what is owed to webhooks, from a place on, for whoever holds `reading`.
pub(super) async fn read_deliveries(at_hand: &AtHand, readers: &Arc<Readers>, from: Vec<(i64, Place)>) -> Result<()> {
    let rows_max = at_hand.pending.state().begin_reading(&from);
    let read = move |connection: &Connection| {
        let read = |(webhook, from)| Ok((webhook, read_from(connection, webhook, from, rows_max)?));
        from.into_iter().map(read).collect::<rusqlite::Result<Vec<_>>>()
    };
    let read = readers.read(read).await?;
    let mut state = at_hand.pending.state();
    read.into_iter().for_each(|(webhook, owed)| state.end_reading(webhook, owed, rows_max));
    Ok(())
}

/// Has events be at hand, which are in order, until they weigh too much. Those that stand close to each other are one look
/// through the table.
fn read_events(connection: &Connection, wanted: &[EventSeq], recent: &RecentEvents) {
    let mut bytes = 0;
    let mut keep = |stored: StoredEvent| {
        bytes += events::weight(&stored.event);
        recent.keep(stored.seq, (stored.event, stored.test_of));
        if bytes > EVENTS_READ_AHEAD_BYTES_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    for run in wanted.chunk_by(|before, next| next.0 - before.0 <= GAP_MAX) {
        if !matches!(events::read_run(connection, run, &mut keep), Ok(ControlFlow::Continue(()))) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::store::contract::samples::{at, owe};
    use crate::store::sqlite::tests::opened;

    #[tokio::test]
    async fn what_is_wanted_is_read_whatever_is_between_and_nothing_else() {
        let (store, _kept) = opened();
        let at_hand = Arc::clone(&store.at_hand);
        for number in 0..30 {
            owe(&*store, &format!("e{number}"), &[], at(0)).await;
        }
        let gone = store.write(|connection| connection.execute("DELETE FROM events WHERE seq IN (4, 21)", ()));
        assert_eq!(gone.await.unwrap(), 2);
        let wanted: Vec<_> = [1, 2, 4, 5, 9, 9 + GAP_MAX, 20, 21, 30, 31].map(EventSeq).into();
        let recent = RecentEvents::new(1 << 20);

        let read = store.read(move |connection| {
            read_events(connection, &wanted, &recent);
            Ok((1..40).filter(|seq| recent.get(EventSeq(*seq)).is_some()).collect::<Vec<_>>())
        });

        assert_eq!(read.await.unwrap(), [1, 2, 5, 9, 9 + GAP_MAX, 20, 30]);
        let kept = at_hand.recent.get(EventSeq(9)).unwrap().0;
        assert_eq!(store.event(&kept.id).await.unwrap().unwrap().seq, EventSeq(9));
    }
}
