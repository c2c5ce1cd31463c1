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

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use self::queue::Spot;
use super::beginning::Beginning;
use super::lease::Leases;
use crate::model::Timestamp;
use crate::model::event::EventSeq;
use crate::model::ids::WebhookId;
use crate::model::limits::{
    PENDING_IN_MEMORY_LEAST, PENDING_IN_MEMORY_MAX, PENDING_IN_MEMORY_PER_WEBHOOK_MAX, PENDING_READ_MAX,
    WEBHOOKS_IN_MEMORY_MAX,
};

#[cfg(test)]
pub(super) use self::queue::PENDING_FROM;
pub(super) use self::queue::{Class, Detail, Owed, Place, Queue, Standing, columns, read_from, standing};

/// Deliveries of one webhook that are in memory. Few in tests, so that some are always left to the table.
const PER_WEBHOOK_MAX: usize = if cfg!(test) { 3 } else { PENDING_IN_MEMORY_PER_WEBHOOK_MAX };
/// After so many picks of a webhook it is looked at what comes next.
const LOOK_AFTER: usize = PER_WEBHOOK_MAX / 16;

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
    /// A delivery (`seq`) to a webhook.
    Delivery { webhook: i64, seq: i64, is: Is },
}

/// What became of a delivery.
#[derive(Clone, Debug)]
pub(super) enum Is {
    Owed(Owed),
    Delivered,
    /// Given up or canceled.
    Ended,
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
    /// Of each class, by when they were served.
    ready: [BTreeSet<(u64, i64)>; 3],
    /// How many times something was picked.
    picks: u64,
    /// Whether the last claim left out somebody for whom there was no place.
    pub(super) does_anybody_wait: bool,
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
            ready: Default::default(),
            picks: 0,
            does_anybody_wait: false,
            rows: 0,
        };
        let mut statement = connection.prepare(WAITING_WEBHOOKS)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let (seq, webhook) = Standing::read(row)?;
            state.add(seq, webhook, Some((row.get(7)?, i64::MIN)));
        }
        Ok(state)
    }

    /// Takes what was read anew. What is known of endpoints, and whose turn it is, stays.
    pub(super) fn replace(&mut self, read: Self) {
        let before = std::mem::replace(self, read);
        (self.picks, self.does_anybody_wait) = (before.picks, before.does_anybody_wait);
        for (seq, Queue { is_proven, served, .. }) in before.queues {
            if let Some(queue) = self.queues.get_mut(&seq) {
                (queue.is_proven, queue.served) = (is_proven, served);
                self.stand(seq);
            }
        }
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
                    queue.is_proven &= queue.webhook.url == webhook.url;
                    queue.webhook = webhook;
                    self.stand(seq);
                }
                None => self.add(seq, webhook, None),
            },
            Change::Webhook(seq, None) => self.remove(seq),
            Change::Delivery { webhook, seq, is } => {
                let rows_max = self.rows_max();
                self.change_queue(webhook, |queue| {
                    queue.is_proven |= matches!(is, Is::Delivered);
                    let owed = if let Is::Owed(owed) = is { Some(owed) } else { None };
                    queue.change(seq, owed, rows_max);
                });
                self.forget_if_idle(webhook);
            }
        }
    }

    fn add(&mut self, seq: i64, webhook: Standing, rest: Option<Place>) {
        self.by_id.insert(webhook.id.clone(), seq);
        self.queues.insert(
            seq,
            Queue {
                webhook,
                is_proven: false,
                served: 0,
                picks_to_look: 0,
                list: Beginning::new(rest),
                held: Cell::new(None),
                spot: None,
            },
        );
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
        let ready = Spot::Ready(queue.class(), queue.served);
        let spot = queue.first_at().map(|at| if at <= self.now { ready } else { Spot::Later(at) });
        let before = std::mem::replace(&mut queue.spot, spot);
        if spot == before {
            return;
        }
        self.leave(seq, before);
        match spot {
            Some(Spot::Ready(class, served)) => drop(self.ready[class as usize].insert((served, seq))),
            Some(Spot::Later(at)) => drop(self.later.insert((at, seq))),
            None => {}
        }
    }

    fn leave(&mut self, seq: i64, spot: Option<Spot>) {
        match spot {
            Some(Spot::Ready(class, served)) => drop(self.ready[class as usize].remove(&(served, seq))),
            Some(Spot::Later(at)) => drop(self.later.remove(&(at, seq))),
            None => {}
        }
    }

    /// Has the webhooks be ready of which something is due now.
    pub(super) fn pass_to(&mut self, now: Timestamp) {
        let is_back = now < self.now;
        self.now = now;
        if is_back {
            let ready: Vec<_> = self.ready.iter().flatten().map(|(_, seq)| *seq).collect();
            ready.into_iter().for_each(|seq| self.stand(seq));
        }
        while let Some((at, seq)) = self.later.first().copied()
            && at <= now
        {
            self.stand(seq);
        }
    }

    /// The ready webhooks of a class, in turn: who was not served for longest comes first.
    pub(super) fn in_turn(&self, class: Class) -> impl Iterator<Item = (i64, &Queue)> {
        self.ready[class as usize].iter().filter_map(|(_, seq)| Some((*seq, self.queues.get(seq)?)))
    }

    /// Says that something of a webhook was picked; whether it is time to look at what comes next.
    pub(super) fn served(&mut self, seq: i64) -> bool {
        self.picks += 1;
        let Some(queue) = self.queues.get_mut(&seq) else { return false };
        queue.served = self.picks;
        let is_look_due = queue.picks_to_look == 0;
        queue.picks_to_look = if is_look_due { LOOK_AFTER } else { queue.picks_to_look - 1 };
        self.stand(seq);
        is_look_due
    }

    /// A webhook of which something is due.
    pub(super) fn ready_queue(&self, seq: i64) -> Option<&Queue> {
        self.queues.get(&seq).filter(|queue| queue.is_ready())
    }

    pub(super) fn queue_of(&self, id: &WebhookId) -> Option<(i64, &Queue)> {
        let seq = self.by_id.get(id.as_str().as_bytes())?;
        Some((*seq, self.queues.get(seq)?))
    }

    /// What each webhook has of something if all have the same of which something is due.
    pub(super) fn share_of(&self, all: usize) -> usize {
        let ready: usize = self.ready.iter().map(BTreeSet::len).sum();
        all / ready.max(1)
    }

    /// From where on more of a webhook's is due and not in memory, if what is behind a place is less than half of what may be.
    pub(super) fn half_read(&self, webhook: i64, place: Place, now: Timestamp) -> Option<Place> {
        let queue = self.queues.get(&webhook)?;
        queue.rest(now).filter(|_| queue.list.rows_behind(Some(place)).nth(self.rows_max() / 2).is_none())
    }

    /// The events that are owed to a webhook behind a place and of which that is in memory, in order.
    pub(super) fn events_behind(&self, webhook: i64, place: Place) -> impl Iterator<Item = EventSeq> {
        let rows = self.queues.get(&webhook).into_iter().flat_map(move |queue| queue.list.rows_behind(Some(place)));
        rows.filter_map(|owed| Some(owed.detail.as_ref()?.event))
    }

    /// When the first delivery can be attempted that nobody has; with a webhook whose deliveries must be read from a
    /// place on before that can be told.
    pub(super) fn next_due(&self, leases: &Leases) -> Option<(Timestamp, Option<(i64, Place)>)> {
        let ready = self.ready.iter().flatten().map(|(_, seq)| (Timestamp::from_millis(i64::MIN), *seq));
        let mut next: Option<(Timestamp, Option<(i64, Place)>)> = None;
        for (not_before, seq) in ready.chain(self.later.iter().copied()) {
            if next.is_some_and(|(next, _)| next <= not_before) {
                break;
            }
            let Some((at, unread)) = self.queues.get(&seq).and_then(|queue| queue.next_due(leases)) else { continue };
            if next.is_none_or(|(next, _)| at < next) {
                next = Some((at, unread.map(|from| (seq, from))));
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
        (PENDING_READ_MAX / wanted.len().max(1)).clamp(1, self.rows_max())
    }

    /// Takes what was read of a webhook's, so many at the most.
    pub(super) fn end_reading(&mut self, webhook: i64, read: Vec<Owed>, rows_max: usize) {
        self.change_queue(webhook, |queue| queue.list.end_reading(read, rows_max));
    }

    /// Changes what is in memory of a webhook, if it is known.
    fn change_queue(&mut self, webhook: i64, change: impl FnOnce(&mut Queue)) {
        let Some(queue) = self.queues.get_mut(&webhook) else { return };
        self.rows -= queue.list.len();
        change(queue);
        self.rows += queue.list.len();
        self.stand(webhook);
    }
}
