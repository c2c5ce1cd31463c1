use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/todoTags")] //~ ["/currentValue/todoTags"] a `Vec` needs a `*` in its pointer
    tags: Vec<String>,
}

#[filter]
fn verdict(record: Record) -> Verdict {
    if record.tags.is_empty() { deliver() } else { skip("no") }
}
