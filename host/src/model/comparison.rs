//! A candidate filter beside what was decided without it: where the two differ, and how often.
//!
//! What counts is whether the event is sent. Two filters that keep it back for different reasons agree, and so do
//! a filter that failed and a candidate that keeps it back.

use super::Timestamp;
use super::filter::FilterDigest;
use super::ids::{EventId, FilterId};
use super::verdict::{Outcome, ReasonClass, Verdict};

/// A candidate that runs beside a webhook's filter and decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// Which filter.
    pub filter_id: FilterId,
    /// SHA-256 of that filter's bytes.
    pub digest: FilterDigest,
    /// The configuration as canonical JSON text; `null` where there is none.
    pub config: Box<str>,
    /// Since when it is compared: when it, or the filter beside which it runs, was last changed.
    pub since: Timestamp,
}

impl Shadow {
    /// Whether it is the same candidate, whenever it was attached.
    #[must_use]
    pub fn is_same_filter(&self, other: &Self) -> bool {
        (&self.filter_id, self.digest, &self.config) == (&other.filter_id, other.digest, &other.config)
    }
}

/// What a filter made of an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Judged {
    /// What became of the event, or would have.
    pub outcome: Outcome,
    /// Why, for people.
    pub reason: Option<String>,
    /// The class of the filter's failure.
    pub reason_class: Option<ReasonClass>,
}

impl From<&Verdict> for Judged {
    fn from(verdict: &Verdict) -> Self {
        let Verdict { outcome, reason_class, .. } = *verdict;
        Self { outcome, reason: verdict.reason.clone(), reason_class }
    }
}

/// How a candidate's answer compares with what was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// Both send the event, or neither does.
    Agreed,
    /// The event was sent; the candidate keeps it back.
    DeliveredButSkips,
    /// The event was kept back; the candidate sends it.
    SkippedButDelivers,
    /// The candidate failed.
    CandidateFailed,
}

impl Agreement {
    /// Compares what was decided with a candidate's answer.
    #[must_use]
    pub fn between(recorded: &Judged, candidate: &Judged) -> Self {
        let was_sent = recorded.outcome == Outcome::Delivered;
        match candidate.outcome {
            Outcome::FilterError => Self::CandidateFailed,
            Outcome::Delivered if !was_sent => Self::SkippedButDelivers,
            Outcome::Filtered if was_sent => Self::DeliveredButSkips,
            _ => Self::Agreed,
        }
    }
}

/// How often a candidate agreed and did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreements {
    /// How often both sent the event, or neither did.
    pub agreed: u64,
    /// How often the event was sent and the candidate kept it back.
    pub delivered_but_skips: u64,
    /// How often the event was kept back and the candidate sent it.
    pub skipped_but_delivers: u64,
    /// How often the candidate failed.
    pub errors: u64,
}

impl Agreements {
    /// Counts one comparison.
    pub fn count(&mut self, agreement: Agreement) {
        *match agreement {
            Agreement::Agreed => &mut self.agreed,
            Agreement::DeliveredButSkips => &mut self.delivered_but_skips,
            Agreement::SkippedButDelivers => &mut self.skipped_but_delivers,
            Agreement::CandidateFailed => &mut self.errors,
        } += 1;
    }
}

impl From<Agreement> for Agreements {
    fn from(agreement: Agreement) -> Self {
        let mut one = Self::default();
        one.count(agreement);
        one
    }
}

/// An event on which a candidate did not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The event.
    pub event_id: EventId,
    /// What was decided, if anything was.
    pub recorded: Option<Judged>,
    /// What the candidate says.
    pub candidate: Judged,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(outcome: Outcome) -> Judged {
        Judged { outcome, reason: None, reason_class: None }
    }

    #[test]
    fn a_candidate_agrees_that_sends_what_was_sent_and_nothing_else() {
        use Outcome::{Delivered, FilterError, Filtered};

        for (recorded, candidate, expected) in [
            (Delivered, Delivered, Agreement::Agreed),
            (Filtered, Filtered, Agreement::Agreed),
            (FilterError, Filtered, Agreement::Agreed),
            (Delivered, Filtered, Agreement::DeliveredButSkips),
            (Filtered, Delivered, Agreement::SkippedButDelivers),
            (FilterError, Delivered, Agreement::SkippedButDelivers),
            (Delivered, FilterError, Agreement::CandidateFailed),
            (FilterError, FilterError, Agreement::CandidateFailed),
        ] {
            assert_eq!(Agreement::between(&judged(recorded), &judged(candidate)), expected);
        }
    }
}
