use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[filter]
#[filter] //~ [#[filter]] the function is a filter already: remove this `#[filter]`
fn verdict(record: Record) -> Verdict {
    if record.done { deliver() } else { skip("no") }
}
