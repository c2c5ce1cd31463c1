//! Whether events can be accepted.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::{Result, Service};

/// How long a good answer is given again. Each look is a write with an `fsync`, and whoever asks needs no token.
const READY_AGE_MAX: Duration = Duration::from_secs(1);

/// When the store could last be written. Whoever asks meanwhile waits for that answer.
pub(super) type LastReady = Mutex<Option<Instant>>;

impl Service {
    /// Whether events can be accepted, now or a second ago.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn check_ready(&self) -> Result<()> {
        let mut last = self.last_ready.lock().await;
        if last.is_some_and(|at| at.elapsed() < READY_AGE_MAX) {
            return Ok(());
        }
        *last = None;
        self.store.check().await?;
        *last = Some(Instant::now());
        Ok(())
    }
}
