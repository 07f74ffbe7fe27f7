//! One value as a field of a file that `LOAD DATA` reads.
//!
//! Fields are separated by tabs and rows by newlines, both of which, like a backslash and NUL, have a backslash before them
//! in a field. NULL is `\N`. Text is UTF-8; bytes are hexadecimal digits, because the file as a whole is text.

use std::fmt;
use std::io::Write;

use syncline_core::value::{ValueRef, fit};

use super::{Codec, times};
use crate::sql::mysql::geometry;

/// What a field begins with that is not the first, and what a row ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// More fields follow.
    Next,
    /// It is the last of its row.
    Last,
}

/// Why a value cannot be in a column of the engine, for a person; without the value itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(&'static str);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Appends a value that fits its column. What was appended of one that is refused is taken back.
///
/// # Errors
/// What the engine has no value for, or would change in silence.
pub fn write_field(codec: &Codec, value: ValueRef<'_>, field: Field, out: &mut Vec<u8>) -> Result<(), Refused> {
    check(codec, value)?;
    match value {
        ValueRef::Null => out.extend_from_slice(b"\\N"),
        ValueRef::Bool(truth) => out.push(if truth { b'1' } else { b'0' }),
        ValueRef::Int(year) if *codec == Codec::Year => printed(write!(out, "{year:04}")),
        ValueRef::Int(number) => printed(write!(out, "{number}")),
        ValueRef::Decimal(digits) => out.extend_from_slice(digits.as_bytes()),
        ValueRef::Real(number) => printed(write!(out, "{:e}", sent(codec, number))),
        ValueRef::Text(text) => escape(text, out),
        ValueRef::Json(text) => escape(text.as_bytes(), out),
        ValueRef::Bytes(bytes) => hex(bytes, out),
        ValueRef::Date(days) => out.extend_from_slice(times::date(i64::from(days)).unwrap_or_default().as_bytes()),
        ValueRef::Timestamp(micros) | ValueRef::Instant(micros) => {
            out.extend_from_slice(times::timestamp(micros).unwrap_or_default().as_bytes());
        }
        ValueRef::Other { text, .. } => match (codec, geometry(text)) {
            (Codec::Geometry(_), Some(bytes)) => hex(&bytes, out),
            _ => escape(text.as_bytes(), out),
        },
        value @ (ValueRef::Time(_) | ValueRef::Uuid(_)) => {
            let mut notation = String::new();
            fit::write_notation(value, &mut notation);
            out.extend_from_slice(notation.as_bytes());
        }
    }
    out.push(if field == Field::Next { b'\t' } else { b'\n' });
    Ok(())
}

/// The number that is sent for one. The shortest digits of the greatest of 32 bits are a little too much for its column.
pub(in crate::mysql) fn sent(codec: &Codec, number: f64) -> f64 {
    match codec {
        Codec::Real { single: true } => f64::from(number as f32),
        _ => number,
    }
}

/// Whether the engine has the value, and would keep it as it is.
///
/// # Errors
/// Why not.
pub(super) fn check(codec: &Codec, value: ValueRef<'_>) -> Result<(), Refused> {
    let why = match value {
        ValueRef::Real(number) if !number.is_finite() => "the engine has neither NaN nor infinity",
        ValueRef::Decimal(digits) if digits.starts_with(['N', 'I']) || digits.starts_with("-I") => {
            "the engine has neither NaN nor infinity"
        }
        ValueRef::Date(days) if !times::has_day(i64::from(days)) => NO_DATE,
        ValueRef::Timestamp(micros) | ValueRef::Instant(micros) if !times::has_moment(micros) => NO_DATE,
        ValueRef::Bytes(bytes) => match codec {
            Codec::Bytes { filled_to: Some(width) } if bytes.len() < *width => {
                "the column fills bytes up with zeros, which would be another value"
            }
            _ => return Ok(()),
        },
        ValueRef::Other { text, .. } if matches!(codec, Codec::Geometry(_)) && geometry(text).is_none() => {
            "the text is not that of a geometry"
        }
        _ => return Ok(()),
    };
    Err(Refused(why))
}

const NO_DATE: &str = "the engine has the years from 0 to 9999 only, and no infinity";

fn printed(written: std::io::Result<()>) {
    written.expect("BUG: writing to memory failed");
}

/// What needs no backslash is copied in one piece.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    // NUL is looked for by itself: the search takes no more than three at once.
    let next = |rest: &[u8]| {
        let marked = memchr::memchr3(b'\\', b'\t', b'\n', rest);
        memchr::memchr(0, &rest[..marked.unwrap_or(rest.len())]).or(marked)
    };
    let mut rest = text;
    while let Some(at) = next(rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&[b'\\', if rest[at] == 0 { b'0' } else { rest[at] }]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}
