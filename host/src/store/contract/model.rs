//! Claims against a naive model: whatever happens in whatever order, a delivery is never claimed twice at
//! a time, never early, never above the share, and never forgotten; and what there is room for is shared fairly.
//!
//! Several claimants claim beside each other, each of which knows only what it has under way itself. They crash, the
//! whole process starts anew, and the clock jumps, forth and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::samples::{
    LEASE, RULES, add_webhooks, at, attempted, delivery_claim, owe, record_attempt, webhook, webhook_id,
};
use crate::model::Timestamp;
use crate::model::health::{Answer, Standing};
use crate::model::webhook::{Health, Webhook};
use crate::store::{Attempted, ClaimedDelivery, DeliveryClaim, Next, Recorded, Store};

const WEBHOOKS: [&str; 3] = ["a", "b", "c"];
const SHARE: u32 = 2;
const CLAIMANTS: usize = 3;

/// Something that happens.
#[derive(Clone, Debug)]
pub(in crate::store) enum Step {
    /// An event is owed to the webhooks whose bit is set.
    Owe(u8),
    /// A claimant's claim of so many rows, of which so many may be of webhooks whose last attempt failed, and so many of
    /// these and of webhooks that were not delivered to yet.
    Claim(usize, u32, [u32; 2]),
    /// The attempt of a claim ends: delivered, or to be tried again so many seconds later.
    End(prop::sample::Index, Option<i64>),
    /// The attempt of a claim fails, and the endpoint asks to be left alone for so many seconds.
    Ask(prop::sample::Index, i64),
    /// A claim is given back.
    Release(prop::sample::Index),
    /// A claimant is gone, and nobody ends what it has claimed.
    Crash(usize),
    /// The store is opened anew by another process: leases of the one before are void.
    Restart,
    /// A webhook is disabled or enabled.
    Toggle(usize),
    /// Seconds pass, or the clock is put back.
    Pass(i64),
}

pub(in crate::store) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1_u8..8).prop_map(Step::Owe),
        4 => (0..CLAIMANTS, 1_u32..6, [0_u32..5, 0_u32..7]).prop_map(|(who, rows, of)| Step::Claim(who, rows, of)),
        3 => (any::<prop::sample::Index>(), prop::option::of(0_i64..90)).prop_map(|(which, retry)| Step::End(which, retry)),
        1 => (any::<prop::sample::Index>(), 1_i64..90).prop_map(|(which, asked)| Step::Ask(which, asked)),
        1 => any::<prop::sample::Index>().prop_map(Step::Release),
        1 => (0..CLAIMANTS).prop_map(Step::Crash),
        1 => Just(Step::Restart),
        1 => (0_usize..3).prop_map(Step::Toggle),
        2 => (-70_i64..140).prop_map(Step::Pass),
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

struct World<Open> {
    open: Open,
    /// `None` only while it is opened anew.
    store: Option<Arc<dyn Store>>,
    now: i64,
    owed: u32,
    pending: BTreeMap<String, Pending>,
    standings: [Standing; 3],
    /// Which were delivered to since the store was opened.
    proven: [bool; 3],
    /// What is under way, and with which claimant.
    claims: Vec<(usize, ClaimedDelivery)>,
}

/// Plays the steps on the store and on the model, and in the end delivers what is left. `open` opens the store, again
/// and again the same.
pub(in crate::store) async fn the_store_claims_as_the_model_does(open: impl Fn() -> Arc<dyn Store>, steps: Vec<Step>) {
    let store = open();
    add_webhooks(&*store, &WEBHOOKS).await;
    let mut world = World {
        open,
        store: Some(store),
        now: 0,
        owed: 0,
        pending: BTreeMap::new(),
        standings: WEBHOOKS.map(|name| Standing::of(&webhook(name))),
        proven: [false; 3],
        claims: Vec::new(),
    };
    for step in steps {
        world.play(step).await;
        assert_eq!(world.store().next_due().await.unwrap(), world.next_due());
    }
    world.deliver_all().await;
}

impl<Open: Fn() -> Arc<dyn Store>> World<Open> {
    fn store(&self) -> &dyn Store {
        self.store.as_deref().expect("it is open")
    }

