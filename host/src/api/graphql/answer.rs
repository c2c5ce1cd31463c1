//! What a client gets: Blue's types, and the fields that Hooksieve adds to them.

use async_graphql::{Context, Enum, ID, Name, Object, SimpleObject, Value};

use super::budget::Budget;
use super::events::WebhookEvent;
use super::health::WebhookHealth;
use super::input::{OnError, PayloadFormat};
use super::scalars::{DateTime, Json};
use crate::model::webhook::{FilterBinding, Health};
use crate::service::{RotatedSecret, TestSent, WebhookView, WindowedViews};

/// Whether the endpoint answers.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "Health")]
pub(super) enum WebhookStatusType {
    /// The last attempts succeeded, or there were none yet.
    Healthy,
    /// Attempts failed in a row, or the webhook was disabled.
    Unhealthy,
}

/// A user's registration of an endpoint.
pub(super) struct Webhook(pub(super) WebhookView);

/// A user's registration of an endpoint.
#[Object]
impl Webhook {
    /// Its id.
    async fn id(&self) -> ID {
        ID(self.0.webhook.id.to_string())
    }

    /// A second identifier, 32 hex digits, which the delivered body shows too.
    async fn uid(&self) -> &str {
        &self.0.webhook.uid
    }

    /// A name for people.
    async fn name(&self) -> Option<&str> {
        self.0.webhook.name.as_deref()
    }

    /// Where deliveries go.
    async fn url(&self) -> &str {
        &self.0.webhook.url
    }

    /// The secret that signs deliveries: shown when the webhook is registered, null ever after.
    async fn secret(&self) -> Option<&str> {
        self.0.secret.as_ref().map(|secret| secret.expose())
    }

    /// Whether the endpoint answers.
    async fn status(&self) -> WebhookStatusType {
        self.0.webhook.health.into()
    }

    /// The event types it gets, without those that the operator added: `eventTypes` has them all.
    async fn events(&self, context: &Context<'_>) -> Option<Vec<WebhookEvent>> {
        let names = Budget::of(context).spend(self.events_text());
        Some(names.filter_map(WebhookEvent::parse).collect())
    }

    /// The projects it gets events of; all that its creator is a member of if empty.
    async fn project_ids(&self, context: &Context<'_>) -> Option<Vec<&str>> {
        Some(Budget::of(context).spend(self.projects_text()).collect())
    }

    /// Whether it gets events.
    async fn enabled(&self) -> Option<bool> {
        Some(self.0.webhook.is_enabled)
    }

    /// The event types and projects once more, as the delivered body shows them.
    async fn metadata(&self, context: &Context<'_>) -> Option<Json> {
        let budget = Budget::of(context);
        let list = |texts: &mut dyn Iterator<Item = &str>| Value::List(texts.map(Value::from).collect());
        let events = list(&mut budget.spend(self.events_text()));
        let projects = list(&mut budget.spend(self.projects_text()));
        let members = [("events", events), ("projectIds", projects)];
        Some(Json(Value::Object(members.into_iter().map(|(name, value)| (Name::new(name), value)).collect())))
    }

    /// When it was registered.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.webhook.created_at)
    }

    /// When its owner or its health last changed it.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.webhook.updated_at)
    }

    /// Hooksieve's: the event types it gets by name, with those that the operator added.
    async fn event_types(&self, context: &Context<'_>) -> Vec<&str> {
        Budget::of(context).spend(self.events_text()).collect()
    }

    /// Hooksieve's: its filter.
    async fn filter(&self, context: &Context<'_>) -> Option<AttachedFilter> {
        let webhook = &self.0.webhook;
        let binding = webhook.filter.as_ref()?;
        Budget::of(context).spend([&*binding.config].into_iter()).next()?;
        Some(AttachedFilter::new(binding, webhook.is_filter_failing()))
    }

    /// Hooksieve's: the shape of the delivered body.
    async fn payload_format(&self) -> PayloadFormat {
        self.0.webhook.payload_format.into()
    }

    /// Hooksieve's: the names of the added headers. Values can be credentials of the endpoint and are never shown.
    async fn headers(&self) -> Vec<&str> {
        self.0.webhook.headers.keys().map(String::as_str).collect()
    }

    /// Hooksieve's: failed attempts since the last success.
    async fn failures_in_a_row(&self) -> u32 {
        self.0.webhook.failures_in_a_row
    }

    /// Hooksieve's: why it is as healthy as it is, and what happens next.
    async fn health(&self) -> WebhookHealth {
        WebhookHealth::new(&self.0)
    }
}

