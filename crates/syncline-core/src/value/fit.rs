//! The form in which a column of some [`Kind`] holds a value, as far as that loses nothing.
//!
//! It is asked in two places. A cell that is compared with a column of another engine is seen in the form it would have
//! there; and a value is fitted to its column before it is written. What fits means the same afterwards: its canonical
//! encoding is that of the value, or of what the value is the notation of. What does not fit is never bent here.
//!
//! Notations are those of [`super::calendar`] for days and times, and what PostgreSQL writes and reads for all others.

mod flexible;
mod json;
mod notation;
mod numbers;

use std::borrow::Cow;
use std::fmt;

use super::{Kind, ValueRef, calendar};

pub use self::notation::write as write_notation;

/// Where PostgreSQL's timestamps end: 294277-01-01, in microseconds since 1970.
const TIMESTAMP_END: i128 = 9_224_318_016_000_000_000;

/// Why a value has no form in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit(Cow<'static, str>);

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value as a column of this kind holds it. NULL fits everywhere.
///
/// `scratch` is overwritten and holds what has to be written anew; passing the same buffer again saves the allocation.
///
/// # Errors
/// What the column cannot hold, for a person; without the value itself.
#[inline]
pub fn fit<'v>(value: ValueRef<'v>, kind: &'v Kind, scratch: &'v mut String) -> Result<ValueRef<'v>, Misfit> {
    match (kind, value) {
        (_, ValueRef::Null) => Ok(ValueRef::Null),
        (Kind::Int { bits: 64 }, ValueRef::Int(_)) | (Kind::Bytes, ValueRef::Bytes(_)) => Ok(value),
        (Kind::Flexible(coercion), _) => flexible::fit(value, *coercion, scratch),
        (Kind::Int { bits }, _) => numbers::int(value, *bits),
        (Kind::Decimal { limit }, _) => numbers::decimal(value, *limit, scratch),
        (Kind::Real { single }, _) => numbers::real(value, *single),
        (Kind::Text { max_chars, padded }, _) => text(value, *max_chars, *padded, scratch),
        (Kind::Json { normalised }, _) => json::fit(value, *normalised, scratch),
        (Kind::Timestamp { digits }, _) => timestamp(value, *digits, scratch),
        (Kind::Instant { digits }, _) => instant(value, *digits, scratch),
        _ => by_notation(value, kind),
    }
}

/// The value as a column of this kind is seen: in its form, or as it is where it does not fit. `scratch` as in [`fit`].
#[inline]
pub fn see<'v>(value: ValueRef<'v>, kind: &'v Kind, scratch: &'v mut String) -> ValueRef<'v> {
    match (kind, value) {
        // Seen as they are, whether they fit or not.
        (Kind::Text { padded: false, .. } | Kind::Enum { .. }, ValueRef::Text(_))
        | (Kind::Int { .. } | Kind::Decimal { .. }, ValueRef::Int(_))
        | (Kind::Decimal { .. }, ValueRef::Decimal(_))
        | (Kind::Real { single: false }, ValueRef::Real(_))
        | (Kind::Bool, ValueRef::Bool(_))
        | (Kind::Date, ValueRef::Date(_))
        | (Kind::Time { .. }, ValueRef::Time(_))
        | (Kind::Timestamp { .. }, ValueRef::Timestamp(_))
        | (Kind::Instant { .. }, ValueRef::Instant(_))
        | (Kind::Uuid, ValueRef::Uuid(_))
        | (Kind::Json { .. }, ValueRef::Json(_)) => value,
        _ => fit(value, kind, scratch).unwrap_or(value),
    }
}

/// Kinds whose values have one text notation each, and are read from it.
fn by_notation<'v>(value: ValueRef<'v>, kind: &'v Kind) -> Result<ValueRef<'v>, Misfit> {
    match kind {
        Kind::Bool => truth(value),
        Kind::Date => day(value),
        Kind::Time { digits } => time(value, *digits),
        Kind::Uuid => uuid(value),
        Kind::Enum { labels } => label(value, labels),
        Kind::Other { type_name } => other(value, type_name),
        _ => Err(not(value, kind)),
    }
}

