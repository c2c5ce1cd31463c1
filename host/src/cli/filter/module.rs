//! The module that a path stands for: a `.wasm` file, or what a crate compiles to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hooksieve_filter_build::{Request, Toolchain};
use indicatif::ProgressBar;

use crate::cli::failure::{Explain, misuse};

/// How often the progress line moves.
const TICK: Duration = Duration::from_millis(100);

/// The bytes of the module at `path`; a crate is built first.
///
/// # Errors
/// When there is none, or the crate does not compile.
pub(super) async fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = if path.is_dir() {
        let folder = path.to_owned();
        tokio::task::spawn_blocking(move || build(&folder)).await??
    } else {
        path.to_owned()
    };
    std::fs::read(&file).misuse(
        format!("cannot read {}", file.display()),
        "give the folder of a filter crate or a .wasm file; `filter new NAME` makes a crate",
    )
}

fn build(folder: &Path) -> anyhow::Result<PathBuf> {
    if !folder.join("Cargo.toml").is_file() {
        let message = format!("{} is no crate: it has no Cargo.toml", folder.display());
        return Err(misuse(message, "give the folder of a filter crate; `filter new NAME` makes one"));
    }
    let toolchain = Toolchain::find(folder)?;
    let request = Request {
        manifest_dir: folder,
        packages: &[],
        target_dir: None,
        profile: "release",
        is_locked: false,
        is_offline: false,
    };
    let progress = ProgressBar::new_spinner();
    progress.enable_steady_tick(TICK);
    let begun = format!("building the filter in {}: {}", folder.display(), toolchain.describe(&folder.join("target")));
    if progress.is_hidden() {
        eprintln!("{begun}");
    }
    progress.set_message(begun);
    let built = toolchain.build(&request, &mut |line| progress.set_message(line.trim().to_owned()));
    progress.finish_and_clear();
    let mut modules = built?;
    match (modules.pop(), modules.as_slice()) {
        (Some(module), []) => Ok(module),
        _ => Err(misuse(
            format!("{} makes several modules", folder.display()),
            "give the folder of one crate, or the .wasm file of one module",
        )),
    }
}
