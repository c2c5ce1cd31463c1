use hooksieve_sdk::prelude::*;
use serde::Deserialize;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[derive(Deserialize, Schema)]
struct Config {
    not: Option<Box<Config>>, //~ [Option<Box<Config>>] a type that contains itself has no schema that a host takes
}

#[filter(config_schema = r#"{"type": "object"}"#)]
fn verdict(record: Record, config: &Config) -> Verdict {
    if record.done && config.not.is_none() { deliver() } else { skip("no") }
}
