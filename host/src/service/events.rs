//! Intake: events come in, once, and are on disk before they are acknowledged. And what was accepted, shown.

use std::sync::Arc;

use super::access::operator;
use super::posted::Known;
use super::{Noun, Result, Service, ServiceError, page_request};
use crate::failpoint::{self, Point};
use crate::model::Timestamp;
use crate::model::event::{Event, EventDigest, EventType, StoredEvent};
use crate::model::ids::{EventId, ProjectId};
use crate::model::limits::REQUEST_BODY_BYTES_MAX;
use crate::model::token::Caller;
use crate::model::verdict::Outcome;
use crate::store::{Accepted, EventQuery, EventScope, Page};
use crate::traces::{Began, Stage};

/// An event that is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedEvent {
    /// The producer's id, or a generated one.
    pub id: EventId,
    /// Whether the same event was accepted before.
    pub is_duplicate: bool,
}

/// Which events to list, as the caller wrote it.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Only those of this type.
    pub event_type: Option<String>,
    /// Only those of this project.
    pub project_id: Option<String>,
    /// Only those accepted at or after.
    pub since: Option<Timestamp>,
    /// Only those accepted before.
    pub until: Option<Timestamp>,
}

impl Service {
    /// Whether the caller may post events; asked before a large body is read.
    ///
    /// # Errors
    /// When they may not.
    pub fn may_send_events(&self, caller: &Caller) -> Result<()> {
        operator(caller)
    }

    /// Accepts an event, given as JSON text. When this returns, the event survives a power cut. `traceparent` is what the
    /// producer says of its own trace, which the event's becomes part of; one that is not valid is ignored.
    ///
    /// # Errors
    /// When the caller is no operator, the text is not an event of a known type, or another event with the
    /// same id was accepted before.
    pub async fn accept_event(&self, caller: &Caller, body: &[u8], traceparent: Option<&str>) -> Result<AcceptedEvent> {
        operator(caller)?;
        let began = self.traces.now();
        let (mut event, digest) = self.read_posted(body, &mut Known::default()).await?;
        event.trace_parent = self.traces.parent(traceparent);
        let (id, event) = (event.id.clone(), Arc::new(event));
        failpoint::hit(Point::AcceptBegin)?;
        let accepted = self.store.accept_event(Arc::clone(&event), digest).await?;
        failpoint::hit(Point::Accepted)?;
        self.note(&[accepted]);
        self.trace(began, accepted, &event);
        answer(id, accepted)
    }

    /// Tells of an acceptance that ends here. What was accepted before has its span already.
    fn trace(&self, began: Option<Began>, accepted: Accepted, event: &Event) {
        if accepted == Accepted::New {
            drop(self.traces.begin_at(began, Stage::Accept, event));
        }
    }

    /// Counts what was accepted, and tells dispatch if any of it is new.
    fn note(&self, accepted: &[Accepted]) {
        for accepted in accepted {
            self.metrics.events.count(accepted.as_str());
        }
        if accepted.contains(&Accepted::New) {
            self.dispatch_poke.notify_one();
        }
    }

    /// Accepts events, each given as JSON text, each on its own: one that cannot be taken does not keep the
    /// others from it. When this returns, all that were accepted survive a power cut; they were written
    /// in one commit. The same id may come twice, as if the events had come one after the other.
    ///
    /// # Errors
    /// When the caller is no operator, or the store fails; nothing was accepted then.
    pub async fn accept_events(
        &self,
        caller: &Caller,
        items: &[&[u8]],
        traceparent: Option<&str>,
    ) -> Result<Vec<Result<AcceptedEvent>>> {
        operator(caller)?;
        let (began, parent) = (self.traces.now(), self.traces.parent(traceparent));
        let mut known = Known::default();
        let (mut ids, mut events) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
        for item in items {
            ids.push(match self.read_item(item, &mut known).await {
                Ok((mut event, digest)) => {
                    event.trace_parent = parent;
                    let id = event.id.clone();
                    events.push((Arc::new(event), digest));
                    Ok(id)
                }
                Err(refused @ ServiceError::BadInput { .. }) => Err(refused),
                Err(failed) => return Err(failed),
            });
            // A thousand large events take a while to read; others go on meanwhile.
            tokio::task::yield_now().await;
        }
        let traced: Vec<_> = began.iter().flat_map(|_| &events).map(|(event, _)| Arc::clone(event)).collect();
        let accepted = self.store.accept_events(events).await?;
        self.note(&accepted);
        for (event, accepted) in traced.iter().zip(&accepted) {
            self.trace(began, *accepted, event);
        }
        let mut accepted = accepted.into_iter();
        let answers = ids.into_iter().map(|id| {
            let id = id?;
            answer(id, accepted.next().expect("the store answers for each event"))
        });
        Ok(answers.collect())
    }

