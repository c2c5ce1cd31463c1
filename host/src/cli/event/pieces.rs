//! How many events a text has, and how many of them go into one call. Pure.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::model::limits::{BATCH_BODY_BYTES_MAX, BATCH_EVENTS_MAX};

/// What a text is.
#[derive(Debug, PartialEq)]
pub(super) enum Pieces {
    /// One event, or something that the host is to refuse.
    One,
    /// Many, each on one line.
    Many(Vec<String>),
}

impl Pieces {
    pub(super) fn of(text: &str) -> Self {
        let is_json = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
        if let Ok(events) = serde_json::from_str::<Vec<&RawValue>>(text) {
            // Outside of strings a line's end is a blank, and inside there is none.
            let on_one_line = |event: &&RawValue| event.get().replace(['\n', '\r'], " ");
            return Self::Many(events.iter().map(on_one_line).collect());
        }
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.len() > 1 && is_json(lines[0]) && !is_json(text) {
            return Self::Many(lines.into_iter().map(str::to_owned).collect());
        }
        Self::One
    }
}

/// The events in groups that the host takes in one call.
pub(super) fn batches(events: &[String]) -> impl Iterator<Item = &[String]> {
    let mut rest = events;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |event: &&String| {
            bytes += event.len() + 1;
            bytes <= BATCH_BODY_BYTES_MAX
        };
        let count = rest.iter().take(BATCH_EVENTS_MAX).take_while(fits).count();
        // One that is too large goes alone, and the host says so.
        let (batch, behind) = rest.split_at(count.max(1).min(rest.len()));
        rest = behind;
        (!batch.is_empty()).then_some(batch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(lines: &[&str]) -> Pieces {
        Pieces::Many(lines.iter().map(|line| (*line).to_owned()).collect())
    }

    #[test]
    fn an_array_and_lines_are_many_events() {
        assert_eq!(Pieces::of("[\n  {\"a\":\n1.0},\n {}\n]\n"), many(&["{\"a\": 1.0}", "{}"]));
        assert_eq!(Pieces::of("{\"a\":1}\r\n\n{broken\n"), many(&["{\"a\":1}", "{broken"]));
        assert_eq!(Pieces::of("[]"), many(&[]));
    }

    #[test]
    fn an_object_is_one_event_on_however_many_lines_and_so_is_what_is_neither() {
        for text in ["{\"a\":1}\n", "{\n\"a\":\n1}", "", "{\n{}\n", "[1,\n", "7\n"] {
            assert_eq!(Pieces::of(text), Pieces::One, "{text:?}");
        }
    }

    #[test]
    fn batches_keep_the_order_and_the_bounds() {
        let small = vec!["{}".to_owned(); 2 * BATCH_EVENTS_MAX + 1];
        let large = vec!["x".repeat(BATCH_BODY_BYTES_MAX / 2), "x".repeat(BATCH_BODY_BYTES_MAX), "y".to_owned()];
        let sizes = |events: &[String]| batches(events).map(<[String]>::len).collect::<Vec<_>>();

        assert_eq!(sizes(&small), [BATCH_EVENTS_MAX, BATCH_EVENTS_MAX, 1]);
        assert_eq!(sizes(&large), [1, 1, 1]);
        assert_eq!(batches(&large).flatten().count(), 3);
        assert!(sizes(&[]).is_empty());
    }
}
