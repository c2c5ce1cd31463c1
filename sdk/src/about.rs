//! What a filter says of itself.

use crate::About;

/// Puts together what `describe` answers; `#[filter]` calls it with what Cargo knows of the crate.
#[must_use]
pub fn about(name: &str, version: &str, description: &str, config_schema: Option<&str>) -> About {
    About {
        name: name.to_owned(),
        version: version.to_owned(),
        description: description.to_owned(),
        config_schema: config_schema.map(str::to_owned),
    }
}
