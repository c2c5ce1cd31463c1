//! The data folder of a host that has started before. Its bundled filters are compiled, which takes a development build
//! longer than most tests take, so it is done once for all of them.

use std::fs::{self, Permissions};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::sync::OnceCell;

/// The files of the folder: path, what is in it, who may read it.
type Files = Vec<(PathBuf, Vec<u8>, Permissions)>;

/// Kept in memory: a folder would never be removed, since statics are not dropped.
static FILES: OnceCell<Files> = OnceCell::const_new();

/// A copy of the folder. The first time, `start` starts a host in an empty folder, and stops it.
pub async fn data_folder(start: impl AsyncFnOnce(&Path)) -> TempDir {
    let files = FILES.get_or_init(async || {
        let first = TempDir::new().unwrap();
        start(first.path()).await;
        read(first.path(), Path::new(""))
    });
    let copy = TempDir::new().unwrap();
    for (path, bytes, permissions) in files.await {
        let path = copy.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, permissions.clone()).unwrap();
    }
    copy
}

fn read(root: &Path, folder: &Path) -> Files {
    let entries = fs::read_dir(root.join(folder)).unwrap().map(Result::unwrap);
    entries
        .flat_map(|entry| {
            let path = folder.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true => read(root, &path),
                false => vec![(path, fs::read(entry.path()).unwrap(), entry.metadata().unwrap().permissions())],
            }
        })
        .collect()
}
