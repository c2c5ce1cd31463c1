//! The calls, in the order of the contract.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::{Client, Result};
use crate::wire::{
    AcceptedEvent, BatchResults, CreateToken, DeliveriesQuery, DeliveryDetail, DeliveryPage, Evaluate, Evaluation,
    Event, EventPage, EventType, EventTypePage, EventsQuery, Filter, FilterPage, Hook, HookSample, HookSampleQuery,
    NewEvent, NewHook, NewToken, NewWebhook, PageQuery, PatchWebhook, Project, PutEventType, PutProject, PutUser,
    RotateSecret, RotatedSecret, StatsQuery, Status, TestSent, TestWebhook, UploadQuery, User, VerdictPage,
    VerdictsQuery, Webhook, WebhookPage, WebhookStats,
};

impl Client {
    /// `POST /v1/events`.
    ///
    /// # Errors
    /// As all calls: when no answer comes, the host refuses, or the answer is not the contract's.
    pub async fn send_event(&self, event: &NewEvent) -> Result<AcceptedEvent> {
        self.answer(self.post(&["v1", "events"]).json(event)).await
    }

    /// `POST /v1/events` with an event that is JSON text already, which goes out as it is.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn send_event_text(&self, json: String) -> Result<AcceptedEvent> {
        self.answer(self.post(&["v1", "events"]).header(CONTENT_TYPE, "application/json").body(json)).await
    }

    /// `POST /v1/events/batch` with an array of events.
    ///
    /// # Errors
    /// As for [`Client::send_event`]; an event that was refused is no error of the call.
    pub async fn send_events(&self, events: &[NewEvent]) -> Result<BatchResults> {
        self.answer(self.post(&["v1", "events", "batch"]).json(events)).await
    }

    /// `POST /v1/events/batch` with events that are JSON text already, each on a line of its own, which go out
    /// as they are.
    ///
    /// # Errors
    /// As for [`Client::send_events`].
    pub async fn send_event_lines(&self, lines: String) -> Result<BatchResults> {
        let request = self.post(&["v1", "events", "batch"]).header(CONTENT_TYPE, "application/x-ndjson");
        self.answer(request.body(lines)).await
    }

    /// `GET /v1/events`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn list_events(&self, query: &EventsQuery) -> Result<EventPage> {
        self.answer(self.list(&["v1", "events"], query)).await
    }

    /// `GET /v1/events/{id}`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn get_event(&self, id: &str) -> Result<Event> {
        self.answer(self.get(&["v1", "events", id])).await
    }

    /// `GET /v1/events/{id}/verdicts`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn list_event_verdicts(&self, id: &str) -> Result<VerdictPage> {
        self.answer(self.get(&["v1", "events", id, "verdicts"])).await
    }

    /// `GET /v1/event-types`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn list_event_types(&self) -> Result<EventTypePage> {
        self.answer(self.get(&["v1", "event-types"])).await
    }

    /// `PUT /v1/event-types/{name}`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn put_event_type(&self, name: &str, put: &PutEventType) -> Result<EventType> {
        self.answer(self.put(&["v1", "event-types", name]).json(put)).await
    }

    /// `GET /metrics`, as text.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn get_metrics(&self) -> Result<String> {
        let metrics = self.body(self.accepted(self.get(&["metrics"])).await?).await?;
        Ok(String::from_utf8_lossy(&metrics).into_owned())
    }

    /// `PUT /v1/users/{id}`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn put_user(&self, id: &str, put: &PutUser) -> Result<User> {
        self.answer(self.put(&["v1", "users", id]).json(put)).await
    }

    /// `POST /v1/users/{id}/tokens`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn create_token(&self, user: &str, create: &CreateToken) -> Result<NewToken> {
        self.answer(self.post(&["v1", "users", user, "tokens"]).json(create)).await
    }

    /// `DELETE /v1/tokens/{id}`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn revoke_token(&self, id: &str) -> Result<()> {
        self.done(self.delete(&["v1", "tokens", id])).await
    }

    /// `PUT /v1/projects/{id}`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn put_project(&self, id: &str, put: &PutProject) -> Result<Project> {
        self.answer(self.put(&["v1", "projects", id]).json(put)).await
    }

    /// `PUT /v1/projects/{id}/members/{userId}`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn add_member(&self, project: &str, user: &str) -> Result<()> {
        self.done(self.put(&["v1", "projects", project, "members", user])).await
    }

    /// `DELETE /v1/projects/{id}/members/{userId}`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn remove_member(&self, project: &str, user: &str) -> Result<()> {
        self.done(self.delete(&["v1", "projects", project, "members", user])).await
    }

    /// `POST /v1/webhooks`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn create_webhook(&self, new: &NewWebhook) -> Result<Webhook> {
        self.answer(self.post(&["v1", "webhooks"]).json(new)).await
    }

    /// `GET /v1/webhooks`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn list_webhooks(&self, query: &PageQuery) -> Result<WebhookPage> {
        self.answer(self.list(&["v1", "webhooks"], query)).await
    }

    /// `GET /v1/webhooks/{id}`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn get_webhook(&self, id: &str) -> Result<Webhook> {
        self.answer(self.get(&["v1", "webhooks", id])).await
    }

    /// `PATCH /v1/webhooks/{id}`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn update_webhook(&self, id: &str, patch: &PatchWebhook) -> Result<Webhook> {
        self.answer(self.request(Method::PATCH, self.url(&["v1", "webhooks", id])).json(patch)).await
    }

    /// `DELETE /v1/webhooks/{id}`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn delete_webhook(&self, id: &str) -> Result<()> {
        self.done(self.delete(&["v1", "webhooks", id])).await
    }

    /// `POST /v1/webhooks/{id}/disable`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn disable_webhook(&self, id: &str) -> Result<Webhook> {
        self.answer(self.post(&["v1", "webhooks", id, "disable"])).await
    }

    /// `POST /v1/webhooks/{id}/rotate-secret`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn rotate_secret(&self, id: &str, rotate: &RotateSecret) -> Result<RotatedSecret> {
        self.answer(self.post(&["v1", "webhooks", id, "rotate-secret"]).json(rotate)).await
    }

    /// `POST /v1/webhooks/{id}/test`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn test_webhook(&self, id: &str, test: &TestWebhook) -> Result<TestSent> {
        self.answer(self.post(&["v1", "webhooks", id, "test"]).json(test)).await
    }

    /// `GET /v1/webhooks/{id}/deliveries`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn list_deliveries(&self, webhook: &str, query: &DeliveriesQuery) -> Result<DeliveryPage> {
        self.answer(self.list(&["v1", "webhooks", webhook, "deliveries"], query)).await
    }

    /// `GET /v1/deliveries/{id}`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn get_delivery(&self, id: &str) -> Result<DeliveryDetail> {
        self.answer(self.get(&["v1", "deliveries", id])).await
    }

    /// `GET /v1/webhooks/{id}/verdicts`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn list_verdicts(&self, webhook: &str, query: &VerdictsQuery) -> Result<VerdictPage> {
        self.answer(self.list(&["v1", "webhooks", webhook, "verdicts"], query)).await
    }

    /// `GET /v1/webhooks/{id}/stats`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn get_webhook_stats(&self, id: &str, query: &StatsQuery) -> Result<WebhookStats> {
        self.answer(self.list(&["v1", "webhooks", id, "stats"], query)).await
    }

    /// `POST /v1/filters`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn upload_filter(&self, query: &UploadQuery, wasm: Vec<u8>) -> Result<Filter> {
        let url = self.url_with(&["v1", "filters"], query);
        self.answer(self.request(Method::POST, url).header(CONTENT_TYPE, "application/wasm").body(wasm)).await
    }

    /// `GET /v1/filters`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn list_filters(&self, query: &PageQuery) -> Result<FilterPage> {
        self.answer(self.list(&["v1", "filters"], query)).await
    }

    /// `GET /v1/filters/{id}`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn get_filter(&self, id: &str) -> Result<Filter> {
        self.answer(self.get(&["v1", "filters", id])).await
    }

    /// `DELETE /v1/filters/{id}`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn delete_filter(&self, id: &str) -> Result<()> {
        self.done(self.delete(&["v1", "filters", id])).await
    }

    /// `GET /v1/filters/{id}/wasm`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn get_filter_wasm(&self, id: &str) -> Result<Vec<u8>> {
        let response = self.accepted(self.get(&["v1", "filters", id, "wasm"])).await?;
        self.body(response).await
    }

    /// `POST /v1/filters/{id}/evaluate`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn evaluate_filter(&self, id: &str, evaluate: &Evaluate) -> Result<Evaluation> {
        self.answer(self.post(&["v1", "filters", id, "evaluate"]).json(evaluate)).await
    }

    /// `POST /v1/hooks`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn create_hook(&self, new: &NewHook) -> Result<Hook> {
        self.answer(self.post(&["v1", "hooks"]).json(new)).await
    }

    /// `DELETE /v1/hooks/{id}`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn delete_hook(&self, id: &str) -> Result<()> {
        self.done(self.delete(&["v1", "hooks", id])).await
    }

    /// `GET /v1/hooks/sample`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn list_hook_samples(&self, query: &HookSampleQuery) -> Result<Vec<HookSample>> {
        self.answer(self.list(&["v1", "hooks", "sample"], query)).await
    }

    /// `GET /healthz`.
    ///
    /// # Errors
    /// As for [`Client::send_event`].
    pub async fn get_health(&self) -> Result<Status> {
        self.answer(self.get(&["healthz"])).await
    }

    /// `GET /readyz`.
    ///
    /// # Errors
    /// As for [`Client::send_event`]; the problem names the host's trouble.
    pub async fn get_readiness(&self) -> Result<Status> {
        self.answer(self.get(&["readyz"])).await
    }
}
