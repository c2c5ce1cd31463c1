use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

#[derive(Schema)]
struct Config {
    invert: bool,
}

#[filter]
fn verdict(record: Record, config: &Config) -> Verdict { //~ [Config] write `#[derive(serde::Deserialize)]` on it
    if record.done != config.invert { deliver() } else { skip("no") }
}
