//! What a failed statement means for the store: try again, make room, or stop.
//!
//! After the disk or the file failed once, nothing is tried again: a second `fsync` may report success
//! for pages that the kernel has dropped. The store is broken for good, and the process should end.

use std::error::Error;
use std::sync::Arc;

use rusqlite::ErrorCode;
use tokio::sync::watch;

use crate::store::StoreError;

/// Shared, since one failed commit is the answer to many writes.
type Cause = Arc<dyn Error + Send + Sync>;

/// A failed statement.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// The database is locked by somebody else, who should not have it open.
    Busy,
    /// No room on the disk.
    Full,
    /// The disk or the file failed.
    Broken(Cause),
    /// The statement was wrong.
    Internal(Cause),
}

impl Fault {
    /// The log could not be synced.
    pub(super) fn unsynced(error: std::io::Error) -> Self {
        Self::Broken(Arc::new(error))
    }

    /// Whether the transaction cannot go on.
    pub(super) fn ends_transaction(&self) -> bool {
        !matches!(self, Self::Internal(_))
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::FileLockingProtocolFailed,
            ) => Self::Broken(Arc::new(error)),
            _ => Self::Internal(Arc::new(error)),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Busy => Self::Busy,
            Fault::Full => Self::Full,
            Fault::Broken(cause) => Self::Broken(Box::new(cause)),
            Fault::Internal(cause) => Self::Internal(Box::new(cause)),
        }
    }
}

/// Whether the store still works; shared by the writer and the readers.
#[derive(Debug)]
pub(super) struct Condition(watch::Sender<bool>);

impl Condition {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(super) fn is_broken(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the store is broken: for ever, normally.
    pub(super) async fn until_broken(&self) {
        let mut changes = self.0.subscribe();
        changes.wait_for(|is_broken| *is_broken).await.expect("the sender lives as long as self");
    }

    /// From now on nothing is tried any more.
    pub(super) fn set_broken(&self) {
        self.0.send_replace(true);
    }

    /// Notes it if `fault` breaks the store.
    pub(super) fn note(&self, fault: &Fault) {
        if let Fault::Broken(cause) = fault {
            tracing::error!(error = cause.as_ref() as &dyn Error, "the database failed");
            self.set_broken();
        }
    }

    /// Refuses when the store is broken.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.is_broken() { Err(Fault::Broken(Cause::from(Box::from("the database failed before")))) } else { Ok(()) }
    }
}

/// The answer to a call on a store that was closed.
pub(super) fn closed() -> StoreError {
    StoreError::Broken("the store is closed".into())
}
