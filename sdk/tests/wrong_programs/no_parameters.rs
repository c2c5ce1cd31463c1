use hooksieve_sdk::prelude::*;

#[filter]
fn verdict() -> Verdict { //~ [fn verdict() -> Verdict] a filter takes its fields: write `fn verdict(record: Record) -> Verdict`
    deliver()
}
