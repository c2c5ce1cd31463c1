//! Copies a database while a host may be writing to it.
//!
//! The copy is one moment's: a read transaction holds it while SQLite copies page by page, and the host goes on
//! meanwhile (only its write-ahead log grows). The copy is written beside its destination, checked, and put
//! in place whole or not at all. Nothing of the host's is locked or changed, and a key is not needed: what
//! is sealed stays sealed.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use tempfile::NamedTempFile;

use super::open::{self, FILE};
use crate::failpoint::{self, Point};

/// Pages between two words of progress: 16 MiB.
const PAGES_PER_STEP: i32 = 4_096;
/// How long to wait for a moment in which the host recovers or resets its log.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a step is tried again that still found the database busy.
const BUSY_TRIES: u32 = 6;

/// A copy that is in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Its size in bytes.
    pub bytes: u64,
}

/// Why there is no copy. Nothing is left behind then.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no database to copy.
    #[error("{0} is missing; name the folder of a host's data")]
    Missing(PathBuf),
    /// It is not a database of this program.
    #[error("{0} is not a hooksieve database")]
    NotADatabase(PathBuf),
    /// A file is in the way.
    #[error("{0} is there already; choose another name")]
    Exists(PathBuf),
    /// The copy cannot be written.
    #[error("{path} cannot be written")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The database cannot be read, or the copy not written by SQLite.
    #[error("{path} cannot be copied")]
    Database {
        /// The database.
        path: PathBuf,
        /// Why not.
        #[source]
        source: rusqlite::Error,
    },
    /// The copy is damaged, and so is the database most likely.
    #[error("the copy of {path} is damaged ({detail}); check the database and its disk")]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What the check found first.
        detail: String,
    },
}

/// Copies the database in `directory` to the new file `destination`, which only this user can read. `progress` is
/// told the pages that are done and all there are.
///
/// # Errors
/// When there is nothing to copy, the file is there already, or copying fails.
pub fn copy(directory: &Path, destination: &Path, progress: impl FnMut(u64, u64)) -> Result<Copied, BackupError> {
    let path = directory.join(FILE);
    if !path.exists() {
        return Err(BackupError::Missing(path));
    }
    if destination.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(destination.to_owned()));
    }
    let folder = destination.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unwritable = |source| BackupError::Io { path: destination.to_owned(), source };
    let unreadable = |source| BackupError::Database { path: path.clone(), source };
    // Its mode lets in this user alone.
    let copy = NamedTempFile::new_in(folder).map_err(unwritable)?;
    let source = open_source(&path).map_err(unreadable)?;
    if !open::is_ours(&source).map_err(unreadable)? {
        return Err(BackupError::NotADatabase(path));
    }
    copy_pages(&source, copy.path(), progress).map_err(unreadable)?;
    drop(source);
    let found = check(copy.path()).map_err(unreadable)?;
    if found != "ok" {
        return Err(BackupError::Damaged { path, detail: found });
    }
    copy.as_file().sync_all().map_err(unwritable)?;
    failpoint::hit(Point::BackupCopied).map_err(|injected| unwritable(io::Error::other(injected)))?;
    let bytes = copy.as_file().metadata().map_err(unwritable)?.len();
    copy.persist_noclobber(destination).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(destination.to_owned()),
        _ => unwritable(error.error),
    })?;
    let named = failpoint::hit(Point::BackupNamed).map_err(io::Error::other);
    if let Err(error) = named.and_then(|()| File::open(folder)?.sync_all()) {
        // What is not known to last is no backup.
        return Err(unwritable(std::fs::remove_file(destination).err().unwrap_or(error)));
    }
    Ok(Copied { bytes })
}

/// A connection that only reads, in a transaction that holds this moment.
fn open_source(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(path, flags)?;
    source.busy_timeout(BUSY_TIMEOUT)?;
    // The transaction begins with the first thing that is read; the copy then goes on in it.
    source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")?;
    Ok(source)
}

fn copy_pages(source: &Connection, to: &Path, mut progress: impl FnMut(u64, u64)) -> rusqlite::Result<()> {
    let mut copy = Connection::open(to)?;
    // No journal beside the copy: one that is not finished is thrown away.
    copy.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")?;
    let backup = Backup::new(source, &mut copy)?;
    let mut busy = 0;
    loop {
        let step = backup.step(PAGES_PER_STEP)?;
        let pages = backup.progress();
        let count = |pages: i32| u64::try_from(pages).unwrap_or_default();
        progress(count(pages.pagecount - pages.remaining), count(pages.pagecount));
        match step {
            StepResult::Done => break,
            StepResult::More => busy = 0,
            // The busy timeout has passed each time.
            _ if busy < BUSY_TRIES => busy += 1,
            _ => {
                let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
                return Err(rusqlite::Error::SqliteFailure(code, None));
            }
        }
    }
    drop(backup);
    copy.close().map_err(|(_, error)| error)
}

/// What SQLite finds wrong with a file that nobody writes to; `ok` if nothing.
fn check(path: &Path) -> rusqlite::Result<String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let mut address = url::Url::from_file_path(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
        .map_err(|()| rusqlite::Error::InvalidPath(path.to_owned()))?;
    // Immutable: without it SQLite would make a log beside the copy.
    address.set_query(Some("immutable=1"));
    let copy = Connection::open_with_flags(address.as_str(), flags)?;
    open::quick_check(&copy)
}
