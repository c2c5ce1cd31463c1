//! Why a document has no canonical text, where, and what its sender can do about it.

use crate::model::limits::{JSON_DEPTH_MAX, JSON_ERROR_POINTER_BYTES_MAX};

/// A refused document: what is wrong with it and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{flaw} (at JSON pointer {pointer:?}, byte {offset})")]
pub struct JsonError {
    pub(super) flaw: Flaw,
    pub(super) pointer: String,
    pub(super) offset: usize,
}

impl JsonError {
    /// What is wrong.
    pub fn flaw(&self) -> &Flaw {
        &self.flaw
    }

    /// The RFC 6901 pointer of the value with the flaw; of the object, for a flaw in a key; of the
    /// nearest ancestor whose pointer has at most `JSON_ERROR_POINTER_BYTES_MAX` bytes, for a longer one.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Where the flaw was met, in bytes from the start of the input.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

/// What is wrong with a document. Each says the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A whole number, however it is spelled, of which JavaScript would print another value.
    #[error("a double changes the whole number {literal}: send it as a string")]
    NumberChanges {
        /// The number as sent, cut to `JSON_ERROR_LITERAL_CHARS_MAX`.
        literal: String,
    },
    /// A number that is infinite as a double.
    #[error("the number {literal} is beyond the range of a double: send it as a string")]
    NumberOverflows {
        /// The number as sent, cut to `JSON_ERROR_LITERAL_CHARS_MAX`.
        literal: String,
    },
    /// A `\uD800`–`\uDFFF` escape that is not half of a pair, so that UTF-8 cannot hold it.
    #[error("lone surrogate \\u{unit:04x} in a string: send whole characters, or the bytes as base64")]
    LoneSurrogate {
        /// The UTF-16 code unit.
        unit: u16,
    },
    /// More than `JSON_DEPTH_MAX` arrays and objects inside each other.
    #[error("nested deeper than {JSON_DEPTH_MAX} levels: flatten it, or send the inner part as a string")]
    TooDeep,
    /// Bytes that are not UTF-8.
    #[error("invalid UTF-8: encode the document as UTF-8")]
    InvalidUtf8,
    /// A byte order mark before the document.
    #[error("the document starts with a byte order mark: send it without one")]
    ByteOrderMark,
    /// Something other than blanks after the document.
    #[error("something follows the end of the JSON document: send one document only")]
    TrailingData,
    /// Not JSON.
    #[error("invalid JSON, expected {expected}: send a document that RFC 8259 allows")]
    Syntax {
        /// What RFC 8259 allows there.
        expected: &'static str,
    },
}

/// Joins unescaped segments to an RFC 6901 pointer, as far as it fits an error message.
pub(super) fn pointer_of(segments: impl Iterator<Item = String>) -> String {
    let mut pointer = String::new();
    for segment in segments {
        let escaped = segment.replace('~', "~0").replace('/', "~1");
        if pointer.len() + 1 + escaped.len() > JSON_ERROR_POINTER_BYTES_MAX {
            break;
        }
        pointer.push('/');
        pointer.push_str(&escaped);
    }
    pointer
}
