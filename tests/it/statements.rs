//! `docs/statements.md`, checked: every line of the two specification documents is in a row, each row quotes the
//! lines it is about, and the tests that it names are there.
//!
//! Whether a test proves its statement is for people to judge; that none is forgotten or renamed is judged here.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;

const TABLE: &str = include_str!("../../docs/statements.md");
const GUIDE: &str = include_str!("fixtures/webhooks-guide.txt");
const API: &str = include_str!("fixtures/webhooks-api.txt");

/// A row of a table: `| 4–6 | "what the document says" | tests |`.
struct Row<'a> {
    lines: RangeInclusive<usize>,
    quote: &'a str,
    proof: &'a str,
}

/// The rows below a heading, up to the next one.
fn rows<'a>(table: &'a str, heading: &str) -> Vec<Row<'a>> {
    let start = table.find(heading).unwrap_or_else(|| panic!("no heading {heading:?}"));
    let section = &table[start + heading.len()..];
    let section = section.split("\n## ").next().unwrap();
    section.lines().filter_map(row).collect()
}

/// A row, if the line is one: its first cell is a line number or two.
fn row(line: &str) -> Option<Row<'_>> {
    let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.splitn(3, " | ");
    let (lines, quote, proof) = (cells.next()?, cells.next()?, cells.next()?);
    let (first, last) = lines.split_once('–').unwrap_or((lines, lines));
    Some(Row { lines: first.parse().ok()?..=last.parse().ok()?, quote, proof })
}

/// What of the rows does not fit the document.
fn misfits(rows: &[Row<'_>], document: &str) -> Vec<String> {
    let lines: Vec<&str> = document.lines().collect();
    let mut wanted: BTreeSet<usize> = (1..=lines.len()).filter(|number| !lines[number - 1].trim().is_empty()).collect();
    let mut found = Vec::new();
    for row in rows {
        for number in row.lines.clone() {
            let is_first = wanted.remove(&number);
            if !is_first && lines.get(number - 1).is_none_or(|line| !line.trim().is_empty()) {
                found.push(format!("line {number} has a row already, or is not there"));
            }
        }
        let quoted = lines.get(row.lines.start() - 1..*row.lines.end()).unwrap_or_default().join(" ");
        if !row.quote.split('…').all(|piece| plain(&quoted).contains(&plain(piece))) {
            found.push(format!("lines {:?} do not say {:?}", row.lines, row.quote));
        }
    }
    found.extend(wanted.iter().map(|number| format!("line {number} has no row: {}", lines[number - 1])));
    found
}

/// Letters and digits only: quotes may be set in other type than the document.
fn plain(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).collect()
}

/// The tests that a cell names, as file and function: `` `flow/health.rs`: `a_claim`, `another` ``.
fn named_tests(proof: &str) -> Vec<(&str, &str)> {
    let mut file = "";
    let mut tests = Vec::new();
    for code in proof.split('`').skip(1).step_by(2) {
        if code.ends_with(".rs") {
            file = code;
        } else if !code.is_empty()
            && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            && code.contains('_')
        {
            tests.push((file, code));
        }
    }
    tests
}

/// Whether the test is in the file, which is in this folder or, with a longer path, in the repository.
fn is_there((file, test): (&str, &str)) -> bool {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = [here.join("it").join(file), here.join("..").join(file)];
    let marker = format!("fn {test}(");
    sources.iter().filter_map(|path| std::fs::read_to_string(path).ok()).any(|source| source.contains(&marker))
}

#[test]
fn every_line_of_the_two_documents_has_its_row() {
    for (heading, document) in [("## The guide", GUIDE), ("## The API reference", API)] {
        let misfits = misfits(&rows(TABLE, heading), document);

        assert!(misfits.is_empty(), "{heading}:\n{}", misfits.join("\n"));
    }
}

#[test]
fn every_row_names_tests_that_are_there_or_says_why_it_needs_none() {
    for heading in ["## The guide", "## The API reference"] {
        for row in rows(TABLE, heading) {
            let tests = named_tests(row.proof);

            assert!(!tests.is_empty() || row.proof.starts_with("— "), "lines {:?} have no proof", row.lines);
            for test in tests {
                assert!(is_there(test), "lines {:?}: there is no test {test:?}", row.lines);
            }
        }
    }
}

#[test]
fn every_fact_names_a_test_that_is_there() {
    let facts = TABLE.split("## Beyond the two documents").nth(1).expect("the section is there");
    let rows: Vec<&str> = facts.lines().filter(|line| line.starts_with("| ")).skip(1).collect();

    assert!(rows.len() > 10, "{} rows", rows.len());
    for row in rows {
        let tests = named_tests(row);

        assert!(!tests.is_empty(), "{row}");
        for test in tests {
            assert!(is_there(test), "there is no test {test:?} for {row}");
        }
    }
}

#[test]
fn what_is_missing_doubled_or_misquoted_is_found() {
    let rows_of = |table| rows(table, "# T");
    let document = "one\n\ntwo\nthree\n";

    assert!(misfits(&rows_of("# T\n| 1–3 | \"one … two\" | x |\n| 4 | three | x |"), document).is_empty());
    assert_eq!(misfits(&rows_of("# T\n| 1–3 | one | x |"), document).len(), 1);
    assert_eq!(misfits(&rows_of("# T\n| 1–4 | one | x |\n| 4 | three | x |"), document).len(), 1);
    assert_eq!(misfits(&rows_of("# T\n| 1–4 | four | x |"), document).len(), 1);
    assert!(!is_there(("statements.rs", "no_such_test")));
}
