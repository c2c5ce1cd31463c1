//! Deliver: from an owed delivery to an attempt in the log.
//!
//! - [`schedule`]: pure: when the next attempt is due, and what an answer means.
//! - [`step`]: claims due deliveries, sends them, writes what came of it.

pub mod schedule;
mod step;

pub use step::Deliverer;
