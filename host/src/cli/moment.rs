//! A time on the command line: a moment, or how long ago it was.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

use crate::clock::{Clock, SystemClock};
use crate::model::Timestamp;

/// The moment that `text` names: RFC 3339, or a span before now by this machine's clock.
///
/// # Errors
/// When it is neither; the text says what would be.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let ago = before(text).ok_or("a time such as 2022-12-01T11:23:09Z, or how long ago, such as 90m, 2h or 3d")?;
    Ok(SystemClock.now() - ago)
}

/// A span of days and smaller units.
fn before(text: &str) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_moment_or_how_long_ago() {
        assert_eq!(moment("2022-12-01T11:23:09Z").unwrap().as_secs(), 1_669_893_789);
        assert_eq!(before("90m"), Some(Duration::from_secs(90 * 60)));
        assert_eq!(before("3d 2h"), Some(Duration::from_secs(74 * 3600)));
        let now = SystemClock.now();
        assert!(now.since(moment("2h").unwrap()) <= Duration::from_secs(2 * 3600));
        for wrong in ["", "yesterday", "2022-12-01", "-2h", "2", "1 month"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
