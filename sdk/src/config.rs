//! A webhook's configuration of a filter.
//!
//! It is read anew in each instance, so for each event. serde_json with what it takes to tell where a mistake is
//! would be four fifths of a small filter's module; this reader knows its place, refuses members that nobody
//! asks for, and links number parsing only into filters that have a number to parse.

mod parse;
mod plain;
mod read;

use std::error::Error;
use std::fmt;

use serde::de::DeserializeOwned;

use crate::value::join;

/// A type that a configuration can be read into: any type that serde can read, or [`NoConfig`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a configuration",
    note = "write `#[derive(serde::Deserialize)]` on it"
)]
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
        match read(text) {
            Err(_) if text == "null" => read("{}"),
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

fn read<C: DeserializeOwned>(text: &str) -> Result<C, ConfigError> {
    let node = parse::parse(text).ok_or_else(|| ConfigError::new("", "it is no JSON, or nested too deep"))?;
    C::deserialize(node)
}
