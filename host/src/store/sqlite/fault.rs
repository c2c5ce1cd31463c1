//! What a failed statement means for the store: try again, make room, or stop.
//!
//! After the disk or the file failed once, nothing is tried again: a second `fsync` may report success
//! for pages that the kernel has dropped. The store is broken for good, and the process should end.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::ErrorCode;
use tokio::sync::watch;

use crate::failpoint::Injected;
use crate::model::storage::StorageFault;
use crate::store::{StoreError, Trouble};

/// Shared, since one failed commit is the answer to many writes.
type Cause = Arc<dyn Error + Send + Sync>;

/// A failed statement.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// The database is locked by somebody else, who should not have it open.
    Busy,
    /// No room on the disk.
    Full,
    /// The disk or the file failed, in this way.
    Broken(StorageFault, Cause),
    /// The statement was wrong.
    Internal(Cause),
}

impl Fault {
    /// The log could not be synced.
    pub(super) fn unsynced(error: std::io::Error) -> Self {
        Self::Broken(StorageFault::Io, Arc::new(error))
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
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Broken(StorageFault::Corrupt, Arc::new(error))
            }
            Some(ErrorCode::ReadOnly) => Self::Broken(StorageFault::ReadOnly, Arc::new(error)),
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::FileLockingProtocolFailed) => {
                Self::Broken(StorageFault::Io, Arc::new(error))
            }
            _ => Self::Internal(Arc::new(error)),
        }
    }
}

impl From<Injected> for Fault {
    fn from(injected: Injected) -> Self {
        Self::Internal(Arc::new(injected))
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Busy => Self::Busy,
            Fault::Full => Self::Full,
            Fault::Broken(_, cause) => Self::Broken(Box::new(cause)),
            Fault::Internal(cause) => Self::Internal(Box::new(cause)),
        }
    }
}

/// How the store failed, and when.
#[derive(Clone, Copy, Debug)]
struct Broken {
    fault: StorageFault,
    at: Instant,
}

/// Whether the store still works; shared by the writer and the readers.
#[derive(Debug)]
pub(super) struct Condition(watch::Sender<Option<Broken>>);

impl Condition {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    pub(super) fn is_broken(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// How it failed first, and for how long it has.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.0.borrow().map(|broken| Trouble { fault: broken.fault, lasted: broken.at.elapsed() })
    }

    /// Waits until the store is broken: for ever, normally.
    pub(super) async fn until_broken(&self) {
        let mut changes = self.0.subscribe();
        changes.wait_for(Option::is_some).await.expect("the sender lives as long as self");
    }

    /// From now on nothing is tried any more. What failed first is what is told.
    pub(super) fn set_broken(&self, fault: StorageFault) {
        self.0.send_if_modified(|broken| {
            let is_first = broken.is_none();
            broken.get_or_insert_with(|| Broken { fault, at: Instant::now() });
            is_first
        });
    }

    /// Notes it if `fault` breaks the store.
    pub(super) fn note(&self, fault: &Fault) {
        if let Fault::Broken(fault, cause) = fault {
            tracing::error!(error = cause.as_ref() as &dyn Error, "the database failed");
            self.set_broken(*fault);
        }
    }

    /// Refuses when the store is broken.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let Some(broken) = *self.0.borrow() else { return Ok(()) };
        Err(Fault::Broken(broken.fault, Cause::from(Box::from("the database failed before"))))
    }
}

/// The answer to a call on a store that was closed.
pub(super) fn closed() -> StoreError {
    StoreError::Broken("the store is closed".into())
}
