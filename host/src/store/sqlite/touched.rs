//! What a transaction touched, so that what is in memory beside the database changes with it.
//!
//! SQLite tells of every row that is written, by whatever statement, so nothing can be forgotten. Before the commit the
//! writer reads what became of these rows, and tells it when they are committed, before it answers anybody. What is
//! rolled back is forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::hooks::Action;
use rusqlite::{Connection, OptionalExtension};

use super::claims::AtHand;
use super::events::Placed;
use super::pending::{Change, Is, Owed, Standing, State, columns, standing};
use crate::model::delivery::DeliveryState;
use crate::model::event::{Event, EventSeq};
use crate::model::ids::WebhookId;
use crate::model::limits::{DELIVERIES_TOUCHED_MAX, WEBHOOKS_KNOWN_MAX};

/// Deliveries of a transaction beyond which all is read anew. Few in tests, so that it is.
const DELIVERIES_MAX: usize = if cfg!(test) { 8 } else { DELIVERIES_TOUCHED_MAX };

/// A delivery, to whom, and what became of it.
pub(super) const DELIVERY: &str = concat!("SELECT ", columns!(), ", webhook_seq, state FROM deliveries WHERE seq = ?1");
/// How a webhook stands.
pub(super) const WEBHOOK: &str = concat!("SELECT ", standing!(), " FROM webhooks w WHERE w.seq = ?1");

/// The rows that a transaction has touched.
#[derive(Clone, Debug, Default)]
pub(super) struct Touched(Arc<Mutex<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    webhooks: Vec<i64>,
    secrets: usize,
    deliveries: Vec<i64>,
    /// Those of which whoever wrote them told that they were delivered: to which webhook, and which.
    delivered: Vec<(i64, i64)>,
    /// Events that wait for a decision, or wait no more.
    events: Vec<(i64, bool)>,
    /// Events that are new.
    accepted: Vec<(EventSeq, Arc<Event>)>,
    /// Webhooks of which another success at this URL would change nothing, and their places. Over transactions, until any webhook
    /// is touched.
    sound: HashMap<WebhookId, (Box<str>, i64)>,
}

/// How many rows had been touched.
#[derive(Clone, Copy, Default)]
pub(super) struct Mark {
    webhooks: usize,
    secrets: usize,
    deliveries: usize,
    delivered: usize,
    events: usize,
    accepted: usize,
}

impl Touched {
    /// Has the connection tell of what it writes.
    pub(super) fn watch(connection: &mut Connection) -> rusqlite::Result<Self> {
        let touched = Self::default();
        let told = touched.clone();
        connection.update_hook(Some(move |action, _: &str, table: &str, seq| told.rows().note(action, table, seq)))?;
        Ok(touched)
    }

    pub(super) fn mark(&self) -> Mark {
        let rows = self.rows();
        Mark {
            webhooks: rows.webhooks.len(),
            secrets: rows.secrets,
            deliveries: rows.deliveries.len(),
            delivered: rows.delivered.len(),
            events: rows.events.len(),
            accepted: rows.accepted.len(),
        }
    }

    /// Forgets what was touched since.
    pub(super) fn roll_back_to(&self, mark: Mark) {
        let mut rows = self.rows();
        rows.webhooks.truncate(mark.webhooks);
        rows.secrets = mark.secrets;
        rows.deliveries.truncate(mark.deliveries);
        rows.delivered.truncate(mark.delivered);
        rows.events.truncate(mark.events);
        rows.accepted.truncate(mark.accepted);
        // Some may be so only by what is undone.
        rows.sound.clear();
    }

    /// Has an event that is new be at hand for those who decide on it and send it.
    pub(super) fn accepted(&self, event: &Arc<Event>, placed: Option<Placed>) {
        let Some(Placed { seq, accepted_at }) = placed else { return };
        let is_same = event.accepted_at == accepted_at;
        let event = if is_same { Arc::clone(event) } else { Arc::new(Event { accepted_at, ..(**event).clone() }) };
        self.rows().accepted.push((seq, event));
    }

    /// Has the delivery that was touched last be known to be delivered, so that nobody needs to read that.
    pub(super) fn delivered(&self, webhook: i64, seq: i64) {
        let mut rows = self.rows();
        if rows.deliveries.pop_if(|last| *last == seq).is_some() {
            rows.delivered.push((webhook, seq));
        }
    }

    /// Notes that another success of a webhook at its URL changes nothing of it.
    pub(super) fn is_sound(&self, webhook: &WebhookId, url: &str, seq: i64) {
        let mut rows = self.rows();
        if rows.sound.len() >= WEBHOOKS_KNOWN_MAX {
            rows.sound.clear();
        }
        rows.sound.insert(webhook.clone(), (url.into(), seq));
    }

    /// The place of a webhook, if it is known that another success at this URL changes nothing of it.
    pub(super) fn sound(&self, webhook: &WebhookId, url: &str) -> Option<i64> {
        let rows = self.rows();
        let (its_url, seq) = rows.sound.get(webhook)?;
        (**its_url == *url).then_some(*seq)
    }

