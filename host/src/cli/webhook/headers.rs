//! The headers that a webhook adds to its requests, as the command line has them.
//!
//! Their values are credentials more often than not, and what stands on a command line is seen by whoever lists the
//! machine's processes: so a value can come from a file.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::failure::misuse;
use crate::cli::input;
use crate::wire::SecretText;

/// One header; without a value it keeps the one that it has.
#[derive(Clone, Debug)]
pub(super) struct Header {
    name: String,
    value: Option<SecretText>,
}

/// Reads `NAME: VALUE`, `NAME: @FILE`, whose last line break is not part of the value, or `NAME`.
pub(super) fn parse(argument: &str) -> Result<Header, String> {
    let (name, value) = match argument.split_once(':') {
        Some((name, value)) => (name, Some(value.trim())),
        None => (argument, None),
    };
    let value = match value.map(|value| value.strip_prefix('@').ok_or(value)) {
        Some(Ok(file)) => {
            let text = input::read_text(Path::new(file)).map_err(|error| format!("{error:#}"))?;
            Some(SecretText::from(text.trim_end_matches(['\r', '\n'])))
        }
        Some(Err(value)) => Some(SecretText::from(value)),
        None => None,
    };
    Ok(Header { name: name.trim().to_owned(), value })
}

/// Those of a new webhook, each of which has a value.
///
/// # Errors
/// When one has none.
pub(super) fn of_new(headers: Vec<Header>) -> anyhow::Result<BTreeMap<String, SecretText>> {
    let with_value = |Header { name, value }| match value {
        Some(value) => Ok((name, value)),
        None => {
            Err(misuse(format!("the header {name} has no value"), "write --header 'NAME: VALUE', or 'NAME: @FILE'"))
        }
    };
    headers.into_iter().map(with_value).collect()
}

/// Those of a webhook from now on.
pub(super) fn of_patch(headers: Vec<Header>) -> BTreeMap<String, Option<SecretText>> {
    headers.into_iter().map(|Header { name, value }| (name, value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(argument: &str) -> Option<String> {
        parse(argument).unwrap().value.map(|value| value.expose().to_owned())
    }

    #[test]
    fn a_value_comes_from_the_argument_or_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "Bearer a:b\n").unwrap();

        assert_eq!(value("authorization: Bearer a:b").as_deref(), Some("Bearer a:b"));
        assert_eq!(value(&format!("authorization: @{}", file.display())).as_deref(), Some("Bearer a:b"));
        assert_eq!(value("authorization"), None);
        assert!(parse("authorization: @/nowhere/key").is_err());
    }

    #[test]
    fn a_new_webhooks_headers_have_values() {
        assert!(of_new(vec![parse("x-a: 1").unwrap()]).is_ok());
        assert!(of_new(vec![parse("x-a").unwrap()]).is_err());
    }
}