    async fn play(&mut self, step: Step) {
        match step {
            Step::Owe(mask) => self.owe(mask).await,
            Step::Claim(who, rows_max, maxima) => self.claim(who, rows_max, maxima).await,
            Step::End(which, retry) if !self.claims.is_empty() => {
                let (_, claimed) = self.claims.swap_remove(which.index(self.claims.len()));
                self.end(&claimed, retry, None).await;
            }
            Step::Ask(which, asked) if !self.claims.is_empty() => {
                let (_, claimed) = self.claims.swap_remove(which.index(self.claims.len()));
                self.end(&claimed, Some(1), Some(asked)).await;
            }
            Step::Release(which) if !self.claims.is_empty() => {
                let (_, claimed) = self.claims.swap_remove(which.index(self.claims.len()));
                self.store().release_deliveries(vec![(claimed.delivery.id.clone(), claimed.fence)]).await.unwrap();
                if let Some(pending) = self.held(&claimed) {
                    pending.leased_until = None;
                }
            }
            Step::End(..) | Step::Ask(..) | Step::Release(_) => {}
            Step::Crash(who) => self.claims.retain(|(claimant, _)| *claimant != who),
            Step::Restart => self.restart(),
            Step::Toggle(which) => self.toggle(which).await,
            Step::Pass(seconds) => self.now += seconds,
        }
    }

    async fn owe(&mut self, mask: u8) {
        self.owed += 1;
        let event = format!("e{}", self.owed);
        let to: Vec<_> = (0..3).filter(|bit| mask & (1 << bit) != 0).map(|bit| WEBHOOKS[bit]).collect();
        owe(self.store(), &event, &to, at(self.now)).await;
        for webhook in to {
            let pending = Pending { webhook: webhook.to_owned(), due_at: at(self.now), leased_until: None, fence: 0 };
            self.pending.insert(format!("{event}-{webhook}"), pending);
        }
    }

    fn restart(&mut self) {
        self.store = None;
        self.store = Some((self.open)());
        self.claims.clear();
        self.proven = [false; 3];
        self.pending.values_mut().for_each(|pending| pending.leased_until = None);
    }

    async fn claim(&mut self, who: usize, rows_max: u32, [failing_max, doubtful_max]: [u32; 2]) {
        let rooms = WEBHOOKS.map(|name| self.room(who, name));
        let sum =
            |of: fn(&Room) -> u32, is_it: fn(&Room) -> bool| rooms.iter().filter(|room| is_it(room)).map(of).sum();
        let failing_left = failing_max.saturating_sub(sum(|room| room.under_way, Room::is_failing));
        let doubtful_left = doubtful_max.saturating_sub(sum(|room| room.under_way, Room::is_doubtful));
        let of_unproven = sum(Room::places, |room| room.is_doubtful() && !room.is_failing);
        let of_doubtful = (of_unproven + sum(Room::places, Room::is_failing).min(failing_left)).min(doubtful_left);
        let of_proven = sum(Room::places, |room| !room.is_doubtful());
        let wanted = (of_proven + of_doubtful).min(rows_max);

        let in_flight = rooms.iter().map(|room| (webhook_id(room.name), room.under_way)).collect();
        let claim =
            DeliveryClaim { in_flight, failing_max, doubtful_max, ..delivery_claim(at(self.now), rows_max, SHARE) };
        let claimed = self.store().claim_deliveries(claim).await.unwrap();

        assert_eq!(claimed.len(), wanted as usize);
        let taken = |room: &Room| claimed.iter().filter(|row| row.webhook.id == webhook_id(room.name)).count() as u32;
        let taken_of = |is_it: fn(&Room) -> bool| rooms.iter().filter(|room| is_it(room)).map(taken).sum::<u32>();
        let (of_failing, of_doubtful) = (taken_of(Room::is_failing), taken_of(Room::is_doubtful));
        assert!(of_failing <= failing_left && of_doubtful <= doubtful_left);
        for left_out in rooms.iter().filter(|room| room.places() > taken(room)) {
            let is_full = left_out.is_failing && of_failing == failing_left
                || left_out.is_doubtful() && of_doubtful == doubtful_left;
            for served in rooms.iter().filter(|room| taken(room) > 0 && !is_full) {
                let (more, fewer) = (served.under_way + taken(served), left_out.under_way + taken(left_out));
                assert!(more <= fewer + 1, "{served:?} has {more}, {left_out:?} has {fewer}");
            }
        }
        for row in claimed {
            let now = at(self.now);
            let pending = self.pending.get_mut(&row.delivery.id.as_str()["msg_".len()..]).expect("it is pending");
            assert!(pending.due_at <= now && pending.leased_until.is_none_or(|until| until <= now), "{row:?}");
            assert!(row.fence > pending.fence);
            pending.leased_until = Some(now + LEASE);
            pending.fence = row.fence;
            self.claims.push((who, row));
        }
    }

