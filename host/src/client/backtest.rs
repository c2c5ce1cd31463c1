//! The one call that is answered line by line.

use std::time::Duration;

use super::{Client, ClientError, Result, unexpected};
use crate::wire::{BacktestLine, BacktestSummary, NewBacktest};

/// Time for all of the answer: the host takes five minutes at the most.
const TIMEOUT: Duration = Duration::from_secs(360);

impl Client {
    /// `POST /v1/webhooks/{id}/backtest`; each line of progress and each sample is handed to `on_line` as it comes.
    ///
    /// # Errors
    /// As for [`Client::send_event`], also when the host could not go on.
    pub async fn backtest_filter(
        &self,
        webhook: &str,
        new: &NewBacktest,
        mut on_line: impl FnMut(BacktestLine),
    ) -> Result<BacktestSummary> {
        let request = self.post(&["v1", "webhooks", webhook, "backtest"]).json(new).timeout(TIMEOUT);
        let mut response = self.accepted(request).await?;
        let status = response.status();
        let mut unread = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|source| self.no_answer(source))? {
            unread.extend_from_slice(&chunk);
            while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = unread.drain(..=end).collect();
                match serde_json::from_slice(&line).map_err(|_| unexpected(status, &line))? {
                    BacktestLine::Summary(summary) => return Ok(summary),
                    BacktestLine::Problem(problem) => return Err(ClientError::Refused(Box::new(problem))),
                    line => on_line(line),
                }
            }
        }
        Err(unexpected(status, b"the answer ended without a summary"))
    }
}
