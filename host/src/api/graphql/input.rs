//! What a client sends: Blue's inputs, and what Hooksieve adds to them.
//!
//! Of a change, null says the same as nothing, as generated clients mean it; only `name` and `filter` can be
//! taken away, and null does that.

use std::collections::BTreeMap;

use async_graphql::{Enum, InputObject, MaybeUndefined};

use super::events::WebhookEvent;
use super::refusal::Place;
use super::scalars::Json;
use crate::model::secret::Secret;
use crate::model::webhook;
use crate::service::{FilterChoice, NewWebhook, ServiceError, WebhookPatch};

/// A webhook to register.
#[derive(InputObject)]
pub(super) struct CreateWebhookInput {
    /// A name for people.
    name: Option<String>,
    /// Where deliveries go: a public http or https URL.
    url: String,
    /// The event types to get; none if absent.
    events: Option<Vec<WebhookEvent>>,
    /// The projects to get events of, each one that you are a member of; all of those if absent.
    project_ids: Option<Vec<String>>,
    /// Hooksieve's: the event types by name, with those that the operator added; instead of `events`.
    event_types: Option<Vec<String>>,
    /// Hooksieve's: the secret that signs deliveries, 1 to 256 bytes; generated if absent, which is better.
    secret: Option<String>,
    /// Hooksieve's: a filter that decides on each event; none if absent.
    filter: Option<FilterChoiceInput>,
    /// Hooksieve's: the shape of the delivered body; FULL if absent.
    payload_format: Option<PayloadFormat>,
    /// Hooksieve's: headers to add to each delivery.
    headers: Option<Vec<WebhookHeaderInput>>,
    /// Hooksieve's: whether it gets events at once; true if absent.
    enabled: Option<bool>,
}

/// What to change of a webhook. What is absent stays as it is; lists are replaced whole.
#[derive(InputObject)]
pub(super) struct UpdateWebhookInput {
    /// The webhook.
    pub(super) webhook_id: String,
    /// Whether it gets events; true asks its endpoint first.
    enabled: Option<bool>,
    /// A name for people; null takes it away.
    name: MaybeUndefined<String>,
    /// Where deliveries go from now on.
    url: Option<String>,
    /// All event types anew: those that the operator added are not kept, `eventTypes` has them.
    events: Option<Vec<Option<WebhookEvent>>>,
    /// All projects anew; an empty list means all that you are a member of.
    project_ids: Option<Vec<Option<String>>>,
    /// Hooksieve's: all event types anew by name, with those that the operator added; instead of `events`.
    event_types: Option<Vec<String>>,
    /// Hooksieve's: another filter, or the same with another configuration; null takes it away.
    filter: MaybeUndefined<FilterChoiceInput>,
    /// Hooksieve's: another shape of the delivered body.
    payload_format: Option<PayloadFormat>,
    /// Hooksieve's: all added headers anew.
    headers: Option<Vec<WebhookHeaderInput>>,
}

/// A webhook to disable.
#[derive(InputObject)]
pub(super) struct DisableWebhookInput {
    /// The webhook.
    pub(super) webhook_id: String,
}

/// A webhook to give another signing secret.
#[derive(InputObject)]
pub(super) struct RotateWebhookSecretInput {
    /// The webhook.
    pub(super) webhook_id: String,
    /// The secret, 1 to 256 bytes; generated if absent, which is better.
    pub(super) secret: Option<String>,
}

/// A webhook to test.
#[derive(InputObject)]
pub(super) struct TestWebhookInput {
    /// The webhook.
    pub(super) webhook_id: String,
    /// The name of the event type whose example is sent; the first that it subscribes to if absent.
    pub(super) event: Option<String>,
}

/// A webhook to delete.
#[derive(InputObject)]
pub(super) struct DeleteWebhookInput {
    /// The webhook.
    pub(super) webhook_id: String,
}

/// Which webhooks to list.
#[derive(InputObject)]
pub(super) struct WebhookFilter {
    /// Only those that are enabled, or are not; both if absent.
    pub(super) enabled: Option<bool>,
}

/// A filter to attach.
#[derive(InputObject)]
pub(super) struct FilterChoiceInput {
    /// The filter; `GET /v1/filters` lists those that can be attached.
    id: String,
    /// Its configuration, at most 64 KiB of JSON that the filter takes; null if it needs none.
    config: Option<Json>,
    /// What happens to an event on which it fails; SKIP if absent.
    on_error: Option<OnError>,
}

