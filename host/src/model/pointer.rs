//! Where in a JSON document something is, as people and clients are told it.

use serde_path_to_error::{Path, Segment};

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

/// A key as a segment of a pointer.
#[must_use]
pub fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
