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
fn verdict(config: &Config, record: Record) -> Verdict { //~ [config: &Config] the fields come first, then the configuration: swap the two parameters
    if record.done != config.invert { deliver() } else { skip("no") }
}
