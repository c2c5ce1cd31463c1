//! Webhooks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::event::canonical;
use super::mirror::mirror;
use super::present::present;
use super::text::{AddedHeaders, ChangedHeaders, EventTypeName, Id, Name, SigningSecret, WebhookUrl};
use super::{NewShadow, SecretText, Shadow, WebhookHealth};
use crate::model::{Timestamp, webhook};

mirror!(
    /// Whether the endpoint answers.
    WebhookStatus of webhook::Health {
        /// The last attempts succeeded, or there were none yet.
        Healthy = "HEALTHY",
        /// Attempts failed in a row, or the webhook was disabled.
        Unhealthy = "UNHEALTHY",
    }
);

mirror!(
    /// The shape of the delivered body: the event with the webhook and the record before and after
    /// (`full`), or the event and the record as it is now (`compact`), which of a deletion is the record as it
    /// was. `event` is the event type in both, such as `TODO_CREATED`.
    PayloadFormat of webhook::PayloadFormat {
        /// The guide's long example.
        Full = "full",
        /// The guide's first example.
        Compact = "compact",
    }
);

mirror!(
    /// What happens to an event on which the filter fails: it is kept as `filter_error` and not sent
    /// (`skip`), or sent as if there were no filter (`deliver`).
    OnError of webhook::OnError {
        /// It is kept as `filter_error` and not sent.
        Skip = "skip",
        /// It is sent as if there were no filter.
        Deliver = "deliver",
    }
);

/// Whether the filter works: `FAILING` once it failed on three events in a row, `OK` again after the
/// next verdict or a new filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum FilterStatus {
    /// It gave a verdict not long ago, or was not asked yet.
    #[serde(rename = "OK")]
    Ok,
    /// It failed on three events in a row.
    #[serde(rename = "FAILING")]
    Failing,
}

/// A filter to attach.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilterChoice {
    /// The filter; `GET /v1/filters` lists those that can be attached.
    pub id: String,
    /// Its configuration, any JSON of at most 64 KiB that the filter takes; null if it needs none.
    #[schema(value_type = Value)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Box<RawValue>>,
    /// What happens to an event on which it fails; `skip` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_error: Option<OnError>,
}

/// A webhook to register.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewWebhook {
    /// Where deliveries go: a public http or https URL.
    #[schema(value_type = WebhookUrl)]
    pub url: String,
    /// A name for people.
    #[schema(value_type = Option<Name>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The event types to get; none if absent.
    #[schema(value_type = Vec<EventTypeName>, required = false, max_items = 256)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// The projects to get events of, each one that you are a member of; all of those if empty or absent.
    #[schema(value_type = Vec<Id>, required = false, max_items = 1000)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub project_ids: Vec<String>,
    /// The secret that signs deliveries, 1 to 256 bytes; generated if absent, which is better.
    #[schema(value_type = Option<SigningSecret>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretText>,
    /// A filter that decides on each event; none if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<FilterChoice>,
    /// A candidate to run beside the filter, which decides nothing; none if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<NewShadow>,
    /// The shape of the delivered body; `full` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_format: Option<PayloadFormat>,
    /// Headers to add to each delivery, by name: at most 16, each value at most 1024 characters.
    #[schema(value_type = AddedHeaders, required = false)]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, SecretText>,
    /// Whether it gets events at once; true if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// What to change of a webhook. What is absent stays as it is; null is refused where it is not said to
/// mean something.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchWebhook {
    /// Where deliveries go from now on.
    #[schema(value_type = WebhookUrl, required = false)]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A name for people; null takes it away.
    #[schema(value_type = Option<Name>)]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub name: Option<Option<String>>,
    /// All event types anew.
    #[schema(value_type = Vec<EventTypeName>, required = false, max_items = 256)]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    /// All projects anew; an empty list means all that you are a member of.
    #[schema(value_type = Vec<Id>, required = false, max_items = 1000)]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub project_ids: Option<Vec<String>>,
    /// Another filter, or the same with another configuration; null takes it away.
    #[schema(value_type = Option<FilterChoice>)]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub filter: Option<Option<FilterChoice>>,
    /// Another candidate to run beside the filter, or the same with another configuration; null takes it away.
    /// Counting begins anew, as it does with another filter.
    #[schema(value_type = Option<NewShadow>)]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Option<NewShadow>>,
    /// Another shape of the delivered body.
    #[schema(value_type = PayloadFormat, required = false)]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub payload_format: Option<PayloadFormat>,
    /// All added headers anew. Null keeps the value of one that is there, so what was read can be sent back.
    #[schema(value_type = ChangedHeaders, required = false)]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, Option<SecretText>>>,
    /// Whether it gets events. To enable it, its endpoint is asked first, with the event
    /// `WEBHOOK_HEALTH_CHECK`: if it does not answer 2xx in 7 seconds, the webhook stays disabled and becomes
    /// UNHEALTHY, and all else is changed.
    #[schema(value_type = bool, required = false)]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// A filter that is attached to a webhook.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachedFilter {
    /// The filter.
    pub id: String,
    /// Its configuration, any JSON; null where it has none.
    #[schema(value_type = Value)]
    pub config: Box<RawValue>,
    /// What happens to an event on which it fails.
    pub on_error: OnError,
    /// Whether it works.
    pub status: FilterStatus,
}

