//! A secret as it may lie somewhere: as it is, in base64, in hexadecimal, or escaped for a URL or for JSON.

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// What to look for, each with whose it is and how it is written.
#[derive(Default)]
pub struct Needles {
    labels: Vec<String>,
    bytes: Vec<Vec<u8>>,
}

impl Needles {
    /// Adds a secret in every encoding.
    pub fn add(&mut self, name: &str, secret: &[u8]) {
        // A shorter one could be anywhere by chance.
        assert!(secret.len() >= 12, "{name} is too short to look for");
        for (encoding, bytes) in encodings(secret) {
            self.labels.push(format!("{name} {encoding}"));
            self.bytes.push(bytes);
        }
    }

    pub fn count(&self) -> usize {
        self.bytes.len()
    }

    pub fn searcher(&self) -> Searcher<'_> {
        Searcher { labels: &self.labels, automaton: AhoCorasick::new(&self.bytes).unwrap() }
    }
}

/// Finds needles.
pub struct Searcher<'a> {
    labels: &'a [String],
    automaton: AhoCorasick,
}

impl Searcher<'_> {
    /// What is in `hay`, once each.
    pub fn found_in(&self, hay: &[u8]) -> Vec<&str> {
        let mut found: Vec<&str> =
            self.automaton.find_overlapping_iter(hay).map(|hit| self.labels[hit.pattern()].as_str()).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The secret in every encoding, with the encoding's name.
pub fn encodings(secret: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = vec![("as it is".to_owned(), secret.to_vec())];
    for before in 0..3 {
        all.push((format!("in base64, {before} bytes in"), inner_base64(&STANDARD, secret, before)));
        all.push((format!("in base64url, {before} bytes in"), inner_base64(&URL_SAFE, secret, before)));
    }
    all.push(("in hex".to_owned(), hex::encode(secret).into()));
    all.push(("in HEX".to_owned(), hex::encode_upper(secret).into()));
    let each = |write: &dyn Fn(&u8) -> String| secret.iter().map(write).collect::<String>().into_bytes();
    all.push(("with every byte %-escaped".to_owned(), each(&|byte| format!("%{byte:02X}"))));
    all.push(("with every byte %-escaped in lower case".to_owned(), each(&|byte| format!("%{byte:02x}"))));
    all.push(("as a form has it".to_owned(), each(&|byte| form(*byte, "+"))));
    all.push(("as a path has it".to_owned(), each(&|byte| form(*byte, "%20"))));
    all.push(("as a list of bytes".to_owned(), secret.iter().map(u8::to_string).collect::<Vec<_>>().join(", ").into()));
    if let Ok(text) = std::str::from_utf8(secret) {
        let json = serde_json::to_string(text).unwrap();
        all.push(("as JSON has it".to_owned(), json[1..json.len() - 1].into()));
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        all.push(("with every character \\u-escaped".to_owned(), escaped.into()));
        let debug = format!("{text:?}");
        all.push(("as Rust prints it".to_owned(), debug[1..debug.len() - 1].into()));
        all.push((
            "escaped twice".to_owned(),
            json[1..json.len() - 1].replace('\\', "\\\\").replace('"', "\\\"").into(),
        ));
    }
    all
}

/// What base64 makes of the secret when so many bytes come before it and anything behind it: the part that does
/// not hang on those.
fn inner_base64(engine: &impl Engine, secret: &[u8], before: usize) -> Vec<u8> {
    let encoded = engine.encode([&vec![0; before][..], secret].concat());
    // Of eight bits each, in characters of six: those that share bits with what comes before or behind go.
    let bits = (before + secret.len()) * 8;
    encoded[(before * 8).div_ceil(6)..bits / 6].into()
}

fn form(byte: u8, blank: &str) -> String {
    match byte {
        b' ' => blank.to_owned(),
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'*' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}
