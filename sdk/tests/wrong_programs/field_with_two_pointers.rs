use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    #[field("/previousValue/done")] //~ [#[field("/previousValue/done")]] a field is in one place: remove one of the attributes
    done: bool,
}

#[filter]
fn verdict(record: Record) -> Verdict {
    if record.done { deliver() } else { skip("no") }
}
