//! Asks the filters of all webhooks that an event concerns, each owner's apart from the others'.
//!
//! The filters' threads are shared by everybody, first come, first served. So an owner has a few calls
//! waiting there at a time, over all events, however many webhooks they have: whoever comes next waits for
//! those few. And for one event an owner has a [`Budget`] of fuel, since the event's verdicts are written
//! together: the webhooks behind its end fail, and say so. Candidates that run beside filters ([`Part::Shadow`])
//! are asked after all of these, and get what is left.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;

use super::budget::{Budget, Fuel, fuel_of, used_up};
use super::index::Entry;
use crate::filter::projection::{EventFields, Plan, Projected};
use crate::filter::{Configured, Evaluation, FilterHost, FilterRef, Refused, Request};
use crate::model::event::Event;
use crate::model::ids::UserId;
use crate::model::limits::OWNER_FILTERS_AT_ONCE_MAX;
use crate::model::webhook::Webhook;

/// Which of a webhook's two filters is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// The one that decides.
    Active,
    /// The candidate beside it.
    Shadow,
}

impl Part {
    fn of(self, webhook: &Webhook) -> FilterRef {
        let filter = match self {
            Self::Active => webhook.filter.as_ref().map(|filter| (filter.digest, &filter.config)),
            Self::Shadow => webhook.shadow.as_ref().map(|shadow| (shadow.digest, &shadow.config)),
        };
        let (digest, config) = filter.expect("only webhooks that have it are asked");
        FilterRef { digest, config: Arc::from(&**config) }
    }
}

/// What each owner has left for one event.
pub(super) type Budgets = HashMap<UserId, Budget>;

/// A webhook and what its filter came to.
pub(super) type Answer = (Arc<Entry>, Result<Evaluation, Refused>);

/// Asks filters.
pub(super) struct Asker {
    filters: Arc<FilterHost>,
    owners: Owners,
}

/// An owner's answers, and what they left of the budget.
type Decided = (UserId, Budget, Vec<Answer>);

/// One owner's webhooks in one event.
struct Group {
    owner: UserId,
    places: Arc<Semaphore>,
    budget: Budget,
    /// Those whose filter took its configuration.
    ready: Vec<(Arc<Entry>, Arc<Configured>)>,
    answers: Vec<Answer>,
}

impl Asker {
    pub(super) fn new(filters: Arc<FilterHost>) -> Self {
        Self { filters, owners: Owners::default() }
    }

    /// The answers of that part of these webhooks, which all have it, in no particular order: projects
    /// the fields of all in one pass over the event, then asks each. What that costs comes out of `budgets`.
    pub(super) async fn ask(
        &self,
        event: &Event,
        asked: Vec<Arc<Entry>>,
        part: Part,
        budgets: &mut Budgets,
    ) -> Vec<Answer> {
        let mut by_owner = BTreeMap::<UserId, Vec<_>>::new();
        for entry in asked {
            by_owner.entry(entry.webhook.owner.clone()).or_default().push(entry);
        }
        let groups = by_owner.into_iter().map(|(owner, asked)| {
            let budget = budgets.remove(&owner).unwrap_or_else(|| Budget::new(self.filters.limits().fuel));
            self.configure(owner, asked, part, budget)
        });
        let groups = join_all(groups).await;
        let ready = groups.iter().flat_map(|group| &group.ready);
        let plan = Plan::new(ready.map(|(_, configured)| configured.fields.as_slice()));
        let decided = join_all(self.deciding(groups, &plan.project(&EventFields::of(event)))).await;
        self.owners.forget_idle();
        let mut answers = Vec::new();
        for (owner, budget, of_owner) in decided {
            budgets.insert(owner, budget);
            answers.extend(of_owner);
        }
        answers
    }

