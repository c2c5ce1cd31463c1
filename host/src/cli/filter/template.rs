//! The files of a new filter crate: the SDK's template, and the SDK itself beside it.
//!
//! They are embedded, so that `filter new` needs neither a checkout nor a registry that has the SDK.

/// What the template's files have in place of the crate's name.
const NAME: &str = "{{name}}";
/// The folder of the SDK in a new crate.
const SDK: &str = "hooksieve-sdk";

macro_rules! sdk {
    ($($path:literal,)*) => { [$(($path, include_str!(concat!("../../../../sdk/", $path))),)*] };
}

macro_rules! template {
    ($($path:literal => $source:literal,)*) => {
        [$(($path, include_str!(concat!("../../../../sdk/template/", $source))),)*]
    };
}

const CRATE_FILES: [(&str, &str); 5] = template![
    "Cargo.toml" => "Cargo.toml.in",
    "README.md" => "README.md.in",
    ".gitignore" => "gitignore.in",
    ".cargo/config.toml" => "cargo-config.toml.in",
    "src/lib.rs" => "src/lib.rs.in",
];

const SDK_FILES: [(&str, &str); 28] = sdk![
    "Cargo.toml",
    "README.md",
    "catalogue.json",
    "macros/Cargo.toml",
    "macros/src/fields.rs",
    "macros/src/filter.rs",
    "macros/src/lib.rs",
    "src/about.rs",
    "src/allocator.rs",
    "src/bindings.rs",
    "src/change.rs",
    "src/config.rs",
    "src/config/parse.rs",
    "src/config/plain.rs",
    "src/config/read.rs",
    "src/export.rs",
    "src/field.rs",
    "src/instant.rs",
    "src/lib.rs",
    "src/pointer.rs",
    "src/sieve.rs",
    "src/test.rs",
    "src/test/document.rs",
    "src/test/event.rs",
    "src/test/project.rs",
    "src/value.rs",
    "src/verdict.rs",
    "wit/filter.wit",
];

/// Every file of a new crate, by its path in the crate's folder.
pub(super) fn files(name: &str) -> impl Iterator<Item = (String, String)> {
    let own = CRATE_FILES.into_iter().map(move |(path, text)| (path.to_owned(), text.replace(NAME, name)));
    let sdk = SDK_FILES.into_iter().map(|(path, text)| (format!("{SDK}/{path}"), text.to_owned()));
    own.chain(sdk)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn files_under(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
        for entry in folder.read_dir().unwrap().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => files_under(&entry.path(), root, found),
                false => {
                    found.insert(entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
    }

    #[test]
    fn every_file_that_the_sdk_is_built_from_is_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk");
        let mut expected = BTreeSet::from(["Cargo.toml", "README.md", "catalogue.json"].map(str::to_owned));
        expected.insert("macros/Cargo.toml".to_owned());
        for folder in ["src", "macros/src", "wit"] {
            files_under(&root.join(folder), &root, &mut expected);
        }

        let embedded: BTreeSet<String> = SDK_FILES.iter().map(|(path, _)| (*path).to_owned()).collect();

        assert_eq!(embedded, expected);
    }

    #[test]
    fn no_file_keeps_the_place_of_the_name() {
        let files: Vec<(String, String)> = files("my-filter").collect();

        assert!(files.iter().any(|(path, text)| path == "Cargo.toml" && text.contains("name = \"my-filter\"")));
        assert!(files.iter().all(|(path, text)| path.starts_with(SDK) || !text.contains("{{")));
    }
}
