//! Tests of all that a pointer with `*` selects.

use hooksieve_sdk::Value;
use serde::Deserialize;

use crate::test::Test;

/// Of how many values the test must hold. Of an empty list neither holds: nothing is there that could match.
#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Quantifier {
    Any,
    /// Of each element, so not if one has nothing at the end of the pointer.
    All,
}

impl Quantifier {
    /// Whether the test holds of as many of `found`; `elements` is how many there are, with and without a value at the
    /// end of the pointer. A value of another type is an error, wherever it is in the list: the order of the elements
    /// makes no difference.
    pub(crate) fn holds(
        self,
        test: &Test,
        found: &Value,
        elements: Option<usize>,
        other: Option<&Value>,
    ) -> Result<bool, &'static str> {
        let Value::Many(scalars) = found else { return Err("plain values") };
        let answers = scalars.iter().map(|scalar| test.holds(&scalar.clone().into(), other));
        let answers = answers.collect::<Result<Vec<bool>, _>>()?;
        Ok(match self {
            Self::Any => answers.contains(&true),
            Self::All => !answers.is_empty() && elements == Some(answers.len()) && !answers.contains(&false),
        })
    }
}

/// How many elements a pointer with `*` selects; `None` if the value is no list of them.
pub(crate) fn elements(value: &Value) -> Option<usize> {
    match value {
        Value::Many(scalars) => Some(scalars.len()),
        Value::Json(text) => text.starts_with('[').then(|| count(text)),
        _ => None,
    }
}

/// The number of elements of an array that has some, as canonical JSON text.
fn count(array: &str) -> usize {
    let (mut depth, mut commas, mut is_text, mut is_escaped) = (0_u32, 0, false, false);
    for byte in array.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_text = !is_text,
            _ if is_text => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b',' => commas += usize::from(depth == 1),
            _ => {}
        }
    }
    commas + 1
}
