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
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::Semaphore;

use super::budget::{Budget, Fuel, fuel_of, used_up};
use super::index::Entry;
use crate::filter::projection::{EventFields, Plan};
use crate::filter::{Configured, Evaluation, FilterHost, FilterRef, Refused, Request};
use crate::model::event::Event;
use crate::model::ids::UserId;
use crate::model::limits::OWNER_FILTERS_AT_ONCE_MAX;

/// Which of a webhook's two filters is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// The one that decides.
    Active,
    /// The candidate beside it.
    Shadow,
}

impl Part {
    fn of(self, entry: &Entry) -> &Arc<FilterRef> {
        let filter = match self {
            Self::Active => &entry.filter,
            Self::Shadow => &entry.shadow,
        };
        filter.as_ref().expect("only webhooks that have it are asked")
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
    /// Calls that one owner sends to a thread together: with two such lots for each thread, all threads
    /// have work, also while one is on its way.
    calls_together: usize,
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
        let calls_together = (OWNER_FILTERS_AT_ONCE_MAX / (2 * filters.threads())).max(1);
        Self { filters, owners: Owners::default(), calls_together }
    }

    /// The answers of that part of these webhooks, which all have it, in no particular order: projects
    /// the fields of all in one pass over the event, then asks each filter once for all webhooks of an owner that
    /// have it under the same configuration. What that costs comes out of `budgets`.
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
        let questions: Vec<_> = groups.iter().map(|group| Questions::of(&group.ready)).collect();
        let different = questions.iter().flat_map(|questions| &questions.different);
        let plan = Plan::new(different.map(|configured| configured.fields.as_slice()));
        let projected = plan.project(&EventFields::of(event));
        let mut values = (0..).map(|filter| projected.values(filter));
        let deciding = groups.into_iter().zip(questions).map(|(group, questions)| {
            let Questions { different, each } = questions;
            let requests = different.into_iter().zip(&mut values);
            let requests = requests.map(|(configured, values)| Request { configured, values }).collect();
            self.decide(group, requests, each)
        });
        let decided = join_all(deciding.collect::<Vec<_>>()).await;
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
        let Questions { different, each } = Questions::among(asked.iter().map(|entry| part.of(entry)));
        let calls = different.into_iter().map(|filter| {
            let (filters, places) = (Arc::clone(&self.filters), Arc::clone(&places));
            async move {
                let _place = places.acquire().await.expect("the semaphore is never closed");
                filters.configure(&filter).await
            }
        });
        let answers = stream::iter(calls).buffered(OWNER_FILTERS_AT_ONCE_MAX);
        // Charged each time, also where the answer is remembered, so that it costs the same every time.
        let taken = budget.take(of_each(each, answers), |configured| Fuel::Used(configured.fuel)).await;
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

    /// Asks the filters of one owner that are ready; each webhook is charged, whoever shares its answer.
    async fn decide(&self, group: Group, mut requests: Vec<Request>, each: Vec<usize>) -> Decided {
        let Group { owner, places, mut budget, ready, mut answers } = group;
        let lots = std::iter::from_fn(|| {
            let lot: Vec<_> = requests.drain(..requests.len().min(self.calls_together)).collect();
            (!lot.is_empty()).then_some(lot)
        });
        let calls = lots.map(async |lot| {
            let count = u32::try_from(lot.len()).expect("an owner has a few calls at a time");
            let _places = places.acquire_many(count).await.expect("the semaphore is never closed");
            stream::iter(self.filters.decide_all(lot).await)
        });
        let calls = stream::iter(calls).buffered(OWNER_FILTERS_AT_ONCE_MAX / self.calls_together).flatten();
        let mut taken = budget.take(of_each(each, calls), fuel_of).await.into_iter();
        answers.extend(ready.into_iter().map(|(entry, _)| (entry, taken.next().unwrap_or_else(|| Ok(used_up())))));
        (owner, budget, answers)
    }
}

/// Questions of which some are the same.
struct Questions<T> {
    /// The different ones, in the order in which they are asked first.
    different: Vec<Arc<T>>,
    /// For each question its place among them.
    each: Vec<usize>,
}

impl<T> Questions<T> {
    fn among<'q>(asked: impl Iterator<Item = &'q Arc<T>>) -> Self
    where
        T: 'q,
    {
        let mut places = HashMap::new();
        let mut different = Vec::new();
        let each = asked.map(|question| {
            *places.entry(Arc::as_ptr(question)).or_insert_with(|| {
                different.push(Arc::clone(question));
                different.len() - 1
            })
        });
        let each = each.collect();
        Self { different, each }
    }
}

impl Questions<Configured> {
    fn of(ready: &[(Arc<Entry>, Arc<Configured>)]) -> Self {
        Self::among(ready.iter().map(|(_, configured)| configured))
    }
}

/// The answer to each question, as soon as it is there; `answers` are those to the different ones.
fn of_each<A: Clone>(each: Vec<usize>, answers: impl Stream<Item = A>) -> impl Stream<Item = A> {
    let begin = (each.into_iter(), Box::pin(answers), Vec::new());
    stream::unfold(begin, async |(mut each, mut answers, mut known)| {
        let place = each.next()?;
        if place == known.len() {
            known.push(answers.next().await?);
        }
        Some((known[place].clone(), (each, answers, known)))
    })
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
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};

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

    #[tokio::test]
    async fn questions_that_are_the_same_are_asked_once_and_no_sooner_than_their_first() {
        let (a, b) = (Arc::new("a"), Arc::new("b"));
        let Questions { different, each } = Questions::among([&a, &a, &b, &a, &b].into_iter());
        assert_eq!((different.len(), &each), (2, &vec![0, 0, 1, 0, 1]));

        let asked = AtomicUsize::new(0);
        let answers = stream::iter(different).map(|question| {
            asked.fetch_add(1, Ordering::Relaxed);
            *question
        });
        let mut answers = pin!(of_each(each, answers));

        assert_eq!([answers.next().await, answers.next().await], [Some("a"), Some("a")]);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert_eq!(answers.collect::<Vec<_>>().await, ["b", "a", "b"]);
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
