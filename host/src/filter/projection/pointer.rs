//! The field that a filter declares: an RFC 6901 pointer with `*`, parsed once and then trusted.
//!
//! Bounded here, because a filter is a stranger's code and its fields are paid for with every event.

use crate::model::limits::{FIELD_POINTER_BYTES_MAX, FIELD_POINTER_SEGMENTS_MAX};

/// The part of an event that a pointer starts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    Id,
    Event,
    CompanyId,
    ProjectId,
    UserId,
    OccurredAt,
    PreviousValue,
    CurrentValue,
}

impl Root {
    /// All roots, each at the place of its number.
    pub(super) const ALL: [(&str, Self); 8] = [
        ("id", Self::Id),
        ("event", Self::Event),
        ("companyId", Self::CompanyId),
        ("projectId", Self::ProjectId),
        ("userId", Self::UserId),
        ("occurredAt", Self::OccurredAt),
        ("previousValue", Self::PreviousValue),
        ("currentValue", Self::CurrentValue),
    ];
}

/// One step of a pointer below its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// The member of an object, and the element of an array if it is an array index.
    Key {
        /// The key as canonical JSON text, quotes included.
        quoted: String,
        /// The array index that it is: digits without leading zeros.
        index: Option<usize>,
    },
    /// Every element of an array.
    Each,
}

impl Segment {
    fn key(key: &str) -> Self {
        let is_number = key.bytes().all(|byte| byte.is_ascii_digit());
        let has_leading_zero = key.len() > 1 && key.starts_with('0');
        let index = if is_number && !has_leading_zero { key.parse().ok() } else { None };
        // `serde_json` escapes a string like `JSON.stringify`.
        Self::Key { quoted: serde_json::Value::from(key).to_string(), index }
    }
}

/// A pointer into an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    pub(super) root: Root,
    pub(super) segments: Vec<Segment>,
}

/// Why a text is not a pointer into an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// Longer than `FIELD_POINTER_BYTES_MAX`.
    #[error("a pointer has at most {FIELD_POINTER_BYTES_MAX} bytes, this has {bytes}")]
    TooLong {
        /// The length of the text.
        bytes: usize,
    },
    /// More segments than `FIELD_POINTER_SEGMENTS_MAX`.
    #[error("a pointer has at most {FIELD_POINTER_SEGMENTS_MAX} segments, this has {segments}")]
    TooManySegments {
        /// The number of segments.
        segments: usize,
    },
    /// No slash at the start.
    #[error("a pointer starts with `/`")]
    NoSlash,
    /// A tilde that escapes nothing.
    #[error("`~` must be followed by `0` (for `~`) or `1` (for `/`)")]
    BadEscape,
    /// The first segment is no part of an event.
    #[error(
        "events have no `{segment}`: start with /id, /event, /companyId, /projectId, /userId, /occurredAt, \
         /previousValue or /currentValue"
    )]
    UnknownRoot {
        /// The first segment.
        segment: String,
    },
}

impl Pointer {
    /// Parses an RFC 6901 pointer in which a segment `*` stands for every element of an array.
    ///
    /// # Errors
    /// For text that is no such pointer, has a first segment that events do not have, or is over a bound.
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        if text.len() > FIELD_POINTER_BYTES_MAX {
            return Err(PointerError::TooLong { bytes: text.len() });
        }
        let inner = text.strip_prefix('/').ok_or(PointerError::NoSlash)?;
        let count = inner.split('/').count();
        if count > FIELD_POINTER_SEGMENTS_MAX {
            return Err(PointerError::TooManySegments { segments: count });
        }
        let (first, rest) = match inner.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (inner, None),
        };
        let first = unescaped(first)?;
        let Some((_, root)) = Root::ALL.into_iter().find(|(name, _)| *name == first) else {
            return Err(PointerError::UnknownRoot { segment: first });
        };
        let segments = rest.into_iter().flat_map(|rest| rest.split('/'));
        let segments = segments.map(|segment| match segment {
            "*" => Ok(Segment::Each),
            _ => unescaped(segment).map(|key| Segment::key(&key)),
        });
        Ok(Self { root, segments: segments.collect::<Result<_, _>>()? })
    }
}

fn unescaped(segment: &str) -> Result<String, PointerError> {
    let mut pieces = segment.split('~');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (character, rest) = match piece.as_bytes().first() {
            Some(b'0') => ('~', &piece[1..]),
            Some(b'1') => ('/', &piece[1..]),
            _ => return Err(PointerError::BadEscape),
        };
        text.push(character);
        text.push_str(rest);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<Segment> {
        Pointer::parse(text).expect(text).segments
    }

    #[test]
    fn escapes_and_stars_are_read_per_segment() {
        let key = Segment::key;

        assert_eq!(keys("/id"), []);
        assert_eq!(keys("/currentValue/a~1b/~0~01/*/**/"), [key("a/b"), key("~~1"), Segment::Each, key("**"), key("")]);
    }

    #[test]
    fn a_pointer_outside_an_event_is_refused_with_the_names_that_exist() {
        for text in ["/record/id", "/", "/*", "/ID", "//id"] {
            let error = Pointer::parse(text).expect_err(text);

            assert!(matches!(error, PointerError::UnknownRoot { .. }), "{text}: {error}");
            assert!(error.to_string().contains("/currentValue"));
        }
    }

    #[test]
    fn text_that_is_no_pointer_is_refused() {
        assert_eq!(Pointer::parse(""), Err(PointerError::NoSlash));
        assert_eq!(Pointer::parse("id"), Err(PointerError::NoSlash));
        assert_eq!(Pointer::parse("/currentValue/~"), Err(PointerError::BadEscape));
        assert_eq!(Pointer::parse("/currentValue/~2"), Err(PointerError::BadEscape));
        assert_eq!(Pointer::parse("/currentValue/~é"), Err(PointerError::BadEscape));
    }

    #[test]
    fn every_bound_holds_to_the_last_byte() {
        let long = |bytes: usize| format!("/currentValue/{}", "k".repeat(bytes - "/currentValue/".len()));
        let deep = |segments: usize| format!("/currentValue{}", "/a".repeat(segments - 1));

        assert!(Pointer::parse(&long(FIELD_POINTER_BYTES_MAX)).is_ok());
        assert_eq!(Pointer::parse(&long(FIELD_POINTER_BYTES_MAX + 1)), Err(PointerError::TooLong { bytes: 513 }));
        assert!(Pointer::parse(&deep(FIELD_POINTER_SEGMENTS_MAX)).is_ok());
        assert_eq!(
            Pointer::parse(&deep(FIELD_POINTER_SEGMENTS_MAX + 1)),
            Err(PointerError::TooManySegments { segments: 33 })
        );
    }
}
