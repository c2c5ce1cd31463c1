//! What a document's tokens already say against it, before it is parsed.
//!
//! The parser is recursive and builds a tree, so it only gets what is bounded in length and nesting. Reading
//! tokens takes one pass and no memory. It is stricter than the parser where the two could disagree on where
//! a string ends.

use super::excess::Excess;
use crate::model::limits::{GRAPHQL_DIRECTIVES_MAX, GRAPHQL_NESTING_MAX, GRAPHQL_QUERY_BYTES_MAX, GRAPHQL_TOKENS_MAX};

/// The largest whole number that a double holds with all its neighbours (2^53).
const INTEGER_MAX: u64 = 1 << 53;

/// Refuses a document with too many bytes, tokens, brackets inside each other or directives.
///
/// # Errors
/// The first [`Excess`], in the order of the text.
pub(super) fn check(document: &str) -> Result<(), Excess> {
    if document.len() > GRAPHQL_QUERY_BYTES_MAX {
        return Err(Excess::Bytes);
    }
    let mut text = document.as_bytes();
    let (mut tokens, mut open, mut directives) = (0, 0_usize, 0);
    while let Some(&first) = text.first() {
        let length = match first {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                text = &text[1..];
                continue;
            }
            b'#' => {
                text = &text[comment(text)..];
                continue;
            }
            b'"' => string(text).ok_or(Excess::OpenString)?,
            b'-' | b'0'..=b'9' => number(text)?,
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => run(text, |byte| byte == b'_' || byte.is_ascii_alphanumeric()),
            b'{' | b'[' | b'(' => {
                open += 1;
                1
            }
            b'}' | b']' | b')' => {
                open = open.saturating_sub(1);
                1
            }
            b'@' => {
                directives += 1;
                1
            }
            _ => 1,
        };
        text = &text[length..];
        tokens += 1;
        if tokens > GRAPHQL_TOKENS_MAX {
            return Err(Excess::Tokens);
        }
        if open > GRAPHQL_NESTING_MAX {
            return Err(Excess::Nesting);
        }
        if directives > GRAPHQL_DIRECTIVES_MAX {
            return Err(Excess::Directives);
        }
    }
    Ok(())
}

fn run(text: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|&&byte| belongs(byte)).count()
}

fn comment(text: &[u8]) -> usize {
    run(text, |byte| byte != b'\n' && byte != b'\r')
}

/// The length of the string that `text` begins with, or `None` if it does not end.
fn string(text: &[u8]) -> Option<usize> {
    let is_block = text.starts_with(b"\"\"\"");
    let mut at = if is_block { 3 } else { 1 };
    loop {
        let rest = text.get(at..)?;
        at += match *rest.first()? {
            b'"' if !is_block => return Some(at + 1),
            b'"' if rest.starts_with(b"\"\"\"") => return Some(at + 3),
            b'\\' if is_block && rest.starts_with(b"\\\"\"\"") => 4,
            b'\\' if !is_block => 2,
            b'\n' | b'\r' if !is_block => return None,
            _ => 1,
        };
    }
}

/// The length of the number that `text` begins with. A whole number that a double changes is refused, as it
/// is in JSON: the parser would round it.
fn number(text: &[u8]) -> Result<usize, Excess> {
    let length = run(text, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.'));
    let digits = text[..length].strip_prefix(b"-").unwrap_or(&text[..length]);
    if digits.iter().all(u8::is_ascii_digit) {
        let value =
            digits.iter().fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
        if value > INTEGER_MAX {
            return Err(Excess::Integer);
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_at_the_bounds_is_taken_and_one_more_is_not() {
        let long = format!("#{}", "x".repeat(GRAPHQL_QUERY_BYTES_MAX - 1));
        let at_bounds = "a ".repeat(GRAPHQL_TOKENS_MAX);
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let directives = |count: usize| "@a".repeat(count);

        assert_eq!(check(&long), Ok(()));
        assert_eq!(check(&format!("{long}x")), Err(Excess::Bytes));
        assert_eq!(check(&at_bounds), Ok(()));
        assert_eq!(check(&format!("{at_bounds}a")), Err(Excess::Tokens));
        assert_eq!(check(&deep(GRAPHQL_NESTING_MAX)), Ok(()));
        assert_eq!(check(&deep(GRAPHQL_NESTING_MAX + 1)), Err(Excess::Nesting));
        assert_eq!(check(&directives(GRAPHQL_DIRECTIVES_MAX)), Ok(()));
        assert_eq!(check(&directives(GRAPHQL_DIRECTIVES_MAX + 1)), Err(Excess::Directives));
    }

    #[test]
    fn what_stands_in_strings_and_comments_does_not_count() {
        let brackets = "{[(".repeat(GRAPHQL_NESTING_MAX);

        for document in [
            format!("{{ a(b: \"{brackets}\") }}"),
            format!("{{ a(b: \"\\\"{brackets}\") }}"),
            format!("{{ a(b: \"\"\"\n \"\" \\\"\"\" {brackets}\"\"\") }}"),
            format!("# {brackets} \"\n{{ a(b: \"\") }}"),
        ] {
            assert_eq!(check(&document), Ok(()), "{document}");
        }
        assert_eq!(check(&format!("# a\r{brackets}")), Err(Excess::Nesting));
        assert_eq!(check(&format!("\"\" {brackets} \"\"")), Err(Excess::Nesting));
    }

    #[test]
    fn a_string_that_does_not_end_is_refused() {
        for document in ["\"", "\"a\nb\"", "\"\\", "\"\"\"", "\"\"\"a\"\"", "\"\"\"a\\\"\"\""] {
            assert_eq!(check(document), Err(Excess::OpenString), "{document}");
        }
    }

    #[test]
    fn a_whole_number_that_would_be_rounded_is_refused() {
        for taken in ["9007199254740992", "-9007199254740992", "12345678901234567890.5", "1e400", "-"] {
            assert_eq!(check(taken), Ok(()), "{taken}");
        }
        for refused in ["9007199254740993", "-123456789012345678901234567890"] {
            assert_eq!(check(refused), Err(Excess::Integer), "{refused}");
        }
    }
}
