//! How often somebody may do something: the generic cell rate algorithm, pure, for many keys at a time.
//!
//! A key has a rate and a burst: so many at once, then one for each interval that has passed. All that is kept of
//! it is the time at which it will have made up for what it did. What is refused costs nothing, so whoever
//! keeps trying gets their rate all the same. The table has a bound; time comes in as a parameter.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::limits::RATE_KEYS_MAX;

/// Stands for all keys that a full table has no room for: they share one allowance.
const OVERFLOW: u64 = 0;
/// How soon a full table is searched again for keys that can be forgotten.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// How often, and how often at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Times per second; 0 is no limit.
    pub per_second: u32,
    /// Times at once; at least 1.
    pub burst: u32,
}

/// One rate, for many keys.
#[derive(Debug)]
pub(super) struct Limiter {
    interval: Duration,
    /// How far ahead of now a key may be: a burst less one.
    tolerance: Duration,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// When each key will have made up for what it did.
    even_at: HashMap<u64, Duration>,
    swept_at: Duration,
}

impl Limiter {
    pub(super) fn new(rate: Rate) -> Self {
        let interval = Duration::from_secs(1).checked_div(rate.per_second).unwrap_or_default();
        let tolerance = interval * rate.burst.saturating_sub(1);
        Self { interval, tolerance, table: Mutex::default() }
    }

    /// Counts one more of `key` at `now`, the time since any beginning; if that is one too many, nothing is
    /// counted and the answer is how long to wait.
    pub(super) fn take(&self, key: u64, now: Duration) -> Result<(), Duration> {
        let mut table = self.table();
        let key = table.place_of(key, now);
        let even_at = table.even_at.entry(key).or_insert(now);
        let base = (*even_at).max(now);
        if let Some(wait) = self.wait(base, now) {
            return Err(wait);
        }
        *even_at = base + self.interval;
        Ok(())
    }

    /// Whether one more of `key` would be too many at `now`; how long to wait then. Counts nothing.
    pub(super) fn is_exhausted(&self, key: u64, now: Duration) -> Option<Duration> {
        let base = self.table().even_at.get(&key).copied()?.max(now);
        self.wait(base, now)
    }

    /// Whether `key` has been counted before and is not forgotten yet.
    pub(super) fn knows(&self, key: u64) -> bool {
        self.table().even_at.contains_key(&key)
    }

    fn wait(&self, base: Duration, now: Duration) -> Option<Duration> {
        // Requests side by side come with their times in any order, which is no haste where there is no limit.
        (base - now).checked_sub(self.tolerance).filter(|wait| !wait.is_zero() && !self.interval.is_zero())
    }

    /// What it guards is whole between any two statements.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// The key itself, if the table has it or room for it.
    fn place_of(&mut self, key: u64, now: Duration) -> u64 {
        if self.even_at.len() < RATE_KEYS_MAX || self.even_at.contains_key(&key) {
            return key;
        }
        if now >= self.swept_at + SWEEP_PAUSE {
            self.even_at.retain(|_, even_at| *even_at > now);
            self.swept_at = now;
        }
        if self.even_at.len() < RATE_KEYS_MAX { key } else { OVERFLOW }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn limiter(per_second: u32, burst: u32) -> Limiter {
        Limiter::new(Rate { per_second, burst })
    }

    #[test]
    fn a_burst_passes_then_one_for_each_interval() {
        let limiter = limiter(10, 3);

        for _ in 0..3 {
            assert_eq!(limiter.take(1, ms(0)), Ok(()));
        }
        assert_eq!(limiter.take(1, ms(0)), Err(ms(100)));
        assert_eq!(limiter.take(1, ms(99)), Err(ms(1)));
        assert_eq!(limiter.take(1, ms(100)), Ok(()));
        assert_eq!(limiter.take(1, ms(100)), Err(ms(100)));
        assert_eq!(limiter.take(2, ms(100)), Ok(()), "another key has its own");
        assert_eq!(limiter.is_exhausted(1, ms(150)), Some(ms(50)));
        assert_eq!(limiter.is_exhausted(1, ms(200)), None);
    }

    #[test]
    fn without_a_rate_nothing_is_too_much_though_times_come_out_of_order() {
        let limiter = limiter(0, 1);

        assert_eq!(limiter.take(1, ms(5)), Ok(()));
        assert_eq!(limiter.take(1, ms(4)), Ok(()));
    }

    #[test]
    fn without_a_rate_nothing_is_too_much_and_keys_are_known_all_the_same() {
        let limiter = limiter(0, 1);

        assert!(!limiter.knows(1));
        for _ in 0..10_000 {
            assert_eq!(limiter.take(1, ms(5)), Ok(()));
        }
        assert!(limiter.knows(1));
        assert_eq!(limiter.is_exhausted(1, ms(5)), None);
    }

    #[test]
    fn the_table_stays_bounded_and_those_without_a_place_share_one() {
        let limiter = limiter(1, 1);
        let keys = 1..=RATE_KEYS_MAX as u64;
        for key in keys.clone() {
            assert_eq!(limiter.take(key, ms(0)), Ok(()));
        }

        assert_eq!(limiter.take(RATE_KEYS_MAX as u64 + 1, ms(1)), Ok(()));
        assert_eq!(limiter.take(RATE_KEYS_MAX as u64 + 2, ms(1)), Err(ms(1_000)));
        assert_eq!(limiter.take(7, ms(1)), Err(ms(999)), "who has a place keeps it");
        // All have made up by then, so there is room again.
        assert_eq!(limiter.take(RATE_KEYS_MAX as u64 + 2, ms(3_000)), Ok(()));
        assert!(limiter.table().even_at.len() <= 2);
    }

    proptest! {
        #[test]
        fn over_any_time_no_more_pass_than_burst_and_rate_allow(
            (rate, burst) in (1_u32..1_000, 1_u32..50),
            steps in proptest::collection::vec(0_u64..50, 1..300),
        ) {
            let (limiter, mut now, mut passed) = (limiter(rate, burst), 0, 0_u64);

            for step in steps {
                now += step;
                passed += u64::from(limiter.take(1, ms(now)).is_ok());

                // The interval is cut to whole nanoseconds, which lets through one more in a long time.
                prop_assert!(passed <= u64::from(burst) + now * u64::from(rate) / 1_000 + 1);
            }
        }

        #[test]
        fn whoever_waits_as_long_as_told_passes(
            (rate, burst) in (1_u32..1_000, 1_u32..50),
            steps in proptest::collection::vec(0_u64..5, 1..100),
        ) {
            let (limiter, mut now) = (limiter(rate, burst), ms(0));

            for step in steps {
                now += ms(step);
                if let Err(wait) = limiter.take(1, now) {
                    prop_assert_eq!(limiter.take(1, now + wait - Duration::from_nanos(1)), Err(Duration::from_nanos(1)));
                    now += wait;
                    prop_assert_eq!(limiter.take(1, now), Ok(()));
                }
            }
        }
    }
}
