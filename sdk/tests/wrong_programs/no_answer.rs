use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[filter]
fn verdict(record: Record) { //~ [fn verdict(record: Record)] write `-> Verdict` and end with `deliver()` or `skip("why")`
    let _ = record.done;
}
