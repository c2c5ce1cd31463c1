//! What is at a pointer, by the rules of the interface's `value`.

use super::document::Document;
use crate::{Scalar, Value};

/// The value at a pointer into a document.
pub(super) fn project(document: &Document, pointer: &str) -> Value {
    let segments: Vec<&str> = pointer.split('/').skip(1).collect();
    let mut selected = Vec::new();
    let is_met = select(document, &segments, &mut selected);
    if !segments.contains(&"*") {
        return selected.first().map_or(Value::Absent, |document| value(document));
    }
    if !is_met {
        return Value::Absent;
    }
    match selected.iter().map(|document| scalar(document)).collect() {
        Some(scalars) => Value::Many(scalars),
        None => Value::Json(Document::Array(selected.into_iter().cloned().collect()).to_string()),
    }
}

/// Adds all that the segments select; `false` if they lead nowhere or a `*` meets no array.
fn select<'a>(document: &'a Document, segments: &[&str], selected: &mut Vec<&'a Document>) -> bool {
    let Some((segment, rest)) = segments.split_first() else {
        selected.push(document);
        return true;
    };
    match document {
        Document::Array(items) if *segment == "*" => {
            for item in items {
                // An element in which the rest leads nowhere adds nothing.
                select(item, rest, selected);
            }
            true
        }
        _ if *segment == "*" => false,
        _ => member(document, segment).is_some_and(|inside| select(inside, rest, selected)),
    }
}

/// What one segment leads to.
fn member<'a>(document: &'a Document, segment: &str) -> Option<&'a Document> {
    let name = segment.replace("~1", "/").replace("~0", "~");
    match document {
        Document::Object(members) => members.iter().find(|(key, _)| *key == name).map(|(_, value)| value),
        Document::Array(items) => {
            let index: usize = name.parse().ok()?;
            items.get(index).filter(|_| index.to_string() == name)
        }
        _ => None,
    }
}

fn value(document: &Document) -> Value {
    match scalar(document) {
        Some(scalar) => scalar.into(),
        None => Value::Json(document.to_string()),
    }
}

/// The scalar that a document is, unless it is an array or object.
fn scalar(document: &Document) -> Option<Scalar> {
    /// Two to the 63rd: the first whole number that fits no longer.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    match document {
        Document::Null => Some(Scalar::Null),
        Document::Boolean(boolean) => Some(Scalar::Boolean(*boolean)),
        Document::Number(number) if number.fract() == 0.0 && (-LIMIT..LIMIT).contains(number) => {
            Some(Scalar::Integer(*number as i64))
        }
        Document::Number(number) => Some(Scalar::Float(*number)),
        Document::Text(text) => Some(Scalar::Text(text.clone())),
        Document::Array(_) | Document::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(pointer: &str) -> Value {
        let document = Document::parse(
            r#"{"null":null,"text":"","1":1.0,"big":1e19,"small":-9223372036854775808,"half":0.5,
                "list":[{"a":1},{"b":2},{"a":null}],"none":[],"deep":[{"a":[1,2]},{"a":3},{"a":[[4]]}],
                "~/":true,"*":7,"nested":{"z":1,"a":{}}}"#,
        )
        .unwrap();
        project(&document, pointer)
    }

    #[test]
    fn absent_null_and_empty_differ() {
        assert_eq!(at("/missing"), Value::Absent);
        assert_eq!(at("/text/length"), Value::Absent);
        assert_eq!(at("/null"), Value::Null);
        assert_eq!(at("/text"), Value::Text(String::new()));
    }

    #[test]
    fn a_whole_number_that_fits_is_an_integer_however_it_is_spelled() {
        assert_eq!(at("/1"), Value::Integer(1));
        assert_eq!(at("/small"), Value::Integer(i64::MIN));
        assert_eq!(at("/big"), Value::Float(1e19));
        assert_eq!(at("/half"), Value::Float(0.5));
    }

    #[test]
    fn segments_are_unescaped_and_array_indices_are_exact() {
        assert_eq!(at("/~0~1"), Value::Boolean(true));
        assert_eq!(at("/list/0/a"), Value::Integer(1));
        for pointer in ["/list/00/a", "/list/-", "/list/3", "/list/+0/a"] {
            assert_eq!(at(pointer), Value::Absent, "{pointer}");
        }
    }

    #[test]
    fn a_star_selects_from_each_element_that_has_the_rest() {
        assert_eq!(at("/list/*/a"), Value::Many(vec![Scalar::Integer(1), Scalar::Null]));
        assert_eq!(at("/none/*"), Value::Many(vec![]));
        assert_eq!(at("/none/*/a"), Value::Many(vec![]));
        assert_eq!(at("/deep/*/a/*"), Value::Json("[1,2,[4]]".into()));
    }

    #[test]
    fn a_star_that_meets_no_array_gives_absent() {
        for pointer in ["/*", "/nested/*", "/missing/*", "/text/*"] {
            assert_eq!(at(pointer), Value::Absent, "{pointer}");
        }
    }

    #[test]
    fn arrays_and_objects_come_as_canonical_text() {
        assert_eq!(at("/nested"), Value::Json(r#"{"z":1,"a":{}}"#.into()));
        assert_eq!(at("/list/*"), Value::Json(r#"[{"a":1},{"b":2},{"a":null}]"#.into()));
        assert_eq!(at("/none"), Value::Json("[]".into()));
    }
}
