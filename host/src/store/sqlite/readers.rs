//! A few query-only connections and the blocking threads they are used on.
//!
//! A query never runs on an async worker: it may wait for the disk. Tokio's blocking threads are used
//! instead of threads of our own, because they are there anyway and a queue with several consumers
//! would be one more thing to get right. What bounds them is a permit for each connection: whoever
//! waits for one waits as a future, in order of arrival, and holds no thread. WAL lets the readers go on
//! while the writer commits.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::fault::{Condition, Fault, closed};
use crate::store::{Result, StoreError};

/// Connections that only read. More would not help: two cores and one disk stand behind them.
pub(super) const CONNECTIONS: usize = 4;

pub(super) struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    condition: Arc<Condition>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>, condition: Arc<Condition>) -> Self {
        let permits = Arc::new(Semaphore::new(connections.len()));
        Self { idle: Mutex::new(connections), permits, condition }
    }

    /// Runs `query` on one snapshot of the database, on a blocking thread. If the caller is dropped the
    /// query runs to its end all the same.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.condition.check()?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let lent = Lent::new(Arc::clone(self), permit).ok_or_else(closed)?;
        let answer = tokio::task::spawn_blocking(move || {
            let snapshot = Snapshot::begin(lent.connection())?;
            query(snapshot.0)
        });
        let answer = answer.await.map_err(|panic| StoreError::Internal(Box::new(panic)))?;
        answer.map_err(|error| {
            let fault = Fault::from(error);
            self.condition.note(&fault);
            fault.into()
        })
    }

    /// Waits for the queries under way, then closes the connections.
    pub(super) async fn close(&self) {
        let all = self.permits.acquire_many(CONNECTIONS as u32).await;
        self.permits.close();
        drop(all);
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction that only reads. Its statements come from the cache: compiling them anew for each query would
/// cost as much as a small query does.
struct Snapshot<'a>(&'a Connection);

impl<'a> Snapshot<'a> {
    fn begin(connection: &'a Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached("BEGIN")?.execute(())?;
        Ok(Self(connection))
    }
}

impl Drop for Snapshot<'_> {
    /// Also when the query panicked.
    fn drop(&mut self) {
        let ended = self.0.prepare_cached("COMMIT").and_then(|mut end| end.execute(()));
        if let Err(error) = ended {
            tracing::warn!(%error, "a reading transaction did not end");
        }
    }
}

/// A connection that goes back to the pool however the query ends.
struct Lent {
    connection: Option<Connection>,
    readers: Arc<Readers>,
    // Dropped after `Drop::drop` has put the connection back: who gets the permit finds it there.
    _permit: OwnedSemaphorePermit,
}

impl Lent {
    fn new(readers: Arc<Readers>, permit: OwnedSemaphorePermit) -> Option<Self> {
        let connection = readers.idle().pop()?;
        Some(Self { connection: Some(connection), readers, _permit: permit })
    }

    fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("it is taken only by drop")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let connection = self.connection.take();
        self.readers.idle().extend(connection);
    }
}