    /// Configures the filters of one owner, in the order of their webhooks' ids.
    async fn configure(&self, owner: UserId, mut asked: Vec<Arc<Entry>>, part: Part, mut budget: Budget) -> Group {
        asked.sort_by(|left, right| left.webhook.id.cmp(&right.webhook.id));
        let places = self.owners.places(&owner);
        let calls = asked.clone().into_iter().map(|entry| {
            let (filters, places) = (Arc::clone(&self.filters), Arc::clone(&places));
            async move {
                let _place = places.acquire().await.expect("the semaphore is never closed");
                filters.configure(&part.of(&entry.webhook)).await
            }
        });
        let calls = stream::iter(calls).buffered(OWNER_FILTERS_AT_ONCE_MAX);
        // Charged each time, also where the answer is remembered, so that it costs the same every time.
        let taken = budget.take(calls, |configured| Fuel::Used(configured.fuel)).await;
        let (mut ready, mut answers) = (Vec::new(), Vec::new());
        let mut taken = taken.into_iter();
        for entry in asked {
            match taken.next() {
                Some(Ok(configured)) => ready.push((entry, configured)),
                Some(Err(refused)) => answers.push((entry, Err(refused))),
                None => answers.push((entry, Ok(used_up()))),
            }
        }
        Group { owner, places, budget, ready, answers }
    }

    /// Makes the groups' calls, with the values of each filter in the order of the plan.
    fn deciding(&self, groups: Vec<Group>, projected: &Projected<'_>) -> Vec<impl Future<Output = Decided>> {
        let mut filter = 0..;
        let mut requests = |configured: &Arc<Configured>| {
            let values = projected.values(filter.next().expect("the range has no end"));
            Request { configured: Arc::clone(configured), values }
        };
        let mut deciding = Vec::with_capacity(groups.len());
        for group in groups {
            let requests = group.ready.iter().map(|(_, configured)| requests(configured)).collect();
            deciding.push(decide(Arc::clone(&self.filters), group, requests));
        }
        deciding
    }
}

/// Asks the filters of one owner that are ready.
async fn decide(filters: Arc<FilterHost>, group: Group, requests: Vec<Request>) -> Decided {
    let Group { owner, places, mut budget, ready, mut answers } = group;
    let calls = requests.into_iter().map(|request| {
        let (filters, places) = (Arc::clone(&filters), Arc::clone(&places));
        async move {
            let _place = places.acquire().await.expect("the semaphore is never closed");
            filters.decide(request).await
        }
    });
    let calls = stream::iter(calls).buffered(OWNER_FILTERS_AT_ONCE_MAX);
    let mut taken = budget.take(calls, fuel_of).await.into_iter();
    answers.extend(ready.into_iter().map(|(entry, _)| (entry, taken.next().unwrap_or_else(|| Ok(used_up())))));
    (owner, budget, answers)
}

/// Places for the calls of each owner who has an event under way.
#[derive(Default)]
struct Owners {
    places: Mutex<HashMap<UserId, Arc<Semaphore>>>,
}

impl Owners {
    fn places(&self, owner: &UserId) -> Arc<Semaphore> {
        let mut places = self.locked();
        let new = || Arc::new(Semaphore::new(OWNER_FILTERS_AT_ONCE_MAX));
        Arc::clone(places.entry(owner.clone()).or_insert_with(new))
    }

    fn forget_idle(&self) {
        self.locked().retain(|_, places| Arc::strong_count(places) > 1);
    }

    /// What it guards is whole between any two statements, so a panic elsewhere spoils nothing.
    fn locked(&self) -> MutexGuard<'_, HashMap<UserId, Arc<Semaphore>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_has_the_same_places_in_all_events_under_way_and_none_are_kept_afterwards() {
        let owners = Owners::default();
        let (one, other) = (UserId::parse("u1").unwrap(), UserId::parse("u2").unwrap());

        let first = owners.places(&one);
        owners.forget_idle();
        let second = owners.places(&one);

        assert!(Arc::ptr_eq(&first, &second));
        assert!(!Arc::ptr_eq(&first, &owners.places(&other)));

        drop((first, second));
        owners.forget_idle();

        assert!(owners.locked().is_empty());
    }
}
