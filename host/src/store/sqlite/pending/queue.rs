//! What is owed to one webhook, and what keeps it back.

use std::cell::Cell;

use rusqlite::{Connection, Row, named_params};

use crate::model::Timestamp;
use crate::model::event::EventSeq;
use crate::model::ids::DeliveryId;
use crate::store::DeliveryClaim;
use crate::store::sqlite::beginning::{Beginning, Listed};
use crate::store::sqlite::lease::Leases;

/// The columns that [`Owed::read`] takes, of `deliveries`, the first 8 of a row.
macro_rules! columns {
    () => {
        "seq, due_at, id, event_seq, snapshot_version, attempt_count, attempts_before, created_at"
    };
}
pub(in crate::store::sqlite) use columns;

/// The columns that [`Standing::read`] takes, of `w`, the first 7 of a row.
macro_rules! standing {
    () => {
        "w.seq, w.id, w.is_enabled, w.held_until, w.failures_in_a_row > 0, w.health = 'UNHEALTHY', w.url"
    };
}
pub(in crate::store::sqlite) use standing;

/// What is pending for a webhook from a place on, in order.
pub(in crate::store::sqlite) const PENDING_FROM: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM deliveries INDEXED BY deliveries_due
     WHERE state = 'pending' AND webhook_seq = :webhook AND (due_at, seq) >= (:due_at, :seq)
     ORDER BY due_at, seq LIMIT :rows_max"
);

/// When a delivery is due, and its place in the table.
pub(in crate::store::sqlite) type Place = (Timestamp, i64);

/// A pending delivery.
#[derive(Clone, Debug)]
pub(in crate::store::sqlite) struct Owed {
    pub(in crate::store::sqlite) seq: i64,
    pub(in crate::store::sqlite) due_at: Timestamp,
    /// `None` where somebody has spoiled the row.
    pub(in crate::store::sqlite) detail: Option<Detail>,
}

/// What an attempt needs of the delivery itself.
#[derive(Clone, Debug)]
pub(in crate::store::sqlite) struct Detail {
    pub(in crate::store::sqlite) id: DeliveryId,
    pub(in crate::store::sqlite) event: EventSeq,
    pub(in crate::store::sqlite) snapshot_version: i64,
    pub(in crate::store::sqlite) attempt_count: u32,
    pub(in crate::store::sqlite) attempts_before: u32,
    pub(in crate::store::sqlite) created_at: Timestamp,
}

impl Listed for Owed {
    type Place = Place;

    fn seq(&self) -> i64 {
        self.seq
    }

    fn place(&self) -> Place {
        (self.due_at, self.seq)
    }
}

impl Owed {
    pub(in crate::store::sqlite) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { seq: row.get(0)?, due_at: row.get(1)?, detail: Detail::read(row).ok() })
    }
}

impl Detail {
    pub(in crate::store::sqlite) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(2)?,
            event: row.get(3)?,
            snapshot_version: row.get(4)?,
            attempt_count: row.get(5)?,
            attempts_before: row.get(6)?,
            created_at: row.get(7)?,
        })
    }
}

/// What keeps the deliveries of a webhook back.
#[derive(Clone, Debug)]
pub(in crate::store::sqlite) struct Standing {
    /// Not parsed: one that is spoiled must not stop the others.
    pub(in crate::store::sqlite) id: Box<[u8]>,
    is_enabled: bool,
    pub(in crate::store::sqlite) held_until: Option<Timestamp>,
    /// Whether its last attempt failed.
    pub(in crate::store::sqlite) is_failing: bool,
    pub(in crate::store::sqlite) is_unhealthy: bool,
    pub(super) url: Box<[u8]>,
}

impl Standing {
    /// The webhook's place in the table, and how it stands.
    pub(in crate::store::sqlite) fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Self)> {
        let standing = Self {
            id: row.get_ref(1)?.as_bytes()?.into(),
            is_enabled: row.get(2)?,
            held_until: row.get(3)?,
            is_failing: row.get(4)?,
            is_unhealthy: row.get(5)?,
            url: row.get_ref(6)?.as_bytes()?.into(),
        };
        Ok((row.get(0)?, standing))
    }

    /// How many attempts may be under way.
    pub(in crate::store::sqlite) fn in_flight_max(&self, claim: &DeliveryClaim) -> u32 {
        if self.is_unhealthy { claim.per_unhealthy_max } else { claim.per_webhook_max }
    }
}

/// What is owed to a webhook.
#[derive(Debug)]
pub(in crate::store::sqlite) struct Queue {
    pub(in crate::store::sqlite) webhook: Standing,
    /// Whether it was delivered to since it is known under this URL.
    pub(super) is_proven: bool,
    /// Which claim of all was the last to pick something of it.
    pub(in crate::store::sqlite) served: u64,
    /// After so many picks it is looked at what comes next.
    pub(super) picks_to_look: usize,
    pub(super) list: Beginning<Owed>,
    pub(super) held: Cell<Option<Held>>,
    pub(super) spot: Option<Spot>,
}

