//! The flow, from an event to a delivery that a receiver has verified.

mod backtest;
mod bytes;
mod clock;
mod configurations;
mod enabling;
mod failures;
mod filters;
mod health;
mod membership;
mod operational;
mod payloads;
mod retention;
mod retries;
mod rotation;
mod shadows;
mod test_sends;
mod traces;
mod verdicts;
