//! The least that a filter can do: what calling any filter costs.

use hooksieve_sdk::prelude::*;

/// Nothing.
#[derive(Fields)]
pub struct Nothing {}

/// Delivers every event.
#[filter]
pub fn always(_: Nothing) -> Verdict {
    deliver()
}
