//! Dispatch: from an accepted event to a verdict for each subscribed webhook and the deliveries owed.
//!
//! - [`index`]: which webhooks subscribe to what, in memory, kept in step with the store.
//! - [`matching`]: pure: which of them an event concerns, and whether it is in their scope.
//! - [`step`]: claims events, asks the filters, writes all of it in one transaction.
//!
//! Dispatch knows nothing of HTTP and never calls deliver: they meet in the delivery rows.

mod index;
mod matching;
mod step;

pub use step::Dispatcher;
