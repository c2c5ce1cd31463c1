//! Checks a JSON Schema that the operator gives to an event type.
//!
//! Only the document itself is used: nothing is fetched, so a reference that leads out of it is refused.
//! Patterns run on an engine without backtracking, in time that grows with the text alone. And since a few
//! references can stand for more work than any machine does, what they lead to is counted first: a schema
//! that refers to itself, or is too large with everything it refers to in place, is refused.

use std::collections::HashMap;
use std::error::Error;

use jsonschema::{PatternOptions, Retrieve, Uri};
use serde_json::Value;

use crate::model::limits::EVENT_TYPE_SCHEMA_NODES_MAX;
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
    Sizes { root: &schema, of: HashMap::new() }.check()?;
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

/// How many values parts of a schema have with all that they refer to in place.
struct Sizes<'a> {
    root: &'a Value,
    /// By pointer; `None` while it is being counted.
    of: HashMap<&'a str, Option<usize>>,
}

impl<'a> Sizes<'a> {
    fn check(mut self) -> Result<()> {
        let root = self.root;
        if self.size(root)? <= EVENT_TYPE_SCHEMA_NODES_MAX {
            return Ok(());
        }
        Err(refused(&format!(
            "with everything that it refers to in place the schema has more than {EVENT_TYPE_SCHEMA_NODES_MAX} values; simplify it"
        )))
    }

    fn size(&mut self, part: &'a Value) -> Result<usize> {
        let parts: Vec<&'a Value> = match part {
            Value::Object(members) => {
                for (name, value) in members.iter().filter(|(_, value)| value.is_string()) {
                    let is_base = name == "$id" && !std::ptr::eq(part, self.root);
                    if is_base || ["$anchor", "$dynamicAnchor", "$dynamicRef"].contains(&name.as_str()) {
                        return Err(refused(&format!(
                            "`{name}` ({value}) is not for use here; refer with `$ref` and a pointer"
                        )));
                    }
                }
                members.values().collect()
            }
            Value::Array(items) => items.iter().collect(),
            _ => return Ok(1),
        };
        let mut size = match part.get("$ref") {
            Some(Value::String(reference)) => self.referred(reference)?,
            _ => 1,
        };
        for part in parts {
            size = size.saturating_add(self.size(part)?);
        }
        // These look a second time at all that is below them.
        let looks_again = part.get("unevaluatedProperties").or_else(|| part.get("unevaluatedItems")).is_some();
        Ok(if looks_again { size.saturating_mul(2) } else { size })
    }

    fn referred(&mut self, reference: &'a str) -> Result<usize> {
        let target = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
        let Some(target) = target else {
            return Err(refused(&format!(
                "`$ref` {reference:?} leads to nothing in this document; put what it says under `$defs`"
            )));
        };
        match self.of.get(reference) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => {
                return Err(refused(&format!(
                    "`$ref` {reference:?} leads back to where it stands; leave one of them open"
                )));
            }
            None => {}
        }
        self.of.insert(reference, None);
        let size = self.size(target)?;
        self.of.insert(reference, Some(size));
        Ok(size)
    }
}

fn refused(detail: &str) -> ServiceError {
    ServiceError::bad_field("/schema", detail.to_owned())
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
        for reference in ["https://example.com/schema.json", "file:///etc/passwd", "other.json", "#/$defs/none", "#a"] {
            let (pointer, detail) = refusal(&format!(r#"{{"$ref":"{reference}"}}"#), None);

            assert_eq!(pointer, "/schema");
            assert!(detail.contains("leads to nothing in this document"), "{reference}: {detail}");
        }
    }

    #[test]
    fn a_schema_that_refers_to_itself_is_refused() {
        for schema in [
            r##"{"$ref":"#"}"##,
            r##"{"allOf":[{"$ref":"#"}]}"##,
            r##"{"$ref":"#/$defs/a","$defs":{"a":{"not":{"$ref":"#/$defs/b"}},"b":{"$ref":"#/$defs/a"}}}"##,
            r##"{"properties":{"a":{"$ref":"#"}}}"##,
            r##"{"$ref":"#/allOf","allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"$ref":"#/allOf/0"}}}"##,
        ] {
            assert!(refusal(schema, None).1.contains("leads back"), "{schema}");
        }
        for schema in [
            r##"{"$dynamicRef":"#x","$dynamicAnchor":"x"}"##,
            r##"{"$defs":{"a":{"$id":"https://example.com/","$ref":"#/$defs/b"}}}"##,
        ] {
            assert!(refusal(schema, None).1.contains("not for use here"), "{schema}");
        }
    }

    #[test]
    fn a_schema_whose_references_double_at_each_step_is_refused_at_once() {
        let step = |number: u32| {
            let next = number + 1;
            format!(r##""d{number}":{{"allOf":[{{"$ref":"#/$defs/d{next}"}},{{"$ref":"#/$defs/d{next}"}}]}}"##)
        };
        let steps: Vec<String> = (0..60).map(step).collect();
        let schema = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d60":{{"type":"object"}}}}}}"##, steps.join(","));

        assert!(refusal(&schema, Some("{}")).1.contains("more than 10000 values"));
    }

    #[test]
    fn keywords_that_double_the_work_at_each_level_are_taken_a_few_levels_deep() {
        let mut schema = r#"{"properties":{"a":true},"unevaluatedProperties":false}"#.to_owned();
        check(&schema, Some(r#"{"a":1}"#)).unwrap();
        assert_eq!(refusal(&schema, Some(r#"{"b":1}"#)).0, "/example");
        for _ in 0..28 {
            schema = format!(r#"{{"allOf":[{schema}],"unevaluatedProperties":false}}"#);
        }

        assert!(refusal(&schema, Some(r#"{"a":1}"#)).1.contains("more than 10000 values"));
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
