use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[filter(title = "x")] //~ [title] `#[filter]` knows no `title`; it takes name, version, description and config_schema
fn verdict(record: Record) -> Verdict {
    if record.done { deliver() } else { skip("no") }
}
