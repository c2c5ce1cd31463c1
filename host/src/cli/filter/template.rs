//! The files of a new filter crate: one of the SDK's templates, and the SDK itself beside it.
//!
//! They are embedded, so that `filter new` needs neither a checkout nor a registry that has the SDK.

/// What the template's files have in place of the crate's name.
const NAME: &str = "{{name}}";
/// What they have in place of an argument that `filter check` and `filter test` can take.
const CONFIG: &str = "{{config}}";
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

/// What a new filter begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Template {
    /// Looks at one field.
    #[default]
    Minimal,
    /// Has a configuration.
    Config,
    /// Compares the record before and after.
    ChangedFields,
    /// Looks into a list of the record.
    List,
}

impl Template {
    /// What its `src/lib.rs` is.
    fn code(self) -> &'static str {
        match self {
            Self::Minimal => include_str!("../../../../sdk/template/src/minimal.rs.in"),
            Self::Config => include_str!("../../../../sdk/template/src/config.rs.in"),
            Self::ChangedFields => include_str!("../../../../sdk/template/src/changed-fields.rs.in"),
            Self::List => include_str!("../../../../sdk/template/src/list.rs.in"),
        }
    }

    /// A configuration to try the filter with, as an argument in quotes, where it wants one.
    pub(super) fn config(self) -> Option<&'static str> {
        (self == Self::Config).then_some(r#"--config '{"lists": ["In progress"]}'"#)
    }
}

const CRATE_FILES: [(&str, &str); 4] = template![
    "Cargo.toml" => "Cargo.toml.in",
    "README.md" => "README.md.in",
    ".gitignore" => "gitignore.in",
    ".cargo/config.toml" => "cargo-config.toml.in",
];

const SDK_FILES: [(&str, &str); 33] = sdk![
    "Cargo.toml",
    "README.md",
    "catalogue.json",
    "macros/Cargo.toml",
    "macros/src/doc.rs",
    "macros/src/fields.rs",
    "macros/src/filter.rs",
    "macros/src/lib.rs",
    "macros/src/rename.rs",
    "macros/src/schema.rs",
    "macros/src/serde.rs",
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
    "src/schema.rs",
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
pub(super) fn files(name: &str, template: Template) -> impl Iterator<Item = (String, String)> {
    let config = template.config().map_or("`--config JSON`".to_owned(), |config| format!("`{config}`"));
    let own = CRATE_FILES.into_iter().chain([("src/lib.rs", template.code())]);
    let own = own.map(move |(path, text)| (path.to_owned(), text.replace(NAME, name).replace(CONFIG, &config)));
    let sdk = SDK_FILES.into_iter().map(|(path, text)| (format!("{SDK}/{path}"), text.to_owned()));
    own.chain(sdk)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use clap::ValueEnum;

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
        for template in Template::value_variants() {
            let files: Vec<(String, String)> = files("my-filter", *template).collect();

            assert!(files.iter().any(|(path, text)| path == "Cargo.toml" && text.contains("name = \"my-filter\"")));
            assert!(files.iter().all(|(path, text)| path.starts_with(SDK) || !text.contains("{{")));
        }
    }
}
