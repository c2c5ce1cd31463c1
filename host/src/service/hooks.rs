//! REST hooks: webhooks as automation services such as Zapier subscribe to them.
//!
//! A hook is a webhook of one event type; what it can do beyond that, any other door can change. Nothing is sent to
//! its URL before the first event: such services know no handshake.

use super::access::user;
use super::posted::Known;
use super::{NewWebhook, Result, Service, ServiceError, WebhookView};
use crate::model::event::{Event, EventType};
use crate::model::ids::{UserId, WebhookId};
use crate::model::limits::HOOK_SAMPLES_MAX;
use crate::model::snapshot::Snapshot;
use crate::model::token::Caller;
use crate::model::webhook::Webhook;
use crate::outbound::compose;
use crate::store::{EventQuery, EventScope, PageRequest};

impl Service {
    /// Registers a webhook for one event type.
    ///
    /// # Errors
    /// As for [`Service::create_webhook`], under the names that the fields have here.
    pub async fn create_hook(&self, caller: &Caller, target_url: String, event: &str) -> Result<WebhookView> {
        user(caller)?;
        let event = self.known_type(event, "/event", &mut Known::default()).await?;
        let events = vec![event.to_string()];
        let new =
            NewWebhook { url: target_url, name: Some(name(&event)), events, is_enabled: true, ..NewWebhook::default() };
        self.create_webhook(caller, new).await.map_err(|error| named_here(error, "/url", "/target_url"))
    }

    /// What deliveries of an event type look like: those of the newest such events that the caller may see, the
    /// newest first; if there are none, of the type's example. Each is JSON text and has the event's id as `id`.
    ///
    /// # Errors
    /// When the caller is no user, or there is no such type.
    pub async fn hook_samples(&self, caller: &Caller, event: &str) -> Result<Vec<String>> {
        let user = user(caller)?;
        let event = self.known_type(event, "/event", &mut Known::default()).await?;
        let snapshot = Snapshot::of(&self.sample_hook(user, &event));
        let scope = EventScope::ProjectsOf(user.clone());
        let query = EventQuery { scope, event_types: vec![event.clone()], since: None, until: None };
        let newest = self.store.events(query, PageRequest { items_max: HOOK_SAMPLES_MAX, after: None }).await?.items;
        if newest.is_empty() {
            return Ok(vec![sample(&self.example_event(event).await?, &snapshot)]);
        }
        Ok(newest.iter().map(|stored| sample(&stored.event, &snapshot)).collect())
    }

    /// A hook as the caller's next one might be: samples are asked for before there is one.
    fn sample_hook(&self, owner: &UserId, event: &EventType) -> Webhook {
        let now = self.clock.now();
        let (id, uid) = (WebhookId::generate(now, [0; 10]), "0".repeat(32).into());
        Webhook {
            name: Some(name(event)),
            events: vec![event.clone()],
            ..Webhook::new(id, uid, owner.clone(), "https://example.com/hook".to_owned(), now)
        }
    }
}

/// By which the owner knows a hook among their webhooks.
fn name(event: &EventType) -> String {
    format!("REST hook for {event}")
}

/// The body of a delivery, with an id before it: whoever sets up a hook tells samples apart by it.
fn sample(event: &Event, snapshot: &Snapshot) -> String {
    let body = compose(event, snapshot);
    // Ids have no character that JSON escapes.
    let members = body.strip_prefix('{').expect("a body is an object");
    format!("{{\"id\":\"{}\",{members}", event.id)
}

/// A refusal of a field that has another name at this door.
fn named_here(mut error: ServiceError, there: &str, here: &str) -> ServiceError {
    if let ServiceError::BadInput { violations, .. } = &mut error {
        for violation in violations.iter_mut().filter(|violation| violation.pointer == there) {
            here.clone_into(&mut violation.pointer);
        }
    }
    error
}
