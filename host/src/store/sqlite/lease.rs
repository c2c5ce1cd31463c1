//! Leases and fences of events and deliveries, in memory.
//!
//! Only one process can have the database open, and what it was doing means nothing once it has ended; so a lease
//! need not be a row, and claiming writes nothing. A restart finds everything free.
//!
//! What a claim finds free it takes a moment later, so claims go one after the other ([`Leases::begin`]).
//!
//! Every lease has a fence, larger than all before, also those of earlier processes. A write with the fence of a
//! lease that somebody else holds by now, or nobody, is refused.

use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::HashMap;

use crate::model::Timestamp;

/// Fences one process can hand out before it would meet those of the next opening: 10^12.
const FENCES_PER_OPENING_BITS: u32 = 40;
/// How often a claim that must not wait looks whether it is its turn: for some microseconds, and one that reads nothing
/// is done in two.
const LOOKS_FOR_TURN_MAX: u32 = 60;

/// The leases on the rows of one table, by their place (`seq`).
#[derive(Debug)]
pub(super) struct Leases {
    state: Mutex<State>,
    claiming: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    last_fence: i64,
    rows: HashMap<i64, Lease>,
    /// Which row a fence is for.
    fenced: HashMap<i64, i64>,
    /// How many leases ended before their time, or were changed, of rows that may be wanted again.
    given_back: u64,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    fence: i64,
    until: Timestamp,
}

impl Leases {
    /// None yet, in the `opens`th opening of the database.
    pub(super) fn new(opens: i64) -> Self {
        let last_fence = opens << FENCES_PER_OPENING_BITS;
        let state = State { last_fence, rows: HashMap::default(), fenced: HashMap::default(), given_back: 0 };
        Self { state: Mutex::new(state), claiming: tokio::sync::Mutex::default() }
    }

    /// Begins a claim, or a look at what could be claimed, once all others have ended.
    pub(super) async fn begin(&self) -> Claiming<'_> {
        Claiming { leases: self, _turn: self.claiming.lock().await }
    }

    /// The same where there is nothing to wait for but a claim that reads nothing.
    pub(super) fn try_begin(&self) -> Option<Claiming<'_>> {
        for _ in 0..LOOKS_FOR_TURN_MAX {
            if let Ok(turn) = self.claiming.try_lock() {
                return Some(Claiming { leases: self, _turn: turn });
            }
            std::hint::spin_loop();
        }
        None
    }

    /// A look at many rows.
    pub(super) fn look(&self) -> Look<'_> {
        Look(self.state())
    }

    /// Whether somebody has the row.
    pub(super) fn is_leased(&self, seq: i64) -> bool {
        let state = self.state();
        state.rows.get(&seq).is_some_and(|lease| state.fenced.contains_key(&lease.fence))
    }

    /// The row that is held with this fence.
    pub(super) fn row(&self, fence: i64) -> Option<i64> {
        self.state().fenced.get(&fence).copied()
    }

    /// Ends a lease, if it is still held.
    pub(super) fn end(&self, fence: i64) {
        let mut state = self.state();
        if let Some(seq) = state.fenced.get(&fence).copied() {
            state.free(seq);
        }
    }

    /// Ends a lease, if it is still held, on a row that nobody can claim any more. Whoever has it be wanted again must
    /// [`revoke`](Self::revoke) it before.
    pub(super) fn end_with_row(&self, fence: i64) {
        let mut state = self.state();
        if let Some(seq) = state.fenced.remove(&fence) {
            state.rows.remove(&seq);
        }
    }

    /// Ends a lease, if it is still held, and leaves the row to nobody until then.
    pub(super) fn put_off(&self, fence: i64, free_at: Timestamp) {
        let mut state = self.state();
        if let Some(seq) = state.fenced.remove(&fence) {
            state.rows.insert(seq, Lease { fence, until: free_at });
            state.given_back += 1;
        }
    }

    /// Takes the row from whoever has it.
    pub(super) fn revoke(&self, seq: i64) {
        self.state().free(seq);
    }

    /// Whole between any two statements, so a panic elsewhere spoils nothing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A look at leases, which stay as they are meanwhile.
pub(super) struct Look<'a>(MutexGuard<'a, State>);

