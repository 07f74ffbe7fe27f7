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
mod reach;
mod times;

use std::borrow::Cow;
use std::fmt;

use super::{Kind, ValueRef};

pub use self::notation::write as write_notation;
pub use self::reach::{Reach, fit_within};
pub(super) use self::times::{DAYS, MICROS, of_micros};
pub use self::times::{SPANS, odd};

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
        (Kind::Timestamp { digits }, _) => times::timestamp(value, *digits, scratch),
        (Kind::Instant { digits }, _) => times::instant(value, *digits, scratch),
        _ => by_notation(value, kind),
    }
}

/// The value as a column of this kind is seen: in its form, or as it is where it does not fit. `scratch` as in [`fit`].
///
/// What only MySQL holds of days and times ([`odd`]) fits nowhere else. Its text is seen as that all the same.
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
        _ => match fit(value, kind, scratch) {
            Ok(seen) => seen,
            Err(_) => odd(value, kind).unwrap_or(value),
        },
    }
}

/// Kinds whose values have one text notation each, and are read from it.
fn by_notation<'v>(value: ValueRef<'v>, kind: &'v Kind) -> Result<ValueRef<'v>, Misfit> {
    match kind {
        Kind::Bool => truth(value),
        Kind::Date => times::day(value),
        Kind::Time { digits } => times::time(value, *digits),
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
