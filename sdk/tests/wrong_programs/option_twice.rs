use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[filter(name = "x", name = "y")] //~ [name] `name` is said twice: remove one of them
fn verdict(record: Record) -> Verdict {
    if record.done { deliver() } else { skip("no") }
}