impl Look<'_> {
    /// Until when the row is held, if somebody has it.
    pub(super) fn leased_until(&self, seq: i64) -> Option<Timestamp> {
        self.0.rows.get(&seq).map(|lease| lease.until)
    }

    /// Until when the row cannot be claimed, if it cannot be now.
    pub(super) fn held_until(&self, seq: i64, now: Timestamp) -> Option<Timestamp> {
        self.leased_until(seq).filter(|until| *until > now)
    }

    /// Whether the row can be claimed.
    pub(super) fn is_free(&self, seq: i64, now: Timestamp) -> bool {
        self.held_until(seq, now).is_none()
    }

    /// Another number whenever a row may be free earlier than was seen.
    pub(super) fn given_back(&self) -> u64 {
        self.0.given_back
    }
}

impl State {
    fn free(&mut self, seq: i64) {
        if let Some(lease) = self.rows.remove(&seq) {
            self.fenced.remove(&lease.fence);
            self.given_back += 1;
        }
    }
}

/// A claim under way: the only one.
pub(super) struct Claiming<'a> {
    leases: &'a Leases,
    _turn: tokio::sync::MutexGuard<'a, ()>,
}

impl Claiming<'_> {
    /// Takes a row that was found free; its fence.
    pub(super) fn take(&self, seq: i64, until: Timestamp) -> i64 {
        let mut state = self.leases.state();
        state.last_fence += 1;
        let fence = state.last_fence;
        if let Some(before) = state.rows.insert(seq, Lease { fence, until }) {
            state.fenced.remove(&before.fence);
        }
        state.fenced.insert(fence, seq);
        fence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1_000)
    }

    #[tokio::test]
    async fn a_fence_is_void_once_its_lease_has_ended_or_somebody_else_has_the_row() {
        let leases = Leases::new(1);
        let first = leases.begin().await.take(7, at(60));
        let second = leases.begin().await.take(7, at(120));

        leases.end(first);
        let held = (leases.row(first), leases.row(second), leases.look().leased_until(7));
        leases.revoke(7);

        assert_eq!(held, (None, Some(7), Some(at(120))));
        assert_eq!((leases.row(second), leases.look().leased_until(7)), (None, None));
        assert!(second > first);
    }

    #[tokio::test]
    async fn what_is_put_off_belongs_to_nobody_until_then() {
        let leases = Leases::new(1);
        let fence = leases.begin().await.take(7, at(60));

        leases.put_off(fence, at(90));

        assert_eq!(
            (leases.row(fence), leases.is_leased(7), leases.look().leased_until(7)),
            (None, false, Some(at(90)))
        );
        let later = leases.begin().await.take(7, at(150));
        assert_eq!(leases.row(later), Some(7));
    }

    #[tokio::test]
    async fn what_must_not_wait_gets_no_turn_while_another_claim_goes_on() {
        let leases = Leases::new(1);
        let reading = leases.begin().await;

        assert!(leases.try_begin().is_none());
        drop(reading);
        assert!(leases.try_begin().is_some());
    }

    #[tokio::test]
    async fn only_the_end_of_a_lease_with_its_row_gives_nothing_back() {
        let leases = Leases::new(1);
        let mut given_back = Vec::new();
        let ends: [fn(&Leases, i64); 5] = [
            |leases, fence| leases.end(fence),
            |leases, fence| leases.put_off(fence, at(90)),
            |leases, _| leases.revoke(7),
            |leases, fence| leases.end_with_row(fence),
            |leases, fence| leases.end(fence - 1),
        ];
        for end in ends {
            let fence = leases.begin().await.take(7, at(60));
            end(&leases, fence);
            given_back.push(leases.look().given_back());
        }

        assert_eq!(given_back, [1, 2, 3, 3, 3], "the last was somebody else's");
    }

    #[tokio::test]
    async fn fences_grow_over_openings() {
        let earlier = Leases::new(1).begin().await.take(1, at(1));
        let later = Leases::new(2).begin().await.take(1, at(1));

        assert!(later > earlier);
    }

    #[tokio::test]
    async fn nothing_is_kept_of_leases_that_have_ended() {
        let leases = Leases::new(1);
        for seq in 0..100 {
            let claiming = leases.begin().await;
            leases.end(claiming.take(seq, at(60)));
            leases.end_with_row(claiming.take(seq, at(60)));
        }

        let state = leases.state();
        assert!(state.rows.is_empty() && state.fenced.is_empty(), "{state:?}");
    }
}
