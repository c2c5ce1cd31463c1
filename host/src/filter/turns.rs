//! One at a time of each: whoever comes again waits until their first is done, and nobody else does.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whose turn it is, for each that has work under way.
#[derive(Debug)]
pub(super) struct Turns<K> {
    turns: Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self { turns: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash> Turns<K> {
    /// Does `work` once no other of `of` is under way, first come, first served.
    pub(super) async fn one_of<T>(&self, of: &K, work: impl Future<Output = T>) -> T {
        let turn = {
            let mut turns = self.locked();
            // Those that nobody has any more: also of work that was dropped half way.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(of.clone()).or_default())
        };
        let _turn = turn.lock().await;
        work.await
    }

    /// What it guards is whole between any two statements, so a panic elsewhere spoils nothing.
    fn locked(&self) -> MutexGuard<'_, HashMap<K, Arc<tokio::sync::Mutex<()>>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::future::join_all;
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn each_has_one_under_way_beside_those_of_the_others() {
        let turns = Turns::default();
        let (under_way, all_max) = ([Cell::new(0), Cell::new(0)], Cell::new(0));
        let work = |of: usize| {
            let (under_way, all_max) = (&under_way, &all_max);
            async move {
                under_way[of].set(under_way[of].get() + 1);
                assert_eq!(under_way[of].get(), 1);
                all_max.set(all_max.get().max(under_way.iter().map(Cell::get).sum()));
                yield_now().await;
                under_way[of].set(under_way[of].get() - 1);
            }
        };

        let done = (0..20).map(|number| {
            let of = number % 2;
            let (turns, work) = (&turns, work(of));
            async move { turns.one_of(&of, work).await }
        });
        join_all(done).await;

        assert_eq!(all_max.get(), 2);
    }

    #[tokio::test]
    async fn nothing_is_kept_of_those_that_are_done() {
        let turns = Turns::default();
        for number in 0..100 {
            turns.one_of(&number, async {}).await;
        }

        assert_eq!(turns.locked().len(), 1);
    }
}
