//! What a command reads: files, standard input, JSON on the command line.

use std::io::Read;
use std::path::Path;

use serde_json::value::RawValue;

use super::failure::Explain;

/// The bytes of a file, or of standard input for `-`.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).misuse("cannot read standard input", "pipe a file into it")?;
        return Ok(bytes);
    }
    std::fs::read(path)
        .misuse(format!("cannot read {}", path.display()), "name a file that is there, or `-` for standard input")
}

/// The text of a file, or of standard input for `-`.
///
/// # Errors
/// When it cannot be read or is not UTF-8.
pub(super) fn read_text(path: &Path) -> anyhow::Result<String> {
    String::from_utf8(read(path)?).misuse(format!("{} is not text", path.display()), "save it as UTF-8")
}

/// JSON given as an argument, or as `@FILE`.
///
/// # Errors
/// When the file cannot be read, or it is not JSON.
pub(super) fn json_argument(argument: &str) -> anyhow::Result<Box<RawValue>> {
    let text = match argument.strip_prefix('@') {
        Some(path) => read_text(Path::new(path))?,
        None => argument.to_owned(),
    };
    serde_json::from_str(&text)
        .misuse(format!("{argument} is not JSON"), "give JSON in quotes, such as '{\"a\":1}', or @FILE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_comes_from_the_argument_or_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        std::fs::write(&file, "{\"a\": 1.0}\n").unwrap();

        let from_file = json_argument(&format!("@{}", file.display())).unwrap();

        assert_eq!(from_file.get(), "{\"a\": 1.0}");
        assert_eq!(json_argument("[1]").unwrap().get(), "[1]");
        assert!(json_argument("{a: 1}").is_err());
        assert!(json_argument("@/nowhere/config.json").is_err());
    }
}
