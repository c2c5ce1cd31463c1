//! Why a webhook did or did not get an event.

use super::Timestamp;
use super::filter::FilterDigest;
use super::ids::{DeliveryId, WebhookId};

macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $type { $($(#[$variant_doc])* $variant,)* }

        impl $type {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in the API and in the store.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The value of a name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
pub(crate) use named;

named!(
    /// What became of one event for one subscribed webhook.
    Outcome {
        /// A delivery is owed (or done: the delivery says).
        Delivered = "delivered",
        /// The filter let it out.
        Filtered = "filtered",
        /// The filter failed and the webhook's `onError` is `skip`.
        FilterError = "filter_error",
        /// The webhook does not cover the event's project, or its creator is not a member of it.
        OutOfScope = "out_of_scope",
        /// The webhook was disabled.
        Disabled = "disabled",
    }
);

named!(
    /// The class of a filter's failure.
    ReasonClass {
        /// It used up its fuel.
        Fuel = "fuel",
        /// It ran into the wall-clock backstop.
        Deadline = "deadline",
        /// It asked for more memory than it may have.
        MemoryLimit = "memory-limit",
        /// It recursed too deep.
        StackOverflow = "stack-overflow",
        /// It trapped: a panic, an out-of-bounds access, a division by zero.
        Trap = "trap",
        /// It answered with too much, or with too few or too many verdicts.
        BadResult = "bad-result",
        /// It said itself that it cannot decide.
        Error = "error",
    }
);

/// What was decided for one event and one webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// For which webhook.
    pub webhook_id: WebhookId,
    /// What was decided.
    pub outcome: Outcome,
    /// Why, for people: the filter's own words, or the host's.
    pub reason: Option<String>,
    /// The class of the filter's failure, also when `onError` let the event through.
    pub reason_class: Option<ReasonClass>,
    /// The filter that decided.
    pub filter_digest: Option<FilterDigest>,
    /// Fuel the filter used.
    pub fuel: Option<u64>,
    /// Wall-clock time of the filter in microseconds.
    pub duration_us: Option<u64>,
    /// The delivery that is owed, for [`Outcome::Delivered`].
    pub delivery_id: Option<DeliveryId>,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// When dispatch decided first, if a replay has decided anew since.
    pub first_decided_at: Option<Timestamp>,
}
