//! JSON Schemas that others wrote: those of event types, and those of filters' configurations. Pure.
//!
//! Only the document itself is used: nothing is fetched, so a reference that leads out of it is refused.
//! Patterns run on an engine without backtracking, in time that grows with the text alone, and are bounded in
//! number and size. And since a few references can stand for more work than any machine does, what they lead to is
//! counted first: a schema that refers to itself, or is too large with everything it refers to in place, is refused.

use std::collections::HashMap;
use std::error::Error;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, Retrieve, Uri, ValidationError, Validator};
use serde_json::Value;

use crate::model::limits::{
    JSON_ERROR_POINTER_BYTES_MAX, REPEATED_BYTES_MAX, SCHEMA_CHECK_STEPS_MAX, SCHEMA_DEPTH_MAX,
    SCHEMA_EXPLAIN_STEPS_MAX, SCHEMA_PATTERN_BYTES_MAX, SCHEMA_PATTERN_STEPS, SCHEMA_VALUES_MAX,
    SCHEMA_VIOLATION_BYTES_MAX,
};
use crate::model::pointer::escaped;

/// Violations that are told of one document.
const VIOLATIONS_MAX: usize = 16;

/// Something that is wrong with a schema, or with a document that should meet it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Where: a JSON pointer into the schema or the document.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

/// A schema of draft 2020-12 that costs a bounded amount.
pub struct Schema {
    validator: Validator,
    size: Size,
}

impl Schema {
    /// Reads a schema, JSON text, that may have as many patterns with everything that it refers to in place.
    ///
    /// # Errors
    /// When it is no schema, leads out of itself or back into itself, or costs too much.
    pub fn read(text: &str, patterns_max: usize) -> Result<Self, Flaw> {
        let schema = document(text)?;
        if !schema.is_object() {
            return Err(flaw("a JSON Schema is an object here"));
        }
        let size = Sizes { root: &schema, of: HashMap::new() }.check(patterns_max)?;
        let patterns = PatternOptions::regex().size_limit(SCHEMA_PATTERN_BYTES_MAX);
        let options = jsonschema::draft202012::options().with_pattern_options(patterns).with_retriever(Nowhere);
        let validator = options.build(&schema).map_err(|error| Flaw {
            pointer: place_of(&error),
            detail: short(format!("not a JSON Schema of draft 2020-12: {}", error.masked())),
        })?;
        Ok(Self { validator, size })
    }

    /// Where the document, JSON text, does not meet the schema; nowhere if it does. For documents of whoever gave
    /// the schema too, as an operator gives both.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn flaws_of(&self, text: &str) -> Result<Vec<Flaw>, Flaw> {
        Ok(self.explain(&document(text)?))
    }

    /// The same in bounded time and memory, for schemas and documents of strangers.
    ///
    /// # Errors
    /// When it is no JSON, or too large to be checked against this schema.
    pub fn flaws_within_bounds(&self, text: &str) -> Result<Vec<Flaw>, Flaw> {
        let looks = self.size.values.saturating_mul(text.len());
        let steps = self.size.patterns.saturating_mul(SCHEMA_PATTERN_STEPS).saturating_mul(text.len());
        if looks.saturating_add(steps) > SCHEMA_CHECK_STEPS_MAX {
            return Err(flaw("it is too large to be checked against such a schema; make either smaller"));
        }
        let document = document(text)?;
        if self.validator.is_valid(&document) {
            return Ok(Vec::new());
        }
        if looks > SCHEMA_EXPLAIN_STEPS_MAX {
            return Ok(vec![flaw("it does not meet its schema, and is too large to tell where")]);
        }
        Ok(self.explain(&document))
    }

    fn explain(&self, document: &Value) -> Vec<Flaw> {
        self.validator.iter_errors(document).take(VIOLATIONS_MAX).map(|error| told(&error)).collect()
    }
}

fn document(text: &str) -> Result<Value, Flaw> {
    serde_json::from_str(text).map_err(|error| flaw(&format!("it is not JSON: {error}")))
}

/// What fetches other documents: nothing.
struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        Err(format!("{uri} is another document; put what it says under `$defs`").into())
    }
}

