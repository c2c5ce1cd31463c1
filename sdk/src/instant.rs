//! Moments in time, so that dates are compared by when they are and not by how they are written.

use crate::{FromValue, Mismatch, Value};

const DAY_SECS: i64 = 24 * 60 * 60;

/// A moment, read from an RFC 3339 date-time (`2026-01-31T09:00:00.5+01:00`) or a date (`2026-01-31`), which
/// stands for the moment at which it begins in UTC.
///
/// Two spellings of the same moment are equal. Digits beyond nanoseconds are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    seconds: i64,
    nanoseconds: u32,
}

impl Instant {
    /// Reads a date-time or a date; `None` if it is neither. A date-time without its zone is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some((date, time)) = text.split_once(['T', 't']) else {
            return Some(Self { seconds: days(text)? * DAY_SECS, nanoseconds: 0 });
        };
        let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-'])?);
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
        let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
        // A leap second is the first second of the next minute.
        let is_real = hour < 24 && minute < 60 && second <= 60;
        let clock = is_real.then_some((hour * 60 + minute) * 60 + second)?;
        let seconds = days(date)? * DAY_SECS + clock - offset(zone)?;
        Some(Self { seconds, nanoseconds: nanoseconds(fraction)? })
    }

    /// Seconds since 1970-01-01T00:00:00Z, to about a microsecond.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.seconds as f64 + f64::from(self.nanoseconds) / 1e9
    }
}

impl FromValue for Instant {
    const EXPECTED: &'static str = "time";

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let read = if let Value::Text(text) = &value { Self::parse(text) } else { None };
        read.ok_or_else(|| Mismatch::new(Self::EXPECTED, &value))
    }
}

/// Days since 1970-01-01 of a date that exists.
fn days(date: &str) -> Option<i64> {
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    // Counted in years that begin in March, so that the leap day is the last.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let before_the_month = (153 * month + 2) / 5;
    (1..=length).contains(&day).then_some(365 * year + leap_days + before_the_month + day - 1 - 719_468)
}

/// Seconds that a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let [hours, minutes] = numbers(&zone[1..], ':', [2, 2])?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60)
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    Some(digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

/// Numbers of exactly these many digits, with the separator between them.
fn numbers<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width)?;
        // `parse` alone would take a sign.
        *number = part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> f64 {
        Instant::parse(text).unwrap_or_else(|| panic!("{text} is a time")).as_secs_f64()
    }

    #[test]
    fn times_are_the_seconds_that_date_says_they_are() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0.0),
            ("2026-11-22T10:46:40Z", 1_795_344_400.0),
            ("2000-02-29T23:59:59.5Z", 951_868_799.5),
            ("1969-12-31T23:59:59z", -1.0),
            ("0000-01-01T00:00:00Z", -62_167_219_200.0),
            ("9999-12-31t23:59:60Z", 253_402_300_800.0),
            ("2026-01-01", 1_767_225_600.0),
            ("2026-01-01T01:30:00+01:30", 1_767_225_600.0),
            ("2025-12-31T16:00:00-08:00", 1_767_225_600.0),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn each_day_of_eight_centuries_is_the_one_after_the_day_before() {
        let mut expected = days("1600-01-01").unwrap();
        for year in 1600..2400 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(number) = days(&format!("{year}-{month:02}-{day:02}")) {
                        assert_eq!(number, expected, "{year}-{month}-{day}");
                        expected += 1;
                    }
                }
            }
        }
        assert_eq!(expected, days("2400-01-01").unwrap());
    }

    #[test]
    fn spellings_of_one_moment_are_equal_and_a_nanosecond_is_not_lost() {
        let parse = |text| Instant::parse(text).unwrap();

        assert_eq!(parse("2026-01-01T00:00:00.000Z"), parse("2026-01-01"));
        assert_eq!(parse("2026-01-01T00:00:00.0000000009Z"), parse("2026-01-01"));
        assert!(parse("2026-01-01T00:00:00.000000001Z") > parse("2026-01-01"));
        assert!(parse("2026-01-01T10:00:00+02:00") < parse("2026-01-01T09:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "T",
            "now",
            "2026",
            "2026-1-1",
            "2026-13-01",
            "2026-02-29",
            "1900-02-29",
            "2026-00-10",
            "2026-04-31",
            "+026-01-01",
            "2026-01-01T",
            "2026-01-01T10:00:00",
            "2026-01-01T10:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T10:60:00Z",
            "2026-01-01T10:00:61Z",
            "2026-01-01T10:00:00.Z",
            "2026-01-01T10:00:00.+1Z",
            "2026-01-01T10:00:00Zulu",
            "2026-01-01T10:00:00+0100",
            "2026-01-01T10:00:00+24:00",
            "2026-01-01 10:00:00Z",
            "2026-01-01T10:00:00+é1:00",
            "２026-01-01",
            "2026-01-01T10:00:00+",
            " 2026-01-01",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }
}
