use hooksieve_sdk::prelude::*;
use serde::Deserialize;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[derive(Deserialize, Schema)]
struct Config {
    #[serde(alias = "not")] //~ [alias] `alias` changes what is read in a way that the schema does not follow: leave it out
    invert: bool,
}

#[filter(config_schema = r#"{"type": "object"}"#)]
fn verdict(record: Record, config: &Config) -> Verdict {
    if record.done != config.invert { deliver() } else { skip("no") }
}
