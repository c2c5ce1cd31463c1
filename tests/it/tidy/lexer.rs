//! Tells code, comments and string literals of Rust source apart, as far as the rules need it.

/// The text with comments and the insides of string literals left out.
pub(super) fn code(text: &str) -> String {
    split(text).0
}

/// The insides of the string literals.
pub(super) fn literals(text: &str) -> Vec<String> {
    split(text).1
}

/// Takes Rust source apart into code and string literals; comments are dropped.
fn split(text: &str) -> (String, Vec<String>) {
    let (mut code, mut literals) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let opening = opening(rest, code.chars().next_back());
        let consumed = match opening {
            Opening::Code => {
                code.push(character);
                character.len_utf8()
            }
            Opening::Character(length) => length,
            Opening::Comment(end) => rest.find(end).map_or(rest.len(), |at| at + end.len()),
            Opening::Text { start, hashes } => {
                let inside = &rest[start..];
                let length = closing(inside, hashes);
                literals.push(inside[..length].to_owned());
                code.push_str("\"\"");
                (start + length + 1 + hashes.unwrap_or(0)).min(rest.len())
            }
        };
        if matches!(opening, Opening::Comment("\n")) {
            code.push('\n');
        }
        rest = &rest[consumed..];
    }
    (code, literals)
}

/// What begins at a place in the source.
enum Opening {
    Code,
    /// A character literal of so many bytes.
    Character(usize),
    /// A comment up to and including this.
    Comment(&'static str),
    /// A string literal whose inside starts after so many bytes; raw ones count their `#`.
    Text {
        start: usize,
        hashes: Option<usize>,
    },
}

fn opening(rest: &str, before: Option<char>) -> Opening {
    if rest.starts_with("//") {
        return Opening::Comment("\n");
    }
    if rest.starts_with("/*") {
        return Opening::Comment("*/");
    }
    if rest.starts_with('"') {
        return Opening::Text { start: 1, hashes: None };
    }
    if let Some(raw) = rest
        .strip_prefix('r')
        .filter(|_| !before.is_some_and(|before| (before.is_alphanumeric() || before == '_') && before != 'b'))
    {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            return Opening::Text { start: hashes + 2, hashes: Some(hashes) };
        }
    }
    // `'"'` and `'\"'` are characters; a lifetime has no second quote.
    for literal in [r#"'"'"#, r#"'\"'"#, r"'\\'", r"'\''"] {
        if rest.starts_with(literal) {
            return Opening::Character(literal.len());
        }
    }
    Opening::Code
}

/// Where a string literal's inside ends.
fn closing(inside: &str, hashes: Option<usize>) -> usize {
    let found = match hashes {
        Some(hashes) => inside.find(&format!("\"{}", "#".repeat(hashes))),
        None => {
            let mut is_escaped = false;
            inside.char_indices().find_map(|(at, character)| {
                let is_end = character == '"' && !is_escaped;
                is_escaped = character == '\\' && !is_escaped;
                is_end.then_some(at)
            })
        }
    };
    found.unwrap_or(inside.len())
}
