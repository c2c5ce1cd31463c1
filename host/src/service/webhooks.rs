//! Webhooks: a user registers, changes and deletes their own, and so does the operator.
//!
//! The operator's subscribe to operational events only, and users' to all others.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::access::owner;
use super::health::Checked;
use super::posted::Known;
use super::shadows::{CandidateChoice, carried_on};
use super::{Noun, Result, Service, ServiceError, check_name, headers, page_request};
use crate::clock::random_bytes;
use crate::egress::{self, Refused};
use crate::failpoint::{self, Point};
use crate::filter::{Configured, FilterRef};
use crate::json;
use crate::model::Timestamp;
use crate::model::comparison::{Agreements, Difference};
use crate::model::event::EventType;
use crate::model::health::{DisabledReason, Hold, Trouble};
use crate::model::ids::{FilterId, ProjectId, UserId, WebhookId};
use crate::model::limits::{
    FILTER_CONFIG_BYTES_MAX, PAGE_ITEMS_MAX, WEBHOOK_EVENTS_MAX, WEBHOOK_PROJECTS_MAX, WEBHOOKS_PER_USER_MAX,
};
use crate::model::operational::{self, Change};
use crate::model::secret::Secret;
use crate::model::token::Caller;
use crate::model::webhook::{FilterBinding, OnError, PayloadFormat, Webhook};
use crate::store::{Added, Page, Removed, Updated, WebhookWindow};

/// How often a change is tried again that met another change of the same webhook.
const UPDATE_TRIES: usize = 128;

/// A filter to attach, as the caller wrote it.
#[derive(Clone, Debug, Default)]
pub struct FilterChoice {
    /// The filter's id.
    pub id: String,
    /// The configuration as JSON text.
    pub config: Option<String>,
    /// What happens when it fails.
    pub on_error: OnError,
}

/// A webhook to register, as the caller wrote it.
#[derive(Clone, Debug, Default)]
pub struct NewWebhook {
    /// Where deliveries go.
    pub url: String,
    /// A name for people.
    pub name: Option<String>,
    /// The event types; none if empty.
    pub events: Vec<String>,
    /// The projects; all of the user's if empty.
    pub project_ids: Vec<String>,
    /// A chosen secret; generated if absent.
    pub secret: Option<Secret>,
    /// A filter.
    pub filter: Option<FilterChoice>,
    /// A candidate to run beside it.
    pub shadow: Option<CandidateChoice>,
    /// The shape of the body.
    pub payload_format: PayloadFormat,
    /// Headers to add to every request.
    pub headers: BTreeMap<String, Secret>,
    /// Whether it receives events at once.
    pub is_enabled: bool,
}

/// What to change of a webhook; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct WebhookPatch {
    /// A new URL.
    pub url: Option<String>,
    /// A new name, or none.
    pub name: Option<Option<String>>,
    /// All event types anew.
    pub events: Option<Vec<String>>,
    /// All projects anew.
    pub project_ids: Option<Vec<String>>,
    /// Another filter, or none.
    pub filter: Option<Option<FilterChoice>>,
    /// Another candidate beside it, or none.
    pub shadow: Option<Option<CandidateChoice>>,
    /// Another shape of the body.
    pub payload_format: Option<PayloadFormat>,
    /// All headers anew. One without a value keeps the value that it has.
    pub headers: Option<BTreeMap<String, Option<Secret>>>,
    /// Whether it receives events.
    pub is_enabled: Option<bool>,
}

/// A webhook as its owner sees it.
#[derive(Clone, Debug)]
pub struct WebhookView {
    /// The webhook.
    pub webhook: Arc<Webhook>,
    /// The secret, only when the webhook was just registered.
    pub secret: Option<Secret>,
    /// The hold that keeps attempts back now, if there is one.
    pub hold: Option<Hold>,
    /// When the next attempt is made, if one is due at all: neither before its time nor before the hold ends.
    pub next_attempt_at: Option<Timestamp>,
    /// How often its shadow agreed, if it has one.
    pub agreements: Agreements,
    /// The newest events on which its shadow did not agree; `None` in a list.
    pub samples: Option<Vec<Difference>>,
}

