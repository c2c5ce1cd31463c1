use hooksieve_sdk::prelude::*;

#[derive(Fields)]
enum Record { //~ [Record] a filter's fields are a struct
    Done,
}

#[filter]
fn verdict(record: Record) -> Verdict {
    match record { Record::Done => deliver() }
}
