//! Whether events can be accepted.

use std::time::Duration;

use super::{Result, Service};

/// How long a good answer is given again. Each look is a write with an `fsync`, and whoever asks needs no token.
const READY_AGE_MAX: Duration = Duration::from_secs(1);

impl Service {
    /// Whether events can be accepted, now or a second ago.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn check_ready(&self) -> Result<()> {
        Ok(self.last_ready.get(READY_AGE_MAX, self.store.check()).await?)
    }
}
