//! JSON as the host keeps it: doubles for numbers, JavaScript's order for keys.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Document {
    Null,
    Boolean(bool),
    Number(f64),
    Text(String),
    Array(Vec<Document>),
    Object(Vec<(String, Document)>),
}

impl Document {
    /// Reads JSON text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Self::read(raw.get())
    }

    fn read(text: &str) -> Result<Self, String> {
        let broken = |error: serde_json::Error| error.to_string();
        match text.as_bytes().first() {
            Some(b'{') => {
                let Members(members) = serde_json::from_str(text).map_err(broken)?;
                let mut object = Self::Object(Vec::new());
                for (key, raw) in members {
                    object.insert(key, Self::read(raw.get())?);
                }
                Ok(object)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(broken)?;
                let items: Result<_, _> = items.iter().map(|item| Self::read(item.get())).collect();
                Ok(Self::Array(items?))
            }
            Some(b'"') => serde_json::from_str(text).map(Self::Text).map_err(broken),
            Some(b't') => Ok(Self::Boolean(true)),
            Some(b'f') => Ok(Self::Boolean(false)),
            Some(b'n') => Ok(Self::Null),
            _ => number(text),
        }
    }

    /// Sets a member of an object: the last value counts, in the first one's place, and names that are array
    /// indices come first, in numeric order.
    pub(super) fn insert(&mut self, key: String, value: Self) {
        let Self::Object(members) = self else {
            panic!("`{key}` cannot be set in what is no object");
        };
        if let Some(member) = members.iter_mut().find(|(name, _)| *name == key) {
            member.1 = value;
            return;
        }
        let place = match index(&key) {
            None => members.len(),
            Some(new) => members.partition_point(|(name, _)| index(name).is_some_and(|old| old < new)),
        };
        members.insert(place, (key, value));
    }
}

impl fmt::Display for Document {
    /// Writes what `JSON.stringify` would.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(boolean) => write!(f, "{boolean}"),
            Self::Number(number) => f.write_str(ryu_js::Buffer::new().format_finite(*number)),
            Self::Text(text) => quote(f, text),
            Self::Array(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { "," })?;
                    item.fmt(f)?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (at, (key, value)) in members.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { "," })?;
                    quote(f, key)?;
                    f.write_str(":")?;
                    value.fmt(f)?;
                }
                f.write_str("}")
            }
        }
    }
}

fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
}

fn number(text: &str) -> Result<Document, String> {
    let number: f64 = text.parse().map_err(|_| format!("{text} is no number"))?;
    let is_whole = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    let is_changed = is_whole && text.parse() != Ok(number as i128);
    if is_changed || !number.is_finite() {
        return Err(format!("the host refuses the number {text}: send it as a string"));
    }
    Ok(Document::Number(number))
}

/// The array index that a name is to JavaScript, if it is one.
fn index(key: &str) -> Option<u32> {
    let index: u32 = key.parse().ok().filter(|index| *index < u32::MAX)?;
    (index.to_string() == key).then_some(index)
}

/// The members of an object in the order of the text.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_out_as_json_stringify_writes_it() {
        for (text, canonical) in [
            (r#" { "b" : 1.0 , "a" : [ ] } "#, r#"{"b":1,"a":[]}"#),
            (r#"{"b":1,"10":2,"9":3,"01":4}"#, r#"{"9":3,"10":2,"b":1,"01":4}"#),
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
            (r#"[1e21,1e-7,-0,0.1,100000000000000000000]"#, r#"[1e+21,1e-7,0,0.1,100000000000000000000]"#),
            (r#""\u00e9\/\u001f\u007f""#, "\"é/\\u001f\u{7f}\""),
        ] {
            assert_eq!(Document::parse(text).unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn a_number_that_the_host_would_refuse_is_refused() {
        for text in ["9007199254740993", "[1e400]", "{\"a\":-123456789012345678901}"] {
            assert!(Document::parse(text).unwrap_err().contains("send it as a string"), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "nul", "01", "[1,]", "{} {}"] {
            assert!(Document::parse(text).is_err(), "{text}");
        }
    }
}
