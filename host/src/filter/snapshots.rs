//! Which filters are called as snapshots, and when a snapshot is made.
//!
//! A snapshot takes a compiler and room, so it is made for a configuration that is expensive to take and was taken several
//! times, which a webhook's is and one that somebody tries out is not. Nothing waits for it: until it is there, and where
//! there can be none, the filter itself is called. Nobody can tell but by the time that it takes: a call of a snapshot is charged
//! what `configure` used when the filter took its configuration.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::Refused;
use super::cache::Cache;
use super::host::{Configured, FilterRef, Uploaded, blocking};
use super::loaded::Loaded;
use super::loader::Loader;
use super::run::Start;
use crate::model::filter::FilterDigest;

/// Fuel of a `configure` that is worth a snapshot: about ten microseconds.
const FUEL_MIN: u64 = 20_000;
/// Calls after which one is made, or made again that has left memory and disk. It takes as long as some hundred calls.
const CALLS_MIN: u32 = 16;
/// Bytes of a filter's digest at the beginning of its snapshots' keys.
const FILTER_BYTES: usize = 16;
/// Rest after each, as a multiple of the time that it took: all together have no more than a fifth of a core.
const REST_FACTOR: u32 = 4;

/// The snapshots that there are, and the one that is being made.
pub(super) struct Snapshots {
    cache: Arc<Cache>,
    loader: Arc<Loader>,
    place: Arc<Semaphore>,
}

/// What is known of the snapshot of a filter under a configuration.
pub(super) struct Snapshot {
    key: FilterDigest,
    calls: AtomicU32,
    is_impossible: AtomicBool,
}

impl Snapshot {
    /// Of a filter whose `configure` used so much fuel, if that is worth one.
    pub(super) fn worth(filter: &FilterRef, fuel: u64) -> Option<Self> {
        (fuel >= FUEL_MIN).then(|| Self {
            key: key(filter),
            calls: AtomicU32::new(0),
            is_impossible: AtomicBool::new(false),
        })
    }
}

/// The beginning of the filter's digest, so that its snapshots can be found, and a digest of both.
fn key(filter: &FilterRef) -> FilterDigest {
    let both = Sha256::new().chain_update(filter.digest.0).chain_update(filter.config.as_bytes()).finalize();
    let mut key = filter.digest.0;
    key[FILTER_BYTES..].copy_from_slice(&both[FILTER_BYTES..]);
    FilterDigest(key)
}

/// What is called for a filter under a configuration.
pub(super) struct Callee {
    pub(super) loaded: Arc<Loaded>,
    pub(super) is_snapshot: bool,
}

impl Callee {
    /// How a call of it begins.
    pub(super) fn start<'c>(&self, configured: &'c Configured) -> Start<'c> {
        if self.is_snapshot {
            Start::Snapshot { fuel: configured.fuel }
        } else {
            Start::Configure(&configured.filter.config)
        }
    }
}

impl Snapshots {
    /// Snapshots of the loader's filters, kept in `cache`.
    pub(super) fn new(cache: Cache, loader: Arc<Loader>) -> Self {
        Self { cache: Arc::new(cache), loader, place: Arc::new(Semaphore::new(1)) }
    }

    /// What to call now; begins to make a snapshot where it is time for one.
    ///
    /// # Errors
    /// When there is no snapshot and the filter cannot be loaded.
    pub(super) async fn callee(self: &Arc<Self>, configured: &Arc<Configured>) -> Result<Callee, Refused> {
        if let Some(snapshot) = &configured.snapshot {
            if let Some(loaded) = self.cache.recall(&snapshot.key) {
                return Ok(Callee { loaded, is_snapshot: true });
            }
            let calls = snapshot.calls.fetch_add(1, Ordering::Relaxed) + 1;
            if calls.is_multiple_of(CALLS_MIN) && !snapshot.is_impossible.load(Ordering::Relaxed) {
                self.begin(configured);
            }
        }
        let loaded = self.loader.load(&configured.filter.digest).await?;
        Ok(Callee { loaded, is_snapshot: false })
    }

    /// Drops the snapshots of a filter that is gone.
    pub(super) async fn forget(&self, digest: &FilterDigest) {
        let (cache, gone) = (Arc::clone(&self.cache), *digest);
        if let Ok(Err(error)) = blocking(move || cache.forget(&gone.0[..FILTER_BYTES])).await {
            // They make room for newer ones in time.
            tracing::warn!(%digest, %error, "the snapshots of a filter that is gone cannot be deleted");
        }
    }

    /// Makes a snapshot beside everything else, if none is being made: whoever has no place comes again.
    fn begin(self: &Arc<Self>, configured: &Arc<Configured>) {
        let Ok(place) = Arc::clone(&self.place).try_acquire_owned() else { return };
        let (snapshots, configured) = (Arc::clone(self), Arc::clone(configured));
        tokio::spawn(async move {
            let Some(snapshot) = &configured.snapshot else { return };
            let began = Instant::now();
            if let Err(refused) = snapshots.make(snapshot.key, &configured.filter).await {
                tracing::debug!(digest = %configured.filter.digest, %refused, "a filter has no snapshot");
                snapshot.is_impossible.store(!refused.is_hosts_fault(), Ordering::Relaxed);
            }
            tokio::time::sleep(began.elapsed() * REST_FACTOR).await;
            drop(place);
        });
    }

    async fn make(&self, key: FilterDigest, filter: &FilterRef) -> Result<(), Refused> {
        let cache = Arc::clone(&self.cache);
        if blocking(move || cache.read(&key)).await?.is_some() {
            return Ok(());
        }
        let Uploaded { owner, wasm } = self.loader.uploaded(&filter.digest).await?;
        let compiled = self.loader.compiler.compile(owner.as_ref(), &wasm, Some(&filter.config)).await?;
        let cache = Arc::clone(&self.cache);
        let keep = move || {
            let loaded = cache.try_load(&compiled.artifact)?;
            cache
                .put(key, &compiled.artifact, loaded)
                .and_then(|()| cache.prune())
                .map_err(|error| Refused::Host { message: format!("keeping the snapshot: {error}") })?;
            // Mapped from its file it takes no memory of its own.
            drop(cache.read(&key));
            Ok(())
        };
        blocking(keep).await?
    }
}
