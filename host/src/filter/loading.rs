//! One load of a filter at a time, whose outcome all share that wait for it.
//!
//! Loading may mean compiling anew, for up to a minute, and behind all others of the same owner. So a load is a task of
//! its own, which nobody can end by going away, and whoever wants the filter waits a moment and comes again. A refusal
//! that is the author's fault is remembered for a while: the same bytes would be refused again. A fault of the host's is
//! not remembered, since it may be over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Refused;
use super::host::panicked;
use super::loaded::Loaded;
use crate::model::filter::FilterDigest;

/// How long the refusal of a load is remembered.
const REFUSAL_KEPT: Duration = Duration::from_secs(60);

type Outcome = Result<Arc<Loaded>, Refused>;

/// What a load came to, and when; nothing while it is under way.
type Load = watch::Receiver<Option<(Outcome, Instant)>>;

/// The loads under way and the refusals that are remembered.
#[derive(Default)]
pub(super) struct Loading {
    loads: Mutex<HashMap<FilterDigest, Load>>,
}

impl Loading {
    /// Loads a filter with `load`, or shares what another such call comes to. Where that takes longer than `patience`,
    /// the load goes on, and the answer is [`Refused::Compiling`].
    pub(super) async fn share<L>(&self, digest: &FilterDigest, patience: Duration, load: impl FnOnce() -> L) -> Outcome
    where
        L: Future<Output = Outcome> + Send + 'static,
    {
        let mut shared = {
            let mut loads = self.locked();
            loads.retain(|_, load| is_kept(load));
            loads.entry(*digest).or_insert_with(|| begin(load())).clone()
        };
        match tokio::time::timeout(patience, shared.wait_for(Option::is_some)).await {
            Ok(Ok(ended)) => ended.as_ref().map_or_else(|| Err(panicked()), |(outcome, _)| outcome.clone()),
            // Its task is gone without an outcome.
            Ok(Err(_)) => Err(panicked()),
            Err(_) => Err(Refused::Compiling),
        }
    }

    /// What it guards is whole between any two statements, so a panic elsewhere spoils nothing.
    fn locked(&self) -> MutexGuard<'_, HashMap<FilterDigest, Load>> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begin(load: impl Future<Output = Outcome> + Send + 'static) -> Load {
    let (tell, told) = watch::channel(None);
    tokio::spawn(async move {
        let outcome = load.await;
        tell.send_replace(Some((outcome, Instant::now())));
    });
    told
}

/// Whether a load is under way, or was refused for its author's fault a short while ago.
fn is_kept(load: &Load) -> bool {
    match &*load.borrow() {
        None => load.has_changed().is_ok(),
        Some((Err(refused), ended)) => !refused.is_hosts_fault() && ended.elapsed() < REFUSAL_KEPT,
        Some((Ok(_), _)) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::sync::Notify;

    use super::*;

    const DIGEST: FilterDigest = FilterDigest([1; 32]);
    const PATIENCE: Duration = Duration::from_secs(3);

    /// How many loads two rounds of five callers at a time need.
    async fn loads(refused: Refused) -> usize {
        let (loading, count) = (Loading::default(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..2 {
            let calls = (0..5).map(|_| {
                let (refused, count) = (refused.clone(), Arc::clone(&count));
                loading.share(&DIGEST, PATIENCE, || async move {
                    count.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    Err(refused)
                })
            });
            let outcomes = join_all(calls).await;
            assert!(outcomes.iter().all(|outcome| outcome.as_ref().err() == Some(&refused)));
        }
        count.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn who_waits_shares_the_outcome_and_only_the_authors_fault_is_remembered() {
        assert_eq!(loads(Refused::CompileLimit { what: "60 s".to_owned() }).await, 1);
        assert_eq!(loads(Refused::Missing).await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_load_goes_on_where_nobody_waits_for_it_any_more() {
        let (loading, end) = (Loading::default(), Arc::new(Notify::new()));
        let ended = Arc::clone(&end);

        let first = loading.share(&DIGEST, PATIENCE, || async move {
            ended.notified().await;
            Err(Refused::NotWasm)
        });
        assert_eq!(first.await.err(), Some(Refused::Compiling));
        end.notify_one();

        let second = loading.share(&DIGEST, PATIENCE, pending).await;
        assert_eq!(second.err(), Some(Refused::NotWasm));
    }

    #[tokio::test]
    async fn a_load_that_panics_is_the_hosts_fault_and_is_begun_again() {
        let loading = Loading::default();

        let first = loading.share(&DIGEST, PATIENCE, || async { panic!("as it must") }).await;
        let second = loading.share(&DIGEST, PATIENCE, || async { Err(Refused::NotWasm) }).await;

        assert!(first.is_err_and(|refused| refused.is_hosts_fault()));
        assert_eq!(second.err(), Some(Refused::NotWasm));
    }
}