/// A violation as people are told it. What the document has there is not repeated: it could be a secret.
fn told(error: &ValidationError<'_>) -> Flaw {
    let place = place_of(error);
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => match unexpected.as_slice() {
            [name, ..] if name.len() <= REPEATED_BYTES_MAX => {
                Flaw { pointer: format!("{place}/{}", escaped(name)), detail: "there is no such member".to_owned() }
            }
            _ => Flaw { pointer: place, detail: "it has a member that the schema does not know".to_owned() },
        },
        ValidationErrorKind::AdditionalItems { .. } | ValidationErrorKind::UnevaluatedItems { .. } => {
            Flaw { pointer: place, detail: "it has more elements than the schema knows".to_owned() }
        }
        ValidationErrorKind::PropertyNames { error } => {
            Flaw { pointer: place, detail: short(format!("the name of a member: {}", error.masked())) }
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            closest(context).unwrap_or_else(|| bare(error))
        }
        _ => bare(error),
    }
}

/// Of several alternatives, what is wrong with the one that got furthest; all of them where none did.
fn closest(alternatives: &[Vec<ValidationError<'_>>]) -> Option<Flaw> {
    let first: Vec<Flaw> = alternatives.iter().filter_map(|errors| errors.first()).map(told).collect();
    let depth = |flaw: &Flaw| flaw.pointer.matches('/').count();
    let deepest = first.iter().map(depth).max()?;
    let mut furthest = first.into_iter().filter(|flaw| depth(flaw) == deepest);
    let mut flaw = furthest.next()?;
    for other in furthest.filter(|other| other.pointer == flaw.pointer).collect::<Vec<_>>() {
        flaw.detail = short(format!("{}, and {}", flaw.detail, other.detail));
    }
    Some(flaw)
}

fn bare(error: &ValidationError<'_>) -> Flaw {
    Flaw { pointer: place_of(error), detail: short(error.masked().to_string()) }
}

/// Where it is, or an ancestor of that if the names on the way are too long to be repeated.
fn place_of(error: &ValidationError<'_>) -> String {
    let mut place = error.instance_path().to_string();
    while place.len() > JSON_ERROR_POINTER_BYTES_MAX {
        place.truncate(place.rfind('/').unwrap_or(0));
    }
    place
}

/// The text, cut where it is longer than anybody reads: schemas can list thousands of names.
fn short(mut text: String) -> String {
    if text.len() > SCHEMA_VIOLATION_BYTES_MAX {
        text.truncate(text.floor_char_boundary(SCHEMA_VIOLATION_BYTES_MAX));
        text.push('…');
    }
    text
}

/// What a schema, or a part of it, has with all that it refers to in place.
#[derive(Clone, Copy)]
struct Size {
    values: usize,
    patterns: usize,
    /// How many values lie inside each other.
    depth: usize,
}

impl Size {
    /// The size of a value that has nothing inside.
    const ONE: Self = Self { values: 1, patterns: 0, depth: 1 };

    fn plus(self, other: Self) -> Self {
        Self {
            values: self.values.saturating_add(other.values),
            patterns: self.patterns.saturating_add(other.patterns),
            depth: self.depth.max(other.depth),
        }
    }
}

/// The sizes of a schema's parts.
struct Sizes<'a> {
    root: &'a Value,
    /// By pointer; `None` while it is being counted.
    of: HashMap<&'a str, Option<Size>>,
}

impl<'a> Sizes<'a> {
    fn check(mut self, patterns_max: usize) -> Result<Size, Flaw> {
        let root = self.root;
        let size = self.size(root, 0)?;
        for (count, max, what) in
            [(size.values, SCHEMA_VALUES_MAX, "values"), (size.patterns, patterns_max, "patterns")]
        {
            if count > max {
                return Err(flaw(&format!(
                    "with everything that it refers to in place the schema has more than {max} {what}; simplify it"
                )));
            }
        }
        Ok(size)
    }

