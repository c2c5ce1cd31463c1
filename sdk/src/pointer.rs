//! Which pointers a filter may declare.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use crate::Selects;
use crate::value::join;

/// The members of an event, which every pointer begins with.
const ROOTS: [&str; 8] =
    ["id", "event", "companyId", "projectId", "userId", "occurredAt", "previousValue", "currentValue"];

/// A pointer into the event, such as `/currentValue/done`, checked when it is read from a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pointer(String);

/// A pointer into the record, such as `/done`: the same place before and after the event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordPointer(String);

impl Pointer {
    /// Takes a pointer from a configuration.
    ///
    /// # Errors
    ///
    /// If it is no JSON pointer or does not begin with a member of the event.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match check(text, false, Selects::Any) {
            Some(reason) => Err(reason),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The pointer's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The pointer's text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// A pointer that `#[field]` has checked already.
    #[doc(hidden)]
    #[must_use]
    pub fn checked(prefix: &str, pointer: &str) -> Self {
        Self(join(&[prefix, pointer]))
    }
}

impl RecordPointer {
    /// Takes a pointer from a configuration.
    ///
    /// # Errors
    ///
    /// If it is no JSON pointer or begins with `previousValue` or `currentValue`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match check(text, true, Selects::Any) {
            Some(reason) => Err(reason),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The pointer's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the value was before the event.
    #[must_use]
    pub fn previous(&self) -> Pointer {
        Pointer::checked("/previousValue", &self.0)
    }

    /// Where the value is now.
    #[must_use]
    pub fn current(&self) -> Pointer {
        Pointer::checked("/currentValue", &self.0)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RecordPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for RecordPointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Why a pointer cannot be declared, if so. `const`, so that `#[field]` asks while the filter compiles.
#[must_use]
pub const fn check(pointer: &str, in_record: bool, selects: Selects) -> Option<&'static str> {
    let bytes = pointer.as_bytes();
    if bytes.is_empty() || bytes[0] != b'/' {
        return Some("a pointer begins with `/`, as in `/currentValue/done`");
    }
    let mut stars = 0;
    let mut at = 0;
    while at < bytes.len() {
        let next = if at + 1 < bytes.len() { bytes[at + 1] } else { b'/' };
        if bytes[at] == b'~' && next != b'0' && next != b'1' {
            return Some("in a pointer `~` is written `~0`, and `/` in a name `~1`");
        }
        if bytes[at] == b'/' && next == b'*' && (at + 2 == bytes.len() || bytes[at + 2] == b'/') {
            stars += 1;
        }
        at += 1;
    }
    if in_record {
        if begins_with(bytes, ROOTS[6]) || begins_with(bytes, ROOTS[7]) {
            return Some(
                "a change compares both sides of the record, so its pointer begins inside it: write \
                 `/done`, not `/currentValue/done`",
            );
        }
    } else if !begins_with_a_root(bytes) {
        return Some(
            "an event has only /id, /event, /companyId, /projectId, /userId, /occurredAt, \
             /previousValue and /currentValue; a record's own fields are in the last two",
        );
    }
    match selects {
        Selects::One if stars > 0 => Some("a pointer with `*` selects many values: make the field a `Vec`"),
        Selects::Many if stars == 0 => {
            Some("a `Vec` needs a `*` in its pointer, as in `/currentValue/todoTags/*/tag/title`")
        }
        _ => None,
    }
}

const fn begins_with_a_root(pointer: &[u8]) -> bool {
    let mut at = 0;
    while at < ROOTS.len() {
        if begins_with(pointer, ROOTS[at]) {
            return true;
        }
        at += 1;
    }
    false
}

/// Whether the first segment is this name.
const fn begins_with(pointer: &[u8], name: &str) -> bool {
    let name = name.as_bytes();
    if pointer.len() < name.len() + 1 {
        return false;
    }
    let mut at = 0;
    while at < name.len() {
        if pointer[at + 1] != name[at] {
            return false;
        }
        at += 1;
    }
    pointer.len() == name.len() + 1 || pointer[name.len() + 1] == b'/'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_into_the_event_are_taken() {
        for pointer in ["/id", "/currentValue", "/currentValue/a~0b~1c", "/previousValue/x/*/*"] {
            assert_eq!(check(pointer, false, Selects::Any), None, "{pointer}");
        }
    }

    #[test]
    fn pointers_that_lead_out_of_the_event_are_refused() {
        for pointer in ["", "id", "/", "/done", "/currentValues", "/current", "/currentValue/~2", "/id/~"] {
            assert!(Pointer::parse(pointer).is_err(), "{pointer}");
        }
    }

    #[test]
    fn a_pointer_into_the_record_does_not_name_a_side() {
        assert!(RecordPointer::parse("/done").is_ok());
        assert!(RecordPointer::parse("/currentValues").is_ok());
        assert!(RecordPointer::parse("/currentValue/done").is_err());
        assert!(RecordPointer::parse("/previousValue").is_err());
        assert!(RecordPointer::parse("done").is_err());
    }

    #[test]
    fn a_star_and_a_vec_go_together() {
        let (starred, plain) = ("/currentValue/tags/*", "/currentValue/a*/*b");

        assert!(check(starred, false, Selects::One).is_some());
        assert!(check(plain, false, Selects::Many).is_some());
        assert_eq!(check(starred, false, Selects::Many), None);
        assert_eq!(check(plain, false, Selects::One), None);
    }
}
