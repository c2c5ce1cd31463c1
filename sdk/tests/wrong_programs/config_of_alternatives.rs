use hooksieve_sdk::prelude::*;
use serde::Deserialize;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[derive(Deserialize, Schema)]
struct Config {
    which: Which,
}

#[derive(Deserialize, Schema)]
enum Which {
    All,
    Tagged(String), //~ [Tagged(String)] an enum is read as one of its names here
}

#[filter(config_schema = r#"{"type": "object"}"#)]
fn verdict(record: Record, config: &Config) -> Verdict {
    match &config.which {
        Which::All => deliver(),
        Which::Tagged(_) => skip(format!("{}", record.done)),
    }
}
