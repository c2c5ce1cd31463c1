//! Answers that are given again for a while, because looking costs something and anybody may ask.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// An answer that is given again for a while. Whoever asks meanwhile waits for it; a failure is not kept.
pub(super) struct Recent<T>(Mutex<Option<(Instant, T)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Recent<T> {
    /// The answer, not older than `age_max`; from `look` if there is none.
    pub(super) async fn get<E>(&self, age_max: Duration, look: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let mut recent = self.0.lock().await;
        if let Some((at, found)) = &*recent
            && at.elapsed() < age_max
        {
            return Ok(found.clone());
        }
        *recent = None;
        let found = look.await?;
        *recent = Some((Instant::now(), found.clone()));
        Ok(found)
    }
}
