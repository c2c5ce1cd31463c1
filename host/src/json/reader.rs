//! Where the canoniser stands in its input: a cursor over text that is known to be UTF-8.

use super::error::Flaw;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A cursor over the input, or over its part before the first byte that is not UTF-8.
pub(super) struct Reader<'a> {
    text: &'a str,
    position: usize,
    ends_in_invalid_utf8: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        let (text, ends_in_invalid_utf8) = match str::from_utf8(input) {
            Ok(text) => (text, false),
            Err(error) => {
                let valid = str::from_utf8(&input[..error.valid_up_to()]);
                (valid.expect("the error says that this part is valid"), true)
            }
        };
        Self { text, position: 0, ends_in_invalid_utf8 }
    }

    /// The byte that `peek` shows, counted from the start of the input.
    pub(super) fn offset(&self) -> usize {
        self.position
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.position..]
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.position += bytes;
    }

    /// Takes the next bytes as text; their end must lie between two characters.
    pub(super) fn take(&mut self, bytes: usize) -> &'a str {
        let start = self.position;
        self.position += bytes;
        &self.text[start..self.position]
    }

    pub(super) fn skip_blank(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.position += 1;
        }
    }

    /// Moves over digits and says how many there were.
    pub(super) fn skip_digits(&mut self) -> usize {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.position += digits;
        digits
    }

    /// Moves over `word`, which the input must have here.
    pub(super) fn word(&mut self, word: &'static str) -> Result<(), Flaw> {
        for byte in word.bytes() {
            if self.peek() != Some(byte) {
                return Err(self.expected(word));
            }
            self.position += 1;
        }
        Ok(())
    }

    /// What is wrong where `what` should be.
    pub(super) fn expected(&self, what: &'static str) -> Flaw {
        if self.ends_in_invalid_utf8 && self.position == self.text.len() {
            return Flaw::InvalidUtf8;
        }
        Flaw::Syntax { expected: what }
    }

    pub(super) fn refuse_byte_order_mark(&self) -> Result<(), Flaw> {
        if self.text.starts_with(BYTE_ORDER_MARK) {
            return Err(Flaw::ByteOrderMark);
        }
        Ok(())
    }

    pub(super) fn refuse_more(&self) -> Result<(), Flaw> {
        if self.position < self.text.len() {
            return Err(Flaw::TrailingData);
        }
        if self.ends_in_invalid_utf8 {
            return Err(Flaw::InvalidUtf8);
        }
        Ok(())
    }
}
