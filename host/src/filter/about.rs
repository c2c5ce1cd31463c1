//! What a filter may say of itself: it is kept, and shown to whoever can use the filter. Pure.

use super::Refused;
use crate::model::filter::About;
use crate::model::limits::{
    FILTER_CONFIG_SCHEMA_BYTES_MAX, FILTER_CONFIG_SCHEMA_PATTERNS_MAX, FILTER_DESCRIPTION_CHARS_MAX,
    FILTER_VERSION_CHARS_MAX, NAME_CHARS_MAX,
};
use crate::schema::{Flaw, Schema};

/// Checks the answer of `describe`.
///
/// # Errors
/// When a text is longer than it may be, the name or the version has a control character, or the schema is
/// none that a configuration can be checked against; with the field's name.
pub(super) fn check(about: &About) -> Result<(), Refused> {
    check_length("name", &about.name, NAME_CHARS_MAX)?;
    check_length("version", &about.version, FILTER_VERSION_CHARS_MAX)?;
    check_length("description", &about.description, FILTER_DESCRIPTION_CHARS_MAX)?;
    for (field, text) in [("name", &about.name), ("version", &about.version)] {
        if text.chars().any(char::is_control) {
            return Err(refuse(field, "has a control character".to_owned()));
        }
    }
    about.config_schema.as_deref().map_or(Ok(()), check_schema)
}

fn check_length(field: &'static str, text: &str, max: usize) -> Result<(), Refused> {
    let count = text.chars().count();
    if count <= max {
        return Ok(());
    }
    Err(refuse(field, format!("has {count} characters; at most {max} are allowed")))
}

fn check_schema(schema: &str) -> Result<(), Refused> {
    let field = "config-schema";
    let max = FILTER_CONFIG_SCHEMA_BYTES_MAX;
    if schema.len() > max {
        return Err(refuse(field, format!("has {} bytes; at most {max} are allowed", schema.len())));
    }
    Schema::read(schema, FILTER_CONFIG_SCHEMA_PATTERNS_MAX).map(drop).map_err(|Flaw { pointer, detail }| match pointer
        .is_empty()
    {
        true => refuse(field, format!("cannot be used: {detail}")),
        false => refuse(field, format!("cannot be used: {detail}, at {pointer}")),
    })
}

fn refuse(field: &'static str, message: String) -> Refused {
    Refused::About { field, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(change: impl FnOnce(&mut About)) -> About {
        let mut about = About {
            name: "n".repeat(NAME_CHARS_MAX),
            version: "1".repeat(FILTER_VERSION_CHARS_MAX),
            description: "\u{e4}\n".repeat(FILTER_DESCRIPTION_CHARS_MAX / 2),
            config_schema: Some(format!("{:1$}", "{}", FILTER_CONFIG_SCHEMA_BYTES_MAX)),
        };
        change(&mut about);
        about
    }

    #[test]
    fn what_fills_its_bounds_is_taken() {
        assert_eq!(check(&about(|_| {})), Ok(()));
        assert_eq!(check(&about(|about| about.config_schema = None)), Ok(()));
    }

    #[test]
    fn what_exceeds_its_bounds_is_refused_with_the_fields_name() {
        for (about, told) in [
            (about(|about| about.name.push('n')), "`name` has 201 characters; at most 200 are allowed"),
            (about(|about| about.version.push('1')), "`version` has 65 characters; at most 64 are allowed"),
            (about(|about| about.description.push('d')), "`description` has 1001 characters; at most 1000 are allowed"),
            (about(|about| about.name = "a\0".to_owned()), "`name` has a control character"),
            (about(|about| about.version = "1\n".to_owned()), "`version` has a control character"),
            (
                about(|about| about.config_schema.as_mut().unwrap().push(' ')),
                "`config-schema` has 16385 bytes; at most 16384 are allowed",
            ),
            (
                about(|about| about.config_schema = Some("{".to_owned())),
                "`config-schema` cannot be used: it is not JSON: EOF",
            ),
            (
                about(|about| about.config_schema = Some(r#"{"type":"objekt"}"#.to_owned())),
                "`config-schema` cannot be used: not a JSON Schema of draft 2020-12: ",
            ),
            (
                about(|about| about.config_schema = Some(r##"{"items":{"$ref":"#"}}"##.to_owned())),
                "`config-schema` cannot be used: `$ref` \"#\" leads back to where it stands",
            ),
        ] {
            let refused = check(&about).unwrap_err();

            assert!(refused.to_string().contains(told), "{refused}");
            assert!(!refused.is_hosts_fault());
        }
    }
}
