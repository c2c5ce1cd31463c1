//! Members of a change, where absent means "keep" and so must differ from null.

use serde::{Deserialize, Deserializer};

/// For `Option<T>` with `#[serde(default)]`: absent is `None`, anything else must be a `T`. So null is
/// refused unless `T` takes it, as an `Option` does.
pub(super) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
