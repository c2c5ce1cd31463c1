//! When the next attempt is due, and what an answer means. Pure.

use std::time::{Duration, UNIX_EPOCH};

use crate::model::Timestamp;
use crate::model::delivery::AttemptError;
use crate::store::Next;

/// No endpoint puts an attempt off for longer (`Retry-After`).
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Result {
    /// The status, if the endpoint answered.
    pub status: Option<u16>,
    /// Why it failed, if it did.
    pub error: Option<AttemptError>,
    /// How long the endpoint asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// What a delivery becomes after attempt number `attempt` of its schedule (1 for the first), with `jitter` from 0 to 1.
#[must_use]
pub fn next(result: &Result, attempt: u32, delays: &[Duration], now: Timestamp, jitter: f64) -> Next {
    if result.error.is_none() {
        return Next::Delivered;
    }
    let Some(delay) = delays.get(attempt.saturating_sub(1) as usize) else { return Next::Failed };
    let scheduled = delay.mul_f64(0.5 + jitter.clamp(0.0, 1.0));
    Next::RetryAt(now + scheduled.max(asked(result).unwrap_or_default()))
}

/// For how long the endpoint asks to be left alone: it says so for all of its deliveries, not for this one.
#[must_use]
pub fn asked(result: &Result) -> Option<Duration> {
    match (result.error, result.status) {
        (Some(_), Some(429 | 502 | 503 | 504)) => result.retry_after.map(|asked| asked.min(RETRY_AFTER_MAX)),
        _ => None,
    }
}

/// Whether the endpoint says that it is gone for good.
#[must_use]
pub fn is_gone(result: &Result) -> bool {
    result.status == Some(410)
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds or an HTTP date, in each of the three forms that there are.
#[must_use]
pub fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit mean "very long", which is clamped anyway.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)).min(RETRY_AFTER_MAX));
    }
    let since_epoch = httpdate::parse_http_date(value).ok()?.duration_since(UNIX_EPOCH).ok()?;
    let moment = Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).ok()?);
    Some(moment.since(now).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::limits::RETRY_DELAYS as DELAYS;

    const NOW: i64 = 1_669_893_789_000;

    fn failed(status: u16, retry_after: Option<Duration>) -> Result {
        Result { status: Some(status), error: Some(AttemptError::Status), retry_after }
    }

    fn delay_of(next: Next) -> Duration {
        match next {
            Next::RetryAt(at) => at.since(Timestamp::from_millis(NOW)),
            other => panic!("{other:?} is no retry"),
        }
    }

    #[test]
    fn a_failed_attempt_is_tried_again_at_the_scheduled_time_with_jitter() {
        let now = Timestamp::from_millis(NOW);

        assert_eq!(delay_of(next(&failed(500, None), 1, &DELAYS, now, 0.0)), Duration::from_millis(2_500));
        assert_eq!(delay_of(next(&failed(500, None), 1, &DELAYS, now, 1.0)), Duration::from_millis(7_500));
        assert_eq!(delay_of(next(&failed(500, None), 10, &DELAYS, now, 0.5)), DELAYS[9]);
        assert_eq!(next(&failed(500, None), 11, &DELAYS, now, 0.5), Next::Failed);
    }

    #[test]
    fn retry_after_slows_down_and_never_hurries() {
        let now = Timestamp::from_millis(NOW);
        let minute = Some(Duration::from_secs(60));

        assert_eq!(delay_of(next(&failed(429, minute), 1, &DELAYS, now, 0.5)), Duration::from_secs(60));
        assert_eq!(delay_of(next(&failed(429, minute), 3, &DELAYS, now, 0.5)), Duration::from_secs(300));
        assert_eq!(delay_of(next(&failed(500, minute), 1, &DELAYS, now, 0.5)), Duration::from_secs(5));
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date_and_clamped_to_a_day() {
        let now = Timestamp::from_millis(NOW);
        let read = |value| parse_retry_after(value, now);

        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        assert_eq!(read("99999999999999999999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(read("Thu, 01 Dec 2022 11:24:09 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(read("Thursday, 01-Dec-22 11:24:09 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(read("Thu Dec  1 11:24:09 2022"), Some(Duration::from_secs(60)));
        assert_eq!(read("Wed, 01 Dec 2021 11:24:09 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
        assert_eq!(read("-5"), None);
    }

    /// A day, and what jitter may add to the last delay.
    const WAIT_MAX: Duration = Duration::from_secs(36 * 3600);

    fn results() -> impl Strategy<Value = Vec<(Result, f64)>> {
        let asked = prop::option::of((0_u64..1 << 40).prop_map(Duration::from_secs));
        let status = prop::option::of(prop_oneof![Just(410), Just(429), Just(503), 300_u16..600]);
        let failure = (status, asked).prop_map(|(status, retry_after)| {
            let error = if status.is_some() { AttemptError::Status } else { AttemptError::Timeout };
            Result { status, error: Some(error), retry_after }
        });
        let success = Just(Result { status: Some(200), error: None, retry_after: None });
        prop::collection::vec((prop_oneof![12 => failure, 1 => success], -1.0..2.0), 20)
    }

    proptest! {
        /// A delivery from its first attempt to its end, whatever its endpoint answers.
        #[test]
        fn a_delivery_waits_as_long_as_it_should_and_has_an_end(results in results()) {
            let (mut now, mut attempts) = (Timestamp::from_millis(NOW), 0_u32);
            let mut end = None;
            for (result, jitter) in &results {
                attempts += 1;
                match next(result, attempts, &DELAYS, now, *jitter) {
                    Next::RetryAt(at) => {
                        let (wait, delay) = (at.since(now), DELAYS[attempts as usize - 1]);
                        let longest = delay.mul_f64(1.5).max(asked(result).unwrap_or_default());
                        prop_assert!(result.error.is_some());
                        prop_assert!(delay.mul_f64(0.5) <= wait && wait <= longest && wait <= WAIT_MAX, "{wait:?}");
                        prop_assert!(asked(result).is_none_or(|asked| wait >= asked));
                        now = at;
                    }
                    over => {
                        end = Some((over, result.error));
                        break;
                    }
                }
            }
            match end {
                Some((Next::Delivered, error)) => prop_assert_eq!(error, None),
                Some((over, error)) => {
                    prop_assert!(over == Next::Failed && error.is_some());
                    prop_assert_eq!(attempts as usize, DELAYS.len() + 1);
                }
                None => prop_assert!(false, "twenty attempts are more than there may be"),
            }
        }

        #[test]
        fn whatever_retry_after_says_is_at_most_a_day(value in "\\PC*", seconds in any::<u64>()) {
            let now = Timestamp::from_millis(NOW);

            prop_assert!(parse_retry_after(&value, now).is_none_or(|asked| asked <= RETRY_AFTER_MAX));
            let read = parse_retry_after(&seconds.to_string(), now);
            prop_assert_eq!(read, Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX)));
        }
    }
}
