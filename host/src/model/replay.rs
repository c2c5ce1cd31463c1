//! Replays: what a webhook did not get, or got, is sent to it again.

use super::Timestamp;
use super::delivery::DeliveryState;
use super::ids::{ReplayId, WebhookId};
use super::verdict::{Outcome, named};

named!(
    /// What a replay takes up, by what became of each event so far. What is pending is on its way anyway, and is
    /// never sent twice.
    ReplayOnly {
        /// What was owed and did not arrive: every attempt failed, or the delivery was canceled.
        Failed = "failed",
        /// Events on which the filter failed.
        FilterError = "filter_error",
        /// Events that the filter let out.
        Filtered = "filtered",
        /// Events that came while the webhook was disabled.
        Disabled = "disabled",
        /// All of these, what its creator could not see then, and what was delivered.
        All = "all",
    }
);

named!(
    /// Where a replay stands.
    ReplayState {
        /// It goes on.
        Running = "running",
        /// All of its events were looked at.
        Done = "done",
        /// Its owner wanted no more of it, or the webhook was deleted.
        Canceled = "canceled",
        /// The host could not go on with it.
        Failed = "failed",
    }
);

/// What a replay does about one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// The delivery is attempted again: the same id, the same bytes.
    SendAgain,
    /// The webhook as it is now decides, with the filter that it has now.
    DecideAnew,
    /// Nothing: an attempt is due or under way.
    UnderWay,
}

impl ReplayOnly {
    /// What is to be done about an event that came to `outcome`, and whose delivery, if there is one, stands there;
    /// `None` if the replay is not for such events.
    #[must_use]
    pub fn treatment(self, outcome: Outcome, delivery: Option<DeliveryState>) -> Option<Treatment> {
        let (kind, treatment) = match (delivery, outcome) {
            (Some(DeliveryState::Pending), _) => (Self::All, Treatment::UnderWay),
            (Some(DeliveryState::Delivered), _) => (Self::All, Treatment::SendAgain),
            (Some(DeliveryState::Failed | DeliveryState::Canceled), _) => (Self::Failed, Treatment::SendAgain),
            (None, Outcome::FilterError) => (Self::FilterError, Treatment::DecideAnew),
            (None, Outcome::Filtered) => (Self::Filtered, Treatment::DecideAnew),
            (None, Outcome::Disabled) => (Self::Disabled, Treatment::DecideAnew),
            (None, Outcome::OutOfScope | Outcome::Delivered) => (Self::All, Treatment::DecideAnew),
        };
        (self == kind || self == Self::All).then_some(treatment)
    }
}

/// What became of the events that a replay took up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayCounts {
    /// They are sent again.
    pub replayed: u64,
    /// The filter let them out.
    pub filtered: u64,
    /// The filter failed.
    pub filter_errors: u64,
    /// The webhook's creator may not see them now, or the webhook does not want them any more.
    pub out_of_scope: u64,
    /// They were on their way anyway.
    pub under_way: u64,
}

impl ReplayCounts {
    /// How many that are.
    #[must_use]
    pub fn examined(&self) -> u64 {
        self.replayed + self.filtered + self.filter_errors + self.out_of_scope + self.under_way
    }
}

/// What a replay would take up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// Deliveries to send again.
    pub send_again: u64,
    /// Events to decide on anew.
    pub decide_anew: u64,
    /// Events that the webhook's creator may not see now.
    pub out_of_scope: u64,
    /// Events that are on their way anyway.
    pub under_way: u64,
}

impl Foreseen {
    /// Counts one more.
    pub fn count(&mut self, treatment: Treatment, is_in_scope: bool) {
        let counter = match treatment {
            Treatment::UnderWay => &mut self.under_way,
            _ if !is_in_scope => &mut self.out_of_scope,
            Treatment::SendAgain => &mut self.send_again,
            Treatment::DecideAnew => &mut self.decide_anew,
        };
        *counter += 1;
    }
}

impl std::ops::AddAssign for Foreseen {
    fn add_assign(&mut self, more: Self) {
        self.send_again += more.send_again;
        self.decide_anew += more.decide_anew;
        self.out_of_scope += more.out_of_scope;
        self.under_way += more.under_way;
    }
}

/// A job that sends again what was decided for one webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// Its id.
    pub id: ReplayId,
    /// Of which webhook.
    pub webhook_id: WebhookId,
    /// What it takes up.
    pub only: ReplayOnly,
    /// Of the events accepted at or after.
    pub since: Timestamp,
    /// Of the events accepted before.
    pub until: Timestamp,
    /// Where it stands.
    pub state: ReplayState,
    /// Which part of the events between lies behind it, from 0 to 1.
    pub progress: f64,
    /// What became of those that it took up.
    pub counts: ReplayCounts,
    /// When it began.
    pub created_at: Timestamp,
    /// When it left [`ReplayState::Running`].
    pub finished_at: Option<Timestamp>,
    /// Why it is [`ReplayState::Failed`], for people.
    pub failure: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_is_taken_up_by_its_own_kind_and_by_all() {
        let cases = [
            (Outcome::Delivered, Some(DeliveryState::Failed), ReplayOnly::Failed, Treatment::SendAgain),
            (Outcome::Delivered, Some(DeliveryState::Canceled), ReplayOnly::Failed, Treatment::SendAgain),
            (Outcome::Delivered, Some(DeliveryState::Delivered), ReplayOnly::All, Treatment::SendAgain),
            (Outcome::Delivered, Some(DeliveryState::Pending), ReplayOnly::All, Treatment::UnderWay),
            (Outcome::FilterError, None, ReplayOnly::FilterError, Treatment::DecideAnew),
            (Outcome::Filtered, None, ReplayOnly::Filtered, Treatment::DecideAnew),
            (Outcome::Disabled, None, ReplayOnly::Disabled, Treatment::DecideAnew),
            (Outcome::OutOfScope, None, ReplayOnly::All, Treatment::DecideAnew),
        ];

        for (outcome, delivery, kind, treatment) in cases {
            for only in ReplayOnly::ALL {
                let expected = (*only == kind || *only == ReplayOnly::All).then_some(treatment);
                assert_eq!(only.treatment(outcome, delivery), expected, "{only:?} {outcome:?} {delivery:?}");
            }
        }
    }
}