/// A webhook.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// A second identifier, 32 hex digits, which the delivered body shows too.
    pub uid: String,
    /// A name for people.
    pub name: Option<String>,
    /// Where deliveries go.
    pub url: String,
    /// The secret that signs deliveries: shown when the webhook is registered, null ever after. Another one comes
    /// with `POST /v1/webhooks/{id}/rotate-secret`.
    #[schema(value_type = Option<String>)]
    pub secret: Option<SecretText>,
    /// Whether the endpoint answers.
    pub status: WebhookStatus,
    /// Whether it gets events.
    pub enabled: bool,
    /// The event types it gets; none if empty.
    pub events: Vec<String>,
    /// The projects it gets events of; all that its creator is a member of if empty.
    pub project_ids: Vec<String>,
    /// Its filter.
    pub filter: Option<AttachedFilter>,
    /// The candidate that runs beside its filter, and how the two compare.
    pub shadow: Option<Shadow>,
    /// The shape of the delivered body.
    pub payload_format: PayloadFormat,
    /// The added headers by name, in lower case. Values can be credentials of the endpoint, so each is
    /// null here; a change that has null for a header keeps its value.
    #[schema(value_type = std::collections::BTreeMap<String, Option<String>>)]
    pub headers: BTreeMap<String, ()>,
    /// Failed attempts since the last success.
    pub failures_in_a_row: u32,
    /// Why it is as healthy as it is, and what happens next.
    pub health: WebhookHealth,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its owner or its health last changed it.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl Webhook {
    /// A webhook, with its secret if it was just registered, and without its shadow.
    #[must_use]
    pub fn new(webhook: &webhook::Webhook, secret: Option<SecretText>, health: WebhookHealth) -> Self {
        let filter = webhook.filter.as_ref();
        Self {
            id: webhook.id.to_string(),
            uid: webhook.uid.to_string(),
            name: webhook.name.clone(),
            url: webhook.url.clone(),
            secret,
            status: webhook.health.into(),
            enabled: webhook.is_enabled,
            events: webhook.events.iter().map(ToString::to_string).collect(),
            project_ids: webhook.project_ids.iter().map(ToString::to_string).collect(),
            filter: filter.map(|binding| AttachedFilter::new(binding, webhook.is_filter_failing())),
            shadow: None,
            payload_format: webhook.payload_format.into(),
            headers: webhook.headers.keys().map(|name| (name.clone(), ())).collect(),
            failures_in_a_row: webhook.failures_in_a_row,
            health,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

impl AttachedFilter {
    fn new(binding: &webhook::FilterBinding, is_failing: bool) -> Self {
        Self {
            id: binding.filter_id.to_string(),
            config: canonical(&binding.config),
            on_error: binding.on_error.into(),
            status: if is_failing { FilterStatus::Failing } else { FilterStatus::Ok },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_tells_absent_from_null() {
        let nothing: PatchWebhook = serde_json::from_str("{}").unwrap();
        let cleared: PatchWebhook = serde_json::from_str(r#"{"name":null,"filter":null}"#).unwrap();

        assert!(nothing.name.is_none() && nothing.filter.is_none());
        assert!(matches!((cleared.name, cleared.filter), (Some(None), Some(None))));
    }

    #[test]
    fn a_change_to_null_is_refused_where_null_means_nothing() {
        for member in ["url", "events", "projectIds", "payloadFormat", "headers", "enabled"] {
            let text = format!(r#"{{"{member}":null}}"#);

            assert!(serde_json::from_str::<PatchWebhook>(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_change_is_written_as_it_is_read() {
        let text = r#"{"name":null,"events":[],"filter":{"id":"cel","config":{"n":1.0}},"enabled":false}"#;

        let patch: PatchWebhook = serde_json::from_str(text).unwrap();

        assert_eq!(serde_json::to_string(&patch).unwrap(), text);
    }

    #[test]
    fn a_configuration_keeps_its_numbers_as_they_were_written() {
        let text = r#"{"id":"f","config":{"n":12345678901234567890.10}}"#;

        let choice: FilterChoice = serde_json::from_str(text).unwrap();

        assert_eq!(choice.config.unwrap().get(), r#"{"n":12345678901234567890.10}"#);
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let new = NewWebhook {
            secret: Some("hush".into()),
            headers: BTreeMap::from([("authorization".to_owned(), "hush".into())]),
            ..NewWebhook::default()
        };

        assert!(!format!("{new:?}").contains("hush"));
    }
}
