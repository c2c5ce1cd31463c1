use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("done")] //~ ["done"] a pointer begins with `/`, as in `/currentValue/done`
    done: bool,
}

#[filter]
fn verdict(record: Record) -> Verdict {
    if record.done { deliver() } else { skip("no") }
}