/// A header to add to each delivery.
#[derive(InputObject)]
pub(super) struct WebhookHeaderInput {
    /// Its name.
    name: String,
    /// Its value, at most 1024 printable ASCII characters.
    value: String,
}

/// The shape of the delivered body.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "webhook::PayloadFormat")]
pub(super) enum PayloadFormat {
    /// The event with the webhook and the record before and after.
    Full,
    /// The event and the record.
    Compact,
}

/// What happens to an event on which the filter fails.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "webhook::OnError")]
pub(super) enum OnError {
    /// It is kept as a filter error and not sent.
    Skip,
    /// It is sent as if there were no filter.
    Deliver,
}

impl CreateWebhookInput {
    /// Where a refusal points to.
    pub(super) fn place(&self) -> Place {
        Place::of_input(self.event_types.is_some())
    }

    /// What the use case takes.
    ///
    /// # Errors
    /// When two fields contradict each other.
    pub(super) fn into_new(self) -> Result<NewWebhook, ServiceError> {
        let names = self.events.map(|events| events.into_iter().map(name).collect());
        Ok(NewWebhook {
            url: self.url,
            name: self.name,
            events: one_list(names, self.event_types)?.unwrap_or_default(),
            project_ids: self.project_ids.unwrap_or_default(),
            secret: self.secret.map(Secret::new),
            filter: self.filter.map(Into::into),
            shadow: None,
            payload_format: self.payload_format.map(Into::into).unwrap_or_default(),
            headers: self.headers.map(headers).transpose()?.unwrap_or_default(),
            is_enabled: self.enabled.unwrap_or(true),
        })
    }
}

impl UpdateWebhookInput {
    /// Where a refusal points to.
    pub(super) fn place(&self) -> Place {
        Place::of_input(self.event_types.is_some())
    }

    /// What the use case takes.
    ///
    /// # Errors
    /// When two fields contradict each other.
    pub(super) fn into_patch(self) -> Result<WebhookPatch, ServiceError> {
        let names = self.events.map(|events| events.into_iter().flatten().map(name).collect());
        Ok(WebhookPatch {
            url: self.url,
            name: optional(self.name),
            events: one_list(names, self.event_types)?,
            project_ids: self.project_ids.map(|ids| ids.into_iter().flatten().collect()),
            filter: optional(self.filter).map(|choice| choice.map(Into::into)),
            shadow: None,
            payload_format: self.payload_format.map(Into::into),
            headers: self
                .headers
                .map(headers)
                .transpose()?
                .map(|headers| headers.into_iter().map(|(name, value)| (name, Some(value))).collect()),
            is_enabled: self.enabled,
        })
    }
}

impl From<FilterChoiceInput> for FilterChoice {
    fn from(choice: FilterChoiceInput) -> Self {
        Self {
            id: choice.id,
            config: choice.config.map(|config| config.to_text()),
            on_error: choice.on_error.map(Into::into).unwrap_or_default(),
        }
    }
}

/// Nothing, null, or a value.
fn optional<T>(given: MaybeUndefined<T>) -> Option<Option<T>> {
    match given {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

fn name(event: WebhookEvent) -> String {
    event.as_str().to_owned()
}

/// The event types, which come by one of two fields.
fn one_list(events: Option<Vec<String>>, types: Option<Vec<String>>) -> Result<Option<Vec<String>>, ServiceError> {
    if events.is_some() && types.is_some() {
        let detail = "both this and `events` say the event types; leave one of them out".to_owned();
        return Err(ServiceError::bad_field("/eventTypes", detail));
    }
    Ok(events.or(types))
}

fn headers(given: Vec<WebhookHeaderInput>) -> Result<BTreeMap<String, Secret>, ServiceError> {
    let mut headers = BTreeMap::new();
    for (place, WebhookHeaderInput { name, value }) in given.into_iter().enumerate() {
        if headers.insert(name, Secret::new(value)).is_some() {
            let detail = "this header is given twice; leave one of them out".to_owned();
            return Err(ServiceError::bad_field(&format!("/headers/{place}/name"), detail));
        }
    }
    Ok(headers)
}
