//! What one field was before an event and is after it.

use crate::FromValue;

/// A field of the record before and after the event.
///
/// Its pointer is relative to the record: `#[field("/duedAt")]` reads `/previousValue/duedAt` and
/// `/currentValue/duedAt`. A side is `None` where it is absent or `null`, so for a created record
/// `previous` is `None`, and for a deleted one `current` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Change<T> {
    /// What it was.
    pub previous: Option<T>,
    /// What it is now.
    pub current: Option<T>,
}

impl<T: FromValue + PartialEq> Change<T> {
    /// Whether the two sides differ.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.previous != self.current
    }

    /// Whether it is `value` now and was not before.
    #[must_use]
    pub fn changed_to<U: ?Sized>(&self, value: &U) -> bool
    where
        T: PartialEq<U>,
    {
        let is_value = |side: &Option<T>| side.as_ref().is_some_and(|side| *side == *value);
        is_value(&self.current) && !is_value(&self.previous)
    }
}
