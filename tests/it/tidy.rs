//! The architecture, checked: which part of the host may know which, where SQL may stand, how long files are.
//!
//! It reads source text, not syntax: comments and string literals are blanked out first, and a path counts
//! wherever it is written. That is enough to catch an arrow that someone draws by habit; it is no defence
//! against someone who wants to hide one.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "tidy/lexer.rs"]
mod lexer;

use lexer::{code, literals};

/// Which part may use which (ARCHITECTURE.md draws it). A part is a file or folder of `host/src`; one that is
/// not listed here is itself an error, so that a new part gets its place in this list first.
const ARROWS: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    (
        "cli",
        &[
            "app",
            "client",
            "wire",
            "service",
            "filter",
            "config",
            "telemetry",
            "lifecycle",
            "resolve",
            "json",
            "sign",
            "egress",
            "clock",
            "model",
            "failpoint",
        ],
    ),
    (
        "app",
        &[
            "api",
            "service",
            "bundled",
            "dispatch",
            "deliver",
            "store",
            "filter",
            "json",
            "sign",
            "egress",
            "resolve",
            "outbound",
            "wire",
            "model",
            "config",
            "clock",
            "lifecycle",
            "telemetry",
            "metrics",
            "traces",
        ],
    ),
    ("lifecycle", &["dispatch", "deliver", "store", "clock", "model", "failpoint"]),
    ("bundled", &["service"]),
    ("api", &["service", "wire", "model", "metrics"]),
    ("client", &["wire", "model"]),
    ("wire", &["model"]),
    (
        "service",
        &[
            "store",
            "filter",
            "outbound",
            "egress",
            "resolve",
            "sign",
            "json",
            "schema",
            "model",
            "clock",
            "metrics",
            "traces",
            "failpoint",
        ],
    ),
    ("dispatch", &["store", "filter", "model", "clock", "metrics", "traces", "failpoint"]),
    ("deliver", &["store", "sign", "outbound", "model", "clock", "metrics", "traces", "failpoint"]),
    ("outbound", &["egress", "resolve", "model"]),
    ("resolve", &["egress", "model"]),
    ("config", &["filter", "egress", "model"]),
    ("store", &["model", "metrics", "failpoint"]),
    ("filter", &["schema", "model", "metrics", "failpoint"]),
    ("sign", &["model"]),
    ("egress", &["model"]),
    ("json", &["model"]),
    ("schema", &["model"]),
    ("telemetry", &["config"]),
    ("clock", &["model"]),
    ("traces", &["metrics", "model"]),
    ("metrics", &["model"]),
    ("failpoint", &[]),
    ("model", &[]),
];

/// Where every part may be named, since it declares or checks them all.
const ROOTS: &[&str] = &["lib"];

/// How long a file may be, in lines. About 300 is the habit; this is where it becomes a mistake.
const LINES_MAX: usize = 500;

/// How SQL statements begin, in a string literal.
const STATEMENTS: &[&str] = &[
    "SELECT ",
    "INSERT ",
    "UPDATE ",
    "DELETE FROM",
    "CREATE TABLE",
    "CREATE INDEX",
    "ALTER TABLE",
    "DROP TABLE",
    "PRAGMA ",
    "BEGIN IMMEDIATE",
];

/// A file of the host.
struct Source {
    /// Relative to `host/src`, such as `store/sqlite/writer.rs`.
    path: String,
    text: String,
}

impl Source {
    /// The part that the file belongs to.
    fn part(&self) -> &str {
        let first = self.path.split('/').next().expect("a path has a first segment");
        first.strip_suffix(".rs").unwrap_or(first)
    }
}

/// Arrows that are not in the list.
fn wrong_arrows(source: &Source) -> Vec<String> {
    let part = source.part();
    if ROOTS.contains(&part) {
        return Vec::new();
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == part) else {
        return vec![format!("{}: the part `{part}` has no place in ARROWS", source.path)];
    };
    let is_wrong = |used: &&str| *used != part && !allowed.contains(used);
    let parts = ARROWS.iter().map(|(name, _)| *name);
    let code = code(&source.text);
    parts
        .filter(is_wrong)
        .filter(|used| uses(&code, used))
        .map(|used| format!("{}: `{part}` must not know `{used}`", source.path))
        .collect()
}

