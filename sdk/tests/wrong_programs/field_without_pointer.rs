use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    done: bool, //~ [done: bool] where is `done` in the event? write `#[field("/currentValue/done")]` above it
}

#[filter]
fn verdict(record: Record) -> Verdict {
    if record.done { deliver() } else { skip("no") }
}
