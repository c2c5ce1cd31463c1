//! A filter for whoever plans around due dates: `{"direction": "later"}` delivers only postponements.

use hooksieve_sdk::prelude::*;
use serde::Deserialize;

/// What the filter looks at.
#[derive(Fields)]
pub struct Record {
    #[field("/duedAt")]
    due: Change<Instant>,
}

/// The webhook's configuration.
#[derive(Deserialize)]
pub struct Config {
    #[serde(default)]
    direction: Direction,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Direction {
    Earlier,
    Later,
    #[default]
    Any,
}

/// Delivers an event when a due date was moved, earlier or later.
#[filter(
    config_schema = r#"{"type":"object","additionalProperties":false,"properties":{"direction":{"enum":["earlier","later","any"]}}}"#
)]
pub fn due_date_moved(record: Record, config: &Config) -> Verdict {
    let (Some(from), Some(to)) = (record.due.previous, record.due.current) else {
        return skip("there was no due date before, or is none now");
    };
    match (from < to, &config.direction) {
        _ if from == to => skip("the due date is the same"),
        (true, Direction::Earlier) => skip("the due date was moved later"),
        (false, Direction::Later) => skip("the due date was moved earlier"),
        _ => deliver(),
    }
}
