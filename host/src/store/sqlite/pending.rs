//! The deliveries that are owed, by webhook, and which webhooks have something due, in memory.
//!
//! Both are asked for whenever an attempt ends. Of each webhook the first deliveries are here ([`Beginning`]), and what
//! keeps them back: whether it is enabled and whether it is held. The webhooks stand in the order in which their
//! first deliveries are due, so what a look costs does not follow the number of deliveries, nor that of webhooks with
//! something due later.
//!
//! The writer tells what each commit changed ([`Touched`](super::touched)), so this is what is committed, always. Leases are
//! elsewhere: a delivery stays here until its attempt is written.

mod queue;

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use self::queue::Spot;
use super::beginning::Beginning;
use super::lease::Leases;
use crate::model::Timestamp;
use crate::model::ids::WebhookId;
use crate::model::limits::{
    PENDING_IN_MEMORY_LEAST, PENDING_IN_MEMORY_MAX, PENDING_IN_MEMORY_PER_WEBHOOK_MAX, WEBHOOKS_IN_MEMORY_MAX,
};

#[cfg(test)]
pub(super) use self::queue::PENDING_FROM;
pub(super) use self::queue::{Detail, Owed, Place, Queue, ReadOn, Standing, columns, standing};

/// Deliveries of one webhook that are in memory. Few in tests, so that some are always left to the table.
const PER_WEBHOOK_MAX: usize = if cfg!(test) { 3 } else { PENDING_IN_MEMORY_PER_WEBHOOK_MAX };

/// The webhooks with something pending, one index seek for each.
macro_rules! waiting_webhooks {
    () => {
        "WITH RECURSIVE waiting (webhook_seq) AS (
           SELECT min(webhook_seq) FROM deliveries INDEXED BY deliveries_due WHERE state = 'pending'
           UNION ALL
           SELECT (SELECT min(d.webhook_seq) FROM deliveries d INDEXED BY deliveries_due
                   WHERE d.state = 'pending' AND d.webhook_seq > waiting.webhook_seq)
           FROM waiting WHERE waiting.webhook_seq IS NOT NULL
         ) "
    };
}
pub(super) use waiting_webhooks;

/// These, and when the first delivery of each is due.
pub(super) const WAITING_WEBHOOKS: &str = concat!(
    waiting_webhooks!(),
    "SELECT ",
    standing!(),
    ", (SELECT min(d.due_at) FROM deliveries d INDEXED BY deliveries_due WHERE d.state = 'pending' AND d.webhook_seq = w.seq)
     FROM waiting CROSS JOIN webhooks w ON w.seq = waiting.webhook_seq"
);

/// What a commit changed.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// A webhook, which stands so now; `None` if it is gone. Comes before the first delivery that is owed to it.
    Webhook(i64, Option<Standing>),
    /// A delivery (`seq`) to a webhook, which is so now; `None` if it is owed no more.
    Delivery(i64, i64, Option<Owed>),
}

/// What is owed, to whom.
#[derive(Debug)]
pub(super) struct Pending(Mutex<State>);

#[derive(Debug)]
pub(super) struct State {
    queues: HashMap<i64, Queue>,
    by_id: HashMap<Box<[u8]>, i64>,
    /// Until when what is due stands in `ready`.
    now: Timestamp,
    later: BTreeSet<(Timestamp, i64)>,
    /// Those whose last attempt failed, and the others.
    failing: BTreeSet<i64>,
    others: BTreeSet<i64>,
    /// Behind which webhook the next claim begins, of those whose last attempt failed and of the others.
    pub(super) turn_of_failing: i64,
    pub(super) turn_of_others: i64,
    /// Deliveries in memory.
    rows: usize,
}

