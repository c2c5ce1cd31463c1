//! The door to the filter room.

mod batches;

pub use batches::Batches;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::cache::{self, Cache};
use super::compile::Compiler;
use super::engine::Ticker;
use super::engines::Engines;
use super::loader::Loader;
use super::memo::{Beginning, Memo};
use super::projection::{EventFields, Plan, Pointer, Value};
use super::run::{Caller, Decision, Failure, Threads};
use super::snapshots::{Snapshot, Snapshots};
use super::{FilterLimits, Refused, StartError};
use crate::metrics::Metrics;
use crate::model::filter::{About, FilterDigest};
use crate::model::ids::UserId;
use crate::model::limits::FIELDS_PER_FILTER_MAX;

/// Configurations whose declared fields are remembered.
const CONFIGURED_MAX: usize = 16_384;
/// Bytes of their texts: a configuration may have 64 KiB, and whoever tries a filter out can make up many.
const CONFIGURED_BYTES_MAX: usize = 64 << 20;

/// Where snapshots are kept, beside the compiled filters.
const SNAPSHOTS_FOLDER: &str = "snapshots";

/// Finds the uploaded bytes of a filter whose compiled form is gone; `None` where they are gone too.
pub type WasmSource =
    Box<dyn Fn(FilterDigest) -> BoxFuture<'static, Result<Option<Uploaded>, SourceError>> + Send + Sync>;

/// Uploaded bytes, found again.
#[derive(Clone, Debug)]
pub struct Uploaded {
    /// Whose they are; `None` where they are shared by all.
    pub owner: Option<UserId>,
    /// The bytes.
    pub wasm: Arc<[u8]>,
}

/// Why the uploaded bytes cannot be looked for.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// How the room is set up.
pub struct FilterOptions {
    /// What a filter may use.
    pub limits: FilterLimits,
    /// Where compiled filters are kept.
    pub cache_folder: PathBuf,
    /// The program that becomes a compiling child; itself, except in tests.
    pub compiler: PathBuf,
    /// How many filters run at a time.
    pub threads: u32,
    /// How many verdicts are remembered, up to `VERDICTS_REMEMBERED_MAX`; with 0 every one is a call.
    pub verdicts_remembered: usize,
    /// Where uploaded bytes are found again.
    pub source: WasmSource,
    /// Where calls are counted.
    pub metrics: Arc<Metrics>,
}

/// A filter under a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FilterRef {
    /// The filter.
    pub digest: FilterDigest,
    /// The configuration as JSON text, `null` where there is none.
    pub config: Arc<str>,
}

/// What an upload turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// SHA-256 of its bytes.
    pub digest: FilterDigest,
    /// The WIT version it exports.
    pub wit_version: String,
    /// What it says of itself.
    pub about: About,
}

/// A filter that took its configuration.
pub struct Configured {
    /// The fields it wants.
    pub fields: Vec<Pointer>,
    /// Their pointers as the filter wrote them.
    pub pointers: Vec<String>,
    /// The fuel that `configure` used.
    pub fuel: u64,
    pub(super) filter: FilterRef,
    pub(super) beginning: Beginning,
    pub(super) snapshot: Option<Snapshot>,
}

/// One call to make.
pub struct Request {
    /// The filter, configured.
    pub configured: Arc<Configured>,
    /// The values of its fields.
    pub values: Vec<Value>,
}

/// What one call came to, or an earlier one on the same input.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// What the filter decided.
    pub decision: Decision,
    /// The fuel it used; the same for every call on this input.
    pub fuel: u64,
    /// Wall-clock time of the call in microseconds.
    pub duration_us: u64,
}

/// Admits, configures and runs filters.
pub struct FilterHost {
    pub(super) loader: Arc<Loader>,
    pub(super) snapshots: Arc<Snapshots>,
    pub(super) threads: Arc<Threads>,
    limits: FilterLimits,
    configured: Mutex<Remembered>,
    /// Places for configurations that are held against a schema.
    pub(super) config_checks: Semaphore,
    pub(super) memo: Arc<Memo>,
    pub(super) metrics: Arc<Metrics>,
    _ticker: Ticker,
}

/// Filters that took their configuration before.
#[derive(Default)]
struct Remembered {
    by_filter: HashMap<FilterRef, Arc<Configured>>,
    bytes: usize,
}

impl Remembered {
    fn put(&mut self, configured: &Arc<Configured>) {
        // The pointers are there twice: as they were written and parsed.
        let pointers: usize = configured.pointers.iter().map(|pointer| 2 * pointer.len()).sum();
        let bytes = configured.filter.config.len() + pointers;
        if self.by_filter.len() >= CONFIGURED_MAX || self.bytes + bytes > CONFIGURED_BYTES_MAX {
            // Rare, and cheap to make again: a call of a few microseconds each.
            *self = Self::default();
        }
        if self.by_filter.insert(configured.filter.clone(), Arc::clone(configured)).is_none() {
            self.bytes += bytes;
        }
    }
}

