//! Which webhooks subscribe to what, in memory.
//!
//! An event's cost follows the webhooks that it concerns, not all there are: those that name its project
//! are found by (type, project), those that cover all of their creator's projects by (type, creator).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::filter::FilterRef;
use crate::model::event::{Event, EventType};
use crate::model::filter::FilterDigest;
use crate::model::ids::{ProjectId, UserId, WebhookId};
use crate::model::snapshot::Snapshot;
use crate::model::webhook::Webhook;
use crate::store::WebhookChange;

/// A webhook and what its deliveries will show of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) webhook: Arc<Webhook>,
    /// Its filter under its configuration, one and the same for all webhooks with equal ones.
    pub(super) filter: Option<Arc<FilterRef>>,
    /// The candidate beside it, likewise.
    pub(super) shadow: Option<Arc<FilterRef>>,
    pub(super) snapshot: Arc<Snapshot>,
}

/// Webhooks in the order of their ids, in which they are asked.
type Entries = BTreeMap<WebhookId, Arc<Entry>>;

/// The subscriptions as of one change of the store.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: HashMap<WebhookId, Arc<Entry>>,
    by_project: HashMap<(EventType, ProjectId), Entries>,
    by_creator: HashMap<EventType, HashMap<UserId, Entries>>,
    /// The filters of all webhooks, and how many have each.
    filters: HashMap<Arc<FilterRef>, usize>,
    change_seq: i64,
}

impl Index {
    /// The last change that the index has seen.
    pub(super) fn change_seq(&self) -> i64 {
        self.change_seq
    }

    /// Takes in one change.
    pub(super) fn apply(&mut self, change: WebhookChange) {
        self.change_seq = self.change_seq.max(change.change_seq);
        if let Some(old) = self.entries.remove(&change.id) {
            self.unlink(&old.webhook);
            old.filter.iter().chain(&old.shadow).for_each(|filter| self.leave(filter));
        }
        if let Some(webhook) = change.webhook {
            let filter = webhook.filter.as_ref().map(|filter| self.share(filter.digest, &filter.config));
            let shadow = webhook.shadow.as_ref().map(|shadow| self.share(shadow.digest, &shadow.config));
            let snapshot = Arc::new(Snapshot::of(&webhook));
            let entry = Arc::new(Entry { webhook, filter, shadow, snapshot });
            self.link(&entry);
            self.entries.insert(change.id, entry);
        }
    }

    fn share(&mut self, digest: FilterDigest, config: &str) -> Arc<FilterRef> {
        let filter = FilterRef { digest, config: config.into() };
        let known = self.filters.get_key_value(&filter).map(|(known, _)| Arc::clone(known));
        let filter = known.unwrap_or_else(|| Arc::new(filter));
        *self.filters.entry(Arc::clone(&filter)).or_default() += 1;
        filter
    }

    fn leave(&mut self, filter: &Arc<FilterRef>) {
        if let Some(count) = self.filters.get_mut(filter) {
            *count -= 1;
            if *count == 0 {
                self.filters.remove(filter);
            }
        }
    }

    fn link(&mut self, entry: &Arc<Entry>) {
        let webhook = &entry.webhook;
        for event_type in &webhook.events {
            for project in &webhook.project_ids {
                let key = (event_type.clone(), project.clone());
                self.by_project.entry(key).or_default().insert(webhook.id.clone(), Arc::clone(entry));
            }
            if webhook.project_ids.is_empty() {
                let creators = self.by_creator.entry(event_type.clone()).or_default();
                creators.entry(webhook.owner.clone()).or_default().insert(webhook.id.clone(), Arc::clone(entry));
            }
        }
    }

    fn unlink(&mut self, webhook: &Webhook) {
        for event_type in &webhook.events {
            for project in &webhook.project_ids {
                let key = (event_type.clone(), project.clone());
                if let Some(ids) = self.by_project.get_mut(&key) {
                    ids.remove(&webhook.id);
                    if ids.is_empty() {
                        self.by_project.remove(&key);
                    }
                }
            }
            let Some(creators) = self.by_creator.get_mut(event_type) else { continue };
            if let Some(ids) = creators.get_mut(&webhook.owner) {
                ids.remove(&webhook.id);
                if ids.is_empty() {
                    creators.remove(&webhook.owner);
                }
            }
        }
    }

    /// One webhook.
    pub(super) fn entry(&self, id: &WebhookId) -> Option<Arc<Entry>> {
        self.entries.get(id).cloned()
    }

