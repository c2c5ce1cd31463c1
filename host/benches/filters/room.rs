//! A filter room as the host has it, with filters that are built when the measurement begins.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use hooksieve::filter::{Configured, FilterHost, FilterLimits, FilterOptions, FilterRef, Request, Uploaded};
use hooksieve::model::filter::FilterDigest;
use hooksieve_filter_build::Toolchain;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::example;

/// The packages that are measured.
const PACKAGES: [&str; 6] =
    ["always-guest", "four-fields-guest", "many-texts-guest", "done-records", "field-match", "cel-filter"];
/// The predicate of `four-fields`, for `field-match`.
pub(crate) const FIELD_MATCH_CONFIG: &str = r#"{"all":[
    {"pointer":"/currentValue/done","operator":"eq","value":false},
    {"pointer":"/currentValue/todoList/title","operator":"eq","value":"ETEST"},
    {"pointer":"/currentValue/todoList/position","operator":"gt","value":1000}]}"#;

/// A pattern for `field-match`, which compiles it when it is configured.
pub(crate) const PATTERN_CONFIG: &str =
    r#"{"pointer":"/currentValue/todoList/title","operator":"matches","value":"^(ETEST|[A-Z]{2,8}-[0-9]+( .*)?)$"}"#;
/// The predicate of `four-fields`, for `cel`.
pub(crate) const CEL_CONFIG: &str = r#"{"expression":"!currentValue.done && currentValue.todoList.title == 'ETEST' && currentValue.todoList.position > 1000.0"}"#;

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

/// What was uploaded to a room.
type Uploads = Arc<Mutex<HashMap<FilterDigest, Uploaded>>>;

/// A filter room with a folder of its own.
pub(crate) struct Room {
    pub(crate) host: Arc<FilterHost>,
    uploads: Uploads,
    /// Where its compiled filters are, if they go with it.
    folder: Option<TempDir>,
}

impl Room {
    /// A room that runs `threads` filters at a time and remembers so many verdicts.
    pub(crate) fn open(threads: u32, verdicts_remembered: usize) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let room = Self::open_in(folder.path(), threads, verdicts_remembered);
        Self { folder: Some(folder), ..room }
    }

    /// A room with its compiled filters in `folder`.
    pub(crate) fn open_in(folder: &Path, threads: u32, verdicts_remembered: usize) -> Self {
        let uploads = Uploads::default();
        let source = Arc::clone(&uploads);
        let host = FilterHost::start(FilterOptions {
            limits: FilterLimits::default(),
            cache_folder: folder.join("compiled"),
            compiler: std::env::current_exe().expect("the system tells"),
            threads,
            verdicts_remembered,
            source: Box::new(move |digest| {
                let found = source.lock().expect("nobody panics with it").get(&digest).cloned();
                Box::pin(async move { Ok(found) })
            }),
            metrics: Arc::default(),
        });
        Self { host: Arc::new(host.expect("the engine can be set up")), uploads, folder: None }
    }

    /// Uploads a module.
    pub(crate) fn upload(&self, runtime: &Runtime, wasm: &[u8]) -> FilterDigest {
        runtime.block_on(self.host.admit(None, wasm)).expect("it is a filter").digest
    }

    /// Keeps the bytes of a module, so that snapshots can be made of it.
    pub(crate) fn keep(&self, digest: FilterDigest, wasm: &[u8]) {
        let uploaded = Uploaded { owner: None, wasm: wasm.into() };
        self.uploads.lock().expect("nobody panics with it").insert(digest, uploaded);
    }

    /// How many snapshots are on disk.
    pub(crate) fn snapshots(&self) -> usize {
        let folder = self.folder.as_ref().expect("rooms with snapshots have a folder of their own");
        let files = std::fs::read_dir(folder.path().join("compiled/snapshots")).expect("the room made it");
        files.flatten().filter(|file| file.path().extension().is_some_and(|extension| extension == "cwasm")).count()
    }

    /// An uploaded filter under a configuration.
    pub(crate) fn configured(&self, runtime: &Runtime, digest: FilterDigest, config: &str) -> Arc<Configured> {
        let filter = FilterRef { digest, config: config.into() };
        runtime.block_on(self.host.configure(&filter)).expect("it takes that")
    }

    /// A request to an uploaded filter about the example.
    pub(crate) fn request(&self, runtime: &Runtime, digest: FilterDigest, config: &str) -> impl Fn() -> Request {
        let record = example::record();
        let configured = self.configured(runtime, digest, config);
        let values = configured.project(&example::event(&record));
        move || Request { configured: Arc::clone(&configured), values: values.clone() }
    }
}
