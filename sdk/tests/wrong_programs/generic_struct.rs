use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record<T> { //~ [<T>] a filter's fields have no generics
    #[field("/currentValue/done")]
    done: T,
}

#[filter]
fn verdict(record: Record<bool>) -> Verdict {
    if record.done { deliver() } else { skip("no") }
}
