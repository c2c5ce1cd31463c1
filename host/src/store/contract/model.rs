//! Claims against a naive model: whatever happens in whatever order, a delivery is never claimed twice at
//! a time, never early, never above the share, and never forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::samples::{LEASE, RULES, add_webhooks, at, attempted, delivery_claim, owe, webhook, webhook_id};
use crate::model::Timestamp;
use crate::model::health::{Answer, Standing};
use crate::model::webhook::{Health, Webhook};
use crate::store::{Attempted, ClaimedDelivery, DeliveryClaim, Next, Recorded, Store};

const WEBHOOKS: [&str; 3] = ["a", "b", "c"];
const SHARE: u32 = 2;

/// Something that happens.
#[derive(Clone, Debug)]
pub(in crate::store) enum Step {
    /// An event is owed to the webhooks whose bit is set.
    Owe(u8),
    /// A claim of so many rows.
    Claim(u32),
    /// The attempt of a claim ends: delivered, or to be tried again so many seconds later.
    End(prop::sample::Index, Option<i64>),
    /// The attempt of a claim fails, and the endpoint asks to be left alone for so many seconds.
    Ask(prop::sample::Index, i64),
    /// A claim is given back.
    Release(prop::sample::Index),
    /// A webhook is disabled or enabled.
    Toggle(usize),
    /// Seconds pass.
    Pass(i64),
}

pub(in crate::store) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1_u8..8).prop_map(Step::Owe),
        4 => (1_u32..6).prop_map(Step::Claim),
        3 => (any::<prop::sample::Index>(), prop::option::of(0_i64..90)).prop_map(|(which, retry)| Step::End(which, retry)),
        1 => (any::<prop::sample::Index>(), 1_i64..90).prop_map(|(which, asked)| Step::Ask(which, asked)),
        1 => any::<prop::sample::Index>().prop_map(Step::Release),
        1 => (0_usize..3).prop_map(Step::Toggle),
        2 => (1_i64..70).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..40)
}

/// A pending delivery, as the naive model knows it.
#[derive(Clone, Debug)]
struct Pending {
    webhook: String,
    due_at: Timestamp,
    leased_until: Option<Timestamp>,
    fence: i64,
}

struct World {
    store: Arc<dyn Store>,
    now: i64,
    owed: u32,
    pending: BTreeMap<String, Pending>,
    standings: [Standing; 3],
    claims: Vec<ClaimedDelivery>,
}

/// Plays the steps on the store and on the model.
pub(in crate::store) async fn the_store_claims_as_the_model_does(store: Arc<dyn Store>, steps: Vec<Step>) {
    add_webhooks(&*store, &WEBHOOKS).await;
    let mut world = World {
        store,
        now: 0,
        owed: 0,
        pending: BTreeMap::new(),
        standings: WEBHOOKS.map(|name| Standing::of(&webhook(name))),
        claims: Vec::new(),
    };
    for step in steps {
        world.play(step).await;
        assert_eq!(world.store.next_due().await.unwrap(), world.next_due());
    }
}

impl World {
    async fn play(&mut self, step: Step) {
        match step {
            Step::Owe(mask) => self.owe(mask).await,
            Step::Claim(rows_max) => self.claim(rows_max).await,
            Step::End(which, retry) if !self.claims.is_empty() => {
                let claimed = self.claims.swap_remove(which.index(self.claims.len()));
                self.end(&claimed, retry, None).await;
            }
            Step::Ask(which, asked) if !self.claims.is_empty() => {
                let claimed = self.claims.swap_remove(which.index(self.claims.len()));
                self.end(&claimed, Some(1), Some(asked)).await;
            }
            Step::Release(which) if !self.claims.is_empty() => {
                let claimed = self.claims.swap_remove(which.index(self.claims.len()));
                self.store.release_deliveries(vec![(claimed.delivery.id.clone(), claimed.fence)]).await.unwrap();
                if let Some(pending) = self.held(&claimed) {
                    pending.leased_until = None;
                }
            }
            Step::End(..) | Step::Ask(..) | Step::Release(_) => {}
            Step::Toggle(which) => self.toggle(which).await,
            Step::Pass(seconds) => self.now += seconds,
        }
    }

    async fn owe(&mut self, mask: u8) {
        self.owed += 1;
        let event = format!("e{}", self.owed);
        let to: Vec<_> = (0..3).filter(|bit| mask & (1 << bit) != 0).map(|bit| WEBHOOKS[bit]).collect();
        owe(&*self.store, &event, &to, at(self.now)).await;
        for webhook in to {
            let pending = Pending { webhook: webhook.to_owned(), due_at: at(self.now), leased_until: None, fence: 0 };
            self.pending.insert(format!("{event}-{webhook}"), pending);
        }
    }

