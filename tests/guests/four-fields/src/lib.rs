//! The predicate that `host/benches` measures in every language.

use hooksieve_sdk::prelude::*;

/// What it looks at.
#[derive(Fields)]
pub struct Record {
    #[field("/currentValue/done")]
    done: bool,
    #[field("/currentValue/createdAt")]
    created_at: String,
    #[field("/currentValue/todoList/title")]
    list: String,
    #[field("/currentValue/todoList/position")]
    position: f64,
}

/// Delivers an event when its record is open, of December 2022 and far down in the list `ETEST`.
#[filter]
pub fn four_fields(record: Record) -> Verdict {
    let is_meant =
        !record.done && record.list == "ETEST" && record.position > 1000.0 && record.created_at.starts_with("2022-12");
    if is_meant { deliver() } else { skip("not an open record of December in ETEST") }
}
