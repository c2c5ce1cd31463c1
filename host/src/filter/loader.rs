//! Filters made ready to run: compiled, asked what they are, and loaded.

use std::sync::Arc;

use super::Refused;
use super::about;
use super::cache::Cache;
use super::compile::Compiler;
use super::host::{Admitted, FilterHost, Uploaded, WasmSource, blocking, failed, panicked};
use super::loaded::Loaded;
use super::loading::Loading;
use super::run::Threads;
use crate::model::filter::{About, FilterDigest};
use crate::model::ids::UserId;
use crate::model::limits::LOAD_WAIT_MAX;

/// Makes filters ready to run.
pub(super) struct Loader {
    cache: Cache,
    pub(super) compiler: Compiler,
    threads: Arc<Threads>,
    pub(super) source: WasmSource,
    loading: Loading,
}

impl Loader {
    /// A loader that keeps what it compiles in `cache`.
    pub(super) fn new(cache: Cache, compiler: Compiler, threads: Arc<Threads>, source: WasmSource) -> Self {
        Self { cache, compiler, threads, source, loading: Loading::default() }
    }

    /// Checks an upload: compiles it, instantiates it and asks what it is. `owner`, if it has one, waits until
    /// nothing else of theirs is being compiled.
    ///
    /// # Errors
    /// When it is not a filter, or fails; nothing is kept then.
    pub(super) async fn admit(self: &Arc<Self>, owner: Option<&UserId>, wasm: &[u8]) -> Result<Admitted, Refused> {
        let digest = FilterHost::digest(wasm);
        let compiled = self.compiler.compile(owner, wasm, None).await?;
        let (loader, artifact) = (Arc::clone(self), Arc::new(compiled.artifact));
        let unlinked = Arc::clone(&artifact);
        let loaded = blocking(move || loader.cache.try_load(&unlinked)).await??;
        let about = self.describe(&loaded).await?;
        let loader = Arc::clone(self);
        let keep = move || loader.cache.put(digest, &artifact, loaded);
        blocking(keep)
            .await?
            .map_err(|error| Refused::Host { message: format!("keeping the compiled filter: {error}") })?;
        Ok(Admitted { digest, wit_version: compiled.wit_version, about })
    }

    async fn describe(&self, loaded: &Arc<Loaded>) -> Result<About, Refused> {
        let loaded = Arc::clone(loaded);
        let called = self.threads.run(move |caller| caller.describe(&loaded)).await.ok_or_else(panicked)?;
        let about = called.result.map_err(|failure| failed("describe", failure))??;
        blocking(move || about::check(&about).map(|()| about)).await?
    }

    /// Drops what was compiled of a filter that is gone.
    pub(super) async fn forget(self: &Arc<Self>, digest: &FilterDigest) {
        let (loader, gone) = (Arc::clone(self), *digest);
        if let Ok(Err(error)) = blocking(move || loader.cache.forget(&gone.0)).await {
            // It takes room on disk, and is of no other consequence.
            tracing::warn!(%digest, %error, "a compiled filter that is gone cannot be deleted");
        }
    }

    /// The compiled filter, compiled again if its compiled form is gone. That goes on by itself where it takes
    /// longer than anybody waits.
    ///
    /// # Errors
    /// When it cannot be compiled, or cannot yet; and the host's faults.
    pub(super) async fn load(self: &Arc<Self>, digest: &FilterDigest) -> Result<Arc<Loaded>, Refused> {
        if let Some(loaded) = self.cache.recall(digest) {
            return Ok(loaded);
        }
        let load = || {
            let (loader, wanted) = (Arc::clone(self), *digest);
            async move { loader.load_from_disk_or_source(&wanted).await }
        };
        self.loading.share(digest, LOAD_WAIT_MAX, load).await
    }

    async fn load_from_disk_or_source(self: &Arc<Self>, digest: &FilterDigest) -> Result<Arc<Loaded>, Refused> {
        let (loader, wanted) = (Arc::clone(self), *digest);
        if let Some(loaded) = blocking(move || loader.cache.read(&wanted)).await? {
            return Ok(loaded);
        }
        let Uploaded { owner, wasm } = self.uploaded(digest).await?;
        let admitted = self.admit(owner.as_ref(), &wasm).await;
        let loaded = self.cache.recall(digest);
        if let (Err(refused), Some(_)) = (&admitted, &loaded) {
            // It runs from memory, and is compiled anew once it has left that.
            tracing::warn!(%digest, %refused, "a compiled filter is not on disk");
        }
        loaded.ok_or_else(|| admitted.err().unwrap_or(Refused::Missing))
    }

    /// The bytes of a filter as they were uploaded.
    pub(super) async fn uploaded(&self, digest: &FilterDigest) -> Result<Uploaded, Refused> {
        let found = (self.source)(*digest).await;
        let found = found.map_err(|error| Refused::Host { message: format!("reading its bytes: {error}") })?;
        found.ok_or(Refused::Missing)
    }
}
