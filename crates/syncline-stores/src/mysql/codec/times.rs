//! Dates and times of the engine.
//!
//! It knows years from 0 to 9999, and lets in days that do not exist: the zero date, days of no month, the 31 of February
//! where `sql_mode` allows it. The year 0 is that before the year 1.

use std::ops::RangeInclusive;

use syncline_core::value::calendar::{self, Civil, DAY_MICROS};

/// Days of the years from 0 to 9999.
const DAYS: RangeInclusive<i64> = -719_528..=2_932_896;

/// The first day of the year 1, from which on a day is written everywhere alike.
const FIRST_COMMON_DAY: i64 = -719_162;

/// Microseconds in a second.
const SECOND: i64 = 1_000_000;

/// Days since 1970-01-01; `None` for a day that does not exist.
pub(super) fn days(year: u16, month: u8, day: u8) -> Option<i32> {
    let civil = Civil { year: i64::from(year), month: u32::from(month), day: u32::from(day) };
    calendar::days(civil).and_then(|days| i32::try_from(days).ok())
}

/// Whether the engine has this day.
pub(super) fn has_day(days: i64) -> bool {
    DAYS.contains(&days)
}

/// Whether the engine has this date and time, counted in microseconds.
pub(super) fn has_moment(micros: i64) -> bool {
    has_day(micros.div_euclid(DAY_MICROS))
}

/// A date as the engine writes it, if it can: nothing else is one that it takes.
pub(crate) fn date(days: i64) -> Option<String> {
    if !has_day(days) {
        return None;
    }
    if days >= FIRST_COMMON_DAY {
        return i32::try_from(days).ok().map(calendar::date);
    }
    let Civil { year, month, day } = calendar::civil(days);
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

/// A date and a time, counted in microseconds, as the engine writes them, if it can.
pub(crate) fn timestamp(micros: i64) -> Option<String> {
    let (days, rest) = (micros.div_euclid(DAY_MICROS), micros.rem_euclid(DAY_MICROS));
    // Of the usual days each row may have some.
    if has_day(days) && days >= FIRST_COMMON_DAY {
        return Some(calendar::timestamp(micros));
    }
    Some(format!("{} {}", date(days)?, clock(rest)))
}

/// A date that does not exist, as the engine writes it.
pub(super) fn odd_date(year: u16, month: u8, day: u8) -> String {
    format!("{year:04}-{month:02}-{day:02}")
}

/// Microseconds of a time of day or a span.
pub(super) fn micros((days, hours, minutes, seconds): (u32, u8, u8, u8), micros: u32) -> i64 {
    let hours = i64::from(days) * 24 + i64::from(hours);
    ((hours * 60 + i64::from(minutes)) * 60 + i64::from(seconds)) * SECOND + i64::from(micros)
}

/// A time of day.
pub(super) fn clock(micros: i64) -> String {
    let (seconds, micros) = (micros / SECOND, micros % SECOND);
    let time = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if micros == 0 { time } else { format!("{time}.{micros:06}") }
}
