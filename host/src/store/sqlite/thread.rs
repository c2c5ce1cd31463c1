//! The threads of the store, each of which ends when nobody can ask it any more.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use super::fault::Condition;
use crate::model::storage::StorageFault;

/// A thread that is waited for when this is dropped. Whoever has it drops the way to it before: fields are dropped in
/// the order in which they are declared.
pub(super) struct Joined {
    what: &'static str,
    // `None` only while dropping.
    thread: Option<JoinHandle<()>>,
}

impl Joined {
    /// Starts the thread that is called `hooksieve-{what}`.
    pub(super) fn start(what: &'static str, work: impl FnOnce() + Send + 'static) -> std::io::Result<Self> {
        let thread = Builder::new().name(format!("hooksieve-{what}")).spawn(work)?;
        Ok(Self { what, thread: Some(thread) })
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(thread = self.what, "a thread of the store panicked");
        }
    }
}

/// A panic in a statement's code ends the thread: nothing can be written after it.
pub(super) struct PanicAlarm(pub(super) Arc<Condition>);

impl Drop for PanicAlarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.set_broken(StorageFault::Stopped);
        }
    }
}
