use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/done")] //~ ["/done"] a record's own fields are in the last two
    done: bool,
}

#[filter]
fn verdict(record: Record) -> Verdict {
    if record.done { deliver() } else { skip("no") }
}