    /// What became of the rows, as the transaction has it; from now on nothing is touched.
    pub(super) fn changes(&self, connection: &Connection, at_hand: &AtHand) -> rusqlite::Result<Changes> {
        let Rows { webhooks, secrets, deliveries, delivered, events, accepted, sound: _ } = self.rows().take();
        let are_webhooks_touched = !webhooks.is_empty() || secrets > 0;
        if deliveries.len() + delivered.len() > DELIVERIES_MAX {
            return Ok(Changes {
                are_webhooks_touched,
                events,
                accepted,
                pending: Deliveries::All(State::read(connection)?),
            });
        }
        // What was touched again after that is read, and comes later.
        let is_delivered = |(webhook, seq)| Change::Delivery { webhook, seq, is: Is::Delivered };
        let mut changes: Vec<_> = delivered.into_iter().map(is_delivered).collect();
        let mut statement = connection.prepare_cached(DELIVERY)?;
        for seq in deliveries {
            let changed = statement.query_one((seq,), |row| {
                let is = match row.get(9)? {
                    DeliveryState::Pending => Is::Owed(Owed::read(row)?),
                    DeliveryState::Delivered => Is::Delivered,
                    DeliveryState::Failed | DeliveryState::Canceled => Is::Ended,
                };
                Ok(Change::Delivery { webhook: row.get(8)?, seq, is })
            });
            // One that is gone by now was not owed before.
            changes.extend(changed.optional()?);
        }
        let owing = changes.iter().filter_map(|change| match change {
            Change::Delivery { webhook, is: Is::Owed(_), .. } => Some(*webhook),
            _ => None,
        });
        let to_read = at_hand.pending.state().to_read(webhooks, owing);
        let mut statement = connection.prepare_cached(WEBHOOK)?;
        let standings = to_read.into_iter().map(|seq| {
            let stands = statement.query_one((seq,), Standing::read).optional()?;
            Ok(Change::Webhook(seq, stands.map(|(_, standing)| standing)))
        });
        let mut all = standings.collect::<rusqlite::Result<Vec<_>>>()?;
        all.append(&mut changes);
        Ok(Changes { are_webhooks_touched, events, accepted, pending: Deliveries::Some(all) })
    }

    /// Whole between any two statements, so a panic elsewhere spoils nothing.
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    /// What the transaction has touched.
    fn take(&mut self) -> Self {
        let sound = std::mem::take(&mut self.sound);
        std::mem::replace(self, Self { sound, ..Self::default() })
    }

    fn note(&mut self, action: Action, table: &str, seq: i64) {
        match table {
            "deliveries" if action != Action::SQLITE_DELETE => self.deliveries.push(seq),
            "dispatch_queue" => self.events.push((seq, action != Action::SQLITE_DELETE)),
            "webhooks" => {
                self.webhooks.push(seq);
                self.sound.clear();
            }
            "webhook_secrets" => self.secrets += 1,
            _ => {}
        }
    }
}

/// What a transaction changes of what is in memory.
pub(super) struct Changes {
    pub(super) are_webhooks_touched: bool,
    events: Vec<(i64, bool)>,
    accepted: Vec<(EventSeq, Arc<Event>)>,
    pending: Deliveries,
}

enum Deliveries {
    Some(Vec<Change>),
    /// So much that all is read anew.
    All(State),
}

impl Changes {
    /// Makes the changes, once they are committed.
    pub(super) fn apply(self, at_hand: &AtHand) {
        self.accepted.into_iter().for_each(|(seq, event)| at_hand.recent.keep(seq, (event, None)));
        self.events.into_iter().for_each(|(seq, is_waiting)| at_hand.waiting.change(seq, is_waiting));
        let mut state = at_hand.pending.state();
        match self.pending {
            Deliveries::Some(changes) => changes.into_iter().for_each(|change| state.apply(change)),
            Deliveries::All(read) => state.replace(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_known_to_be_sound_at_one_url_until_any_is_written_or_something_is_undone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE webhooks (seq INTEGER PRIMARY KEY); INSERT INTO webhooks VALUES (1), (2)")
            .unwrap();
        let touched = Touched::watch(&mut connection).unwrap();
        let id = WebhookId::parse("w").unwrap();
        let sound = || (touched.sound(&id, "here"), touched.sound(&id, "there"));

        touched.is_sound(&id, "here", 1);
        let noted = sound();
        connection.execute("UPDATE webhooks SET seq = 3 WHERE seq = 2", ()).unwrap();
        let after_a_write = sound();
        touched.is_sound(&id, "here", 1);
        touched.roll_back_to(touched.mark());

        assert_eq!((noted, after_a_write, sound()), ((Some(1), None), (None, None), (None, None)));
    }

    #[test]
    fn only_the_delivery_that_was_written_last_can_be_told_to_be_delivered() {
        let touched = Touched::default();
        let mark = touched.mark();
        for seq in [5, 7] {
            touched.rows().note(Action::SQLITE_UPDATE, "deliveries", seq);
        }

        touched.delivered(1, 5);
        touched.delivered(1, 7);
        touched.rows().note(Action::SQLITE_UPDATE, "deliveries", 7);

        let rows = touched.rows();
        assert_eq!(
            (&rows.deliveries[..], &rows.delivered[..]),
            (&[5, 7][..], &[(1, 7)][..]),
            "7 is read, as it was written again"
        );
        drop(rows);
        touched.roll_back_to(mark);
        assert!(touched.rows().delivered.is_empty());
    }
}