    /// The webhooks that an event may concern, given the members of its project.
    pub(super) fn candidates(&self, event: &Event, members: &HashSet<UserId>) -> Vec<Arc<Entry>> {
        let key = (event.event_type.clone(), event.project_id.clone());
        let mut candidates: Vec<_> =
            self.by_project.get(&key).into_iter().flat_map(BTreeMap::values).cloned().collect();
        if let Some(creators) = self.by_creator.get(&event.event_type) {
            // Whichever are fewer are looked for among the others.
            if creators.len() < members.len() {
                let of_members = creators.iter().filter(|(creator, _)| members.contains(*creator));
                candidates.extend(of_members.flat_map(|(_, entries)| entries.values()).cloned());
            } else {
                let of_members = members.iter().filter_map(|member| creators.get(member));
                candidates.extend(of_members.flat_map(BTreeMap::values).cloned());
            }
        }
        candidates
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::FilterId;
    use crate::model::matching::tests::{event, webhook};
    use crate::model::webhook::{FilterBinding, OnError};

    fn change(change_seq: i64, webhook: Webhook) -> WebhookChange {
        WebhookChange { change_seq, id: webhook.id.clone(), webhook: Some(Arc::new(webhook)) }
    }

    fn ids(index: &Index, project: &str, members: &[&str]) -> Vec<String> {
        let members = members.iter().map(|id| UserId::parse(id).unwrap()).collect();
        let found = index.candidates(&event(project), &members);
        let mut ids: Vec<String> = found.iter().map(|entry| entry.webhook.id.to_string()).collect();
        ids.sort();
        ids
    }

    #[test]
    fn an_event_finds_those_that_name_its_project_and_those_of_its_members() {
        let mut index = Index::default();
        index.apply(change(1, webhook("wh_a", "u1", &["p1"])));
        index.apply(change(2, webhook("wh_b", "u1", &["p2"])));
        index.apply(change(3, webhook("wh_c", "u1", &[])));
        index.apply(change(4, webhook("wh_d", "u2", &[])));

        assert_eq!(ids(&index, "p1", &["u1"]), ["wh_a", "wh_c"]);
        assert_eq!(ids(&index, "p1", &[]), ["wh_a"]);
        assert_eq!(index.change_seq(), 4);
    }

    #[test]
    fn a_webhook_that_changed_is_found_only_where_it_is_now() {
        let mut index = Index::default();
        index.apply(change(1, webhook("wh_a", "u1", &["p1"])));
        index.apply(change(2, webhook("wh_a", "u1", &["p2"])));

        assert_eq!(ids(&index, "p1", &["u1"]), Vec::<String>::new());
        assert_eq!(ids(&index, "p2", &["u1"]), ["wh_a"]);

        let id = WebhookId::parse("wh_a").unwrap();
        index.apply(WebhookChange { change_seq: 3, id, webhook: None });

        assert_eq!(ids(&index, "p2", &["u1"]), Vec::<String>::new());
        assert!(index.by_project.is_empty());
    }

    #[test]
    fn webhooks_with_equal_filters_share_one_which_goes_with_the_last_of_them() {
        let mut index = Index::default();
        let filtered = |id: &str, config: &str| {
            let (filter_id, digest) = (FilterId::parse("flt_a").unwrap(), FilterDigest([1; 32]));
            let filter = FilterBinding { filter_id, digest, config: config.into(), on_error: OnError::Skip };
            Webhook { filter: Some(filter), ..webhook(id, "u1", &["p1"]) }
        };
        index.apply(change(1, filtered("wh_a", "1")));
        index.apply(change(2, filtered("wh_b", "1")));
        index.apply(change(3, filtered("wh_c", "2")));
        let filter =
            |index: &Index, id: &str| index.entry(&WebhookId::parse(id).unwrap()).unwrap().filter.clone().unwrap();

        assert!(Arc::ptr_eq(&filter(&index, "wh_a"), &filter(&index, "wh_b")));
        assert!(!Arc::ptr_eq(&filter(&index, "wh_a"), &filter(&index, "wh_c")));

        index.apply(change(4, filtered("wh_a", "2")));
        assert!(Arc::ptr_eq(&filter(&index, "wh_a"), &filter(&index, "wh_c")));
        assert_eq!(index.filters.len(), 2);
        for id in ["wh_a", "wh_b", "wh_c"] {
            index.apply(WebhookChange { change_seq: 5, id: WebhookId::parse(id).unwrap(), webhook: None });
        }
        assert!(index.filters.is_empty());
    }
}