impl Pending {
    /// What is pending, of which no delivery is in memory yet.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self(Mutex::new(State::read(connection)?)))
    }

    /// Whole between any two statements, so a panic elsewhere spoils nothing.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut state = Self {
            queues: HashMap::new(),
            by_id: HashMap::new(),
            now: Timestamp::from_millis(i64::MIN),
            later: BTreeSet::new(),
            failing: BTreeSet::new(),
            others: BTreeSet::new(),
            turn_of_failing: 0,
            turn_of_others: 0,
            rows: 0,
        };
        let mut statement = connection.prepare(WAITING_WEBHOOKS)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let (seq, webhook) = Standing::read(row)?;
            state.add(seq, webhook, Some((row.get(6)?, i64::MIN)));
        }
        Ok(state)
    }

    /// Takes what was read anew. Whose turn it is stays.
    pub(super) fn replace(&mut self, read: Self) {
        *self = Self { turn_of_failing: self.turn_of_failing, turn_of_others: self.turn_of_others, ..read };
    }

    /// The webhooks of which it must be read how they stand: those that were touched and are known, and those
    /// that are owed something and are not.
    pub(super) fn to_read(&self, touched: Vec<i64>, owing: impl Iterator<Item = i64>) -> BTreeSet<i64> {
        let is_known = |seq: &i64| self.queues.contains_key(seq);
        touched.into_iter().filter(is_known).chain(owing.filter(|seq| !is_known(seq))).collect()
    }

    /// Takes what a commit changed.
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Webhook(seq, Some(webhook)) => match self.queues.get_mut(&seq) {
                Some(queue) => {
                    if queue.webhook.id != webhook.id {
                        self.by_id.remove(&queue.webhook.id);
                        self.by_id.insert(webhook.id.clone(), seq);
                    }
                    queue.webhook = webhook;
                    self.stand(seq);
                }
                None => self.add(seq, webhook, None),
            },
            Change::Webhook(seq, None) => self.remove(seq),
            Change::Delivery(webhook, seq, owed) => {
                let rows_max = self.rows_max();
                let Some(queue) = self.queues.get_mut(&webhook) else { return };
                self.rows -= queue.list.len();
                queue.list.change(seq, owed, rows_max);
                self.rows += queue.list.len();
                self.stand(webhook);
                self.forget_if_idle(webhook);
            }
        }
    }

    fn add(&mut self, seq: i64, webhook: Standing, rest: Option<Place>) {
        self.by_id.insert(webhook.id.clone(), seq);
        self.queues.insert(seq, Queue { webhook, list: Beginning::new(rest), spot: None });
        self.stand(seq);
    }

    fn remove(&mut self, seq: i64) {
        let Some(queue) = self.queues.remove(&seq) else { return };
        self.by_id.remove(&queue.webhook.id);
        self.rows -= queue.list.len();
        self.leave(seq, queue.spot);
    }

    /// Webhooks that are owed nothing stay known, for as long as there are not too many. The writer counts on those that it
    /// found known, so nobody else forgets any.
    fn forget_if_idle(&mut self, seq: i64) {
        if self.queues.len() > WEBHOOKS_IN_MEMORY_MAX
            && self.queues.get(&seq).is_some_and(|queue| queue.list.is_empty())
        {
            self.remove(seq);
        }
    }

    /// How many deliveries of a webhook there is room for.
    fn rows_max(&self) -> usize {
        if self.rows < PENDING_IN_MEMORY_MAX { PER_WEBHOOK_MAX } else { PER_WEBHOOK_MAX.min(PENDING_IN_MEMORY_LEAST) }
    }

    /// Puts a webhook where it belongs by now.
    fn stand(&mut self, seq: i64) {
        let Some(queue) = self.queues.get_mut(&seq) else { return };
        let is_failing = queue.webhook.is_failing;
        let spot = queue.first_at().map(|at| if at <= self.now { Spot::Ready { is_failing } } else { Spot::Later(at) });
        let before = std::mem::replace(&mut queue.spot, spot);
        if spot == before {
            return;
        }
        self.leave(seq, before);
        match spot {
            Some(Spot::Ready { is_failing }) => drop(self.ready(is_failing).insert(seq)),
            Some(Spot::Later(at)) => drop(self.later.insert((at, seq))),
            None => {}
        }
    }

    fn leave(&mut self, seq: i64, spot: Option<Spot>) {
        match spot {
            Some(Spot::Ready { is_failing }) => drop(self.ready(is_failing).remove(&seq)),
            Some(Spot::Later(at)) => drop(self.later.remove(&(at, seq))),
            None => {}
        }
    }

    fn ready(&mut self, is_failing: bool) -> &mut BTreeSet<i64> {
        if is_failing { &mut self.failing } else { &mut self.others }
    }

    /// Has the webhooks be ready of which something is due now.
    pub(super) fn pass_to(&mut self, now: Timestamp) {
        let is_back = now < self.now;
        self.now = now;
        if is_back {
            let ready: Vec<_> = self.failing.iter().chain(&self.others).copied().collect();
            ready.into_iter().for_each(|seq| self.stand(seq));
        }
        while let Some((at, seq)) = self.later.first().copied()
            && at <= now
        {
            self.stand(seq);
        }
    }

    /// The ready webhooks whose last attempt failed, or the others, in turn.
    pub(super) fn in_turn(&self, is_failing: bool) -> impl Iterator<Item = (i64, &Queue)> {
        let (ready, turn) =
            if is_failing { (&self.failing, self.turn_of_failing) } else { (&self.others, self.turn_of_others) };
        let behind = ready.range((Bound::Excluded(turn), Bound::Unbounded));
        behind.chain(ready.range(..=turn)).filter_map(|seq| Some((*seq, self.queues.get(seq)?)))
    }

    /// A webhook of which something is due.
    pub(super) fn ready_queue(&self, seq: i64) -> Option<&Queue> {
        self.queues.get(&seq).filter(|queue| matches!(queue.spot, Some(Spot::Ready { .. })))
    }

    pub(super) fn queue_of(&self, id: &WebhookId) -> Option<(i64, &Queue)> {
        let seq = self.by_id.get(id.as_str().as_bytes())?;
        Some((*seq, self.queues.get(seq)?))
    }

    /// When the first delivery can be attempted that nobody has. With a webhook whose deliveries must be read from a
    /// place on before that can be told.
    pub(super) fn next_due(&self, leases: &Leases) -> (Option<Timestamp>, Option<(i64, Place)>) {
        let ready = self.failing.iter().chain(&self.others).map(|seq| (Timestamp::from_millis(i64::MIN), *seq));
        let mut next: (Option<Timestamp>, Option<(i64, Place)>) = (None, None);
        for (at, seq) in ready.chain(self.later.iter().copied()) {
            let is_earlier = |at: Timestamp, than: Option<Timestamp>| than.is_none_or(|than| at < than);
            if !is_earlier(at, next.0) {
                break;
            }
            let Some(queue) = self.queues.get(&seq) else { continue };
            for owed in queue.list.rows() {
                let Some(free_at) =
                    queue.at(leases.leased_until(owed.seq).map_or(owed.due_at, |until| until.max(owed.due_at)))
                else {
                    break;
                };
                if is_earlier(free_at, next.0) {
                    next = (Some(free_at), None);
                }
                // The others are due later.
                if !is_earlier(owed.due_at, next.0) {
                    break;
                }
            }
            if let Some(rest) = queue.list.rest()
                && let Some(at) = queue.at(rest.0)
                && is_earlier(at, next.0)
            {
                next = (Some(at), Some((seq, rest)));
            }
        }
        next
    }

    /// What is in memory of a webhook.
    #[cfg(test)]
    pub(super) fn in_memory(&self, seq: i64) -> Option<&Queue> {
        self.queues.get(&seq)
    }

    /// Says that deliveries of these webhooks are about to be read, from a place on; how many of each.
    pub(super) fn begin_reading(&mut self, wanted: &[(i64, Place)]) -> usize {
        for (webhook, from) in wanted {
            if let Some(queue) = self.queues.get_mut(webhook) {
                queue.list.begin_reading(*from);
            }
        }
        (PENDING_IN_MEMORY_MAX / 16 / wanted.len().max(1)).clamp(1, self.rows_max())
    }

    /// Takes what was read.
    pub(super) fn end_reading(&mut self, read: Vec<ReadOn>) {
        for ReadOn { webhook, owed, rest } in read {
            let Some(queue) = self.queues.get_mut(&webhook) else { continue };
            self.rows -= queue.list.len();
            queue.list.end_reading(owed, rest);
            self.rows += queue.list.len();
            self.stand(webhook);
        }
    }
}
