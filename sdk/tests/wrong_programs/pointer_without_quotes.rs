use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field(done)] //~ [#[field(done)]] a JSON pointer in quotes is expected: write `#[field("/currentValue/done")]`
    done: bool,
}

#[filter]
fn verdict(record: Record) -> Verdict {
    if record.done { deliver() } else { skip("no") }
}