impl WebhookView {
    /// A webhook to which nothing is owed.
    #[must_use]
    pub fn new(webhook: Arc<Webhook>) -> Self {
        Self {
            webhook,
            secret: None,
            hold: None,
            next_attempt_at: None,
            agreements: Agreements::default(),
            samples: Some(Vec::new()),
        }
    }
}

/// What is seen through a [`WebhookWindow`].
#[derive(Clone, Debug)]
pub struct WindowedViews {
    /// The items, newest first.
    pub items: Vec<WebhookView>,
    /// How many the whole list has.
    pub total: usize,
}

impl Service {
    /// Registers a webhook.
    ///
    /// # Errors
    /// When a field cannot be taken, a project is not theirs, or the filter refuses
    /// its configuration.
    pub async fn create_webhook(&self, caller: &Caller, new: NewWebhook) -> Result<WebhookView> {
        let owner = &owner(caller);
        if self.store.count_webhooks(owner).await? >= WEBHOOKS_PER_USER_MAX {
            return Err(ServiceError::Conflict(format!("a user has at most {WEBHOOKS_PER_USER_MAX} webhooks")));
        }
        let now = self.clock.now();
        let secret = self.chosen_or_new(new.secret)?;
        let id = WebhookId::generate(now, random_bytes(self.clock.as_ref()));
        let uid = hex::encode(random_bytes::<16>(self.clock.as_ref())).into();
        let name = check_name(new.name, "/name")?;
        let url = self.check_url(new.url).await?;
        let webhook = Webhook {
            name,
            events: self.check_events(owner, &new.events).await?,
            project_ids: self.check_projects(owner, &new.project_ids).await?,
            filter: self.bind_optional(owner, new.filter).await?,
            shadow: self.shadow_optional(owner, new.shadow).await?,
            payload_format: new.payload_format,
            headers: headers::check(new.headers)?,
            is_enabled: new.is_enabled,
            trouble: Trouble { disabled: (!new.is_enabled).then_some(DisabledReason::Owner), ..Trouble::default() },
            ..Webhook::new(id, uid, owner.clone(), url, now)
        };
        let added = self.store.add_webhook(webhook.clone(), secret.clone()).await?;
        failpoint::hit(Point::WebhookAdded)?;
        match added {
            Added::Written => {}
            Added::NoFilter => return Err(self.gone_filter(&webhook).await?),
        }
        Ok(WebhookView { secret: Some(secret), ..WebhookView::new(Arc::new(webhook)) })
    }

    /// The caller's webhook of that id.
    ///
    /// # Errors
    /// When there is none; someone else's answers alike.
    pub async fn webhook(&self, caller: &Caller, id: &str) -> Result<WebhookView> {
        let webhook = self.own_webhook(&owner(caller), id).await?;
        self.view(webhook).await
    }

