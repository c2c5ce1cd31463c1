//! The flow, from an event to a delivery that a receiver has verified.

mod bytes;
mod failures;
mod filters;
mod membership;
mod payloads;
mod retries;
mod rotation;
mod test_sends;
mod verdicts;
