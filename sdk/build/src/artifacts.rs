//! Reads the module paths out of cargo's JSON messages.
//!
//! This is no JSON parser: it knows the one line shape that cargo prints for a finished artifact, and a
//! build whose modules it cannot find is an error, never a silent success.

use std::path::PathBuf;

/// The `.wasm` files among the messages, in the order in which they were finished.
pub(crate) fn modules(messages: &str) -> Vec<PathBuf> {
    messages
        .lines()
        .filter(|line| line.starts_with(r#"{"reason":"compiler-artifact""#))
        .filter_map(|line| line.split_once(r#""filenames":["#))
        .flat_map(|(_, names)| strings(names))
        .filter(|name| name.ends_with(".wasm"))
        .map(PathBuf::from)
        .collect()
}

/// The JSON strings from the start of an array's inside up to its `]`.
fn strings(inside: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => found.push(string(&mut characters)),
            ']' => break,
            _ => {}
        }
    }
    found
}

/// The rest of a JSON string after its opening quote. Paths hold no escapes but `\\` and `\"`.
fn string(characters: &mut impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => text.extend(characters.next()),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn modules_are_found_among_other_artifacts() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"core"},"filenames":["/t/libcore.rlib","/t/libcore.rmeta"],"fresh":true}"#,
            "\n",
            r#"{"reason":"build-script-executed","filenames":["/t/wrong.wasm"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"a"},"filenames":["/t/a \"b\\c].wasm","/t/liba.rlib"],"executable":null}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );

        assert_eq!(modules(messages), [Path::new(r#"/t/a "b\c].wasm"#)]);
    }
}
