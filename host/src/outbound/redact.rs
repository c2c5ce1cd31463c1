//! Takes the webhook's own headers out of what its endpoint answered.
//!
//! Their values are credentials, sealed wherever they are kept. An endpoint that repeats the request in its answer,
//! as many do for debugging, would put them into the attempt log in plain text.

/// A shorter value is no credential, and could stand in any answer by chance.
const BYTES_MIN: usize = 8;
/// What stands in the place of a value.
const REDACTED: &[u8] = b"[redacted]";

/// Replaces each of `values` in `response`, as it is and as JSON has it. Where the answer went on (`is_cut`), what
/// stands at the end may be the beginning of a value.
pub(super) fn redact<'a>(response: &mut Vec<u8>, values: impl Iterator<Item = &'a str>, is_cut: bool) {
    for value in values.filter(|value| value.len() >= BYTES_MIN) {
        replace(response, value.as_bytes(), is_cut);
        let json = serde_json::to_string(value).expect("text can be written as JSON");
        replace(response, &json.as_bytes()[1..json.len() - 1], is_cut);
    }
}

fn replace(response: &mut Vec<u8>, value: &[u8], is_cut: bool) {
    let mut from = 0;
    while let Some(at) = find(&response[from..], value).map(|at| from + at) {
        response.splice(at..at + value.len(), REDACTED.iter().copied());
        from = at + REDACTED.len();
    }
    if !is_cut {
        return;
    }
    let begun = (BYTES_MIN..value.len()).rev().find(|&begun| response.ends_with(&value[..begun]));
    if let Some(begun) = begun {
        response.truncate(response.len() - begun);
        response.extend_from_slice(REDACTED);
    }
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = r#"key "of" the endpoint"#;

    fn redacted(response: &str) -> String {
        redacted_of(response, false)
    }

    fn redacted_of(response: &str, is_cut: bool) -> String {
        let mut response = response.as_bytes().to_vec();
        redact(&mut response, [KEY, "short", "Basic aG9va3NpZXZl"].into_iter(), is_cut);
        String::from_utf8(response).unwrap()
    }

    #[test]
    fn each_value_is_replaced_wherever_it_stands() {
        assert_eq!(redacted(&format!("{KEY}{KEY} Basic aG9va3NpZXZl.")), "[redacted][redacted] [redacted].");
        assert_eq!(redacted(r#"{"x-api-key":"key \"of\" the endpoint"}"#), r#"{"x-api-key":"[redacted]"}"#);
    }

    #[test]
    fn what_the_end_of_the_log_cuts_off_is_replaced_too() {
        assert_eq!(redacted_of("x-api-key: key \"of\" t", true), "x-api-key: [redacted]");
        assert_eq!(redacted_of("x-api-key: key", true), "x-api-key: key");
    }

    #[test]
    fn the_end_of_a_whole_answer_stays_though_a_value_begins_like_it() {
        assert_eq!(redacted("what is the key \"of\" t"), "what is the key \"of\" t");
    }

    #[test]
    fn the_rest_of_an_answer_stays_as_it_is() {
        let answer = "a short answer that has nothing of it: \u{0} ü";

        assert_eq!(redacted(answer), answer);
        assert_eq!(redacted(""), "");
    }
}
