//! Where in a JSON document something is, as people and clients are told it.

use serde_path_to_error::{Error, Path, Segment};

/// The RFC 6901 pointer of the place that a deserializer had reached.
#[must_use]
pub fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&escaped(key));
            }
            // Not a level of the document: the name of an enum's case, or a key that is not text.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// Where a document is wrong, and what is: a member that is missing is named by the place where it should
/// be. Line and column are only told where the text is no JSON: elsewhere the pointer says more.
#[must_use]
pub fn refusal(error: &Error<serde_json::Error>) -> (String, String) {
    let text = error.inner().to_string();
    let message = match error.inner().classify() {
        serde_json::error::Category::Data => text.split(" at line ").next().unwrap_or_default(),
        _ => &text,
    };
    let mut place = pointer(error.path());
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    if let Some(missing) = missing {
        place.push('/');
        place.push_str(&escaped(missing));
    }
    (place, message.to_owned())
}

/// A key as a segment of a pointer.
#[must_use]
pub fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
