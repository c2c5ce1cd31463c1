//! What the macros say of wrong programs: the message, the place that it points to, and nothing else.
//!
//! Each file of `wrong_programs/` is a program that does not compile. Behind each line that has an error stands what
//! is expected of it: `//~ [the text it points to] some words ... some more`. All are given to one `cargo check`, whose
//! messages are compared as data, so that it does not matter how the compiler draws them.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// One of cargo's messages.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    message: Option<Diagnostic>,
}

#[derive(Deserialize)]
struct Target {
    src_path: PathBuf,
}

/// What the compiler says of one mistake.
#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    message: String,
    spans: Vec<Span>,
    children: Vec<Diagnostic>,
}

#[derive(Deserialize)]
struct Span {
    file_name: PathBuf,
    is_primary: bool,
    line_start: usize,
    text: Vec<Text>,
    /// The macro that this is inside of.
    expansion: Option<Box<Expansion>>,
}

#[derive(Deserialize)]
struct Expansion {
    span: Span,
}

#[derive(Deserialize)]
struct Text {
    text: String,
    highlight_start: usize,
    highlight_end: usize,
}

impl Diagnostic {
    /// The line of the program that it points to, the text there, and all that it says.
    fn told(&self, program: &Path) -> Option<(usize, String, String)> {
        let mut span = self.spans.iter().find(|span| span.is_primary)?;
        // What the compiler draws is where the program calls a macro of the standard library, not the macro.
        while span.file_name != program {
            span = &span.expansion.as_ref()?.span;
        }
        let pointed: String = span.text.first().map_or_else(String::new, |text| {
            text.text.chars().take(text.highlight_end - 1).skip(text.highlight_start - 1).collect()
        });
        // The first of several lines goes on to its end.
        let pointed = pointed.split(" //~").next().unwrap_or_default().to_owned();
        let notes = self.children.iter().map(|child| child.message.as_str());
        let said = std::iter::once(self.message.as_str()).chain(notes).collect::<Vec<_>>().join("\n");
        Some((span.line_start, pointed, said))
    }
}

#[test]
fn each_mistake_is_told_once_at_its_place_and_with_its_remedy() {
    let programs = programs();
    assert!(programs.len() >= 30, "the programs are not where this test looks for them");

    let told = check(&programs);

    let mut wrong = Vec::new();
    for program in &programs {
        let source = fs::read_to_string(program).expect("the program can be read");
        let told = told.get(program).map(Vec::as_slice).unwrap_or_default();
        if !is_as_expected(&expected(&source), told) {
            wrong.push(format!("{}: {told:#?}", program.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Whether there is one error for each that is expected, and each is as expected.
fn is_as_expected(expected: &[(usize, &str)], told: &[(usize, String, String)]) -> bool {
    let fits = |(line, words): &(usize, &str), (at, pointed, said): &(usize, String, String)| {
        let (place, words) = words.strip_prefix('[').and_then(|rest| rest.split_once("] ")).expect("`[place] words`");
        line == at && place == pointed && words.split(" ... ").all(|words| said.contains(words))
    };
    expected.len() == told.len() && expected.iter().zip(told).all(|(expected, told)| fits(expected, told))
}

/// The lines that have an error, and what is expected there.
fn expected(source: &str) -> Vec<(usize, &str)> {
    let lines = source.lines().enumerate();
    lines.filter_map(|(index, line)| Some((index + 1, line.split_once("//~ ")?.1))).collect()
}

fn programs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong_programs");
    let entries = fs::read_dir(folder).expect("the programs are there");
    let mut programs: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    programs.sort();
    programs
}

/// The errors in each program, by line.
fn check(programs: &[PathBuf]) -> BTreeMap<PathBuf, Vec<(usize, String, String)>> {
    let crate_folder = write_crate(programs);
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let output = Command::new(cargo)
        .args(["check", "--examples", "--keep-going", "--offline", "--quiet", "--message-format=json"])
        .arg("--target-dir")
        .arg(crate_folder.join("target"))
        .current_dir(&crate_folder)
        .output()
        .expect("cargo runs");
    let mut told = BTreeMap::<PathBuf, Vec<_>>::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(Message { target: Some(target), message: Some(diagnostic) }) = serde_json::from_str(line) else {
            continue;
        };
        if diagnostic.level == "error" {
            let errors = told.entry(target.src_path.clone()).or_default();
            errors.extend(diagnostic.told(&target.src_path));
        }
    }
    assert!(!told.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    for errors in told.values_mut() {
        errors.sort();
        // As the compiler does where it draws them.
        errors.dedup();
    }
    told
}

/// Writes a crate that has the programs as its examples, with the versions that are built here anyway.
fn write_crate(programs: &[PathBuf]) -> PathBuf {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrong-programs");
    fs::create_dir_all(folder.join("src")).expect("the target folder can be written");
    let mut manifest = format!(
        "[package]\nname = \"wrong-programs\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nhooksieve-sdk = {{ path = {:?} }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n",
        sdk.to_string_lossy()
    );
    for program in programs {
        let name = program.file_stem().expect("a program has a name").to_string_lossy();
        manifest.push_str(&format!(
            "\n[[example]]\nname = {name:?}\npath = {:?}\ncrate-type = [\"lib\"]\n",
            program.to_string_lossy()
        ));
    }
    fs::write(folder.join("Cargo.toml"), manifest).expect("it can be written");
    fs::write(folder.join("src/lib.rs"), "").expect("it can be written");
    fs::copy(sdk.join("../Cargo.lock"), folder.join("Cargo.lock")).expect("the workspace has a lock file");
    folder
}