    fn size(&mut self, part: &'a Value, above: usize) -> Result<Size, Flaw> {
        // What reads and applies a schema goes into it as deep as it is, on a stack that ends.
        check_depth(above + 1)?;
        let parts: Vec<&'a Value> = match part {
            Value::Object(members) => {
                for (name, value) in members.iter().filter(|(_, value)| value.is_string()) {
                    let is_base = name == "$id" && !std::ptr::eq(part, self.root);
                    if is_base || ["$anchor", "$dynamicAnchor", "$dynamicRef"].contains(&name.as_str()) {
                        return Err(flaw(&format!(
                            "`{name}` ({value}) is not for use here; refer with `$ref` and a pointer"
                        )));
                    }
                }
                members.values().collect()
            }
            Value::Array(items) => items.iter().collect(),
            _ => return Ok(Size::ONE),
        };
        let mut size = match part.get("$ref") {
            Some(Value::String(reference)) => self.referred(reference, above + 1)?,
            _ => Size::ONE,
        };
        size.patterns = size.patterns.saturating_add(patterns_in(part));
        for part in parts {
            size = size.plus(self.size(part, above + 1)?);
        }
        size.depth += 1;
        // These look a second time at all that is below them.
        let looks_again = part.get("unevaluatedProperties").or_else(|| part.get("unevaluatedItems")).is_some();
        Ok(if looks_again { size.plus(size) } else { size })
    }

    fn referred(&mut self, reference: &'a str, above: usize) -> Result<Size, Flaw> {
        let target = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
        let Some(target) = target else {
            return Err(flaw(&format!(
                "`$ref` {reference:?} leads to nothing in this document; put what it says under `$defs`"
            )));
        };
        match self.of.get(reference) {
            Some(Some(size)) => {
                check_depth(above + size.depth)?;
                return Ok(*size);
            }
            Some(None) => {
                return Err(flaw(&format!(
                    "`$ref` {reference:?} leads back to where it stands; leave one of them open"
                )));
            }
            None => {}
        }
        self.of.insert(reference, None);
        let size = self.size(target, above)?;
        self.of.insert(reference, Some(size));
        Ok(size)
    }
}

fn check_depth(depth: usize) -> Result<(), Flaw> {
    if depth <= SCHEMA_DEPTH_MAX {
        return Ok(());
    }
    Err(flaw(&format!(
        "with everything that it refers to in place the schema is more than {SCHEMA_DEPTH_MAX} levels deep; simplify it"
    )))
}

/// How many patterns stand in this part itself.
fn patterns_in(part: &Value) -> usize {
    let names = part.get("patternProperties").and_then(Value::as_object).map_or(0, serde_json::Map::len);
    names + usize::from(part.get("pattern").is_some_and(Value::is_string))
}