/// Whether the code names a part of this crate: `crate::part`, `hooksieve::part`, or in a `use crate::{…}`.
fn uses(code: &str, part: &str) -> bool {
    ["crate::", "hooksieve::"].iter().any(|root| {
        code.match_indices(root).any(|(at, _)| {
            let is_whole = code[..at].chars().next_back().is_none_or(|before| !is_word(before));
            let after = &code[at + root.len()..];
            is_whole && heads(after).iter().any(|head| head == part)
        })
    })
}

/// The first segments of what follows a crate's root: one name, or those at the top level of a `{…}`.
fn heads(after: &str) -> Vec<String> {
    let Some(group) = after.trim_start().strip_prefix('{') else {
        return vec![word(after)];
    };
    let mut heads = vec![word(group)];
    let mut depth = 0_u32;
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(word(&group[at + 1..])),
            _ => {}
        }
    }
    heads
}

fn word(text: &str) -> String {
    text.trim_start().chars().take_while(|character| is_word(*character)).collect()
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// SQL outside the store.
fn stray_sql(source: &Source) -> Vec<String> {
    if source.part() == "store" {
        return Vec::new();
    }
    let literals = literals(&source.text);
    STATEMENTS
        .iter()
        .filter(|statement| literals.iter().any(|literal| literal.trim_start().starts_with(**statement)))
        .map(|statement| format!("{}: SQL (`{}…`) belongs in the store", source.path, statement.trim()))
        .collect()
}

/// Libraries that only one part may know.
fn stray_libraries(source: &Source) -> Vec<String> {
    let code = code(&source.text);
    let homes: [(&str, &[&str]); 6] = [
        ("axum", &["api", "app", "cli"]),
        // With it Blue's names, which are those of its types.
        ("async_graphql", &["api/graphql/"]),
        ("rusqlite", &["store"]),
        ("wasmtime", &["filter"]),
        // Whoever makes requests of its own makes them past the egress policy.
        ("reqwest", &["client", "outbound", "traces"]),
        ("opentelemetry_proto", &["traces"]),
    ];
    let is_home = |homes: &[&str]| homes.iter().any(|home| *home == source.part() || source.path.starts_with(*home));
    homes
        .iter()
        .filter(|(library, homes)| !is_home(homes) && names(&code, library))
        .map(|(library, homes)| format!("{}: `{library}` is known only to {}", source.path, homes.join(", ")))
        .collect()
}

/// Whether the code has `library::` or `use library` in it, as a whole word.
fn names(code: &str, library: &str) -> bool {
    code.match_indices(library).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + library.len()..].trim_start();
        let is_whole = before.is_none_or(|before| !is_word(before) && before != '-');
        let is_path = after.starts_with("::") || code[..at].trim_end().ends_with("use");
        is_whole && is_path
    })
}

/// Files that have grown too long.
fn overlong(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    if lines <= LINES_MAX {
        return Vec::new();
    }
    vec![format!("{}: {lines} lines are more than {LINES_MAX}", source.path)]
}

/// All Rust files of the host, sorted.
fn host() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the checkout");
    let root = root.join("host/src");
    let mut sources = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("the folder can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(read(&root, path));
            }
        }
    }
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    sources
}

fn read(root: &Path, path: PathBuf) -> Source {
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let path = path.strip_prefix(root).expect("it is in the folder").to_string_lossy().replace('\\', "/");
    Source { path, text }
}

