use hooksieve_sdk::prelude::*;

struct Record {
    done: bool,
}

#[filter]
fn verdict(record: Record) -> Verdict { //~ [Record] `Record` does not say which fields it wants ... write `#[derive(Fields)]` on the struct
    if record.done { deliver() } else { skip("no") }
}
