//! Numbers as JavaScript prints them, and those that it would not give back.

use super::error::Flaw;
use super::reader::Reader;
use crate::model::limits::JSON_ERROR_LITERAL_CHARS_MAX;

/// Digits of a whole number that every double holds and JavaScript prints as they are.
const EXACT_DIGITS: usize = 15;

/// From here on not every whole number is a double: 2^53.
const FIRST_INEXACT: f64 = 9_007_199_254_740_992.0;

/// Copies the number that starts here in ECMAScript's spelling.
pub(super) fn copy(reader: &mut Reader<'_>, out: &mut String) -> Result<(), Flaw> {
    let rest = reader.rest();
    let start = reader.offset();
    let digits = skip_integer(reader)?;
    let is_plain = !skip_fraction_and_exponent(reader)?;
    let literal = str::from_utf8(&rest[..reader.offset() - start]).expect("a number is ASCII");

    if is_plain && digits <= EXACT_DIGITS {
        out.push_str(if literal == "-0" { "0" } else { literal });
        return Ok(());
    }
    let value: f64 = literal.parse().expect("Rust reads every number of JSON's grammar");
    if value.is_infinite() {
        return Err(Flaw::NumberOverflows { literal: shortened(literal) });
    }
    let mut buffer = ryu_js::Buffer::new();
    let printed = buffer.format_finite(value);
    if value.abs() >= FIRST_INEXACT {
        let sent = Decimal::of(literal);
        if sent.is_whole() && sent != Decimal::of(printed) {
            return Err(Flaw::NumberChanges { literal: shortened(literal) });
        }
    }
    out.push_str(printed);
    Ok(())
}

/// Moves over the sign and the digits before the point; says how many digits there were.
fn skip_integer(reader: &mut Reader<'_>) -> Result<usize, Flaw> {
    if reader.peek() == Some(b'-') {
        reader.advance(1);
    }
    if reader.peek() == Some(b'0') {
        reader.advance(1);
        return Ok(1);
    }
    skip_some_digits(reader)
}

/// Moves over the fraction and the exponent; says whether there was one of them.
fn skip_fraction_and_exponent(reader: &mut Reader<'_>) -> Result<bool, Flaw> {
    let start = reader.offset();
    if reader.peek() == Some(b'.') {
        reader.advance(1);
        skip_some_digits(reader)?;
    }
    if let Some(b'e' | b'E') = reader.peek() {
        reader.advance(1);
        if let Some(b'+' | b'-') = reader.peek() {
            reader.advance(1);
        }
        skip_some_digits(reader)?;
    }
    Ok(reader.offset() > start)
}

fn skip_some_digits(reader: &mut Reader<'_>) -> Result<usize, Flaw> {
    match reader.skip_digits() {
        0 => Err(reader.expected("a digit")),
        digits => Ok(digits),
    }
}

/// The size of a number, exactly: `digits` times ten to the `exponent`, without zeros at either end.
#[derive(PartialEq)]
struct Decimal {
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Reads a number that is at least 2^53 and finite as a double, so that its exponent is not much
    /// larger than its length.
    fn of(literal: &str) -> Self {
        let (mantissa, exponent) = literal.split_once(['e', 'E']).unwrap_or((literal, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole.trim_start_matches('-'), fraction].concat();
        let exponent: i64 = exponent.parse().expect("larger exponents are zero or overflow");

        let significant = digits.trim_end_matches('0');
        let zeros = digits.len() - significant.len();
        Self {
            exponent: exponent + zeros as i64 - fraction.len() as i64,
            digits: significant.trim_start_matches('0').to_owned(),
        }
    }

    fn is_whole(&self) -> bool {
        self.exponent >= 0
    }
}

fn shortened(literal: &str) -> String {
    match literal.get(..JSON_ERROR_LITERAL_CHARS_MAX) {
        Some(start) if start.len() < literal.len() => format!("{start}…"),
        _ => literal.to_owned(),
    }
}
