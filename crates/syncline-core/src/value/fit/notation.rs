//! Values as text, in the one notation each has.

use std::fmt::Write;

use super::super::{ValueRef, calendar};

/// What a value is, for a person who is not to be shown it.
pub(super) fn what(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Null => "NULL",
        ValueRef::Bool(_) => "a truth value",
        ValueRef::Int(_) => "a whole number",
        ValueRef::Decimal(_) => "a decimal number",
        ValueRef::Real(_) => "a floating-point number",
        ValueRef::Text(_) => "the text",
        ValueRef::Bytes(_) => "a value of bytes",
        ValueRef::Date(_) => "a date",
        ValueRef::Time(_) => "a time",
        ValueRef::Timestamp(_) => "a date and time without a zone",
        ValueRef::Instant(_) => "a point in time",
        ValueRef::Uuid(_) => "a UUID",
        ValueRef::Json(_) => "JSON",
        ValueRef::Other { type_name: "date" | "datetime" | "timestamp", .. } => "the day",
        ValueRef::Other { .. } => "a value of a type of its own",
    }
}

/// Overwrites `out` with the notation of a value. Text is its own; NULL and bytes have none.
pub fn write(value: ValueRef<'_>, out: &mut String) {
    out.clear();
    match value {
        ValueRef::Null | ValueRef::Bytes(_) => {}
        ValueRef::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        ValueRef::Int(value) => write!(out, "{value}").expect("BUG: writing to a string failed"),
        ValueRef::Real(value) => real(value, out),
        ValueRef::Decimal(text) | ValueRef::Json(text) | ValueRef::Other { text, .. } => out.push_str(text),
        ValueRef::Text(text) => out.push_str(&String::from_utf8_lossy(text)),
        ValueRef::Date(days) => calendar::write_date(days, out),
        ValueRef::Time(micros) => calendar::write_time(micros, out),
        ValueRef::Timestamp(micros) => calendar::write_timestamp(micros, out),
        ValueRef::Instant(micros) => calendar::write_instant(micros, out),
        ValueRef::Uuid(bytes) => uuid(bytes, out),
    }
}

/// The shortest digits that read back as the same number; whole numbers keep a point, by which they are known again.
pub(super) fn real(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        write!(out, "{value:?}").expect("BUG: writing to a string failed");
    }
}

fn uuid(bytes: [u8; 16], out: &mut String) {
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        write!(out, "{byte:02x}").expect("BUG: writing to a string failed");
    }
}

/// Reads the 36 characters of a UUID, in capitals or not.
pub(super) fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let text = text.as_bytes();
    if text.len() != 36 || ![8, 13, 18, 23].iter().all(|at| text[*at] == b'-') {
        return None;
    }
    let mut digits = text.iter().filter(|byte| **byte != b'-');
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        let (high, low) = (char::from(*digits.next()?).to_digit(16)?, char::from(*digits.next()?).to_digit(16)?);
        *byte = u8::try_from(high << 4 | low).expect("BUG: two digits are more than a byte");
    }
    digits.next().is_none().then_some(bytes)
}