/// What stands in the place of a value of another kind.
fn not(value: ValueRef<'_>, kind: &Kind) -> Misfit {
    Misfit(format!("{} is not {kind}", notation::what(value)).into())
}

fn plain(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok().filter(|text| !text.contains('\0'))
}

fn text<'v>(
    value: ValueRef<'v>,
    max_chars: Option<u32>,
    padded: bool,
    scratch: &'v mut String,
) -> Result<ValueRef<'v>, Misfit> {
    let text = match value {
        ValueRef::Text(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|_| Misfit("the text is not UTF-8".into()))?;
            if text.contains('\0') {
                return Err(Misfit("the text holds the character NUL".into()));
            }
            text
        }
        // Numbers are not among them: in a column of text they would be lost among texts of digits.
        ValueRef::Bool(_) | ValueRef::Int(_) | ValueRef::Decimal(_) | ValueRef::Real(_) | ValueRef::Bytes(_) => {
            return Err(not(value, &Kind::Text { max_chars: None, padded }));
        }
        value => {
            notation::write(value, scratch);
            scratch
        }
    };
    let text = if padded { text.trim_end_matches(' ') } else { text };
    match max_chars {
        Some(max) if text.len() > max as usize && text.chars().count() > max as usize => {
            Err(Misfit(format!("the text is longer than {max} characters").into()))
        }
        _ => Ok(ValueRef::Text(text.as_bytes())),
    }
}