    /// The caller's webhooks, newest first.
    ///
    /// # Errors
    /// When the page cannot be taken.
    pub async fn webhooks(
        &self,
        caller: &Caller,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<WebhookView>> {
        let page = self.store.webhooks(&owner(caller), page_request(limit, cursor)?).await?;
        Ok(Page { items: self.views(page.items).await?, next: page.next })
    }

    /// A window on the caller's webhooks, newest first, and how many there are.
    ///
    /// # Errors
    /// When the window has more items than a page.
    pub async fn webhook_window(&self, caller: &Caller, window: WebhookWindow) -> Result<WindowedViews> {
        if !(1..=PAGE_ITEMS_MAX).contains(&window.take) {
            return Err(ServiceError::bad_field("/take", format!("a page has 1 to {PAGE_ITEMS_MAX} items")));
        }
        let seen = self.store.webhook_window(&owner(caller), window).await?;
        Ok(WindowedViews { items: self.views(seen.items).await?, total: seen.total })
    }

    /// Changes the caller's webhook, wholly or not at all. Where that enables it, its endpoint is asked first;
    /// if it does not answer, all but that is changed, and the view says why.
    ///
    /// # Errors
    /// As for [`Service::create_webhook`], or when there is no such webhook.
    pub async fn update_webhook(&self, caller: &Caller, id: &str, patch: WebhookPatch) -> Result<WebhookView> {
        let owner = owner(caller);
        let mut checked = Checked::default();
        for _ in 0..UPDATE_TRIES {
            let before = self.own_webhook(&owner, id).await?;
            let mut after = self.patched(&before, patch.clone()).await?;
            let failed = if after.is_enabled && !before.is_enabled {
                self.check_health(&after, &mut checked).await?
            } else {
                None
            };
            let updated = match failed {
                Some(failure) => {
                    after.is_enabled = false;
                    self.store.update_failed_webhook(before.version, after, failure).await?
                }
                None => self.store.update_webhook(before.version, after).await?,
            };
            match updated {
                Updated::Written => return self.view(self.own_webhook(&owner, id).await?).await,
                // Where a filter is gone, the next try is refused, and says which.
                Updated::Stale | Updated::NoFilter => {}
                Updated::Missing => return Err(ServiceError::NotFound(Noun::Webhook)),
            }
        }
        Err(ServiceError::Busy)
    }

    async fn patched(&self, before: &Webhook, patch: WebhookPatch) -> Result<Webhook> {
        let mut after = before.clone();
        if let Some(url) = patch.url {
            after.url = self.check_url(url).await?;
        }
        if let Some(name) = patch.name {
            after.name = check_name(name, "/name")?;
        }
        if let Some(events) = patch.events {
            after.events = self.check_events(&before.owner, &events).await?;
        }
        if let Some(project_ids) = patch.project_ids {
            after.project_ids = self.check_projects(&before.owner, &project_ids).await?;
        }
        if let Some(filter) = patch.filter {
            after.filter = self.bind_optional(&before.owner, filter).await?;
            if after.filter != before.filter {
                after.filter_failures_in_a_row = 0;
            }
        }
        if let Some(shadow) = patch.shadow {
            after.shadow = self.shadow_optional(&before.owner, shadow).await?;
        }
        after.shadow = carried_on(before, &after, self.clock.now());
        if let Some(format) = patch.payload_format {
            after.payload_format = format;
        }
        if let Some(headers) = patch.headers {
            after.headers = headers::check(headers::kept(headers, &before.headers)?)?;
        }
        if let Some(is_enabled) = patch.is_enabled {
            after.is_enabled = is_enabled;
        }
        after.version += 1;
        after.updated_at = self.clock.now();
        Ok(after)
    }

    /// Deletes the caller's webhook and cancels what is owed to it.
    ///
    /// # Errors
    /// When there is none; someone else's answers alike.
    pub async fn delete_webhook(&self, caller: &Caller, id: &str) -> Result<()> {
        let webhook = self.own_webhook(&owner(caller), id).await?;
        match self.store.delete_webhook(&webhook.id, self.clock.now()).await? {
            Removed::Removed => Ok(()),
            Removed::Missing | Removed::InUse => Err(ServiceError::NotFound(Noun::Webhook)),
        }
    }

    /// The webhook as its owner sees it now.
    pub(super) async fn view(&self, webhook: Arc<Webhook>) -> Result<WebhookView> {
        let due = self.store.next_attempts(std::slice::from_ref(&webhook.id)).await?;
        self.with_shadow(seen(webhook, &due, self.clock.now())).await
    }

    async fn views(&self, webhooks: Vec<Arc<Webhook>>) -> Result<Vec<WebhookView>> {
        let ids: Vec<WebhookId> = webhooks.iter().map(|webhook| webhook.id.clone()).collect();
        let (due, now) = (self.store.next_attempts(&ids).await?, self.clock.now());
        self.with_agreements(webhooks.into_iter().map(|webhook| seen(webhook, &due, now)).collect()).await
    }

    pub(super) async fn own_webhook(&self, owner: &UserId, id: &str) -> Result<Arc<Webhook>> {
        let missing = || ServiceError::NotFound(Noun::Webhook);
        let id = WebhookId::parse(id).map_err(|_| missing())?;
        self.store.webhook(&id).await?.filter(|webhook| webhook.owner == *owner).ok_or_else(missing)
    }

    /// The egress policy at registration. A name that does not resolve now may do so later; each attempt
    /// asks again.
    async fn check_url(&self, url: String) -> Result<String> {
        let refuse = |refused: &Refused| ServiceError::BadInput {
            detail: refused.to_string(),
            violations: vec![super::Violation { pointer: "/url".to_owned(), detail: refused.detail() }],
        };
        let target = egress::judge_url(&url, &self.policy).map_err(|refused| refuse(&refused))?;
        match self.resolver.resolve(&target, &self.policy).await {
            Err(crate::resolve::ResolveError::Refused(refused)) => Err(refuse(&refused)),
            Err(crate::resolve::ResolveError::Lookup(_)) | Ok(_) => Ok(url),
        }
    }

    async fn check_events(&self, owner: &UserId, names: &[String]) -> Result<Vec<EventType>> {
        if names.len() > WEBHOOK_EVENTS_MAX {
            let detail = format!("a webhook subscribes to at most {WEBHOOK_EVENTS_MAX} event types");
            return Err(ServiceError::bad_field("/events", detail));
        }
        let (mut types, mut seen) = (Vec::with_capacity(names.len()), HashSet::new());
        let mut asked = Known::default();
        for (place, name) in names.iter().enumerate() {
            let known = self.subscribable_type(owner, name, &format!("/events/{place}"), &mut asked).await?;
            if seen.insert(known.clone()) {
                types.push(known);
            }
        }
        Ok(types)
    }

    /// The operator's webhooks get operational events and no others, users' all others and no operational ones.
    pub(super) async fn subscribable_type(
        &self,
        owner: &UserId,
        name: &str,
        pointer: &str,
        known: &mut Known,
    ) -> Result<EventType> {
        let is_operators = operational::is_operator(owner);
        let detail = match Change::parse(name) {
            Some(change) if is_operators => return Ok(change.event_type()),
            Some(_) => format!("{name} is for the operator's webhooks only"),
            None if is_operators => {
                let names = Change::ALL.iter().map(|change| change.as_str()).collect::<Vec<_>>().join(", ");
                format!("an operator's webhook gets only {names}; for other events register it with a user's token")
            }
            None => return self.known_type(name, pointer, known).await,
        };
        Err(ServiceError::bad_field(pointer, detail))
    }

    /// Every project must be one that the user is a member of; which of the others exist is not told.
    async fn check_projects(&self, owner: &UserId, ids: &[String]) -> Result<Vec<ProjectId>> {
        if ids.len() > WEBHOOK_PROJECTS_MAX {
            let detail = format!("a webhook is scoped to at most {WEBHOOK_PROJECTS_MAX} projects");
            return Err(ServiceError::bad_field("/projectIds", detail));
        }
        let mut unique = BTreeSet::new();
        let mut projects = Vec::with_capacity(ids.len());
        for (place, id) in ids.iter().enumerate() {
            let pointer = format!("/projectIds/{place}");
            let project = ProjectId::parse(id).map_err(|error| ServiceError::bad_field(&pointer, error.to_string()))?;
            if unique.insert(project.clone()) {
                projects.push(project);
            }
        }
        let own = self.store.projects_among(owner, &projects).await?;
        if own.len() == projects.len() { Ok(projects) } else { Err(ServiceError::Unauthorized("Unauthorized")) }
    }

    async fn bind_optional(&self, owner: &UserId, choice: Option<FilterChoice>) -> Result<Option<FilterBinding>> {
        match choice {
            Some(choice) => self.bind(owner, choice).await.map(Some),
            None => Ok(None),
        }
    }

    /// Attaches a filter: it must take the configuration now.
    async fn bind(&self, owner: &UserId, choice: FilterChoice) -> Result<FilterBinding> {
        let Taken { filter_id, reference, .. } =
            self.take(owner, &choice.id, choice.config.as_deref(), "/filter").await?;
        let FilterRef { digest, config } = reference;
        Ok(FilterBinding { filter_id, digest, config: (*config).into(), on_error: choice.on_error })
    }

    /// A filter of theirs that takes its configuration, both given at `place`.
    pub(super) async fn take(&self, owner: &UserId, id: &str, config: Option<&str>, place: &str) -> Result<Taken> {
        let unknown = || unknown_filter(place);
        let filter_id = FilterId::parse(id).map_err(|_| unknown())?;
        let filter = self.usable_filter(owner, &filter_id).await?.ok_or_else(unknown)?;
        let place = format!("{place}/config");
        let config = canonical_config(config, &place)?;
        let reference = FilterRef { digest: filter.digest, config: config.into() };
        let configured = self.filters.take_config(&filter.about, &reference).await;
        let configured = configured.map_err(|refused| ServiceError::refused(&place, &refused))?;
        Ok(Taken { filter_id, reference, configured })
    }

    /// Which of the filters of a webhook to register was deleted just now.
    async fn gone_filter(&self, webhook: &Webhook) -> Result<ServiceError> {
        let Some(filter) = &webhook.filter else { return Ok(unknown_filter("/shadow/filter")) };
        let is_there = self.usable_filter(&webhook.owner, &filter.filter_id).await?.is_some();
        Ok(unknown_filter(if is_there { "/shadow/filter" } else { "/filter" }))
    }
}

/// A filter that took its configuration.
pub(super) struct Taken {
    /// Which filter.
    pub(super) filter_id: FilterId,
    /// Its bytes and the configuration.
    pub(super) reference: FilterRef,
    /// What it declared.
    pub(super) configured: Arc<Configured>,
}

/// A webhook as its owner sees it, given when each one's next attempt is due.
fn seen(webhook: Arc<Webhook>, due: &HashMap<WebhookId, Timestamp>, now: Timestamp) -> WebhookView {
    let hold = webhook.trouble.hold.filter(|hold| hold.until > now);
    let due = due.get(&webhook.id).filter(|_| webhook.is_enabled);
    let next_attempt_at = due.map(|due| hold.map_or(*due, |hold| hold.until.max(*due)));
    WebhookView { hold, next_attempt_at, ..WebhookView::new(webhook) }
}

/// Somebody else's filter, one that is not there, and one that was deleted just now answer alike.
fn unknown_filter(place: &str) -> ServiceError {
    let detail = "no filter of yours has this id; `GET /v1/filters` lists those you can use".to_owned();
    ServiceError::bad_field(&format!("{place}/id"), detail)
}

/// A filter's configuration as canonical JSON text; `null` where there is none.
pub(super) fn canonical_config(config: Option<&str>, pointer: &str) -> Result<String> {
    let Some(config) = config else { return Ok("null".to_owned()) };
    if config.len() > FILTER_CONFIG_BYTES_MAX {
        let detail = format!("a configuration has at most {FILTER_CONFIG_BYTES_MAX} bytes");
        return Err(ServiceError::bad_field(pointer, detail));
    }
    json::canonicalise(config.as_bytes()).map_err(|error| ServiceError::from(error).under(pointer))
}
