use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[filter]
fn verdict(record: &Record) -> Verdict { //~ [&Record] a filter owns its fields: remove the `&`
    if record.done { deliver() } else { skip("no") }
}
