//! Candidates that run beside the filters of webhooks, on the events that those decide.
//!
//! A candidate is asked when everything is decided, and changes nothing of it: not what is sent, not how the
//! filter beside it stands, not when the event is taken up again. It has what the filters left of its owner's
//! fuel for the event. A fault of the host's says nothing of a candidate, so it is not counted; and tests of a
//! webhook are not, since they did not happen.

use std::collections::HashMap;
use std::sync::Arc;

use super::ask::{Asker, Budgets, Part};
use super::index::Entry;
use crate::filter::{Evaluation, Refused};
use crate::model::comparison::Judged;
use crate::model::event::{Event, StoredEvent};
use crate::model::ids::WebhookId;
use crate::model::verdict::{Outcome, Verdict};
use crate::store::Compared;

/// What was decided for the webhooks of one event that have a shadow.
pub(super) struct Beside {
    is_test: bool,
    decided: HashMap<WebhookId, (Arc<Entry>, Judged)>,
}

impl Beside {
    /// Nothing yet.
    pub(super) fn of(event: &StoredEvent) -> Self {
        Self { is_test: event.test_of.is_some(), decided: HashMap::new() }
    }

    /// Notes what was decided for a webhook, if somebody is to be asked beside it.
    pub(super) fn note(&mut self, entry: &Arc<Entry>, verdict: &Verdict) {
        if entry.webhook.shadow.is_some() && !self.is_test {
            self.decided.insert(entry.webhook.id.clone(), (Arc::clone(entry), verdict.into()));
        }
    }
}

/// Asks the shadows, and compares.
pub(super) async fn compare(asker: &Asker, event: &Event, beside: Beside, budgets: &mut Budgets) -> Vec<Compared> {
    let mut decided = beside.decided;
    if decided.is_empty() {
        return Vec::new();
    }
    let asked = decided.values().map(|(entry, _)| Arc::clone(entry)).collect();
    let answers = asker.ask(event, asked, Part::Shadow, budgets).await;
    let compared = answers.into_iter().filter_map(|(entry, answer)| {
        let candidate = judged(answer)?;
        let (_, recorded) = decided.remove(&entry.webhook.id)?;
        let shadow = entry.webhook.shadow.clone()?;
        Some(Compared { webhook_id: entry.webhook.id.clone(), shadow, recorded, candidate })
    });
    compared.collect()
}

/// What a candidate's answer says of the event, unless the host is at fault.
fn judged(answer: Result<Evaluation, Refused>) -> Option<Judged> {
    match answer {
        Ok(evaluation) => Some(evaluation.decision.into()),
        Err(refused) if refused.is_hosts_fault() => None,
        Err(refused) => Some(Judged {
            outcome: Outcome::FilterError,
            reason: Some(refused.to_string()),
            reason_class: Some(refused.class()),
        }),
    }
}
