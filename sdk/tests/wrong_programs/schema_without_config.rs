use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[filter(config_schema = "{}")] //~ ["{}"] remove `config_schema`, or add the parameter `config: &Config`
fn verdict(record: Record) -> Verdict {
    if record.done { deliver() } else { skip("no") }
}