    async fn claim(&mut self, rows_max: u32) {
        let in_flight: Vec<_> = WEBHOOKS.map(|name| (webhook_id(name), self.in_flight(name))).to_vec();
        let free = WEBHOOKS.map(|name| self.free(name));
        let share = |which: usize| {
            let is_healthy = self.standings[which].health == Health::Healthy;
            free[which].min(if is_healthy { SHARE } else { 1 }.saturating_sub(in_flight[which].1))
        };
        let wanted = (share(0) + share(1) + share(2)).min(rows_max);

        let claim = DeliveryClaim { in_flight: in_flight.clone(), ..delivery_claim(at(self.now), rows_max, SHARE) };
        let claimed = self.store.claim_deliveries(claim).await.unwrap();

        assert_eq!(claimed.len(), wanted as usize);
        for row in claimed {
            let now = at(self.now);
            let pending = self.pending.get_mut(&row.delivery.id.as_str()["msg_".len()..]).expect("it is pending");
            assert!(pending.due_at <= now && pending.leased_until.is_none_or(|until| until <= now), "{row:?}");
            assert!(row.fence > pending.fence);
            pending.leased_until = Some(now + LEASE);
            pending.fence = row.fence;
            self.claims.push(row);
        }
        for (name, which) in WEBHOOKS.iter().zip(0..) {
            assert!(self.in_flight(name) <= in_flight[which].1.max(SHARE));
        }
    }

    async fn end(&mut self, claimed: &ClaimedDelivery, retry: Option<i64>, asked: Option<i64>) {
        let next = retry.map_or(Next::Delivered, |seconds| Next::RetryAt(at(self.now + seconds)));
        let ended = attempted(claimed, next, at(self.now));
        let answer = Answer { asked_until: asked.map(|seconds| at(self.now + seconds)), ..ended.answer };
        let ended = Attempted { answer: answer.clone(), ..ended };
        let recorded = self.store.record_attempt(ended).await.unwrap();
        let Some(pending) = self.held(claimed) else {
            assert_eq!(recorded, Recorded::LeaseLost);
            return;
        };
        assert_eq!(recorded, Recorded::Written);
        pending.leased_until = None;
        match next {
            Next::RetryAt(due_at) => pending.due_at = due_at,
            Next::Delivered | Next::Failed => drop(self.pending.remove(&claimed.delivery.id.as_str()["msg_".len()..])),
        }
        let which = place(claimed.webhook.id.as_str());
        self.standings[which] = self.standings[which].after(&answer, &RULES);
        let kept = self.store.webhook(&claimed.webhook.id).await.unwrap().unwrap();
        assert_eq!(Standing::of(&kept), self.standings[which]);
    }

    async fn toggle(&mut self, which: usize) {
        let id = webhook_id(WEBHOOKS[which]);
        let now = self.store.webhook(&id).await.unwrap().unwrap();
        let is_enabled = !self.standings[which].is_enabled;
        let changed = Webhook { is_enabled, version: now.version + 1, ..webhook(WEBHOOKS[which]) };
        self.store.update_webhook(now.version, changed).await.unwrap();
        self.standings[which] = self.standings[which].edited(is_enabled, false);
    }

    /// The delivery, if the claim still holds it.
    fn held(&mut self, claimed: &ClaimedDelivery) -> Option<&mut Pending> {
        let pending = self.pending.get_mut(&claimed.delivery.id.as_str()["msg_".len()..])?;
        (pending.fence == claimed.fence && pending.leased_until.is_some()).then_some(pending)
    }

    fn in_flight(&self, name: &str) -> u32 {
        let is_leased = |pending: &&Pending| pending.leased_until.is_some_and(|until| until > at(self.now));
        self.pending.values().filter(|pending| pending.webhook == name).filter(is_leased).count() as u32
    }

    fn free(&self, name: &str) -> u32 {
        let (now, standing) = (at(self.now), &self.standings[place(name)]);
        let is_open = standing.is_enabled && standing.trouble.hold.is_none_or(|hold| hold.until <= now);
        let is_free = |pending: &&Pending| {
            is_open
                && pending.webhook == name
                && pending.due_at <= now
                && pending.leased_until.is_none_or(|until| until <= now)
        };
        self.pending.values().filter(is_free).count() as u32
    }

    fn next_due(&self) -> Option<Timestamp> {
        let free_at = |pending: &Pending| {
            let standing = &self.standings[place(&pending.webhook)];
            let lease = pending.leased_until.unwrap_or(pending.due_at);
            let hold = standing.trouble.hold.map_or(pending.due_at, |hold| hold.until);
            standing.is_enabled.then(|| pending.due_at.max(lease).max(hold))
        };
        self.pending.values().filter_map(free_at).min()
    }
}

/// Which of the webhooks it is.
fn place(name: &str) -> usize {
    WEBHOOKS.iter().position(|webhook| *webhook == name).expect("it is one of them")
}
