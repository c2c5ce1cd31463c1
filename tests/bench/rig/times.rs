//! How long things took, in all of their runs.

use std::time::Duration;

/// The time below which so many of a hundred of the sorted ones are: 100 for the longest.
pub fn at(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

/// The same in milliseconds.
pub fn millis_at(sorted: &[Duration], percent: usize) -> f64 {
    at(sorted, percent).as_secs_f64() * 1e3
}
