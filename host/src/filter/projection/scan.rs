//! Skipping over canonical JSON text without reading it.
//!
//! The text is trusted to be canonical, so nothing is checked that need not be; other text gives
//! `None` or a wrong end, but neither a panic nor a loop.

/// The end of the value that starts at `at`.
pub(super) fn value_end(json: &[u8], at: usize) -> Option<usize> {
    match json.get(at)? {
        b'"' => string_end(json, at),
        b'{' | b'[' => container_end(json, at + 1),
        _ => {
            let scalar = json[at..].iter().position(|byte| matches!(byte, b',' | b'}' | b']'));
            Some(scalar.map_or(json.len(), |length| at + length))
        }
    }
}

/// The end of the string whose opening quote is at `at`.
pub(super) fn string_end(json: &[u8], at: usize) -> Option<usize> {
    if json.get(at) != Some(&b'"') {
        return None;
    }
    let mut at = at + 1;
    loop {
        at += quote_or_backslash(json.get(at..)?)?;
        if json[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The end of the array or object in which `at` is, outside of its strings and inner containers.
pub(super) fn container_end(json: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 1_usize;
    loop {
        match json.get(at)? {
            b'"' => {
                at = string_end(json, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Where the first quote or backslash is.
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    // The high bit of each zero byte, eight bytes at a time. A borrow may also mark bytes after it,
    // never before, so that the lowest mark is right.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let (chunks, tail) = bytes.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        let marks = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if marks != 0 {
            return Some(index * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    let last = tail.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(bytes.len() - tail.len() + last)
}
