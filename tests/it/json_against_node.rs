//! The canonical body against the engine whose behaviour it promises: Node.
//!
//! One `node` process judges every document on its own, with another parser and exact arithmetic. A
//! document must be accepted exactly when it has no flaw there, with the text that Node prints.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hooksieve::json::{Flaw, canonicalise};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;

const DOCUMENTS: u32 = 4_000;

/// Answers each base64 line with `{canonical, flaws}`: what JavaScript prints, or null if it cannot
/// read the document, and the flaws for which the document must be refused.
const JUDGE: &str = r#"
const DEPTH_MAX = 64;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// A number's digits and its power of ten, without zeros at either end.
function decimal(literal) {
  const [, whole, fraction = '', exponent = '0'] = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal);
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  return { significant, power };
}

function flawsOf(text) {
  const flaws = new Set();
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[\[\]{}]/g)) {
    if (token[0] === '"') {
      if (!JSON.parse(token).isWellFormed()) flaws.add('LoneSurrogate');
    } else if (token === '[' || token === '{') {
      if (++depth > DEPTH_MAX) flaws.add('TooDeep');
    } else if (token === ']' || token === '}') {
      depth--;
    } else if (!Number.isFinite(Number(token))) {
      flaws.add('NumberOverflows');
    } else {
      const sent = decimal(token), kept = decimal(String(Number(token)));
      const isWhole = sent.significant === '' || sent.power >= 0n;
      if (isWhole && sent.significant !== '' && (sent.significant !== kept.significant || sent.power !== kept.power))
        flaws.add('NumberChanges');
    }
  }
  return [...flaws];
}

function judge(bytes) {
  let text;
  try { text = utf8.decode(bytes); } catch { return { canonical: null, flaws: ['unreadable'] }; }
  let value;
  try { value = JSON.parse(text); } catch { return { canonical: null, flaws: ['unreadable'] }; }
  return { canonical: JSON.stringify(value), flaws: flawsOf(text) };
}

require('readline').createInterface({ input: process.stdin }).on('line', (line) =>
  process.stdout.write(JSON.stringify(judge(Buffer.from(line, 'base64'))) + '\n'));
"#;

#[test]
fn random_documents_become_what_node_prints_or_have_a_flaw_that_node_sees() {
    let node = RefCell::new(Node::start());
    let config = Config { cases: DOCUMENTS, failure_persistence: None, ..Config::default() };

    let outcome = TestRunner::new(config).run(&document(), |document| node.borrow_mut().check(&document));

    outcome.expect("our canonical text and Node's judgement agree");
}

#[test]
fn documents_known_to_be_nasty_become_what_node_prints() {
    let mut node = Node::start();
    let deep = |depth: usize| format!("{}0{}", "{\"a\":[".repeat(depth / 2), "]}".repeat(depth / 2));
    let many_keys = |step: usize| {
        let members: Vec<String> = (0..2_000).map(|key| format!("\"{}\":{key}", key * step % 1_999)).collect();
        format!("{{{}}}", members.join(","))
    };
    let documents = [
        r#"{"4294967294":0,"4294967295":1,"4294967296":2,"0":3,"00":4,"1e1":5,"-0":6,"+1":7," 1":8}"#.to_owned(),
        r#"{"b":{"2":0,"1":{"z":1,"0":2}},"a":0,"b":{"3":0,"1":1},"__proto__":{"x":1},"__proto__":null}"#.to_owned(),
        r#"{"constructor":1,"toJSON":"x","length":2,"":3,"hasOwnProperty":4,"\u0000":5}"#.to_owned(),
        "[5e-324,2.2250738585072011e-308,1.7976931348623157e308,1.7976931348623159e308]".to_owned(),
        "[123456789012345680000,1e21,1e23,999999999999999900000,0.1e-6,4.35,0.3e1]".to_owned(),
        "\"\u{2028}\u{2029}\u{7f}\u{80}\u{feff}\u{ffff}\u{10ffff}\"".to_owned(),
        "\u{feff}1".to_owned(),
        "\u{a0}1".to_owned(),
        deep(64),
        deep(66),
        many_keys(1),
        many_keys(7),
    ];
    for document in documents {
        node.check(document.as_bytes()).expect("our canonical text and Node's judgement agree");
    }
}