impl Webhook {
    fn events_text(&self) -> impl Iterator<Item = &str> {
        self.0.webhook.events.iter().map(|event| event.as_str())
    }

    fn projects_text(&self) -> impl Iterator<Item = &str> {
        self.0.webhook.project_ids.iter().map(|id| id.as_str())
    }
}

/// Whether a filter works.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
enum FilterStatus {
    /// It gave a verdict not long ago, or was not asked yet.
    Ok,
    /// It failed on three events in a row.
    Failing,
}

/// A filter that is attached to a webhook.
#[derive(SimpleObject)]
struct AttachedFilter {
    /// The filter.
    id: ID,
    /// Its configuration; null where it has none.
    config: Option<Json>,
    /// What happens to an event on which it fails.
    on_error: OnError,
    /// Whether it works.
    status: FilterStatus,
}

impl AttachedFilter {
    fn new(binding: &FilterBinding, is_failing: bool) -> Self {
        Self {
            id: ID(binding.filter_id.to_string()),
            config: Some(Json::from_text(&binding.config)),
            on_error: binding.on_error.into(),
            status: if is_failing { FilterStatus::Failing } else { FilterStatus::Ok },
        }
    }
}

/// A part of a list of webhooks.
#[derive(SimpleObject)]
pub(super) struct WebhookPagination {
    /// The webhooks, newest first.
    items: Vec<Webhook>,
    /// Where in the list they are.
    page_info: PageInfo,
}

/// Where in a list a page is.
#[derive(SimpleObject)]
struct PageInfo {
    /// How many pages of this size there are.
    total_pages: Option<u32>,
    /// How many items there are.
    total_items: Option<u32>,
    /// The number of this page; the first is 1.
    page: Option<u32>,
    /// How many items a page has.
    per_page: Option<u32>,
    /// Whether there is another page.
    has_next_page: bool,
    /// Whether there is a page before.
    has_previous_page: bool,
    /// The id of the first item.
    #[graphql(deprecation = "Use `skip` and `take`.")]
    start_cursor: Option<String>,
    /// The id of the last item.
    #[graphql(deprecation = "Use `skip` and `take`.")]
    end_cursor: Option<String>,
}

impl WebhookPagination {
    /// What is seen through a window of `take` items behind `skip`.
    pub(super) fn new(seen: WindowedViews, skip: u32, take: u32) -> Self {
        let total = u32::try_from(seen.total).unwrap_or(u32::MAX);
        let page_info = PageInfo {
            total_pages: Some(total.div_ceil(take)),
            total_items: Some(total),
            page: Some((skip / take).saturating_add(1)),
            per_page: Some(take),
            has_next_page: skip.saturating_add(take) < total,
            has_previous_page: skip > 0,
            start_cursor: seen.items.first().map(|view| view.webhook.id.to_string()),
            end_cursor: seen.items.last().map(|view| view.webhook.id.to_string()),
        };
        let items = seen.items.into_iter().map(Webhook).collect();
        Self { items, page_info }
    }
}

/// A signing secret that signs from now on.
#[derive(SimpleObject)]
pub(super) struct RotatedWebhookSecret {
    /// The secret, which no other answer shows.
    secret: String,
    /// Until when the one before signs too.
    previous_expires_at: DateTime,
}

impl From<RotatedSecret> for RotatedWebhookSecret {
    fn from(rotated: RotatedSecret) -> Self {
        let previous_expires_at = DateTime(rotated.previous_expires_at);
        Self { secret: rotated.secret.expose().to_owned(), previous_expires_at }
    }
}

/// A test of a webhook that is under way.
#[derive(SimpleObject)]
pub(super) struct WebhookTest {
    /// The event that was made for it.
    event_id: ID,
    /// Of which type.
    event_type: String,
}

impl From<TestSent> for WebhookTest {
    fn from(sent: TestSent) -> Self {
        Self { event_id: ID(sent.event_id.to_string()), event_type: sent.event_type.to_string() }
    }
}

/// That something was done.
#[derive(SimpleObject)]
pub(super) struct MutationResult {
    /// Whether it was done; if it was not, the answer has an error instead.
    success: bool,
    /// Always null: it is done when this answer comes.
    operation_id: Option<String>,
}

impl MutationResult {
    /// It is done.
    pub(super) fn done() -> Self {
        Self { success: true, operation_id: None }
    }
}
