//! Decides on many events under one configuration, as many in a call as it takes.

use std::sync::Arc;
use std::time::Instant;

use super::{Configured, FilterHost, Request, panicked};
use crate::filter::Refused;
use crate::filter::projection::Value;
use crate::filter::run::{Batch, Caller, Decision};

/// Events in the first call.
const EVENTS_AT_FIRST: usize = 16;
/// Events in a call at the most: more would not make it quicker.
const EVENTS_MAX: usize = 128;

/// A filter that decides on many events, and how many it takes at a time.
pub struct Batches {
    configured: Arc<Configured>,
    /// One more after each batch that came to an end, half after each that did not: events that are slow or
    /// make the filter fail cost a few calls, not all of them.
    size: usize,
    is_stateful: bool,
}

impl Batches {
    /// For a filter that took its configuration.
    #[must_use]
    pub fn new(configured: Arc<Configured>) -> Self {
        Self { configured, size: EVENTS_AT_FIRST, is_stateful: false }
    }

    /// How many events the next call takes at the most.
    #[must_use]
    pub fn events_max(&self) -> usize {
        if self.is_stateful { 1 } else { self.size }
    }
}

impl FilterHost {
    /// Decides on the first of `events`, on one at least, each as if it were alone. One call is made, or a few
    /// after each other; none takes longer than that of one event may.
    ///
    /// # Errors
    /// When the filter cannot be loaded or the host cannot run it; a failure of the filter is a decision.
    ///
    /// # Panics
    /// If there are no events.
    pub async fn decide_some(
        &self,
        batches: &mut Batches,
        events: &Arc<[Vec<Value>]>,
    ) -> Result<Vec<Decision>, Refused> {
        loop {
            let count = batches.events_max().min(events.len());
            if count == 1 {
                let request = Request { configured: Arc::clone(&batches.configured), values: events[0].clone() };
                let alone = self.decide(request).await?;
                batches.size = batches.size.max(2);
                return Ok(vec![alone.decision]);
            }
            match self.decide_batch(&batches.configured, events, count).await? {
                Batch::Decided(decisions) => {
                    batches.size = (batches.size + 1).min(EVENTS_MAX);
                    return Ok(decisions);
                }
                Batch::TooMuch => batches.size = count / 2,
                Batch::Stateful => batches.is_stateful = true,
            }
        }
    }

    async fn decide_batch(
        &self,
        configured: &Arc<Configured>,
        events: &Arc<[Vec<Value>]>,
        count: usize,
    ) -> Result<Batch, Refused> {
        let callee = self.snapshots.callee(configured).await?;
        let (configured, events) = (Arc::clone(configured), Arc::clone(events));
        let began = Instant::now();
        let run = move |caller: &Caller| {
            let events: Vec<&[Value]> = events[..count].iter().map(Vec::as_slice).collect();
            caller.decide_batch(&callee.loaded, callee.start(&configured), &events)
        };
        let (batch, fuel) = self.threads.run(run).await.ok_or_else(panicked)?;
        self.metrics.count_filter_call(fuel, began.elapsed());
        Ok(batch)
    }
}
