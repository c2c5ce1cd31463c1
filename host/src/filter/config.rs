//! A configuration that somebody gives to a filter: the schema that the filter publishes is asked first.
//!
//! So a filter in any language refuses a bad configuration with the place, and its own `configure` sees only what
//! meets its schema. What a webhook has already is not checked again: it was when it was given.

use std::sync::Arc;

use super::host::blocking;
use super::{Configured, FilterHost, FilterRef, Refused};
use crate::model::filter::About;
use crate::model::limits::FILTER_CONFIG_SCHEMA_PATTERNS_MAX;
use crate::schema::{Flaw, Schema};

impl FilterHost {
    /// Configures a filter that says this of itself with a configuration that was just given.
    ///
    /// # Errors
    /// When the configuration does not meet the filter's schema; and as for [`FilterHost::configure`].
    pub async fn take_config(&self, about: &About, filter: &FilterRef) -> Result<Arc<Configured>, Refused> {
        if let Some(schema) = about.config_schema.clone() {
            let config = Arc::clone(&filter.config);
            // As many at a time as there are threads for filters: each may take memory and a processor for a while.
            let _place = self.config_checks.acquire().await.expect("the semaphore is never closed");
            blocking(move || check(&schema, &config)).await??;
        }
        self.configure(filter).await
    }
}

/// No configuration is as good as an empty one, unless the schema takes `null`: so the SDK reads it.
fn check(schema: &str, config: &str) -> Result<(), Refused> {
    let refuse = |flaws: Vec<Flaw>| Refused::ConfigSchema { flaws };
    let schema = Schema::read(schema, FILTER_CONFIG_SCHEMA_PATTERNS_MAX).map_err(|flaw| refuse(vec![flaw]))?;
    let check = |config: &str| match schema.flaws_within_bounds(config) {
        Ok(flaws) if flaws.is_empty() => Ok(()),
        Ok(flaws) => Err(refuse(flaws)),
        Err(flaw) => Err(refuse(vec![flaw])),
    };
    match check(config) {
        Err(_) if config == "null" => check("{}"),
        checked => checked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{"type":"object","required":["tag"],"properties":{"tag":{"type":"string"}}}"#;

    fn refusal(schema: &str, config: &str) -> String {
        check(schema, config).unwrap_err().to_string()
    }

    #[test]
    fn a_configuration_that_does_not_meet_the_schema_is_refused_with_the_place() {
        let told = refusal(SCHEMA, r#"{"tag":7}"#);

        assert_eq!(told, "the configuration does not meet the filter's schema: /tag: value is not of type \"string\"");
        assert_eq!(check(SCHEMA, r#"{"tag":"x"}"#), Ok(()));
    }

    #[test]
    fn no_configuration_is_an_empty_one_unless_the_schema_takes_null() {
        assert!(refusal(SCHEMA, "null").ends_with("\"tag\" is a required property"));
        assert_eq!(check(r#"{"type":"object"}"#, "null"), Ok(()));
        assert_eq!(check(r#"{"type":"null"}"#, "null"), Ok(()));
        assert!(refusal(r#"{"type":"null"}"#, "{}").ends_with("value is not of type \"null\""));
    }
}
