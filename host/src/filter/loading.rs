//! One load of a filter at a time, whose outcome all share that wait for it.
//!
//! Loading may mean compiling anew, for up to a minute. So whoever wants a filter that is being loaded waits
//! for that load, also for its refusal, and a refusal that is the author's fault is remembered for a while:
//! the same bytes would be refused again. A fault of the host's is not remembered, since it may be over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use super::Refused;
use super::run::Loaded;
use crate::model::filter::FilterDigest;

/// How long the refusal of a load is remembered.
const REFUSAL_KEPT: Duration = Duration::from_secs(60);

type Outcome = Result<Arc<Loaded>, Refused>;

/// A load under way, or one that was refused a short while ago.
type Load = Arc<OnceCell<(Outcome, Instant)>>;

/// The loads under way and the refusals that are remembered.
#[derive(Default)]
pub(super) struct Loading {
    loads: Mutex<HashMap<FilterDigest, Load>>,
}

impl Loading {
    /// Loads a filter with `load`, or shares what another such call comes to.
    pub(super) async fn share(&self, digest: &FilterDigest, load: impl AsyncFnOnce() -> Outcome) -> Outcome {
        let shared = {
            let mut loads = self.locked();
            loads.retain(|_, load| load.get().is_none_or(|(_, ended)| ended.elapsed() < REFUSAL_KEPT));
            Arc::clone(loads.entry(*digest).or_default())
        };
        // Where whoever loads is dropped, the next one that waits takes over.
        let (outcome, _) = shared.get_or_init(|| async { (load().await, Instant::now()) }).await;
        if !matches!(outcome, Err(refused) if !refused.is_hosts_fault()) {
            let mut loads = self.locked();
            // Another load may have begun since.
            if loads.get(digest).is_some_and(|current| Arc::ptr_eq(current, &shared)) {
                loads.remove(digest);
            }
        }
        outcome.clone()
    }

    /// What it guards is whole between any two statements, so a panic elsewhere spoils nothing.
    fn locked(&self) -> MutexGuard<'_, HashMap<FilterDigest, Load>> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::future::join_all;

    use super::*;

    const DIGEST: FilterDigest = FilterDigest([1; 32]);

    /// How many loads two rounds of five callers at a time need.
    async fn loads(refused: Refused) -> usize {
        let (loading, count) = (Loading::default(), Cell::new(0));
        for _ in 0..2 {
            let calls = (0..5).map(|_| {
                loading.share(&DIGEST, async || {
                    count.set(count.get() + 1);
                    tokio::task::yield_now().await;
                    Err(refused.clone())
                })
            });
            let outcomes = join_all(calls).await;
            assert!(outcomes.iter().all(|outcome| outcome.as_ref().err() == Some(&refused)));
        }
        count.get()
    }

    #[tokio::test]
    async fn who_waits_shares_the_outcome_and_only_the_authors_fault_is_remembered() {
        assert_eq!(loads(Refused::CompileLimit { what: "60 s".to_owned() }).await, 1);
        assert_eq!(loads(Refused::Missing).await, 2);
    }
}