/// What is wrong with a document as a whole.
fn flaw(detail: &str) -> Flaw {
    Flaw { pointer: String::new(), detail: short(detail.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATTERNS_MAX: usize = 16;

    fn read(schema: &str) -> Result<Schema, Flaw> {
        Schema::read(schema, PATTERNS_MAX)
    }

    /// What is told of a schema that is refused.
    fn refusal(schema: &str) -> (String, String) {
        let Flaw { pointer, detail } = read(schema).err().unwrap();
        (pointer, detail)
    }

    /// What is told of a document that does not meet its schema.
    fn flaw_of(schema: &str, document: &str) -> (String, String) {
        let Flaw { pointer, detail } = read(schema).unwrap().flaws_of(document).unwrap().remove(0);
        (pointer, detail)
    }

    #[test]
    fn a_document_meets_its_schema_or_is_refused_where_it_does_not() {
        let schema = r#"{"properties":{"currentValue":{"type":"object","required":["total"],"properties":{"total":{"type":"number"}}}}}"#;

        assert_eq!(read(schema).unwrap().flaws_of(r#"{"currentValue":{"total":7}}"#), Ok(Vec::new()));
        let (pointer, detail) = flaw_of(schema, r#"{"currentValue":{"total":"7"}}"#);

        assert_eq!((pointer.as_str(), detail.as_str()), ("/currentValue/total", "value is not of type \"number\""));
    }

    #[test]
    fn a_member_that_is_not_known_is_told_by_its_own_place_unless_it_could_be_a_secret() {
        let schema = r#"{"additionalProperties":false,"properties":{"tag":{}}}"#;

        assert_eq!(flaw_of(schema, r#"{"tag":1,"t/g":2}"#), ("/t~1g".to_owned(), "there is no such member".to_owned()));
        let secret = "s".repeat(40);
        let (pointer, detail) = flaw_of(schema, &format!(r#"{{"{secret}":2}}"#));
        assert_eq!((pointer.as_str(), detail.as_str()), ("", "it has a member that the schema does not know"));
    }

    #[test]
    fn no_text_of_a_document_is_repeated() {
        let secret = "s".repeat(40);
        let (text, name) = (format!(r#"["{secret}"]"#), format!(r#"{{"{secret}":1}}"#));
        for (schema, document) in [
            (r#"{"items":{"type":"integer"}}"#, &text),
            (r#"{"items":{"const":1}}"#, &text),
            (r#"{"items":{"maxLength":1,"pattern":"^x","enum":["y"],"not":{}}}"#, &text),
            (r#"{"items":false}"#, &text),
            (r#"{"unevaluatedItems":false}"#, &text),
            (r#"{"contains":{"type":"null"}}"#, &text),
            (r#"{"anyOf":[{"type":"null"},{"oneOf":[{"maxItems":0},{"const":"a"}]}]}"#, &text),
            (r#"{"additionalProperties":false}"#, &name),
            (r#"{"unevaluatedProperties":false}"#, &name),
            (r#"{"propertyNames":{"maxLength":3}}"#, &name),
            (r#"{"maxProperties":0,"required":["a"]}"#, &name),
        ] {
            for Flaw { pointer, detail } in read(schema).unwrap().flaws_of(document).unwrap() {
                assert!(!detail.contains(&secret), "{schema}: {pointer}: {detail}");
            }
            assert_ne!(read(schema).unwrap().flaws_of(document), Ok(Vec::new()), "{schema}");
        }
    }

    #[test]
    fn of_alternatives_the_one_that_got_furthest_is_told() {
        let optional = |schema: &str| format!(r#"{{"properties":{{"a":{{"anyOf":[{schema},{{"type":"null"}}]}}}}}}"#);
        let nested = optional(r#"{"type":"object","properties":{"b":{"type":"integer"}}}"#);
        let plain = optional(r#"{"type":"integer"}"#);

        assert_eq!(flaw_of(&nested, r#"{"a":{"b":"x"}}"#).0, "/a/b");
        let both = "value is not of type \"integer\", and value is not of type \"null\"".to_owned();
        assert_eq!(flaw_of(&plain, r#"{"a":"x"}"#), ("/a".to_owned(), both));
    }

    #[test]
    fn what_is_told_is_bounded_however_long_schema_and_document_are() {
        let names: Vec<String> = (0..3_000).map(|number| format!("\"{number}\"")).collect();
        let schema = format!(r#"{{"additionalProperties":{{"enum":[{}]}}}}"#, names.join(","));

        let (pointer, detail) = flaw_of(&schema, r#"{"a":1}"#);
        assert_eq!(pointer, "/a");
        assert!(detail.len() <= SCHEMA_VIOLATION_BYTES_MAX + '…'.len_utf8(), "{detail}");
        let (pointer, _) =
            flaw_of(r#"{"additionalProperties":{"type":"null"}}"#, &format!(r#"{{"{}":1}}"#, "a".repeat(9_000)));
        assert_eq!(pointer, "");
    }

    #[test]
    fn a_document_that_would_take_too_long_is_refused_before_it_is_checked() {
        let checks: Vec<&str> = vec![r#"{"type":"string"}"#; 900];
        let schema = read(&format!(r#"{{"items":{{"allOf":[{}]}}}}"#, checks.join(","))).unwrap();
        let list = |length: usize| format!("[{}0]", "0,".repeat(length));

        let [Ok(small), Ok(large)] = [10, 2_000].map(|length| schema.flaws_within_bounds(&list(length))) else {
            panic!()
        };
        let refused = schema.flaws_within_bounds(&list(50_000)).unwrap_err();

        assert_eq!((small.len(), small[0].pointer.as_str()), (VIOLATIONS_MAX, "/0"));
        assert!(large[0].detail.contains("too large to tell where"), "{large:?}");
        assert!(refused.detail.contains("too large to be checked"), "{refused:?}");
    }

    #[test]
    fn patterns_are_bounded_in_number_and_in_size() {
        let patterns: Vec<&str> = vec![r#"{"pattern":"a"}"#; PATTERNS_MAX + 1];
        let many = format!(r#"{{"allOf":[{}]}}"#, patterns.join(","));

        assert!(refusal(&many).1.contains("more than 16 patterns"), "{:?}", refusal(&many));
        assert_eq!(refusal(r#"{"properties":{"a":{"pattern":"(a{500}){500}"}}}"#).0, "/properties/a/pattern");
        assert!(read(r#"{"pattern":"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[^@ ]+@\\w+$"}"#).is_ok());
    }

    #[test]
    fn what_is_no_schema_is_refused_where_it_is_none() {
        for (schema, pointer) in [
            (r#"{"type":"objekt"}"#, "/type"),
            (r#"{"properties":{"a":{"minimum":"0"}}}"#, "/properties/a/minimum"),
            ("true", ""),
            ("[]", ""),
        ] {
            assert_eq!(refusal(schema).0, pointer, "{schema}");
        }
    }

    #[test]
    fn a_reference_out_of_the_document_is_refused_and_never_followed() {
        for reference in ["https://example.com/schema.json", "file:///etc/passwd", "other.json", "#/$defs/none", "#a"] {
            let (pointer, detail) = refusal(&format!(r#"{{"$ref":"{reference}"}}"#));

            assert_eq!(pointer, "");
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
            assert!(refusal(schema).1.contains("leads back"), "{schema}");
        }
        for schema in [
            r##"{"$dynamicRef":"#x","$dynamicAnchor":"x"}"##,
            r##"{"$defs":{"a":{"$id":"https://example.com/","$ref":"#/$defs/b"}}}"##,
        ] {
            assert!(refusal(schema).1.contains("not for use here"), "{schema}");
        }
    }

    #[test]
    fn a_schema_whose_references_double_at_each_step_is_refused_at_once() {
        let step = |number: u32| {
            let next = number + 1;
            format!(r##""d{number}":{{"allOf":[{{"$ref":"#/$defs/d{next}"}},{{"$ref":"#/$defs/d{next}"}}]}}"##)
        };
        let steps: Vec<String> = (0..30).map(step).collect();
        let schema = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d30":{{"type":"object"}}}}}}"##, steps.join(","));

        assert!(refusal(&schema).1.contains("more than 10000 values"));
    }

    #[test]
    fn a_schema_that_is_deep_by_its_references_is_refused_before_a_stack_ends() {
        let nested = |inner: &str| format!("{}{inner}{}", r#"{"not":"#.repeat(100), "}".repeat(100));
        let step =
            |number: u32| format!(r#""d{number}":{}"#, nested(&format!(r##"{{"$ref":"#/$defs/d{}"}}"##, number + 1)));
        let steps = |count: u32| (0..count).map(step).collect::<Vec<_>>().join(",");
        let chain = |count: u32| format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d{count}":{{}}}}}}"##, steps(count));
        // The end of the chain is counted first, so what follows finds it counted.
        let reversed =
            format!(r##"{{"$defs":{{"a":{0},"b":{1}}}}}"##, nested("{}"), nested(r##"{"$ref":"#/$defs/a"}"##));

        for schema in [chain(60), chain(2), reversed] {
            assert!(refusal(&schema).1.contains("more than 128 levels deep"), "{:?}", refusal(&schema));
        }
        read(&chain(1)).unwrap().flaws_of("1").unwrap();
    }

    #[test]
    fn keywords_that_double_the_work_at_each_level_are_taken_a_few_levels_deep() {
        let mut schema = r#"{"properties":{"a":true},"unevaluatedProperties":false}"#.to_owned();
        assert_eq!(read(&schema).unwrap().flaws_of(r#"{"a":1}"#), Ok(Vec::new()));
        assert_eq!(flaw_of(&schema, r#"{"b":1}"#).0, "/b");
        for _ in 0..28 {
            schema = format!(r#"{{"allOf":[{schema}],"unevaluatedProperties":false}}"#);
        }

        assert!(refusal(&schema).1.contains("more than 10000 values"));
    }

    #[test]
    fn a_pattern_takes_no_longer_for_a_text_that_nearly_fits() {
        let schema = r#"{"properties":{"a":{"pattern":"^(a+)+$"}}}"#;
        let example = format!(r#"{{"a":"{}!"}}"#, "a".repeat(10_000));

        assert_eq!(flaw_of(schema, &example).0, "/a");
        assert_eq!(refusal(r#"{"pattern":"(?=a)"}"#).0, "/pattern");
    }
}
