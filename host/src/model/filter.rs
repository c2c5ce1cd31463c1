//! Uploaded and bundled filters.

use std::fmt;

use super::Timestamp;
use super::ids::{FilterId, UserId};

/// SHA-256 of a filter's uploaded bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilterDigest(pub [u8; 32]);

impl fmt::Display for FilterDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for FilterDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilterDigest({self})")
    }
}

/// What a filter says of itself (`describe`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its own name.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// What it lets through.
    pub description: String,
    /// The JSON Schema of its configuration, as JSON text.
    pub config_schema: Option<String>,
}

/// A filter that can be attached to webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Its id.
    pub id: FilterId,
    /// Who uploaded it; `None` for a bundled filter, which everybody may use.
    pub owner: Option<UserId>,
    /// The name it was uploaded under.
    pub name: String,
    /// SHA-256 of the uploaded bytes.
    pub digest: FilterDigest,
    /// Length of the uploaded bytes.
    pub size_bytes: u64,
    /// The version of the WIT interface it exports, such as `0.1.0`.
    pub wit_version: String,
    /// What it says of itself.
    pub about: About,
    /// When it was uploaded.
    pub created_at: Timestamp,
}
