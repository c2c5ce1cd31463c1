//! The calls that send again.

use super::{Client, Result};
use crate::wire::{Delivery, NewReplay, PageQuery, Replay, ReplayPage, ReplayPreview};

impl Client {
    /// `POST /v1/deliveries/{id}/retry`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn retry_delivery(&self, id: &str) -> Result<Delivery> {
        self.answer(self.post(&["v1", "deliveries", id, "retry"])).await
    }

    /// `POST /v1/webhooks/{id}/replay` as a dry run, whatever `new` says of that.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn preview_replay(&self, webhook: &str, new: &NewReplay) -> Result<ReplayPreview> {
        let new = NewReplay { dry_run: true, ..new.clone() };
        self.answer(self.post(&["v1", "webhooks", webhook, "replay"]).json(&new)).await
    }

    /// `POST /v1/webhooks/{id}/replay`, and no dry run.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn replay_webhook(&self, webhook: &str, new: &NewReplay) -> Result<Replay> {
        let new = NewReplay { dry_run: false, ..new.clone() };
        self.answer(self.post(&["v1", "webhooks", webhook, "replay"]).json(&new)).await
    }

    /// `GET /v1/webhooks/{id}/replays`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn list_replays(&self, webhook: &str, query: &PageQuery) -> Result<ReplayPage> {
        self.answer(self.list(&["v1", "webhooks", webhook, "replays"], query)).await
    }

    /// `GET /v1/replays/{id}`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn get_replay(&self, id: &str) -> Result<Replay> {
        self.answer(self.get(&["v1", "replays", id])).await
    }

    /// `POST /v1/replays/{id}/cancel`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn cancel_replay(&self, id: &str) -> Result<Replay> {
        self.answer(self.post(&["v1", "replays", id, "cancel"])).await
    }
}
