use hooksieve_sdk::prelude::*;
use serde::Deserialize;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[derive(Deserialize)]
struct Config {
    invert: bool,
}

#[filter]
fn verdict(record: Record, config: &Config) -> Verdict { //~ [Config] the JSON Schema of `Config` is not known ... write `#[derive(Deserialize, Schema)]` on the type
    if record.done != config.invert { deliver() } else { skip("no") }
}