    async fn end(&mut self, claimed: &ClaimedDelivery, retry: Option<i64>, asked: Option<i64>) {
        let next = retry.map_or(Next::Delivered, |seconds| Next::RetryAt(at(self.now + seconds)));
        let ended = attempted(claimed, next, at(self.now));
        let answer = Answer { asked_until: asked.map(|seconds| at(self.now + seconds)), ..ended.answer };
        let ended = Attempted { answer: answer.clone(), ..ended };
        let recorded = record_attempt(self.store(), ended).await.unwrap();
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
        self.proven[which] |= next == Next::Delivered;
        self.standings[which] = self.standings[which].after(&answer, &RULES);
        let kept = self.store().webhook(&claimed.webhook.id).await.unwrap().unwrap();
        assert_eq!(Standing::of(&kept), self.standings[which]);
    }

    async fn toggle(&mut self, which: usize) {
        let id = webhook_id(WEBHOOKS[which]);
        let now = self.store().webhook(&id).await.unwrap().unwrap();
        let is_enabled = !self.standings[which].is_enabled;
        let changed = Webhook { is_enabled, version: now.version + 1, ..webhook(WEBHOOKS[which]) };
        self.store().update_webhook(now.version, changed).await.unwrap();
        self.standings[which] = self.standings[which].edited(is_enabled, false);
    }

    /// The delivery, if the claim still holds it.
    fn held(&mut self, claimed: &ClaimedDelivery) -> Option<&mut Pending> {
        let pending = self.pending.get_mut(&claimed.delivery.id.as_str()["msg_".len()..])?;
        (pending.fence == claimed.fence && pending.leased_until.is_some()).then_some(pending)
    }

    /// Delivers what is pending, however long that takes. Whoever had something under way is gone.
    async fn deliver_all(&mut self) {
        self.claims.clear();
        for which in 0..WEBHOOKS.len() {
            if !self.standings[which].is_enabled {
                self.toggle(which).await;
            }
        }
        while !self.pending.is_empty() {
            let next = self.next_due().expect("something is pending, of webhooks that are enabled");
            self.now = self.now.max(i64::try_from(next.since(at(0)).as_millis().div_ceil(1_000)).unwrap());
            self.claim(0, 99, [99, 99]).await;
            assert!(!self.claims.is_empty(), "{:?}", self.pending);
            for (_, claimed) in std::mem::take(&mut self.claims) {
                self.end(&claimed, None, None).await;
            }
        }
        assert_eq!(self.store().next_due().await.unwrap(), None);
    }

    /// What a claimant may take for a webhook.
    fn room(&self, who: usize, name: &'static str) -> Room {
        let standing = &self.standings[place(name)];
        let is_its = |(claimant, claimed): &&(usize, ClaimedDelivery)| {
            *claimant == who && claimed.webhook.id == webhook_id(name)
        };
        Room {
            name,
            is_failing: standing.failures_in_a_row > 0,
            is_proven: self.proven[place(name)],
            under_way: self.claims.iter().filter(is_its).count() as u32,
            under_way_max: if standing.health == Health::Healthy { SHARE } else { 1 },
            free: self.free(name),
        }
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

/// What one claimant may take for one webhook.
#[derive(Debug)]
struct Room {
    name: &'static str,
    is_failing: bool,
    is_proven: bool,
    under_way: u32,
    under_way_max: u32,
    free: u32,
}

impl Room {
    fn is_failing(&self) -> bool {
        self.is_failing
    }

    fn is_doubtful(&self) -> bool {
        self.is_failing || !self.is_proven
    }

    fn places(&self) -> u32 {
        self.free.min(self.under_way_max.saturating_sub(self.under_way))
    }
}

/// Which of the webhooks it is.
fn place(name: &str) -> usize {
    WEBHOOKS.iter().position(|webhook| *webhook == name).expect("it is one of them")
}
