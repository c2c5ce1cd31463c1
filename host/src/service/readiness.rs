//! Whether events can be accepted.

use std::time::Duration;

use super::{Result, Service, ServiceError};

/// How long a good answer is given again. Each look is a write with an `fsync`, and whoever asks needs no token.
const READY_AGE_MAX: Duration = Duration::from_secs(1);

impl Service {
    /// Whether events can be accepted, now or a second ago.
    ///
    /// # Errors
    /// When the store cannot be written; [`ServiceError::NotReady`] where the store says why.
    pub async fn check_ready(&self) -> Result<()> {
        let checked = self.last_ready.get(READY_AGE_MAX, self.store.check()).await;
        checked.map_err(|error| match self.store.trouble() {
            Some(trouble) => ServiceError::NotReady { fault: trouble.fault, since: self.clock.now() - trouble.lasted },
            None => error.into(),
        })
    }
}
