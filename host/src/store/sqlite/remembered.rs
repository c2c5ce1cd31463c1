//! Rows that every request or event asks for and that hardly ever change, kept in memory.
//!
//! This is right only because no other process can have the database open: whoever changes such rows does it
//! here, and says so with [`Remembered::change`]. From then until the change is committed nothing is
//! remembered, so a caller that was told of a change never meets what was before it: a revoked token is
//! refused at once. What is not there is not remembered either, or strangers could fill the memory.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

/// Rows by their key, up to a bound of their weight together; one that does not fit takes the place of all.
pub(super) struct Remembered<K, V> {
    state: Mutex<State<K, V>>,
    weight_max: usize,
}

struct State<K, V> {
    rows: HashMap<K, V>,
    weight: usize,
    /// Changes that began.
    changes: u64,
    /// Changes that are not committed yet.
    under_way: u32,
}

/// Which changes were known when a row was about to be read.
#[derive(Clone, Copy)]
struct Ticket(u64);

/// A change under way.
pub(super) struct Change<K, V>(Arc<Remembered<K, V>>);

impl<K: Hash + Eq, V: Clone> Remembered<K, V> {
    pub(super) fn new(weight_max: usize) -> Arc<Self> {
        let state = State { rows: HashMap::new(), weight: 0, changes: 0, under_way: 0 };
        Arc::new(Self { state: Mutex::new(state), weight_max })
    }

    /// The row from memory, or else by `read`. `weigh` says how much of the bound it takes.
    pub(super) async fn get_or<Q, E>(
        &self,
        key: &Q,
        read: impl Future<Output = Result<Option<V>, E>>,
        weigh: impl Fn(&V) -> usize,
    ) -> Result<Option<V>, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let ticket = match self.get(key) {
            Ok(row) => return Ok(Some(row)),
            Err(ticket) => ticket,
        };
        let row = read.await?;
        if let Some(row) = &row {
            self.keep(ticket, key.to_owned(), row.clone(), weigh(row));
        }
        Ok(row)
    }

    /// The row, or a ticket with which to [keep](Self::keep) what is read instead.
    fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Result<V, Ticket>
    where
        K: Borrow<Q>,
    {
        let state = self.state();
        state.rows.get(key).cloned().ok_or(Ticket(state.changes))
    }

    /// Remembers a row, unless it was read while something changed.
    fn keep(&self, ticket: Ticket, key: K, row: V, weight: usize) {
        let mut state = self.state();
        if state.changes != ticket.0 || state.under_way > 0 || weight > self.weight_max {
            return;
        }
        if state.weight + weight > self.weight_max {
            state.forget();
        }
        state.weight += weight;
        state.rows.insert(key, row);
    }

    /// Says that rows are about to change.
    pub(super) fn change(self: &Arc<Self>) -> Change<K, V> {
        let mut state = self.state();
        state.changes += 1;
        state.under_way += 1;
        state.forget();
        Change(Arc::clone(self))
    }
}

impl<K, V> Change<K, V> {
    /// The write that makes the change, which is under way for as long as the write lives: until the commit, also when
    /// nobody waits for it any more.
    pub(super) fn by<T>(
        self,
        mut write: impl FnMut(&Connection) -> rusqlite::Result<T>,
    ) -> impl FnMut(&Connection) -> rusqlite::Result<T> {
        move |connection| {
            let _held = &self;
            write(connection)
        }
    }
}

impl<K, V> Remembered<K, V> {
    /// Whole between any two statements, so a panic elsewhere spoils nothing.
    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> State<K, V> {
    fn forget(&mut self) {
        self.rows.clear();
        self.weight = 0;
    }
}

impl<K, V> Drop for Change<K, V> {
    /// What was read meanwhile may be from before the commit: its tickets are void.
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.changes += 1;
        state.under_way -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(rows: &Remembered<&'static str, u32>, key: &str) -> Ticket {
        rows.get(key).expect_err("it is not remembered")
    }

    #[test]
    fn a_row_is_remembered_until_something_changes() {
        let rows = Remembered::new(10);

        rows.keep(ticket(&rows, "a"), "a", 1, 1);
        let before = rows.get("a").ok();
        drop(rows.change());

        assert_eq!(before, Some(1));
        ticket(&rows, "a");
    }

    #[test]
    fn what_was_read_before_or_during_a_change_is_not_remembered() {
        let rows = Remembered::new(10);

        let before = ticket(&rows, "a");
        let change = rows.change();
        let during = ticket(&rows, "a");
        rows.keep(before, "a", 1, 1);
        rows.keep(during, "a", 1, 1);
        ticket(&rows, "a");
        drop(change);
        rows.keep(before, "a", 1, 1);
        rows.keep(during, "a", 1, 1);

        let after = ticket(&rows, "a");
        rows.keep(after, "a", 2, 1);
        assert_eq!(rows.get("a").ok(), Some(2));
    }

    #[test]
    fn the_end_of_one_change_does_not_end_another() {
        let rows = Remembered::new(10);

        let other = rows.change();
        drop(rows.change());
        rows.keep(ticket(&rows, "a"), "a", 1, 1);
        ticket(&rows, "a");
        drop(other);
    }

    #[test]
    fn the_rows_together_never_weigh_more_than_allowed() {
        let rows = Remembered::new(3);

        rows.keep(ticket(&rows, "a"), "a", 1, 2);
        rows.keep(ticket(&rows, "b"), "b", 2, 2);
        rows.keep(ticket(&rows, "c"), "c", 3, 4);

        assert_eq!((rows.get("a").ok(), rows.get("b").ok(), rows.get("c").ok()), (None, Some(2), None));
        assert_eq!(rows.state().weight, 2);
    }
}
