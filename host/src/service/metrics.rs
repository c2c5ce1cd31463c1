//! What the host counts, for whoever watches it.

use std::sync::Arc;
use std::time::Duration;

use super::Service;
use crate::metrics::{Metrics, Queues};

/// How long queues that were looked up are told again: a scraper asks every few seconds, and looking long
/// queues up takes a reader of the database some ten milliseconds.
const QUEUES_AGE_MAX: Duration = Duration::from_secs(1);

impl Service {
    /// Where everything is counted.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Everything that is counted, as Prometheus reads it. Who may see it is decided by the door: it tells
    /// of the host as a whole and of nobody in particular.
    pub async fn metrics_text(&self) -> String {
        self.metrics.to_text(self.queues().await)
    }

    /// `None` when the store fails: that is when the rest of the metrics is needed.
    async fn queues(&self) -> Option<Queues> {
        let look = async { self.store.queues(self.clock.now()).await };
        let found = self.queues.get(QUEUES_AGE_MAX, look).await;
        let found = found.inspect_err(|error| {
            tracing::warn!(error = error as &dyn std::error::Error, "the queues could not be looked up");
        });
        found.ok()
    }
}