struct Node {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Node {
    fn start() -> Self {
        let mut process = Command::new("node")
            .args(["-e", JUDGE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test needs Node 20 or later: install it and put `node` on the PATH");
        let questions = process.stdin.take().expect("stdin is piped");
        let answers = BufReader::new(process.stdout.take().expect("stdout is piped"));
        Self { process, questions, answers }
    }

    fn judge(&mut self, document: &[u8]) -> Value {
        writeln!(self.questions, "{}", STANDARD.encode(document)).expect("node reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("node answers");
        serde_json::from_str(&line).expect("node answers with JSON; is it Node 20 or later?")
    }

    fn check(&mut self, document: &[u8]) -> Result<(), TestCaseError> {
        let verdict = self.judge(document);
        let flaws = verdict["flaws"].as_array().expect("a list");
        match canonicalise(document) {
            Ok(text) => {
                prop_assert!(flaws.is_empty(), "accepted although {verdict}");
                prop_assert_eq!(Some(text.as_str()), verdict["canonical"].as_str());
            }
            Err(error) => {
                let is_unreadable = verdict["canonical"].is_null();
                let is_seen = flaws.iter().any(|flaw| flaw == name(error.flaw()));
                prop_assert!(is_unreadable || is_seen, "refused with {error} although {verdict}");
            }
        }
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The process is gone already if it failed, and the test has said so.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn name(flaw: &Flaw) -> &'static str {
    match flaw {
        Flaw::NumberChanges { .. } => "NumberChanges",
        Flaw::NumberOverflows { .. } => "NumberOverflows",
        Flaw::LoneSurrogate { .. } => "LoneSurrogate",
        Flaw::TooDeep => "TooDeep",
        Flaw::InvalidUtf8 | Flaw::ByteOrderMark | Flaw::TrailingData | Flaw::Syntax { .. } => "unreadable",
    }
}

/// A document as bytes: mostly JSON, sometimes damaged in one byte or cut.
fn document() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop_oneof![
        6 => Just(None),
        1 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(Some),
    ];
    (value(), damage).prop_map(|(text, damage)| {
        let mut bytes = text.into_bytes();
        if let Some((index, byte)) = damage {
            let place = index.index(bytes.len());
            if byte.is_ascii_control() {
                bytes.truncate(place);
            } else {
                bytes[place] = byte;
            }
        }
        bytes
    })
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        1 => prop::sample::select(vec!["null", "true", "false"]).prop_map(str::to_owned),
        3 => number(),
        2 => string(),
    ];
    leaf.prop_recursive(8, 96, 8, |inner| {
        let spaced = |open: &str, items: Vec<String>, close: &str| format!("{open}{}{close}", items.join(" ,\n"));
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(move |items| spaced("[", items, " ]")),
            prop::collection::vec((key(), inner.clone()), 0..24).prop_map(move |members| {
                let members = members.into_iter().map(|(key, value)| format!("{key}\t: {value}")).collect();
                spaced(" {", members, "\r}")
            }),
            (inner, 1usize..64).prop_map(|(value, depth)| format!("{}{value}{}", "[".repeat(depth), "]".repeat(depth))),
        ]
    })
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<i32>().prop_map(|number| number.to_string()),
        2 => any::<f64>().prop_filter_map("finite", |number| number.is_finite().then(|| format!("{number:e}"))),
        2 => "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?",
        1 => "-?(0|[1-9][0-9]{14,22})(\\.0{1,3})?",
        1 => (-100i64..100).prop_map(|offset| ((1i64 << 53) + offset).to_string()),
        1 => any::<f64>().prop_filter_map("whole", |number| {
            let number = number % 1e25;
            number.is_finite().then(|| format!("{:.0}", number))
        }),
        1 => "[1-9](\\.[0-9]{1,3})?[eE][+]?30[0-9]",
    ]
}

fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[ -!#-\\[\\]-~]{0,12}",
        2 => "[^\"\\\\\\x00-\\x1f]{0,4}",
        2 => "\\\\[\"\\\\/bfnrt]",
        2 => "\\\\u00[0-9a-fA-F]{2}",
        1 => "\\\\ud[89ab][0-9a-f]{2}\\\\uD[c-f][0-9A-F]{2}",
        1 => Just("\u{2028}\u{2029}".to_owned()),
    ];
    let pieces = prop::collection::vec(piece, 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()));
    prop_oneof![
        60 => pieces,
        1 => "\"\\\\u[dD][89a-fA-F][0-9a-f]{2}x?\"",
    ]
}

fn key() -> impl Strategy<Value = String> {
    let known = [
        "",
        "a",
        "b",
        "\\u0061",
        "__proto__",
        "constructor",
        "toJSON",
        "length",
        "0",
        "1",
        "2",
        "10",
        "01",
        "-0",
        "-1",
        "1.5",
        "\\u0031",
        "4294967294",
        "4294967295",
        "4294967296",
        "9007199254740993",
        "1e3",
    ];
    prop_oneof![
        6 => prop::sample::select(known.to_vec()).prop_map(|key| format!("\"{key}\"")),
        2 => any::<u32>().prop_map(|index| format!("\"{index}\"")),
        2 => string(),
    ]
}