    async fn read_item(&self, item: &[u8], known: &mut Known) -> Result<(Event, EventDigest)> {
        if item.len() > REQUEST_BODY_BYTES_MAX {
            let detail = format!("an event has at most {REQUEST_BODY_BYTES_MAX} bytes, also in a batch");
            return Err(ServiceError::bad_field("", detail));
        }
        self.read_posted(item, known).await
    }

    /// Reads an event without accepting it: what `evaluate` does with an event that was never posted.
    pub(super) async fn read_event(&self, body: &[u8]) -> Result<Event> {
        Ok(self.read_posted(body, &mut Known::default()).await?.0)
    }

    /// Accepted events, newest first: all for an operator; for a user those of the projects that they are a
    /// member of now. A project that is not theirs has none, like one that is not there.
    ///
    /// # Errors
    /// When the filter or the page cannot be taken.
    pub async fn events(
        &self,
        caller: &Caller,
        filter: EventFilter,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<StoredEvent>> {
        let page = page_request(limit, cursor)?;
        let event_type = filter.event_type.as_deref().map(EventType::parse).transpose();
        let project = filter.project_id.as_deref().map(ProjectId::parse).transpose();
        let project = project.map_err(|error| ServiceError::bad_field("/projectId", error.to_string()))?;
        let scope = match (caller, project) {
            (Caller::Operator, None) => EventScope::All,
            (Caller::Operator, Some(project)) => EventScope::Projects(vec![project]),
            (Caller::User(user), None) => EventScope::ProjectsOf(user.clone()),
            (Caller::User(user), Some(project)) => {
                if self.store.projects_among(user, std::slice::from_ref(&project)).await?.is_empty() {
                    return Ok(Page { items: Vec::new(), next: None });
                }
                EventScope::Projects(vec![project])
            }
        };
        let event_type = event_type.map_err(|error| ServiceError::bad_field("/event", error.to_string()))?;
        let event_types = event_type.into_iter().collect();
        let query = EventQuery { scope, event_types, since: filter.since, until: filter.until };
        Ok(self.store.events(query, page).await?)
    }

    /// An event that the caller may see: any for an operator; for a user those of their projects, and
    /// those that were for one of their webhooks while they were a member. A test shows to its webhook's
    /// owner alone.
    ///
    /// # Errors
    /// When there is no such event, or the caller may not see it.
    pub async fn event(&self, caller: &Caller, id: &str) -> Result<StoredEvent> {
        let missing = || ServiceError::NotFound(Noun::Event);
        let id = EventId::parse(id).map_err(|_| missing())?;
        let stored = self.store.event(&id).await?.ok_or_else(missing)?;
        let Caller::User(user) = caller else { return Ok(stored) };
        if let Some(tested) = &stored.test_of {
            let webhook = self.store.webhook(tested).await?;
            return webhook.filter(|webhook| webhook.owner == *user).map(|_| stored).ok_or_else(missing);
        }
        let project = std::slice::from_ref(&stored.event.project_id);
        if !self.store.projects_among(user, project).await?.is_empty() {
            return Ok(stored);
        }
        let verdicts = self.store.verdicts_on(stored.seq, Some(user)).await?;
        if verdicts.iter().any(|verdict| was_member(verdict.outcome)) { Ok(stored) } else { Err(missing()) }
    }
}

fn answer(id: EventId, accepted: Accepted) -> Result<AcceptedEvent> {
    match accepted {
        Accepted::New => Ok(AcceptedEvent { id, is_duplicate: false }),
        Accepted::Duplicate => Ok(AcceptedEvent { id, is_duplicate: true }),
        Accepted::Conflict => Err(ServiceError::Conflict(format!(
            "an event with the id {id} and another content was accepted before; a new event needs a new id"
        ))),
    }
}

/// Whether the verdict says that the webhook's creator was a member of the event's project at the time. A
/// disabled webhook says nothing of that.
fn was_member(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Delivered | Outcome::Filtered | Outcome::FilterError => true,
        Outcome::OutOfScope | Outcome::Disabled => false,
    }
}
