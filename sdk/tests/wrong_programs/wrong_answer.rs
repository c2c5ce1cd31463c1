use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[filter]
fn verdict(record: Record) -> bool { //~ [bool] a filter answers with a verdict, not with `bool` ... `deliver()`, `skip("why")` or `fail("why")`
    record.done
}
