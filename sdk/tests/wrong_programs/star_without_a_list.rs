use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/todoTags/*/tag/title")] //~ ["/currentValue/todoTags/*/tag/title"] make the field a `Vec`
    tags: String,
}

#[filter]
fn verdict(record: Record) -> Verdict {
    if record.tags.is_empty() { deliver() } else { skip("no") }
}
