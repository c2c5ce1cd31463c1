use hooksieve_sdk::prelude::*;
use serde::Deserialize;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[derive(Deserialize, Schema)]
struct Config {
    delay: std::time::Duration, //~ [std::time::Duration] the JSON Schema of `Duration` is not known ... give the whole schema by hand
}

#[filter]
fn verdict(record: Record, config: &Config) -> Verdict {
    if record.done && config.delay.is_zero() { deliver() } else { skip("no") }
}
