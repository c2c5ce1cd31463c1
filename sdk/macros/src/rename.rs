//! The cases that serde's `rename_all` knows, as serde applies them.

use syn::{Error, LitStr, Result};

/// The names of the cases.
const CASES: [&str; 8] = [
    "lowercase",
    "UPPERCASE",
    "PascalCase",
    "camelCase",
    "snake_case",
    "SCREAMING_SNAKE_CASE",
    "kebab-case",
    "SCREAMING-KEBAB-CASE",
];

/// A case, by its name; none by default.
#[derive(Clone, Copy, Default)]
pub(crate) struct Case(Option<&'static str>);

impl Case {
    pub(crate) fn parse(name: &LitStr) -> Result<Self> {
        let text = name.value();
        let known = CASES.into_iter().find(|case| *case == text);
        known.map(|case| Self(Some(case))).ok_or_else(|| {
            Error::new_spanned(name, format!("serde knows no case of this name; it knows {}", CASES.join(", ")))
        })
    }

    /// The name of a struct's field, which is written `snake_case`.
    pub(crate) fn of_field(self, name: &str) -> String {
        match self.0 {
            Some("PascalCase") => pascal(name),
            Some("camelCase") => lower_first(&pascal(name)),
            Some("UPPERCASE" | "SCREAMING_SNAKE_CASE") => name.to_ascii_uppercase(),
            Some("kebab-case") => name.replace('_', "-"),
            Some("SCREAMING-KEBAB-CASE") => name.to_ascii_uppercase().replace('_', "-"),
            _ => name.to_owned(),
        }
    }

    /// The name of an enum's variant, which is written `PascalCase`.
    pub(crate) fn of_variant(self, name: &str) -> String {
        match self.0 {
            Some("lowercase") => name.to_ascii_lowercase(),
            Some("UPPERCASE") => name.to_ascii_uppercase(),
            Some("camelCase") => lower_first(name),
            Some("snake_case") => snake(name),
            Some("SCREAMING_SNAKE_CASE") => snake(name).to_ascii_uppercase(),
            Some("kebab-case") => snake(name).replace('_', "-"),
            Some("SCREAMING-KEBAB-CASE") => snake(name).to_ascii_uppercase().replace('_', "-"),
            _ => name.to_owned(),
        }
    }
}

fn pascal(name: &str) -> String {
    let mut pascal = String::new();
    let mut is_first = true;
    for letter in name.chars() {
        match letter {
            '_' => is_first = true,
            _ if is_first => {
                pascal.push(letter.to_ascii_uppercase());
                is_first = false;
            }
            _ => pascal.push(letter),
        }
    }
    pascal
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in name.char_indices() {
        if at > 0 && letter.is_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_lowercase(), letters.as_str()))
}
