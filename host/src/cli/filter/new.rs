//! `filter new`: writes a filter crate that builds, passes its tests and can be uploaded.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::template::{self, Template};
use crate::cli::failure::{Explain, misuse};
use crate::cli::output::Output;

/// Bytes of a crate's name.
const NAME_BYTES_MAX: usize = 64;

/// Names that Cargo refuses, or that collide with a crate that every filter is built with.
const TAKEN: [&str; 8] =
    ["alloc", "core", "hooksieve-sdk", "hooksieve-sdk-macros", "proc-macro", "proc_macro", "std", "test"];

/// Words that no Rust crate can be called (the Rust reference, edition 2024).
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while",
];

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The crate's name, such as `done-records`; its folder gets the same.
    name: String,
    /// The folder to make it in [default: this one].
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// What the filter begins with.
    #[arg(long, value_enum, default_value_t)]
    template: Template,
}

pub(super) fn run(args: &Args, output: Output) -> anyhow::Result<ExitCode> {
    if let Some(flaw) = flaw_of(&args.name) {
        return Err(misuse(format!("{:?} cannot be the name of a filter: {flaw}", args.name), "try `my-filter`"));
    }
    let folder = args.path.clone().unwrap_or_default().join(&args.name);
    make(&folder, &args.name, args.template)?;
    output.print(&json!({ "name": args.name, "path": folder }), |_| next_steps(&folder, args.template))?;
    Ok(ExitCode::SUCCESS)
}

/// Why a name is not one for a crate.
fn flaw_of(name: &str) -> Option<&'static str> {
    let is_allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    if name.len() > NAME_BYTES_MAX {
        return Some("it is longer than 64 characters");
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.bytes().all(is_allowed) {
        return Some("it must begin with a lower-case letter and go on with lower-case letters, digits, `-` and `_`");
    }
    if KEYWORDS.contains(&name) {
        return Some("it is a word of the Rust language");
    }
    TAKEN.contains(&name).then_some("another crate has this name")
}

/// Writes the crate, wholly or not at all.
fn make(folder: &Path, name: &str, template: Template) -> anyhow::Result<()> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    let shown = folder.display();
    fs::create_dir_all(parent)
        .misuse(format!("cannot make {}", parent.display()), "choose another folder with --path")?;
    // Fails where anything is there already, so nothing of the user's can be overwritten.
    fs::create_dir(folder).misuse(
        format!("cannot make {shown}"),
        "choose another name, or another folder with --path; nothing there was changed",
    )?;
    let written = write_all(folder, name, template);
    if written.is_err() {
        // What stays behind is told by the error that matters.
        drop(fs::remove_dir_all(folder));
    }
    written.failed(format!("cannot write into {shown}"), "check the space on the disk")
}

fn write_all(folder: &Path, name: &str, template: Template) -> io::Result<()> {
    for (path, text) in template::files(name, template) {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

fn next_steps(folder: &Path, template: Template) -> String {
    let config = template.config().map_or(String::new(), |config| format!(" {config}"));
    let steps = [
        ("cargo test".to_owned(), "try it natively"),
        (format!("hooksieve filter check{config}"), "build the module, and see what it is"),
        (format!("hooksieve filter test{config}"), "run the module on examples"),
        ("hooksieve filter push".to_owned(), "upload it to the host at HOOKSIEVE_URL"),
    ];
    let width = steps.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    let mut text = format!("made {folder}; next:\n  cd {folder}", folder = folder.display());
    for (command, what) in steps {
        text.push_str(&format!("\n  {command:width$}   # {what}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_be_one_for_a_crate() {
        for name in ["a", "done-records", "x_1"] {
            assert_eq!(flaw_of(name), None, "{name}");
        }
        let long = "x".repeat(65);
        for name in ["", "1a", "-a", "A", "a b", "a/b", "../a", "é", "match", "std", "hooksieve-sdk", &long] {
            assert!(flaw_of(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_folder_that_is_there_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("mine");
        fs::create_dir(&folder).unwrap();

        let error = make(&folder, "mine", Template::Minimal).unwrap_err();

        assert!(error.to_string().starts_with("cannot make"), "{error}");
        assert_eq!(folder.read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_new_crate_has_its_own_files_and_the_sdk() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("deep/mine");

        make(&folder, "mine", Template::Minimal).unwrap();

        assert!(fs::read_to_string(folder.join("Cargo.toml")).unwrap().contains("name = \"mine\""));
        for file in [".cargo/config.toml", ".gitignore", "src/lib.rs", "hooksieve-sdk/macros/src/lib.rs"] {
            assert!(folder.join(file).is_file(), "{file}");
        }
    }
}
