//! The places where the policy is applied are listed once, in `guards.txt`: every one in the host's sources has
//! a line there, and every line is one in the sources. `cargo xtask guards` shows that a test fails without it.

use std::fs;
use std::path::{Path, PathBuf};

const LIST: &str = include_str!("guards.txt");

/// How the policy is applied, and how an HTTP client is made that could dial without it.
const APPLYING: [&str; 6] =
    ["judge_url(", "judge_addresses(", ".resolve(&", "self.check_url(", "Client::builder()", "Client::new("];
/// How a host name or an address is reached without an HTTP client.
const DIALLING: [&str; 8] = [
    "HttpConnector::new",
    "TcpStream::connect",
    "TcpSocket::",
    "UdpSocket::",
    "to_socket_addrs(",
    "lookup_host(",
    "hyper_util::client",
    "UnixStream::connect",
];
/// Lines that look like it and judge or dial nothing that a webhook's owner wrote: `(file, line)`.
const OTHERS: [(&str, &str); 6] = [
    ("client.rs", "let mut http = reqwest::Client::builder()"),
    // The operator's own collector.
    ("traces/exporter.rs", "let http = reqwest::Client::builder()"),
    ("cli/remote.rs", "Client::new("),
    ("cli/demo/stage.rs", "Client::new("),
    ("outbound/dial.rs", "use hyper_util::client::legacy::"),
    ("resolve.rs", "wanted.to_socket_addrs().map(|found| found.map(|address| address.ip()).collect())"),
];

/// One guard of the list.
struct Guard {
    file: PathBuf,
    with: &'static str,
    caught: &'static str,
}

fn guards() -> Vec<Guard> {
    let blocks = LIST.split("\n\n").filter(|block| block.contains("guard: "));
    let guards = blocks.map(|block| {
        let of = |key: &str| {
            let found = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
            found.unwrap_or_else(|| panic!("{key} is missing in {block}"))
        };
        assert!(!of("guard").is_empty() && of("without") != of("with"), "{block}");
        Guard { file: of("file").into(), with: of("with"), caught: of("caught") }
    });
    guards.collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The lines of a file that are neither a test nor a comment.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    code.lines().map(|line| line.trim().to_owned()).filter(|line| !line.starts_with("//")).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_test {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            found.push(path);
        }
    }
}

#[test]
fn every_guard_of_the_list_stands_once_in_the_sources() {
    let guards = guards();

    assert!(guards.len() >= 11, "{}", guards.len());
    for guard in guards {
        let count = lines(&root().join(&guard.file)).iter().filter(|line| *line == guard.with).count();
        assert_eq!(count, 1, "{}: {}", guard.file.display(), guard.with);
        assert!(guard.caught.starts_with("egress::") || guard.caught.starts_with("lib "), "{}", guard.caught);
    }
}

#[test]
fn nothing_judges_or_dials_that_is_not_in_the_list() {
    let (guards, host) = (guards(), root().join("host/src"));
    let mut files = Vec::new();
    sources(&host, &mut files);
    let mut unlisted = Vec::new();

    for path in files.iter().filter(|path| !path.ends_with("egress.rs")) {
        for line in lines(path) {
            let is_one = APPLYING.iter().chain(&DIALLING).any(|word| line.contains(word)) && !line.contains("fn ");
            let is_guard = guards.iter().any(|guard| root().join(&guard.file) == *path && guard.with == line);
            let is_other = OTHERS.iter().any(|(file, start)| host.join(file) == *path && line.contains(start));
            if is_one && !is_guard && !is_other {
                unlisted.push(format!("{}: {line}", path.strip_prefix(root()).unwrap().display()));
            }
        }
    }

    assert!(unlisted.is_empty(), "not in tests/it/egress/guards.txt:\n{}\n", unlisted.join("\n"));
}
