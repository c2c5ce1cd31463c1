//! What is counted of webhooks: values that go into the store and come out of it, like those of [`exchange`](super::exchange).

use std::collections::HashMap;

use crate::model::Timestamp;
use crate::model::comparison::{Judged, Shadow};
use crate::model::delivery::AttemptError;
use crate::model::ids::WebhookId;

/// What a webhook's shadow said of an event, beside what was decided.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Which webhook.
    pub webhook_id: WebhookId,
    /// The shadow that was asked: nothing is counted where the webhook has another by now.
    pub shadow: Shadow,
    /// What was decided.
    pub recorded: Judged,
    /// What the shadow says.
    pub candidate: Judged,
}

/// Which of a webhook's events to count.
#[derive(Clone, Copy, Debug)]
pub struct StatsQuery {
    /// Only those accepted at or after.
    pub since: Timestamp,
    /// How many events at the most, the newest.
    pub events_max: u32,
    /// How many attempts about at the most: the event that reaches it is the last.
    pub attempts_max: usize,
    /// Characters of a reason that are told apart.
    pub reason_chars_max: u32,
}

/// What became of a webhook's newest events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// How many events were counted.
    pub events: u64,
    /// When the oldest of them was accepted.
    pub oldest: Option<Timestamp>,
    /// Whether there are more than were counted.
    pub is_cut: bool,
    /// How often each was decided, reasons cut short.
    pub verdicts: HashMap<Judged, u64>,
    /// How many attempts ended how; `None` is success.
    pub attempts: HashMap<Option<AttemptError>, u64>,
    /// How long each attempt took, in milliseconds.
    pub attempt_ms: Vec<u64>,
    /// How long each delivered event took from its acceptance to the end of the attempt that delivered it.
    pub delivered_ms: Vec<u64>,
}
