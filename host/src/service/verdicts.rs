//! "Why did I (not) get this event?"

use std::collections::HashSet;

use super::access::owner;
use super::{Result, Service, page_request};
use crate::model::event::StoredEvent;
use crate::model::ids::WebhookId;
use crate::model::limits::WEBHOOKS_PER_USER_MAX;
use crate::model::token::Caller;
use crate::model::verdict::Verdict;
use crate::model::webhook::Webhook;
use crate::store::{LoggedVerdict, Page, PageRequest, VerdictQuery};

/// Why one webhook did or did not get an event.
#[derive(Clone, Debug)]
pub enum Explained {
    /// Dispatch decided so.
    Decided(Verdict),
    /// Dispatch has not looked at the event yet.
    Waiting(WebhookId),
    /// Dispatch never considered the webhook, for this reason.
    NotConsidered(WebhookId, String),
}

/// Why webhooks did or did not get an event.
#[derive(Clone, Debug)]
pub struct EventVerdicts {
    /// Whether the event is a test of one webhook.
    pub is_test: bool,
    /// One for each webhook.
    pub verdicts: Vec<Explained>,
}

impl Service {
    /// Why each of the caller's webhooks did or did not get an event. For an operator: the verdicts on it,
    /// whosesoever the webhook.
    ///
    /// # Errors
    /// When there is no such event, or the caller may not see it.
    pub async fn verdicts_on(&self, caller: &Caller, event: &str) -> Result<EventVerdicts> {
        let stored = self.event(caller, event).await?;
        let is_test = stored.test_of.is_some();
        let Caller::User(owner) = caller else {
            let verdicts = self.store.verdicts_on(stored.seq, None).await?;
            return Ok(EventVerdicts { is_test, verdicts: verdicts.into_iter().map(Explained::Decided).collect() });
        };
        let verdicts = self.store.verdicts_on(stored.seq, Some(owner)).await?;
        let decided: HashSet<WebhookId> = verdicts.iter().map(|verdict| verdict.webhook_id.clone()).collect();
        let mut explained: Vec<Explained> = verdicts.into_iter().map(Explained::Decided).collect();
        let all = PageRequest { items_max: WEBHOOKS_PER_USER_MAX as u32, after: None };
        for webhook in self.store.webhooks(owner, all).await?.items {
            if !decided.contains(&webhook.id) {
                explained.push(without_verdict(&webhook, &stored));
            }
        }
        Ok(EventVerdicts { is_test, verdicts: explained })
    }

    /// The verdicts for the caller's webhook, newest first.
    ///
    /// # Errors
    /// When there is no such webhook, or the page cannot be taken.
    pub async fn verdicts_for(
        &self,
        caller: &Caller,
        webhook: &str,
        query: VerdictQuery,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<LoggedVerdict>> {
        let webhook = self.own_webhook(&owner(caller), webhook).await?;
        Ok(self.store.verdicts_for(&webhook.id, query, page_request(limit, cursor)?).await?)
    }
}

fn without_verdict(webhook: &Webhook, stored: &StoredEvent) -> Explained {
    let event = &stored.event;
    let never = |reason: String| Explained::NotConsidered(webhook.id.clone(), reason);
    match &stored.test_of {
        Some(tested) if *tested != webhook.id => return never("the event is a test of another webhook".to_owned()),
        Some(_) => return Explained::Waiting(webhook.id.clone()),
        None => {}
    }
    if webhook.created_at > event.accepted_at {
        return never("the webhook was registered after the event was accepted".to_owned());
    }
    if !webhook.events.contains(&event.event_type) {
        return never(match webhook.events.len() {
            0 => "the webhook subscribes to no event types; set its `events`".to_owned(),
            _ => format!("the webhook does not subscribe to {}", event.event_type),
        });
    }
    if !webhook.project_ids.is_empty() && !webhook.project_ids.contains(&event.project_id) {
        return never(format!("the webhook's `projectIds` do not contain {}", event.project_id));
    }
    if !stored.is_dispatched {
        return Explained::Waiting(webhook.id.clone());
    }
    let was_outside =
        format!("when the event was dispatched, the webhook's creator was not a member of {}", event.project_id);
    // A webhook that was not changed since can have been passed over for no other reason.
    never(if webhook.updated_at <= event.accepted_at {
        was_outside
    } else {
        format!("{was_outside}, or the webhook was not yet set up like this")
    })
}
