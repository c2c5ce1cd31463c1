use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[filter]
async fn verdict(record: Record) -> Verdict { //~ [async] a filter has nothing to wait for: remove `async`
    if record.done { deliver() } else { skip("no") }
}
