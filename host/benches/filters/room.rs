//! A filter room as the host has it, with filters that are built when the measurement begins.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use hooksieve::filter::{Configured, FilterHost, FilterLimits, FilterOptions, FilterRef, Request};
use hooksieve::model::filter::FilterDigest;
use hooksieve_filter_build::Toolchain;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::example;

/// The packages that are measured.
const PACKAGES: [&str; 5] = ["always-guest", "four-fields-guest", "many-texts-guest", "done-records", "field-match"];
/// The predicate of `four-fields`, for `field-match`.
pub(crate) const FIELD_MATCH_CONFIG: &str = r#"{"all":[
    {"pointer":"/currentValue/done","operator":"eq","value":false},
    {"pointer":"/currentValue/todoList/title","operator":"eq","value":"ETEST"},
    {"pointer":"/currentValue/todoList/position","operator":"gt","value":1000}]}"#;

/// The bytes of each package's module.
pub(crate) fn guests() -> HashMap<&'static str, Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the host is a folder of the checkout");
    let target = root.join("target/bench-filters");
    let request = hooksieve_filter_build::Request {
        manifest_dir: root,
        packages: &PACKAGES,
        target_dir: Some(&target),
        profile: "filter",
        is_locked: true,
        is_offline: false,
    };
    let toolchain = Toolchain::find(root).expect("this machine can build filters; see `cargo xtask setup`");
    let modules = toolchain.build(&request, &mut |_| {}).expect("the filters can be built");
    let read = |path| std::fs::read(path).expect("cargo made the module");
    PACKAGES.into_iter().zip(modules.into_iter().map(read)).collect()
}

/// A module that does what `wasm` does, and is another one: it has a custom section of its own.
pub(crate) fn variant(wasm: &[u8], number: u32) -> Vec<u8> {
    let mut wasm = wasm.to_vec();
    // A custom section of six bytes: a name of one, and the number.
    wasm.extend([0, 6, 1, b'n']);
    wasm.extend(number.to_le_bytes());
    wasm
}

/// A filter room with a folder of its own.
pub(crate) struct Room {
    pub(crate) host: Arc<FilterHost>,
    /// Where its compiled filters are, if they go with it.
    _folder: Option<TempDir>,
}

impl Room {
    /// A room that runs `threads` filters at a time and remembers so many verdicts.
    pub(crate) fn open(threads: u32, verdicts_remembered: usize) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let room = Self::open_in(folder.path(), threads, verdicts_remembered);
        Self { _folder: Some(folder), ..room }
    }

    /// A room with its compiled filters in `folder`.
    pub(crate) fn open_in(folder: &Path, threads: u32, verdicts_remembered: usize) -> Self {
        let host = FilterHost::start(FilterOptions {
            limits: FilterLimits::default(),
            cache_folder: folder.join("compiled"),
            compiler: std::env::current_exe().expect("the system tells"),
            threads,
            verdicts_remembered,
            source: Box::new(|_| Box::pin(async { Ok(None) })),
            metrics: Arc::default(),
        });
        Self { host: Arc::new(host.expect("the engine can be set up")), _folder: None }
    }

    /// Uploads a module.
    pub(crate) fn upload(&self, runtime: &Runtime, wasm: &[u8]) -> FilterDigest {
        runtime.block_on(self.host.admit(None, wasm)).expect("it is a filter").digest
    }

    /// A request to an uploaded filter about the example.
    pub(crate) fn request(&self, runtime: &Runtime, digest: FilterDigest, config: &str) -> impl Fn() -> Request {
        let record = example::record();
        let filter = FilterRef { digest, config: config.into() };
        let configured: Arc<Configured> = runtime.block_on(self.host.configure(&filter)).expect("it takes that");
        let values = configured.project(&example::event(&record));
        move || Request { configured: Arc::clone(&configured), values: values.clone() }
    }
}
