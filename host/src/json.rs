//! The canonical body: the one text of a JSON document that a JavaScript receiver re-creates.
//!
//! Blue's sample verifies a signature over `JSON.stringify(JSON.parse(body))`, so the body that is
//! signed must be a fixed point of that. [`canonicalise`] is run once, at intake; from there on the
//! text is spliced and never serialised again. Neither `serde_json` nor RFC 8785 gives this text:
//! JavaScript keeps the order of keys, except that array-index keys come first in numeric order.
//!
//! It refuses what JavaScript would read but not give back: whole numbers that a double changes,
//! numbers beyond a double, lone surrogates. It also refuses what no parser should be made to read:
//! deep nesting, invalid UTF-8, a byte order mark, anything after the document.
//!
//! [`without_order`] is for comparing: the same text for documents that differ in the order of members alone.
//!
//! One pass, without a tree: memory follows the size of the input, and time does too, but for
//! sorting the keys of large objects and for copying an object once more, on each level, where its
//! members must change places.

mod error;
mod number;
mod object;
mod reader;
mod text;

pub use error::{Flaw, JsonError};

use crate::model::limits::JSON_DEPTH_MAX;
use object::{KeyOrder, Member, Object};
use reader::Reader;

/// Turns a JSON document into its canonical text `t`, for which `JSON.stringify(JSON.parse(t)) === t`
/// in ECMAScript. The text denotes what `input` denotes; of duplicate keys the last value stands, in
/// the first one's place. Canonical text comes back unchanged.
///
/// # Errors
/// The first [`Flaw`] of the document, with its place.
pub fn canonicalise(input: &[u8]) -> Result<String, JsonError> {
    rewrite(input, KeyOrder::EcmaScript)
}

/// The text of a canonical document with the members of every object sorted by their keys, so that
/// documents which differ in the order of members alone come out the same. Only for comparing: a receiver
/// in JavaScript would print the members in another order.
#[must_use]
pub fn without_order(canonical: &str) -> String {
    rewrite(canonical.as_bytes(), KeyOrder::Sorted).expect("canonical text has no flaw")
}

fn rewrite(input: &[u8], order: KeyOrder) -> Result<String, JsonError> {
    let mut canoniser = Canoniser {
        reader: Reader::new(input),
        out: String::with_capacity(input.len()),
        open: Vec::new(),
        members: Vec::new(),
        order,
    };
    match canoniser.document() {
        Ok(()) => Ok(canoniser.out),
        Err(flaw) => Err(JsonError { flaw, pointer: canoniser.pointer(), offset: canoniser.reader.offset() }),
    }
}

/// An array or object whose end has not been read yet.
enum Open {
    Array { index: usize },
    Object(Object),
}

struct Canoniser<'a> {
    reader: Reader<'a>,
    out: String,
    open: Vec<Open>,
    /// The members of all open objects, those of the innermost last.
    members: Vec<Member>,
    order: KeyOrder,
}

impl Canoniser<'_> {
    fn document(&mut self) -> Result<(), Flaw> {
        self.reader.refuse_byte_order_mark()?;
        loop {
            let waits_for_a_value = self.value()? || self.after_value()?;
            if !waits_for_a_value {
                return self.reader.refuse_more();
            }
        }
    }

    /// Copies a scalar or an empty container, or opens a container; says whether a value must follow.
    fn value(&mut self) -> Result<bool, Flaw> {
        self.reader.skip_blank();
        match self.reader.peek() {
            Some(b'"') => text::copy(&mut self.reader, &mut self.out)?,
            Some(b'-' | b'0'..=b'9') => number::copy(&mut self.reader, &mut self.out)?,
            Some(b'{') => return self.open_object(),
            Some(b'[') => return self.open_array(),
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            _ => return Err(self.reader.expected("a value")),
        }
        Ok(false)
    }

    /// Goes on after a value: closes what ends here, up to a comma. Says whether a value must follow.
    fn after_value(&mut self) -> Result<bool, Flaw> {
        loop {
            self.reader.skip_blank();
            match (self.open.last_mut(), self.reader.peek()) {
                (None, _) => return Ok(false),
                (Some(Open::Array { index }), Some(b',')) => {
                    *index += 1;
                    self.take(',');
                    return Ok(true);
                }
                (Some(Open::Array { .. }), Some(b']')) => self.take(']'),
                (Some(Open::Object(object)), Some(b',')) => {
                    object.end_member(&mut self.members, self.out.len());
                    self.take(',');
                    self.key()?;
                    return Ok(true);
                }
                (Some(Open::Object(object)), Some(b'}')) => {
                    object.end_member(&mut self.members, self.out.len());
                    object.close(&mut self.members, &mut self.out, self.order);
                    self.take('}');
                }
                (Some(Open::Array { .. }), _) => {
                    return Err(self.reader.expected("a comma or the end of the array"));
                }
                (Some(Open::Object(_)), _) => {
                    return Err(self.reader.expected("a comma or the end of the object"));
                }
            }
            self.open.pop();
        }
    }

    fn open_array(&mut self) -> Result<bool, Flaw> {
        self.refuse_depth()?;
        self.take('[');
        self.reader.skip_blank();
        if self.reader.peek() == Some(b']') {
            self.take(']');
            return Ok(false);
        }
        self.open.push(Open::Array { index: 0 });
        Ok(true)
    }

    fn open_object(&mut self) -> Result<bool, Flaw> {
        self.refuse_depth()?;
        let object = Object::new(self.out.len(), self.members.len());
        self.take('{');
        self.reader.skip_blank();
        if self.reader.peek() == Some(b'}') {
            self.take('}');
            return Ok(false);
        }
        self.open.push(Open::Object(object));
        self.key()?;
        Ok(true)
    }

    fn refuse_depth(&self) -> Result<(), Flaw> {
        if self.open.len() == JSON_DEPTH_MAX {
            return Err(Flaw::TooDeep);
        }
        Ok(())
    }

    /// Copies a key and its colon, as the next member of the innermost open object.
    fn key(&mut self) -> Result<(), Flaw> {
        self.reader.skip_blank();
        if self.reader.peek() != Some(b'"') {
            return Err(self.reader.expected("a key in double quotes"));
        }
        let start = self.out.len();
        text::copy(&mut self.reader, &mut self.out)?;
        let end = self.out.len();
        self.reader.skip_blank();
        if self.reader.peek() != Some(b':') {
            return Err(self.reader.expected("a colon"));
        }
        self.take(':');
        if let Some(Open::Object(object)) = self.open.last_mut() {
            object.start_member(&mut self.members, start..end, &self.out);
        }
        Ok(())
    }

    fn word(&mut self, word: &'static str) -> Result<(), Flaw> {
        self.reader.word(word)?;
        self.out.push_str(word);
        Ok(())
    }

    /// Copies the structural character that `peek` has seen.
    fn take(&mut self, structural: char) {
        self.reader.advance(1);
        self.out.push(structural);
    }

    /// The RFC 6901 pointer of the place that has been reached; see [`JsonError::pointer`].
    fn pointer(&self) -> String {
        let segments = self.open.iter().filter_map(|open| match open {
            Open::Array { index } => Some(index.to_string()),
            Open::Object(object) => object.key_of_value(&self.members, &self.out),
        });
        error::pointer_of(segments)
    }
}

#[cfg(test)]
mod tests;
