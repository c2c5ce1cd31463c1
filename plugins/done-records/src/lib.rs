//! A filter for whoever wants to know when work is finished, and nothing else.

use hooksieve_sdk::prelude::*;

/// What the filter looks at.
#[derive(Fields)]
pub struct Record {
    #[field("/done")]
    done: Change<bool>,
}

/// Delivers an event when its record has just been marked done.
#[filter]
pub fn done_records(record: Record) -> Verdict {
    match record.done.current {
        Some(true) if record.done.changed() => deliver(),
        Some(true) => skip("the record was done before"),
        _ => skip("the record is not done"),
    }
}