fn truth(value: ValueRef<'_>) -> Result<ValueRef<'_>, Misfit> {
    let truth = match value {
        ValueRef::Bool(truth) => Some(truth),
        ValueRef::Int(0) => Some(false),
        ValueRef::Int(1) => Some(true),
        ValueRef::Real(0.0) => Some(false),
        ValueRef::Real(1.0) => Some(true),
        ValueRef::Text(b"0" | b"f" | b"false" | b"F" | b"FALSE" | b"False") => Some(false),
        ValueRef::Text(b"1" | b"t" | b"true" | b"T" | b"TRUE" | b"True") => Some(true),
        _ => None,
    };
    truth.map(ValueRef::Bool).ok_or_else(|| not(value, &Kind::Bool))
}

fn day(value: ValueRef<'_>) -> Result<ValueRef<'_>, Misfit> {
    let day = match value {
        ValueRef::Date(_) => return Ok(value),
        ValueRef::Text(text) => plain(text).and_then(calendar::parse_date),
        _ => None,
    };
    day.map(ValueRef::Date).ok_or_else(|| not(value, &Kind::Date))
}

fn time(value: ValueRef<'_>, digits: u8) -> Result<ValueRef<'_>, Misfit> {
    let micros = match value {
        ValueRef::Time(micros) => Some(micros),
        ValueRef::Text(text) => plain(text).and_then(calendar::parse_time),
        _ => None,
    };
    let micros = micros.ok_or_else(|| not(value, &Kind::Time { digits: 6 }))?;
    whole(micros, digits).map(|()| ValueRef::Time(micros))
}

fn timestamp<'v>(value: ValueRef<'v>, digits: u8, scratch: &'v mut String) -> Result<ValueRef<'v>, Misfit> {
    let micros = match value {
        ValueRef::Timestamp(micros) => Some(micros),
        ValueRef::Other { type_name: "timestamp", .. } => return Ok(value),
        ValueRef::Text(text) => plain(text).and_then(|text| {
            // A day alone is its first instant, as engines take it.
            calendar::parse_timestamp(text).or_else(|| calendar::parse_date(text).and_then(midnight))
        }),
        _ => None,
    };
    let Some(micros) = micros else {
        let wide = notated(value).and_then(calendar::parse_wide_timestamp);
        return beyond(wide, ("timestamp", ""), digits, scratch)
            .unwrap_or_else(|| Err(not(value, &Kind::Timestamp { digits: 6 })));
    };
    whole(micros, digits).map(|()| ValueRef::Timestamp(micros))
}

fn instant<'v>(value: ValueRef<'v>, digits: u8, scratch: &'v mut String) -> Result<ValueRef<'v>, Misfit> {
    let micros = match value {
        ValueRef::Instant(micros) => Some(micros),
        ValueRef::Other { type_name: "timestamptz", .. } => return Ok(value),
        // Without a zone it is UTC: so SQLite's own functions write and read times.
        ValueRef::Text(text) => {
            plain(text).and_then(|text| calendar::parse_instant(text).or_else(|| calendar::parse_timestamp(text)))
        }
        _ => None,
    };
    let Some(micros) = micros else {
        let read = |text| calendar::parse_wide_instant(text).or_else(|| calendar::parse_wide_timestamp(text));
        return beyond(notated(value).and_then(read), ("timestamptz", "+00"), digits, scratch)
            .unwrap_or_else(|| Err(not(value, &Kind::Instant { digits: 6 })));
    };
    whole(micros, digits).map(|()| ValueRef::Instant(micros))
}

fn notated(value: ValueRef<'_>) -> Option<&str> {
    match value {
        ValueRef::Text(text) => plain(text),
        _ => None,
    }
}

/// A time that PostgreSQL holds and 64 bits since 1970 do not: text in the one notation it has there. `None` for any other.
fn beyond<'v>(
    micros: Option<i128>,
    (type_name, zone): (&'static str, &str),
    digits: u8,
    scratch: &'v mut String,
) -> Option<Result<ValueRef<'v>, Misfit>> {
    let micros = micros.filter(|micros| (i128::from(i64::MAX)..TIMESTAMP_END).contains(micros))?;
    let fraction = i64::try_from(micros % 1_000_000).expect("BUG: a fraction is longer than a second");
    scratch.clear();
    calendar::write_wide(micros, zone, scratch);
    Some(whole(fraction, digits).map(|()| ValueRef::Other { type_name, text: scratch }))
}

fn midnight(days: i32) -> Option<i64> {
    match days {
        i32::MAX => Some(i64::MAX),
        i32::MIN => Some(i64::MIN),
        days => i64::from(days).checked_mul(86_400_000_000),
    }
}

/// Whether a column with so many digits of a second holds the time; infinity fits anywhere.
fn whole(micros: i64, digits: u8) -> Result<(), Misfit> {
    let unit = 10_i64.pow(6 - u32::from(digits.min(6)));
    if micros % unit == 0 || matches!(micros, i64::MIN | i64::MAX) {
        return Ok(());
    }
    Err(Misfit(format!("the time has more than {digits} digits of a second").into()))
}

fn uuid(value: ValueRef<'_>) -> Result<ValueRef<'_>, Misfit> {
    let bytes = match value {
        ValueRef::Uuid(bytes) => Some(bytes),
        ValueRef::Text(text) => plain(text).and_then(notation::parse_uuid),
        _ => None,
    };
    bytes.map(ValueRef::Uuid).ok_or_else(|| not(value, &Kind::Uuid))
}

fn label<'v>(value: ValueRef<'v>, labels: &[String]) -> Result<ValueRef<'v>, Misfit> {
    match value {
        ValueRef::Text(text) if labels.iter().any(|label| label.as_bytes() == text) => Ok(value),
        ValueRef::Text(_) => Err(Misfit("the text is none of the values of the enumeration".into())),
        _ => Err(Misfit(format!("{} is none of the values of the enumeration", notation::what(value)).into())),
    }
}

fn other<'v>(value: ValueRef<'v>, type_name: &'v str) -> Result<ValueRef<'v>, Misfit> {
    let text = match value {
        ValueRef::Other { type_name: name, text } => (name == type_name).then_some(text),
        ValueRef::Text(text) => plain(text),
        _ => None,
    };
    text.map(|text| ValueRef::Other { type_name, text })
        .ok_or_else(|| Misfit(format!("{} is not of type {type_name}", notation::what(value)).into()))
}

#[cfg(test)]
mod tests;
