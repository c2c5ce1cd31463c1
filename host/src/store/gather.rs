//! What loops have done and write down together.
//!
//! What is done first is written at once, and what follows gathers: until the write under way is on the disk, and until a while after
//! it began, since a write costs nearly the same for one as for many. What is urgent does not wait for that while. Nor does
//! anything wait where much has gathered, in all or of one, so that nobody's share of what may be unwritten is used up by waiting.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What has gathered, by whose it is.
#[derive(Debug)]
pub struct Gather<K, T> {
    state: Mutex<State<K, T>>,
    bounds: Bounds,
}

/// How much gathers, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// So much of one does not wait.
    pub of_one: usize,
    /// Nor does so much in all.
    pub of_all: usize,
    /// From the beginning of a write to that of the next, at least, where nothing is urgent.
    pub pace: Duration,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hurry {
    /// For the writes under way and for the pace.
    None,
    /// For the writes under way.
    Urgent,
    /// For nothing.
    Enough,
}

#[derive(Debug)]
struct State<K, T> {
    waiting: Vec<T>,
    counts: HashMap<K, usize>,
    hurry: Hurry,
    writing: usize,
    /// When the last write began.
    began: Option<Instant>,
    /// Somebody waits for the pace.
    is_awaited: bool,
    /// Somebody was told to write, and has not asked yet what.
    is_called: bool,
}

/// What whoever asks has to do.
enum Step<T> {
    Nothing,
    WaitUntil(Instant),
    Write(Vec<T>),
}

impl<K: Eq + Hash, T> Gather<K, T> {
    /// Within these bounds.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let state = State {
            waiting: Vec::new(),
            counts: HashMap::new(),
            hurry: Hurry::None,
            writing: 0,
            began: None,
            is_awaited: false,
            is_called: false,
        };
        Self { state: Mutex::new(state), bounds }
    }

    /// Adds something of somebody's that is to be written; whether somebody must write what is [`next`](Self::next), until
    /// nothing is. Otherwise others will.
    pub fn add(&self, of: K, done: T, is_urgent: bool) -> bool {
        let mut state = self.state();
        state.waiting.push(done);
        let count = state.counts.entry(of).or_default();
        *count += 1;
        let is_enough = *count >= self.bounds.of_one || state.waiting.len() >= self.bounds.of_all;
        let hurry = match (is_enough, is_urgent) {
            (true, _) => Hurry::Enough,
            (false, true) => Hurry::Urgent,
            (false, false) => Hurry::None,
        };
        state.hurry = state.hurry.max(hurry);
        let must_write = !state.is_called && state.due(Instant::now(), self.bounds.pace).is_some();
        state.is_called |= must_write;
        must_write
    }

    /// What is to be written next, all together, before the turn is dropped; `None` where nothing is, or others will.
    pub async fn next(&self) -> Option<(Vec<T>, Turn<'_, K, T>)> {
        loop {
            let step = self.state().step(Instant::now(), self.bounds.pace);
            match step {
                Step::Nothing => return None,
                Step::Write(gathered) => return Some((gathered, Turn(self))),
                Step::WaitUntil(at) => {
                    let _waiting = Waiting(self);
                    tokio::time::sleep_until(at).await;
                }
            }
        }
    }

    /// Whole between any two statements, so a panic elsewhere spoils nothing.
    fn state(&self) -> MutexGuard<'_, State<K, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, T> State<K, T> {
    /// When what waits is to be written by whoever asks; `None` where nothing waits, or others write it.
    fn due(&self, now: Instant, pace: Duration) -> Option<Instant> {
        let is_others = self.writing > 0 && self.hurry < Hurry::Enough;
        if self.waiting.is_empty() || is_others {
            return None;
        }
        let until = self.began.map(|began| began + pace).filter(|until| *until > now && self.hurry == Hurry::None);
        until.map_or(Some(now), |until| Some(until).filter(|_| !self.is_awaited))
    }

    fn step(&mut self, now: Instant, pace: Duration) -> Step<T> {
        self.is_called = false;
        match self.due(now, pace) {
            None => Step::Nothing,
            Some(until) if until > now => {
                self.is_awaited = true;
                Step::WaitUntil(until)
            }
            Some(_) => {
                self.writing += 1;
                self.began = Some(now);
                self.hurry = Hurry::None;
                self.counts.clear();
                Step::Write(std::mem::take(&mut self.waiting))
            }
        }
    }
}

/// Whoever writes.
#[derive(Debug)]
pub struct Turn<'a, K: Eq + Hash, T>(&'a Gather<K, T>);

