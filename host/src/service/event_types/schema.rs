//! Checks a JSON Schema that the operator gives to an event type.
//!
//! Only the document itself is used: nothing is fetched, so a reference that leads out of it is refused.
//! Patterns run on an engine without backtracking, in time that grows with the text alone.

use std::error::Error;

use jsonschema::{PatternOptions, Retrieve, Uri};
use serde_json::Value;

use crate::service::{Result, ServiceError, Violation};

/// Violations that are told of one example.
const VIOLATIONS_MAX: usize = 16;

/// What fetches other documents: nothing.
struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(&self, uri: &Uri<String>) -> std::result::Result<Value, Box<dyn Error + Send + Sync>> {
        Err(format!("{uri} is another document; put what it says under `$defs`").into())
    }
}

/// Refuses what is no schema of draft 2020-12, and an example that does not meet it. Both are canonical text.
pub(super) fn check(schema: &str, example: Option<&str>) -> Result<()> {
    let schema = value_of(schema)?;
    if !schema.is_object() {
        return Err(ServiceError::bad_field("/schema", "a JSON Schema is an object here".to_owned()));
    }
    let options =
        jsonschema::draft202012::options().with_pattern_options(PatternOptions::regex()).with_retriever(Nowhere);
    let validator = options.build(&schema).map_err(|error| {
        let place = format!("/schema{}", error.instance_path());
        ServiceError::bad_field(&place, format!("not a JSON Schema of draft 2020-12: {}", error.masked()))
    })?;
    let Some(example) = example else { return Ok(()) };
    let example = value_of(example)?;
    let violations: Vec<Violation> = validator
        .iter_errors(&example)
        .take(VIOLATIONS_MAX)
        .map(|error| Violation {
            pointer: format!("/example{}", error.instance_path()),
            detail: error.masked().to_string(),
        })
        .collect();
    match violations.first() {
        None => Ok(()),
        Some(first) => {
            let detail = format!("the example does not meet the schema: {} at {}", first.detail, first.pointer);
            Err(ServiceError::BadInput { detail, violations })
        }
    }
}

fn value_of(canonical: &str) -> Result<Value> {
    serde_json::from_str(canonical).map_err(|error| ServiceError::Internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(schema: &str, example: Option<&str>) -> (String, String) {
        match check(schema, example).unwrap_err() {
            ServiceError::BadInput { detail, violations } => (violations[0].pointer.clone(), detail),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn an_example_meets_its_schema_or_is_refused_where_it_does_not() {
        let schema = r#"{"properties":{"currentValue":{"type":"object","required":["total"],"properties":{"total":{"type":"number"}}}}}"#;

        check(schema, None).unwrap();
        check(schema, Some(r#"{"currentValue":{"total":7}}"#)).unwrap();
        let (pointer, detail) = refusal(schema, Some(r#"{"currentValue":{"total":"7"}}"#));

        assert_eq!(pointer, "/example/currentValue/total");
        assert!(detail.contains("does not meet the schema"), "{detail}");
    }

    #[test]
    fn what_is_no_schema_is_refused_where_it_is_none() {
        for (schema, pointer) in [
            (r#"{"type":"objekt"}"#, "/schema/type"),
            (r#"{"properties":{"a":{"minimum":"0"}}}"#, "/schema/properties/a/minimum"),
            ("true", "/schema"),
            ("[]", "/schema"),
        ] {
            assert_eq!(refusal(schema, None).0, pointer, "{schema}");
        }
    }

    #[test]
    fn a_reference_out_of_the_document_is_refused_and_never_followed() {
        for reference in ["https://example.com/schema.json", "file:///etc/passwd", "other.json", "#/$defs/none"] {
            let (pointer, detail) = refusal(&format!(r#"{{"$ref":"{reference}"}}"#), None);

            assert!(pointer.starts_with("/schema"), "{reference}: {pointer}");
            assert!(detail.contains("not a JSON Schema"), "{reference}: {detail}");
        }
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        for schema in [
            r##"{"$ref":"#"}"##,
            r##"{"allOf":[{"$ref":"#"}]}"##,
            r##"{"anyOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"not":{"$ref":"#/$defs/b"}},"b":{"$ref":"#/$defs/a"}}}"##,
            r##"{"$dynamicRef":"#x","$dynamicAnchor":"x"}"##,
            r##"{"properties":{"a":{"$ref":"#"}}}"##,
        ] {
            // Whether it is met does not matter: it must not take the process down.
            drop(check(schema, Some(r#"{"a":{"a":{}}}"#)));
        }
    }

    #[test]
    fn a_schema_whose_references_double_at_each_step_ends() {
        let step = |number: u32| {
            let next = number + 1;
            format!(r##""d{number}":{{"allOf":[{{"$ref":"#/$defs/d{next}"}},{{"$ref":"#/$defs/d{next}"}}]}}"##)
        };
        let steps: Vec<String> = (0..60).map(step).collect();
        let schema = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d60":{{"type":"object"}}}}}}"##, steps.join(","));

        check(&schema, Some("{}")).unwrap();
    }

    #[test]
    fn a_pattern_takes_no_longer_for_a_text_that_nearly_fits() {
        let schema = r#"{"properties":{"a":{"pattern":"^(a+)+$"}}}"#;
        let example = format!(r#"{{"a":"{}!"}}"#, "a".repeat(10_000));

        assert_eq!(refusal(schema, Some(&example)).0, "/example/a");
        let (pointer, _) = refusal(r#"{"pattern":"(?=a)"}"#, None);
        assert_eq!(pointer, "/schema/pattern");
    }
}
