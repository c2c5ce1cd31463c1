//! Ways to say a verdict.

use std::fmt::Display;

use crate::Verdict;

/// Sends the event to the webhook.
#[must_use]
pub fn deliver() -> Verdict {
    Verdict::Deliver
}

/// Does not send the event; `reason` is shown to whoever asks why it did not come.
#[must_use]
pub fn skip(reason: impl Into<String>) -> Verdict {
    Verdict::Skip(Some(reason.into()))
}

/// Does not send the event and gives no reason.
#[must_use]
pub fn skip_silently() -> Verdict {
    Verdict::Skip(None)
}

/// Says that the filter cannot decide. Never a match: the webhook's `onError` says what happens.
#[must_use]
pub fn fail(reason: impl Into<String>) -> Verdict {
    Verdict::Error(reason.into())
}

/// What a filter function may return: a verdict, or a result with one, so that `?` works in it.
#[diagnostic::on_unimplemented(
    message = "a filter answers with a verdict, not with `{Self}`",
    note = "return `Verdict` or `Result<Verdict, …>`: `deliver()`, `skip(\"why\")` or `fail(\"why\")`"
)]
pub trait IntoVerdict {
    /// Turns it into the verdict; an `Err` becomes an error verdict with the error's text.
    fn into_verdict(self) -> Verdict;
}

impl IntoVerdict for Verdict {
    fn into_verdict(self) -> Verdict {
        self
    }
}

impl<V: IntoVerdict, E: Display> IntoVerdict for Result<V, E> {
    fn into_verdict(self) -> Verdict {
        match self {
            Ok(verdict) => verdict.into_verdict(),
            Err(error) => Verdict::Error(error.to_string()),
        }
    }
}
