//! Days and times, from their notations, within what PostgreSQL holds of them.

use std::ops::RangeInclusive;

use super::super::{Kind, Value, ValueRef, calendar};
use super::{Misfit, not, plain};

/// The days that PostgreSQL holds, since 1970: 4714-11-24 BC to 5874897-12-31.
pub(in crate::value) const DAYS: RangeInclusive<i64> = -2_440_588..=2_145_042_905;

/// The times that it holds, in microseconds since 1970: from the same day to the end of the year 294276.
pub(in crate::value) const MICROS: RangeInclusive<i128> = -210_866_803_200_000_000..=9_224_318_015_999_999_999;

pub(super) fn day(value: ValueRef<'_>) -> Result<ValueRef<'_>, Misfit> {
    let day = match value {
        ValueRef::Date(day) => Some(day),
        ValueRef::Text(text) => plain(text).and_then(calendar::parse_date),
        _ => None,
    };
    let day = day.ok_or_else(|| not(value, &Kind::Date))?;
    if DAYS.contains(&i64::from(day)) || matches!(day, i32::MIN | i32::MAX) {
        return Ok(ValueRef::Date(day));
    }
    Err(Misfit("the date is out of the range of the column".into()))
}

pub(super) fn time(value: ValueRef<'_>, digits: u8) -> Result<ValueRef<'_>, Misfit> {
    let micros = match value {
        ValueRef::Time(micros) => Some(micros),
        ValueRef::Text(text) => plain(text).and_then(calendar::parse_time),
        _ => None,
    };
    let micros = micros.ok_or_else(|| not(value, &Kind::Time { digits: 6 }))?;
    if !(0..=calendar::DAY_MICROS).contains(&micros) {
        return Err(Misfit("the time is below zero or beyond a day".into()));
    }
    whole(micros, digits).map(|()| ValueRef::Time(micros))
}

pub(super) fn timestamp<'v>(value: ValueRef<'v>, digits: u8, scratch: &'v mut String) -> Result<ValueRef<'v>, Misfit> {
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
    held(micros, digits).map(|()| ValueRef::Timestamp(micros))
}

pub(super) fn instant<'v>(value: ValueRef<'v>, digits: u8, scratch: &'v mut String) -> Result<ValueRef<'v>, Misfit> {
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
    held(micros, digits).map(|()| ValueRef::Instant(micros))
}

/// The time of so many microseconds since 1970, which must be one of [`MICROS`]: as a timestamp or instant, or as text where 64
/// bits do not hold it.
pub(in crate::value) fn of_micros(micros: i128, has_zone: bool) -> Value {
    match i64::try_from(micros).ok().filter(|micros| *micros != i64::MAX) {
        Some(micros) if has_zone => Value::Instant(micros),
        Some(micros) => Value::Timestamp(micros),
        None => {
            let (type_name, zone) = if has_zone { ("timestamptz", "+00") } else { ("timestamp", "") };
            let mut text = String::new();
            calendar::write_wide(micros, zone, &mut text);
            Value::Other { type_name: type_name.to_owned(), text }
        }
    }
}

/// What of days and times only MySQL holds: days that do not exist, such as the zero date, and spans of time that are below zero
/// or longer than a day. `None` for all else, and for what other columns hold too.
pub fn odd<'v>(value: ValueRef<'v>, kind: &Kind) -> Option<ValueRef<'v>> {
    let type_name = match kind {
        Kind::Date => "date",
        Kind::Timestamp { .. } => "datetime",
        Kind::Instant { .. } => "timestamp",
        Kind::Time { .. } => return span(notated(value)?).map(ValueRef::Time),
        _ => return None,
    };
    let text = match value {
        ValueRef::Other { type_name: theirs, text } if theirs == type_name => text,
        value => notated(value)?,
    };
    let (day, time) = text.split_once(' ').unwrap_or((text, ""));
    let is_whole = if *kind == Kind::Date { day.len() == text.len() } else { calendar::parse_time(time).is_some() };
    (is_whole && is_odd_day(day)).then_some(ValueRef::Other { type_name, text })
}

/// The spans that MySQL's times hold, in microseconds: below 839 hours, either way.
pub const SPANS: RangeInclusive<i64> = -3_020_399_999_999..=3_020_399_999_999;

/// The microseconds of a span such as `-01:00:00` or `838:59:59.5`.
fn span(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (hours, rest) = unsigned.split_once(':')?;
    let is_number = (2..=3).contains(&hours.len()) && hours.bytes().all(|digit| digit.is_ascii_digit());
    let hours: i64 = hours.parse().ok().filter(|_| is_number)?;
    let micros = hours * 3_600_000_000 + calendar::parse_time(&format!("00:{rest}")).filter(|_| rest.len() >= 5)?;
    Some(if unsigned.len() == text.len() { micros } else { -micros }).filter(|micros| SPANS.contains(micros))
}

/// Whether these are digits of a day that no calendar has, with a month up to 12 and a day up to 31.
fn is_odd_day(text: &str) -> bool {
    let mut parts = text.split('-').map(|part| part.bytes().all(|digit| digit.is_ascii_digit()).then_some(part));
    let (Some(Some(year)), Some(Some(month)), Some(Some(day)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let is_shaped = (year.len(), month.len(), day.len()) == (4, 2, 2);
    is_shaped && month <= "12" && day <= "31" && calendar::parse_date(text).is_none()
}

fn notated(value: ValueRef<'_>) -> Option<&str> {
    match value {
        ValueRef::Text(text) => plain(text),
        _ => None,
    }
}

/// A time that 64 bits since 1970 do not hold: where PostgreSQL does, text in the one notation it has there. `None` for what is
/// no such time.
fn beyond<'v>(
    micros: Option<i128>,
    (type_name, zone): (&'static str, &str),
    digits: u8,
    scratch: &'v mut String,
) -> Option<Result<ValueRef<'v>, Misfit>> {
    let micros = micros?;
    if !MICROS.contains(&micros) {
        return Some(Err(out_of_range()));
    }
    let fraction = i64::try_from(micros % 1_000_000).expect("BUG: a fraction is longer than a second");
    scratch.clear();
    calendar::write_wide(micros, zone, scratch);
    Some(whole(fraction, digits).map(|()| ValueRef::Other { type_name, text: scratch }))
}

fn midnight(days: i32) -> Option<i64> {
    match days {
        i32::MAX => Some(i64::MAX),
        i32::MIN => Some(i64::MIN),
        days => i64::from(days).checked_mul(calendar::DAY_MICROS),
    }
}

/// Whether a column with so many digits of a second holds the time; infinity fits anywhere.
fn held(micros: i64, digits: u8) -> Result<(), Misfit> {
    // There are no 64 bits beyond the other end.
    if i128::from(micros) < *MICROS.start() && micros != i64::MIN {
        return Err(out_of_range());
    }
    whole(micros, digits)
}

fn whole(micros: i64, digits: u8) -> Result<(), Misfit> {
    let unit = 10_i64.pow(6 - u32::from(digits.min(6)));
    if micros % unit == 0 || matches!(micros, i64::MIN | i64::MAX) {
        return Ok(());
    }
    Err(Misfit(format!("the time has more than {digits} digits of a second").into()))
}

fn out_of_range() -> Misfit {
    Misfit("the time is out of the range of the column".into())
}