impl FilterHost {
    /// Opens the room.
    ///
    /// # Errors
    /// When the engine, its threads or the folder cannot be set up.
    pub fn start(options: FilterOptions) -> Result<Self, StartError> {
        let engines = Arc::new(Engines::running(&options.limits, options.threads)?);
        let ticker = Ticker::start(engines.iter())?;
        let caller = Caller::new(Arc::clone(&engines), options.limits);
        let threads = Arc::new(Threads::start(&caller, options.threads)?);
        let compiler = Compiler::new(options.compiler, options.limits, options.threads as usize);
        let snapshots =
            Cache::open(Arc::clone(&engines), options.cache_folder.join(SNAPSHOTS_FOLDER), cache::SNAPSHOTS)?;
        let filters = Cache::open(engines, options.cache_folder, cache::FILTERS)?;
        let loader = Arc::new(Loader::new(filters, compiler, Arc::clone(&threads), options.source));
        Ok(Self {
            snapshots: Arc::new(Snapshots::new(snapshots, Arc::clone(&loader))),
            loader,
            threads,
            limits: options.limits,
            configured: Mutex::default(),
            config_checks: Semaphore::new(options.threads as usize),
            memo: Arc::new(Memo::new(options.verdicts_remembered)),
            metrics: options.metrics,
            _ticker: ticker,
        })
    }

    /// What a filter may use.
    #[must_use]
    pub fn limits(&self) -> &FilterLimits {
        &self.limits
    }

    /// How many filters run at a time.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.count()
    }

    /// The digest by which an upload is known.
    #[must_use]
    pub fn digest(wasm: &[u8]) -> FilterDigest {
        FilterDigest(Sha256::digest(wasm).into())
    }

    /// Checks an upload: compiles it, instantiates it and asks what it is. `owner`, if it has one, waits until
    /// nothing else of theirs is being compiled.
    ///
    /// # Errors
    /// When it is not a filter, or fails; nothing is kept then.
    pub async fn admit(&self, owner: Option<&UserId>, wasm: &[u8]) -> Result<Admitted, Refused> {
        self.loader.admit(owner, wasm).await
    }

    /// Drops what was compiled of a filter that is gone.
    pub async fn forget(&self, digest: &FilterDigest) {
        self.loader.forget(digest).await;
        self.snapshots.forget(digest).await;
    }

    /// Configures a filter, or remembers that it did: the fields are the same every time.
    ///
    /// # Errors
    /// When the filter refuses the configuration, fails, declares a field that does not exist, or cannot
    /// be loaded.
    pub async fn configure(&self, filter: &FilterRef) -> Result<Arc<Configured>, Refused> {
        if let Some(configured) = locked(&self.configured).by_filter.get(filter) {
            return Ok(Arc::clone(configured));
        }
        let loaded = self.loader.load(&filter.digest).await?;
        let config = Arc::clone(&filter.config);
        let called = self.threads.run(move |caller| caller.configure(&loaded, &config)).await.ok_or_else(panicked)?;
        let answer = called.result.map_err(|failure| failed("configure", failure))?;
        let pointers = answer.map_err(|message| Refused::Config { message })?;
        let fields = parse_fields(&pointers)?;
        let beginning = self.memo.beginning(&filter.digest.0, &filter.config);
        let fuel = called.fuel;
        let snapshot = Snapshot::worth(filter, fuel);
        let configured = Arc::new(Configured { fields, pointers, fuel, filter: filter.clone(), beginning, snapshot });
        locked(&self.configured).put(&configured);
        Ok(configured)
    }
}

impl Configured {
    /// Projects this filter's fields alone, as `evaluate` and the command line do.
    #[must_use]
    pub fn project(&self, event: &EventFields<'_>) -> Vec<Value> {
        Plan::new([self.fields.as_slice()]).project(event).values(0)
    }
}

/// What these mutexes guard is whole between any two statements, so a panic elsewhere spoils nothing.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs what would hold up an async worker: files, and machine code that is linked.
///
/// # Errors
/// When the process is about to end, so that the work was not begun.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refused> {
    tokio::task::spawn_blocking(work).await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Refused::Host { message: "the host is stopping".to_owned() },
    })
}

fn parse_fields(pointers: &[String]) -> Result<Vec<Pointer>, Refused> {
    let refuse = |pointer: &str, message: String| Refused::Field { pointer: pointer.to_owned(), message };
    if let Some(pointer) = pointers.get(FIELDS_PER_FILTER_MAX) {
        return Err(refuse(pointer, format!("a filter declares at most {FIELDS_PER_FILTER_MAX} fields")));
    }
    let parse = |pointer: &String| Pointer::parse(pointer).map_err(|error| refuse(pointer, error.to_string()));
    pointers.iter().map(parse).collect()
}

pub(super) fn failed(function: &'static str, failure: Failure) -> Refused {
    Refused::Failed { function, class: failure.class, message: failure.message }
}

pub(super) fn panicked() -> Refused {
    Refused::Host { message: "the host panicked; its log says where".to_owned() }
}
