//! A webhook's configuration of a filter.

use std::error::Error;
use std::fmt;

use serde::de::DeserializeOwned;

use crate::value::join;

/// A type that a configuration can be read into: any type that serde can read, or [`NoConfig`].
pub trait Config: Sized {
    /// Reads the configuration, JSON text.
    ///
    /// # Errors
    ///
    /// If it is not what the type wants, or has members that the type does not know.
    fn parse(text: &str) -> Result<Self, ConfigError>;
}

/// The configuration of a filter that takes none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct NoConfig;

impl Config for NoConfig {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        match text {
            "null" | "{}" => Ok(Self),
            _ => Err(ConfigError::new("", "this filter takes no configuration")),
        }
    }
}

/// A webhook without a configuration (`null`) gets the one whose members are all left out (`{}`), unless
/// the type takes `null` itself.
impl<C: DeserializeOwned> Config for C {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        match strict(text) {
            Err(_) if text == "null" => strict("{}"),
            result => result,
        }
    }
}

/// Why a configuration is refused: `/limits/0/max: expected a number`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pointer: String,
    message: String,
}

impl ConfigError {
    /// Refuses what is at `pointer` (a JSON pointer into the configuration; empty for the whole).
    #[must_use]
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

impl ConfigError {
    /// The error as the host shows it.
    pub(crate) fn into_text(self) -> String {
        match self.pointer.is_empty() {
            true => self.message,
            false => join(&[&self.pointer, ": ", &self.message]),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.clone().into_text())
    }
}

impl Error for ConfigError {}

/// Reads all of the text; a member that nobody reads is an error, the first one in the text.
fn strict<C: DeserializeOwned>(text: &str) -> Result<C, ConfigError> {
    let mut unknown = None;
    let mut json = serde_json::Deserializer::from_str(text);
    let mut note = |path: serde_ignored::Path<'_>| {
        unknown.get_or_insert_with(|| {
            let mut pointer = String::new();
            write_ignored(&path, &mut pointer);
            pointer
        });
    };
    let config =
        serde_path_to_error::deserialize(serde_ignored::Deserializer::new(&mut json, &mut note)).map_err(|error| {
            let pointer = error.path().iter().filter_map(segment).collect::<String>();
            ConfigError::new(pointer, without_place(&error.into_inner().to_string()))
        })?;
    json.end().map_err(|error| ConfigError::new("", without_place(&error.to_string())))?;
    match unknown {
        Some(pointer) => Err(ConfigError::new(pointer, "the filter knows no such member")),
        None => Ok(config),
    }
}

fn segment(segment: &serde_path_to_error::Segment) -> Option<String> {
    use serde_path_to_error::Segment;
    match segment {
        Segment::Seq { index } => Some(format!("/{index}")),
        Segment::Map { key } => Some(join(&["/", &escape(key)])),
        // Not a place in the JSON, or one that serde could not tell.
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

fn write_ignored(path: &serde_ignored::Path<'_>, pointer: &mut String) {
    use serde_ignored::Path;
    match path {
        Path::Root => {}
        Path::Seq { parent, index } => {
            write_ignored(parent, pointer);
            *pointer += &format!("/{index}");
        }
        Path::Map { parent, key } => {
            write_ignored(parent, pointer);
            pointer.push('/');
            *pointer += &escape(key);
        }
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            write_ignored(parent, pointer);
        }
    }
}

/// A name as a segment of a JSON pointer.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// serde_json's message without its line and column, which mean nothing in a stored configuration.
fn without_place(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message)
}
