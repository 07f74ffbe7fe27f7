//! The nearest day or time that a column holds: what lies beyond its range is taken to the end of that, and what is finer than
//! the column is cut. Infinity is none of it, and what does not exist, such as 30 February, is near to nothing.

use super::super::fit::{DAYS, MICROS, Reach, SPANS, of_micros};
use super::super::{Value, ValueRef, calendar};

pub(super) fn date(value: ValueRef<'_>) -> Option<Value> {
    let days = match value {
        ValueRef::Date(days) => i64::from(days),
        value => calendar::parse_any_date(text(value)?)?,
    };
    i32::try_from(days.clamp(*DAYS.start(), *DAYS.end())).ok().map(Value::Date)
}

pub(super) fn time(value: ValueRef<'_>, digits: u8, reach: Reach) -> Option<Value> {
    let micros = match value {
        ValueRef::Time(micros) => micros,
        value => calendar::parse_any_time(text(value)?)?,
    };
    let (lowest, highest) = match reach {
        Reach::Usual | Reach::Between(..) => (0, calendar::DAY_MICROS),
        Reach::Wide => SPANS.into_inner(),
    };
    let micros = i128::from(micros.clamp(lowest, highest));
    // Of a span below zero the digits are cut as well: it is no moment before another.
    let cut = if micros < 0 { -cut(-micros, digits) } else { cut(micros, digits) };
    i64::try_from(cut).ok().map(Value::Time)
}

pub(super) fn timestamp(value: ValueRef<'_>, digits: u8) -> Option<Value> {
    let micros = match value {
        ValueRef::Timestamp(micros) => i128::from(micros),
        value => calendar::parse_any_timestamp(text(value)?)?,
    };
    Some(of_micros(within(micros, digits), false))
}

pub(super) fn instant(value: ValueRef<'_>, digits: u8) -> Option<Value> {
    let micros = match value {
        ValueRef::Instant(micros) => i128::from(micros),
        value => {
            let text = text(value)?;
            // Without a zone it is UTC, as everywhere.
            calendar::parse_any_instant(text).or_else(|| calendar::parse_any_timestamp(text))?
        }
    };
    Some(of_micros(within(micros, digits), true))
}

fn text(value: ValueRef<'_>) -> Option<&str> {
    match value {
        ValueRef::Text(text) => std::str::from_utf8(text).ok(),
        _ => None,
    }
}

fn within(micros: i128, digits: u8) -> i128 {
    cut(micros.clamp(*MICROS.start(), *MICROS.end()), digits)
}

/// Without the digits of a second beyond these.
fn cut(micros: i128, digits: u8) -> i128 {
    let unit = 10_i128.pow(6 - u32::from(digits.min(6)));
    micros.div_euclid(unit) * unit
}
