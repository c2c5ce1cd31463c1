use hooksieve_sdk::prelude::*;
use serde::Deserialize;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[derive(Deserialize, Schema)]
struct Config {
    invert: bool,
}

#[filter]
fn verdict(record: Record, config: Config) -> Verdict { //~ [Config] it comes by reference: write `config: &Config`
    if record.done != config.invert { deliver() } else { skip("no") }
}