impl<K: Eq + Hash, T> Drop for Turn<'_, K, T> {
    fn drop(&mut self) {
        self.0.state().writing -= 1;
    }
}

/// Whoever waits for the pace.
struct Waiting<'a, K: Eq + Hash, T>(&'a Gather<K, T>);

impl<K: Eq + Hash, T> Drop for Waiting<'_, K, T> {
    fn drop(&mut self) {
        self.0.state().is_awaited = false;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const PACE: Duration = Duration::from_millis(2);

    fn gather(of_one: usize, of_all: usize) -> Gather<char, u32> {
        Gather::new(Bounds { of_one, of_all, pace: PACE })
    }

    /// What would be written now.
    fn now(gather: &Gather<char, u32>) -> Option<(Vec<u32>, Turn<'_, char, u32>)> {
        gather.next().now_or_never().flatten()
    }

    #[tokio::test(start_paused = true)]
    async fn what_follows_a_write_gathers_until_it_is_done_and_the_pace_is_over() {
        let gather = gather(9, 9);
        gather.add('a', 1, false);
        let (first, turn) = now(&gather).unwrap();
        gather.add('a', 2, false);
        tokio::time::advance(2 * PACE).await;
        let beside = now(&gather).map(|(gathered, _)| gathered);
        drop(turn);
        let (second, turn) = now(&gather).unwrap();
        drop(turn);
        gather.add('b', 3, false);
        let began = Instant::now();
        let others = async {
            gather.add('b', 4, false);
            assert!(gather.next().await.is_none(), "the one that waits already writes it");
        };
        let (third, ()) = tokio::join!(gather.next(), others);

        assert_eq!((first, beside, second), (vec![1], None, vec![2]));
        assert_eq!((third.unwrap().0, began.elapsed()), (vec![3, 4], PACE));
        tokio::time::advance(PACE).await;
        assert!(now(&gather).is_none(), "nothing is left");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_urgent_waits_for_the_write_under_way_alone() {
        let gather = gather(9, 9);
        gather.add('a', 1, false);
        let (_, turn) = now(&gather).unwrap();
        gather.add('a', 2, true);
        let beside = now(&gather).map(|(gathered, _)| gathered);
        drop(turn);

        assert_eq!(beside, None);
        assert_eq!(now(&gather).unwrap().0, [2]);
    }

    #[tokio::test(start_paused = true)]
    async fn enough_of_one_or_in_all_waits_for_nothing() {
        let gather = gather(2, 3);
        gather.add('a', 1, false);
        let (_, _turn) = now(&gather).unwrap();
        gather.add('a', 2, false);
        gather.add('b', 3, false);
        let too_little = now(&gather).map(|(gathered, _)| gathered);
        gather.add('b', 4, false);
        let (enough_of_one, _other_turn) = now(&gather).unwrap();
        gather.add('a', 5, false);
        gather.add('b', 6, false);
        gather.add('c', 7, false);

        assert_eq!((too_little, enough_of_one), (None, vec![2, 3, 4]));
        assert_eq!(now(&gather).unwrap().0, [5, 6, 7]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_is_told_to_write_until_somebody_asks_what_and_nobody_where_others_will() {
        let gather = gather(2, 9);
        let told = [gather.add('a', 1, false), gather.add('b', 2, false)];
        let (_, turn) = now(&gather).unwrap();
        let beside_a_write = [gather.add('a', 3, true), gather.add('a', 4, false), gather.add('a', 5, false)];
        let (_, other_turn) = now(&gather).unwrap();
        drop((turn, other_turn));
        let before_the_pace = [gather.add('a', 6, false), gather.add('b', 7, false)];
        let meanwhile = async { [gather.add('c', 8, false), gather.add('d', 9, true)] };
        let (written, waiting) = tokio::join!(gather.next(), meanwhile);

        assert_eq!(told, [true, false]);
        assert_eq!(beside_a_write, [false, true, false], "enough of one is written beside others");
        assert_eq!((before_the_pace, waiting), ([true, false], [false, true]), "what is urgent waits for no pace");
        assert_eq!(written.unwrap().0, [6, 7, 8, 9]);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_while_waiting_or_writing_leaves_it_to_the_next() {
        let gather = gather(9, 9);
        gather.add('a', 1, false);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _taken = now(&gather).unwrap();
            panic!("amid a write");
        }));
        gather.add('a', 2, false);
        let gave_up = gather.next().now_or_never().is_none();
        tokio::time::advance(PACE).await;

        assert!(panicked.is_err() && gave_up);
        assert_eq!(now(&gather).unwrap().0, [2]);
    }
}
