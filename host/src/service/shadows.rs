//! Candidates beside the filters of webhooks, which decide nothing and are compared.

use std::time::Duration;

use super::webhooks::{Taken, WebhookView};
use super::{Result, Service};
use crate::filter::FilterRef;
use crate::model::Timestamp;
use crate::model::comparison::Shadow;
use crate::model::ids::{UserId, WebhookId};
use crate::model::webhook::Webhook;

/// A candidate for a webhook's filter, as the caller wrote it. What happens when it fails is not asked: its
/// failures are counted.
#[derive(Clone, Debug, Default)]
pub struct CandidateChoice {
    /// The filter's id.
    pub id: String,
    /// The configuration as JSON text.
    pub config: Option<String>,
}

impl Service {
    /// Attaches a shadow: it must take its configuration now.
    pub(super) async fn shadow_optional(
        &self,
        owner: &UserId,
        choice: Option<CandidateChoice>,
    ) -> Result<Option<Shadow>> {
        let Some(choice) = choice else { return Ok(None) };
        let Taken { filter_id, reference, .. } =
            self.take(owner, &choice.id, choice.config.as_deref(), "/shadow/filter").await?;
        let FilterRef { digest, config } = reference;
        Ok(Some(Shadow { filter_id, digest, config: (*config).into(), since: self.clock.now() }))
    }

    /// The view of one webhook, with all that is known of its shadow.
    pub(super) async fn with_shadow(&self, view: WebhookView) -> Result<WebhookView> {
        if view.webhook.shadow.is_none() {
            return Ok(view);
        }
        let id = view.webhook.id.clone();
        let samples = Some(self.store.shadow_samples(&id).await?);
        let agreements = self.store.agreements(vec![id]).await?.into_values().next().unwrap_or_default();
        Ok(WebhookView { agreements, samples, ..view })
    }

    /// The views of a list, with what was counted of their shadows.
    pub(super) async fn with_agreements(&self, mut views: Vec<WebhookView>) -> Result<Vec<WebhookView>> {
        let shadowed = views.iter().filter(|view| view.webhook.shadow.is_some());
        let ids: Vec<WebhookId> = shadowed.map(|view| view.webhook.id.clone()).collect();
        if ids.is_empty() {
            return Ok(views);
        }
        let counted = self.store.agreements(ids).await?;
        for view in &mut views {
            view.agreements = counted.get(&view.webhook.id).copied().unwrap_or_default();
            view.samples = None;
        }
        Ok(views)
    }
}

/// The shadow of a changed webhook. It goes on being compared if neither it nor the filter beside it changed;
/// otherwise the comparison begins anew.
pub(super) fn carried_on(before: &Webhook, after: &Webhook, now: Timestamp) -> Option<Shadow> {
    let shadow = after.shadow.clone()?;
    let since = match &before.shadow {
        Some(old) if old.is_same_filter(&shadow) && before.filter == after.filter => old.since,
        // Later than before, also by a clock that stands: by this what is still being compared is told apart.
        Some(old) => now.max(old.since + Duration::from_millis(1)),
        None => now,
    };
    Some(Shadow { since, ..shadow })
}
