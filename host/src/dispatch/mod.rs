//! Dispatch: from an accepted event to a verdict for each subscribed webhook and the deliveries owed.
//!
//! - [`index`]: which webhooks subscribe to what, in memory, kept in step with the store.
//! - [`ask`]: asks the filters, each owner's apart from the others'.
//! - [`budget`]: pure: how much fuel one owner's filters may use for one event.
//! - [`put_off`]: how often and how soon is taken up again what the host could not do.
//! - [`shadow`]: candidates beside the filters, which decide nothing.
//! - [`step`]: claims events, has the filters asked, writes all of it in one transaction.
//! - [`replay`]: takes up again what a webhook did not get, with the same parts.
//!
//! Whether an event is in a webhook's scope is [`matching`](crate::model::matching)'s, since the past is judged alike.
//! Dispatch knows nothing of HTTP and never calls deliver: they meet in the delivery rows.

mod ask;
mod budget;
mod index;
mod put_off;
mod replay;
mod shadow;
mod step;

pub use replay::{Looked, Replayer};
pub use step::Dispatcher;
