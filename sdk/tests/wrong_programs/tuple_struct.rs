use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record(bool); //~ [Record] a filter's fields have names: write `struct Record { #[field("/currentValue/done")] done: bool }`

#[filter]
fn verdict(record: Record) -> Verdict {
    if record.0 { deliver() } else { skip("no") }
}
