//! What loops have done and write down together.
//!
//! Nothing waits for company where nothing is being written. What comes meanwhile gathers, and is written when that is on the disk; or
//! already when enough has gathered, so that nobody's share of what may be unwritten is used up by waiting. So under load a
//! write takes much at once, and one at a time costs no more time than it did.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What has gathered.
#[derive(Debug)]
pub struct Gather<T> {
    state: Mutex<State<T>>,
    enough: usize,
}

#[derive(Debug)]
struct State<T> {
    waiting: Vec<T>,
    writing: usize,
}

impl<T> Gather<T> {
    /// Of which `enough` do not wait for the write under way.
    #[must_use]
    pub fn new(enough: usize) -> Self {
        Self { state: Mutex::new(State { waiting: Vec::new(), writing: 0 }), enough }
    }

    /// Adds something that is to be written. Whoever does must write what is to be written now, until there is nothing.
    pub fn add(&self, done: T) {
        self.state().waiting.push(done);
    }

    /// What is to be written now, all together, before the turn is dropped; `None` where others will, who write already.
    pub fn take(&self) -> Option<(Vec<T>, Turn<'_, T>)> {
        let mut state = self.state();
        let is_others = state.writing > 0 && state.waiting.len() < self.enough;
        if state.waiting.is_empty() || is_others {
            return None;
        }
        state.writing += 1;
        Some((std::mem::take(&mut state.waiting), Turn(self)))
    }

    /// Whole between any two statements, so a panic elsewhere spoils nothing.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever writes.
#[derive(Debug)]
pub struct Turn<'a, T>(&'a Gather<T>);

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        self.0.state().writing -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_while_others_are_written_waits_until_there_is_enough_or_they_are() {
        let gather = Gather::new(3);
        gather.add(1);
        let (first, turn) = gather.take().unwrap();
        gather.add(2);
        gather.add(3);
        let waits = gather.take().is_none();
        gather.add(4);
        let (enough, other) = gather.take().unwrap();
        gather.add(5);

        assert_eq!((first, waits, enough), (vec![1], true, vec![2, 3, 4]));
        drop(turn);
        assert!(gather.take().is_none(), "others are being written");
        drop(other);
        assert_eq!(gather.take().unwrap().0, [5]);
        assert!(gather.take().is_none(), "nothing is left");
    }

    #[test]
    fn a_write_that_panics_leaves_the_turn_to_the_next() {
        let gather = Gather::new(3);
        gather.add(1);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _taken = gather.take().unwrap();
            panic!("amid a write");
        }));
        gather.add(2);

        assert!(panicked.is_err());
        assert_eq!(gather.take().unwrap().0, [2]);
    }
}