fn check(rule: fn(&Source) -> Vec<String>) {
    let sources = host();
    assert!(!sources.is_empty(), "the host has no sources");
    let broken: Vec<String> = sources.iter().flat_map(rule).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn parts_of_the_host_know_only_what_the_architecture_allows() {
    check(wrong_arrows);
}

#[test]
fn sql_stands_only_in_the_store() {
    check(stray_sql);
}

#[test]
fn libraries_stay_in_the_part_that_wraps_them() {
    check(stray_libraries);
}

#[test]
fn no_file_of_the_host_is_overlong() {
    check(overlong);
}

/// The rules themselves, on sources that break them.
mod rules {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn an_arrow_outside_the_list_is_found_in_every_spelling() {
        for text in [
            "use crate::deliver::send;",
            "use crate::{model::Event, deliver};",
            "use crate::{\n    model::{Event, Id},\n    deliver::step,\n};",
            "fn f() { crate::deliver::step(); }",
            "pub use hooksieve::deliver as x;",
        ] {
            let found = wrong_arrows(&source("dispatch/step.rs", text));
            assert_eq!(found, ["dispatch/step.rs: `dispatch` must not know `deliver`"], "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_an_arrow_is_none() {
        for text in [
            "// use crate::deliver::send;",
            "/* crate::deliver */ use crate::store::Store;",
            "const A: &str = \"crate::deliver::x\";",
            "const A: &str = r#\"\"crate::deliver::x\"#;",
            "const A: char = '\"'; // crate::deliver \"",
            "use crate::model::deliver;",
            "use crate::{model::{deliver, Event}, store};",
            "use crate::deliveries::x;",
            "use mycrate::deliver;",
            "use crate::dispatch::matching;",
            "fn f<'a>(x: &'a str) { let y = \"\\\"crate::deliver\"; }",
        ] {
            assert_eq!(wrong_arrows(&source("dispatch/step.rs", text)), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_part_without_a_place_is_named() {
        let found = wrong_arrows(&source("utils.rs", ""));

        assert_eq!(found, ["utils.rs: the part `utils` has no place in ARROWS"]);
    }

    #[test]
    fn the_crate_root_may_name_every_part() {
        assert_eq!(wrong_arrows(&source("lib.rs", "pub use crate::deliver::x; use crate::cli;")), [""; 0]);
    }

    #[test]
    fn the_list_has_no_circles() {
        let level = |part: &str| ARROWS.iter().position(|(name, _)| *name == part);
        for (part, allowed) in ARROWS {
            for used in *allowed {
                assert!(reaches(used, part).is_none(), "`{part}` and `{used}` know each other");
                assert!(level(used).is_some(), "`{used}` is no part");
            }
        }
    }

    /// Whether arrows lead from one part to another.
    fn reaches(from: &str, to: &str) -> Option<()> {
        let (_, allowed) = ARROWS.iter().find(|(name, _)| *name == from)?;
        let is_there = allowed.contains(&to);
        let leads_there = || allowed.iter().any(|next| reaches(next, to).is_some());
        (is_there || leads_there()).then_some(())
    }

    #[test]
    fn sql_outside_the_store_is_found_and_inside_is_not() {
        let text = "let a = \"SELECT id FROM webhook\"; let b = \"\n   INSERT INTO event VALUES (1)\";";

        assert_eq!(stray_sql(&source("service/webhooks.rs", text)).len(), 2);
        assert_eq!(stray_sql(&source("store/sqlite/webhooks.rs", text)), [""; 0]);
    }

    #[test]
    fn words_that_sql_shares_with_english_are_no_sql() {
        let text = "// SELECT one\nlet a = \"Select a webhook\"; let b = \"DELETED\"; let c = \"an UPDATE of it\";";

        assert_eq!(stray_sql(&source("service/webhooks.rs", text)), [""; 0]);
    }

    #[test]
    fn axum_in_a_service_is_found() {
        for text in ["use axum::Json;", "fn f() -> axum::Json<()> { g() }", "use axum;"] {
            assert_eq!(stray_libraries(&source("service/webhooks.rs", text)).len(), 1, "{text}");
            assert_eq!(stray_libraries(&source("api/rest/webhooks.rs", text)), [""; 0], "{text}");
        }
        assert_eq!(stray_libraries(&source("service/webhooks.rs", "// axum::Json\nuse taxum::x;")), [""; 0]);
        let graphql = "use async_graphql::Object;";
        assert_eq!(stray_libraries(&source("api/rest/webhooks.rs", graphql)).len(), 1);
        assert_eq!(stray_libraries(&source("api/graphql/schema.rs", graphql)), [""; 0]);
    }

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(overlong(&source("json.rs", &"\n".repeat(LINES_MAX + 1))).len(), 1);
        assert_eq!(overlong(&source("json.rs", &"\n".repeat(LINES_MAX))), [""; 0]);
    }
}
