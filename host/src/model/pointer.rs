//! Where in a JSON document something is, as people and clients are told it.

use serde_path_to_error::{Error, Path, Segment};

use super::limits::REPEATED_BYTES_MAX;

/// The RFC 6901 pointer of the place that a deserializer had reached.
#[must_use]
pub fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&escaped(key));
            }
            // Not a level of the document: the name of an enum's case, or a key that is not text.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// Where a document is wrong, and what is: a member that is missing is named by the place where it should
/// be. Line and column are only told where the text is no JSON: elsewhere the pointer says more. What was given
/// is not repeated where it could be a secret ([`without_secrets`]).
#[must_use]
pub fn refusal(error: &Error<serde_json::Error>) -> (String, String) {
    let text = error.inner().to_string();
    let message = match error.inner().classify() {
        serde_json::error::Category::Data => text.split(" at line ").next().unwrap_or_default(),
        _ => &text,
    };
    let mut place = pointer(error.path());
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    if let Some(missing) = missing {
        place.push('/');
        place.push_str(&escaped(missing));
    }
    without_secrets(place, message)
}

/// A place and serde's message without text that could be a secret in the wrong member: what was found there is not
/// repeated, only its type, and a name that is not known only if it is short enough for a typo.
#[must_use]
pub fn without_secrets(place: String, message: &str) -> (String, String) {
    for kind in ["invalid type: string", "invalid value: string"] {
        let found = message.strip_prefix(kind).and_then(|found| found.rsplit_once(", expected "));
        if let Some((_, expected)) = found {
            return (place, format!("{kind}, expected {expected}"));
        }
    }
    for kind in ["unknown field", "unknown variant"] {
        let found = message.strip_prefix(kind).and_then(|found| found.rsplit_once(", expected "));
        if let Some((name, known)) = found
            && name.len() > REPEATED_BYTES_MAX
        {
            let parent = place.rsplit_once('/').map_or("", |(parent, _)| parent);
            let place = if kind == "unknown field" { parent.to_owned() } else { place };
            return (place, format!("{kind}, expected {known}"));
        }
    }
    (place, message.to_owned())
}

/// A key as a segment of a pointer.
#[must_use]
pub fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Sample {
        #[serde(rename = "list")]
        _list: Option<Vec<u8>>,
        #[serde(rename = "word")]
        _word: Option<Word>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    enum Word {
        One,
        Two,
    }

    fn told(text: &str) -> (String, String) {
        let mut json = serde_json::Deserializer::from_str(text);
        refusal(&serde_path_to_error::deserialize::<_, Sample>(&mut json).unwrap_err())
    }

    fn pair(place: &str, message: &str) -> (String, String) {
        (place.to_owned(), message.to_owned())
    }

    #[test]
    fn a_text_in_the_wrong_place_is_not_repeated() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

        assert_eq!(
            told(&format!(r#"{{"list":"{secret}, expected x"}}"#)),
            pair("/list", "invalid type: string, expected a sequence")
        );
        assert_eq!(
            told(&format!(r#"{{"word":"{secret}"}}"#)),
            pair("/word", "unknown variant, expected `one` or `two`")
        );
        assert_eq!(told(&format!(r#"{{"{secret}":1}}"#)), pair("", "unknown field, expected `list` or `word`"));
    }

    #[test]
    fn a_typo_is_repeated() {
        assert_eq!(told(r#"{"lsit":1}"#), pair("/lsit", "unknown field `lsit`, expected `list` or `word`"));
        assert_eq!(told(r#"{"word":"oen"}"#), pair("/word", "unknown variant `oen`, expected `one` or `two`"));
        assert_eq!(told(r#"{"list":7}"#), pair("/list", "invalid type: integer `7`, expected a sequence"));
    }
}
