//! The filter room with real WebAssembly: what a filter's author can do to others (nothing) and to their
//! own webhook, and what an upload may be.

mod batches;
mod cache;
mod determinism;
mod memo;
mod misbehaviour;
mod mutants;
mod sameness;
mod snapshots;
mod turns;
mod uploads;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use hooksieve::filter::projection::EventFields;
use hooksieve::filter::{
    Admitted, Configured, Decision, Evaluation, FilterHost, FilterLimits, FilterOptions, FilterRef, Refused, Request,
    Uploaded,
};
use hooksieve::model::filter::FilterDigest;
use hooksieve::model::ids::UserId;
use tempfile::TempDir;

/// The program that becomes a compiling child.
const COMPILER: &str = env!("CARGO_BIN_EXE_hooksieve-under-test");
/// Delivered by `field-match` under [`DONE`], not by `done-records`.
const EVENT: EventFields<'static> = EventFields {
    id: Some("e1"),
    event: Some("TODO_DONE_STATUS_UPDATED"),
    company_id: Some("c1"),
    project_id: Some("p1"),
    user_id: Some("u1"),
    occurred_at: None,
    previous_value: r#"{"id":"r1","done":true}"#,
    current_value: r#"{"id":"r1","done":true}"#,
};
const DONE: &str = r#"{"pointer":"/currentValue/done","operator":"eq","value":true}"#;

/// A filter room with a folder of its own.
struct Room {
    host: FilterHost,
    folder: Arc<TempDir>,
    uploads: Arc<Mutex<HashMap<FilterDigest, Uploaded>>>,
}

impl Room {
    fn open() -> Self {
        Self::with_limits(FilterLimits::default())
    }

    fn with_limits(limits: FilterLimits) -> Self {
        Self::start(limits, Arc::new(TempDir::new().unwrap()), Arc::default(), Path::new(COMPILER))
    }

    /// The same room after a restart, with this compiler.
    fn reopened(self, compiler: &Path) -> Self {
        let Self { host, folder, uploads } = self;
        let limits = *host.limits();
        drop(host);
        Self::start(limits, folder, uploads, compiler)
    }

    fn start(
        limits: FilterLimits,
        folder: Arc<TempDir>,
        uploads: Arc<Mutex<HashMap<FilterDigest, Uploaded>>>,
        compiler: &Path,
    ) -> Self {
        let source = Arc::clone(&uploads);
        let host = FilterHost::start(FilterOptions {
            limits,
            cache_folder: folder.path().to_owned(),
            compiler: compiler.to_owned(),
            threads: 2,
            verdicts_remembered: 0,
            source: Box::new(move |digest| {
                let found = source.lock().unwrap().get(&digest).cloned();
                Box::pin(async move { Ok(found) })
            }),
            metrics: Arc::default(),
        });
        Self { host: host.unwrap(), folder, uploads }
    }

    async fn upload(&self, wasm: &[u8]) -> Result<Admitted, Refused> {
        let admitted = self.host.admit(None, wasm).await?;
        self.keep(None, wasm);
        Ok(admitted)
    }

    /// Keeps an upload that is not compiled, or no longer.
    fn keep(&self, owner: Option<UserId>, wasm: &[u8]) -> FilterDigest {
        let digest = FilterHost::digest(wasm);
        self.uploads.lock().unwrap().insert(digest, Uploaded { owner, wasm: wasm.into() });
        digest
    }

    async fn configured(&self, wasm: &[u8], config: &str) -> Arc<Configured> {
        let digest = self.upload(wasm).await.unwrap().digest;
        self.configure(digest, config).await.unwrap()
    }

    async fn configure(&self, digest: FilterDigest, config: &str) -> Result<Arc<Configured>, Refused> {
        let filter = FilterRef { digest, config: config.into() };
        loop {
            match self.host.configure(&filter).await {
                Err(Refused::Compiling) => {}
                answer => return answer,
            }
        }
    }

    async fn evaluate(&self, configured: &Arc<Configured>) -> Evaluation {
        self.host.decide(request(configured)).await.unwrap()
    }

    /// What filters that are asked at the same time say, in their order.
    async fn evaluate_all<'c>(&self, configured: impl IntoIterator<Item = &'c Arc<Configured>>) -> Vec<Evaluation> {
        join_all(configured.into_iter().map(|configured| self.evaluate(configured))).await
    }

    async fn decide(&self, configured: &Arc<Configured>) -> Decision {
        self.evaluate(configured).await.decision
    }

    /// The snapshots on disk.
    fn snapshots(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.folder.path().join("snapshots")).unwrap();
        let files = files.map(|file| file.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "cwasm")).collect()
    }

    fn artifact(&self, digest: FilterDigest) -> PathBuf {
        self.folder.path().join(format!("{digest}.cwasm"))
    }
}

/// [`EVENT`], as `configured` wants to see it.
fn request(configured: &Arc<Configured>) -> Request {
    Request { configured: Arc::clone(configured), values: configured.project(&EVENT) }
}

fn skip(reason: &str) -> Decision {
    Decision::Skip(Some(reason.to_owned()))
}
