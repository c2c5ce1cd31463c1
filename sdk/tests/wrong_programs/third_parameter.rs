use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[filter]
fn verdict(record: Record, config: &(), now: u64) -> Verdict { //~ [now: u64] a filter takes its fields and its configuration, and nothing else
    if record.done { deliver() } else { skip("no") }
}
