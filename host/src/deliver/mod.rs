//! Deliver: from an owed delivery to an attempt in the log.
//!
//! - [`body`]: pure: the bytes of a delivery, the same over all its attempts.
//! - [`schedule`]: pure: when the next attempt is due, and what an answer means.
//! - [`send`]: one HTTP request, bounded in everything.
//! - [`step`]: claims due deliveries, sends them, writes what came of it.

mod body;
pub mod schedule;
mod send;
mod step;

pub use body::compose;
pub use send::{Request, SendOptions, Sender, Sent};
pub use step::Deliverer;
