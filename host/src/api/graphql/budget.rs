//! What the lists of one answer may weigh.
//!
//! A webhook can have a thousand projects, a page 250 webhooks and a document fifty aliases, so that a small
//! request could ask for gigabytes. Resolvers of lists spend from one budget; when it is used up they give
//! nothing more, and the answer is thrown away for an error.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::Context;

use crate::model::limits::GRAPHQL_ANSWER_BYTES_MAX;

/// What a value of the tree costs besides its text.
const VALUE_BYTES: usize = 32;

/// The bytes of one answer that are left.
#[derive(Clone)]
pub(super) struct Budget(Arc<AtomicUsize>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(GRAPHQL_ANSWER_BYTES_MAX)))
    }
}

impl Budget {
    /// That of the request that is resolved.
    pub(super) fn of<'a>(context: &Context<'a>) -> &'a Self {
        context.data_unchecked()
    }

    /// The texts, as long as the budget lasts.
    pub(super) fn spend<'a>(&self, texts: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
        texts.take_while(|text| {
            let cost = text.len() + VALUE_BYTES;
            let spent =
                self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(cost)));
            spent.is_ok_and(|left| left > cost)
        })
    }

    /// Whether something was held back.
    pub(super) fn is_used_up(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_held_back_within_the_budget_and_all_beyond_it() {
        let budget = Budget(Arc::new(AtomicUsize::new(2 * (VALUE_BYTES + 2) + 1)));

        assert_eq!(budget.spend(["ab", "cd"].into_iter()).count(), 2);
        assert!(!budget.is_used_up());
        assert_eq!(budget.spend(["ef"].into_iter()).count(), 0);
        assert!(budget.is_used_up());
        assert_eq!(budget.spend([""].into_iter()).count(), 0);
    }
}