/// How far somebody has everything that is owed, so that nobody looks through all that is under way for what comes next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    /// What stands before this place, or there, is held,
    to: Place,
    /// until then,
    until: Timestamp,
    /// unless something was given back since.
    given_back: u64,
}

/// What is known of an endpoint. Those of which little good is known share some of the places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::sqlite) enum Class {
    /// It was delivered to.
    Proven,
    /// It was not, yet.
    Unproven,
    /// The last attempt failed.
    Failing,
}

impl Class {
    pub(in crate::store::sqlite) const ALL: [Self; 3] = [Self::Proven, Self::Unproven, Self::Failing];
}

/// Where a webhook stands among those that have something to be attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// The first is due; behind those that were not served for longer.
    Ready(Class, u64),
    /// It is due then.
    Later(Timestamp),
}

impl Queue {
    pub(in crate::store::sqlite) fn class(&self) -> Class {
        match (self.webhook.is_failing, self.is_proven) {
            (true, _) => Class::Failing,
            (false, true) => Class::Proven,
            (false, false) => Class::Unproven,
        }
    }

    /// Whether the first is due.
    pub(in crate::store::sqlite) fn is_ready(&self) -> bool {
        matches!(self.spot, Some(Spot::Ready(..)))
    }

    /// When the first can be attempted at the earliest, if nobody has it.
    pub(super) fn first_at(&self) -> Option<Timestamp> {
        let (due_at, _) = self.list.first()?;
        self.at(due_at)
    }

    /// When the first can be attempted that nobody has; with the place from which on deliveries must be read before
    /// that can be told.
    pub(super) fn next_due(&self, leases: &Leases) -> Option<(Timestamp, Option<Place>)> {
        let leases = leases.look();
        let mut first: Option<Timestamp> = None;
        for owed in self.list.rows() {
            // The others are due later.
            if first.is_some_and(|first| first <= owed.due_at) {
                break;
            }
            let free_at = leases.leased_until(owed.seq).map_or(owed.due_at, |until| until.max(owed.due_at));
            first = Some(first.map_or(free_at, |first| first.min(free_at)));
        }
        let in_memory = first.and_then(|first| self.at(first));
        let rest = self.list.rest().and_then(|rest| Some((self.at(rest.0)?, Some(rest))));
        let rest = rest.filter(|(at, _)| in_memory.is_none_or(|in_memory| *at < in_memory));
        rest.or(in_memory.map(|at| (at, None)))
    }

    /// When what is due then can be attempted.
    fn at(&self, due_at: Timestamp) -> Option<Timestamp> {
        self.webhook.is_enabled.then(|| self.webhook.held_until.map_or(due_at, |held_until| held_until.max(due_at)))
    }

    /// The first that are due and that nobody has, so many at the most.
    pub(in crate::store::sqlite) fn free(&self, now: Timestamp, leases: &Leases, most: u32) -> Vec<Owed> {
        let leases = leases.look();
        let given_back = leases.given_back();
        let mut held = self.held.get().filter(|held| now < held.until && held.given_back == given_back);
        let mut free = Vec::new();
        let behind = self.list.rows_behind(held.map(|held| held.to));
        for owed in behind.take_while(|owed| owed.due_at <= now) {
            match leases.held_until(owed.seq, now) {
                Some(until) if free.is_empty() => {
                    let until = held.map_or(until, |held| held.until.min(until));
                    held = Some(Held { to: owed.place(), until, given_back });
                }
                Some(_) => {}
                None => free.push(owed.clone()),
            }
            if free.len() >= most as usize {
                break;
            }
        }
        self.held.set(held);
        free
    }

    /// Takes what a delivery is now: `None` if it is owed no more. Keeps `rows_max` in memory.
    pub(super) fn change(&mut self, seq: i64, owed: Option<Owed>, rows_max: usize) {
        let held = self.held.get_mut();
        *held = held.filter(|held| owed.as_ref().is_none_or(|owed| owed.place() > held.to));
        self.list.change(seq, owed, rows_max);
    }

    /// Where the deliveries stand that are in memory, and from where on the others are.
    #[cfg(test)]
    pub(in crate::store::sqlite) fn places(&self) -> (Vec<Place>, Option<Place>) {
        (self.list.rows().map(Listed::place).collect(), self.list.rest())
    }

    /// From where on there is more that is due and not in memory.
    pub(in crate::store::sqlite) fn rest(&self, now: Timestamp) -> Option<Place> {
        self.list.rest().filter(|(due_at, _)| *due_at <= now)
    }
}

/// Reads what is pending for a webhook from a place on: `rows_max` deliveries, and the one behind them.
pub(in crate::store::sqlite) fn read_from(
    connection: &Connection,
    webhook: i64,
    (due_at, seq): Place,
    rows_max: usize,
) -> rusqlite::Result<Vec<Owed>> {
    let mut statement = connection.prepare_cached(PENDING_FROM)?;
    let rows_max = i64::try_from(rows_max + 1).unwrap_or(i64::MAX);
    let parameters = named_params! { ":webhook": webhook, ":due_at": due_at, ":seq": seq, ":rows_max": rows_max };
    statement.query_map(parameters, Owed::read)?.collect()
}
