use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")] //~ ["/currentValue/done"] its pointer begins inside it: write `/done`, not `/currentValue/done`
    done: Change<bool>,
}

#[filter]
fn verdict(record: Record) -> Verdict {
    if record.done.changed() { deliver() } else { skip("no") }
}
