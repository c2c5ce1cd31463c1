//! Strings with the escapes that `JSON.stringify` writes, and no others.

use super::error::Flaw;
use super::reader::Reader;

/// Copies the string that starts here, quotes included.
pub(super) fn copy(reader: &mut Reader<'_>, out: &mut String) -> Result<(), Flaw> {
    reader.advance(1);
    out.push('"');
    loop {
        let plain = plain_run(reader.rest());
        out.push_str(reader.take(plain));
        match reader.peek() {
            Some(b'"') => {
                reader.advance(1);
                out.push('"');
                return Ok(());
            }
            Some(b'\\') => copy_escape(reader, out)?,
            Some(_) => return Err(reader.expected("an escape, not a bare control character")),
            None => return Err(reader.expected("the end of the string")),
        }
    }
}

/// How many bytes come before the first quote, backslash or control character.
fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    // Eight bytes at a time. `zeros` marks the high bit of each zero byte; a borrow may also mark
    // bytes after it, never before, so that the lowest mark is right. The same holds for `controls`.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (chunks, tail) = bytes.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let backslashes = zeros(word ^ (ONES * u64::from(b'\\')));
        let marks = controls | quotes | backslashes;
        if marks != 0 {
            return index * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    bytes.len() - tail.len() + tail.iter().position(is_special).unwrap_or(tail.len())
}

/// Copies the character that the escape here stands for, escaped only if it has to be.
fn copy_escape(reader: &mut Reader<'_>, out: &mut String) -> Result<(), Flaw> {
    reader.advance(1);
    let character = match reader.peek() {
        Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            reader.advance(1);
            push_escaped(unicode_escape(reader)?, out);
            return Ok(());
        }
        _ => return Err(reader.expected("an escape of RFC 8259")),
    };
    reader.advance(1);
    push_escaped(character, out);
    Ok(())
}

/// Reads what follows `\u`, with the second half of a surrogate pair.
fn unicode_escape(reader: &mut Reader<'_>) -> Result<char, Flaw> {
    let first = code_unit(reader)?;
    let is_high = (0xd800..0xdc00).contains(&first);
    if is_high && reader.rest().starts_with(b"\\u") {
        reader.advance(2);
        let second = code_unit(reader)?;
        let pair = char::decode_utf16([first, second]).next();
        if let Some(Ok(character)) = pair {
            return Ok(character);
        }
    }
    char::from_u32(u32::from(first)).ok_or(Flaw::LoneSurrogate { unit: first })
}

fn code_unit(reader: &mut Reader<'_>) -> Result<u16, Flaw> {
    let mut unit = 0;
    for _ in 0..4 {
        let digit = reader.peek().and_then(|byte| char::from(byte).to_digit(16));
        let digit = digit.ok_or_else(|| reader.expected("a hexadecimal digit"))?;
        unit = unit * 16 + digit as u16;
        reader.advance(1);
    }
    Ok(unit)
}

fn push_escaped(character: char, out: &mut String) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\0'..='\u{1f}' => {
            let code = character as u32;
            let digit = |value| char::from_digit(value, 16).expect("less than sixteen");
            out.push_str("\\u00");
            out.extend([digit(code >> 4), digit(code & 15)]);
        }
        _ => out.push(character),
    }
}
