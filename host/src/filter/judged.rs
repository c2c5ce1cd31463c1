//! What a candidate's decision would have made of an event.

use super::Decision;
use crate::model::comparison::Judged;
use crate::model::verdict::Outcome;

impl From<Decision> for Judged {
    /// Of a filter whose failures keep the event back: a candidate has no `onError`, so that its failures show.
    fn from(decision: Decision) -> Self {
        let (outcome, reason, reason_class) = match decision {
            Decision::Deliver => (Outcome::Delivered, None, None),
            Decision::Skip(reason) => (Outcome::Filtered, reason, None),
            Decision::Failed(failure) => (Outcome::FilterError, Some(failure.message), Some(failure.class)),
        };
        Self { outcome, reason, reason_class }
    }
}
