//! Dates and times as text, and back: the one notation in which they are written where there is no type for them.
//!
//! | value | written | also read |
//! |---|---|---|
//! | date | `2024-02-29`, `12024-02-29`, `0044-03-15 BC`, `infinity`, `-infinity` | |
//! | time | `12:00:00`, `12:00:00.5`, `24:00:00` | `12:00`, `12:00:00.500` |
//! | timestamp | `2024-02-29 12:00:00.5`, `0044-03-15 12:00:00 BC` | `2024-02-29T12:00:00.5` |
//! | instant | `2024-02-29 12:00:00.5+00:00` | other zones: `Z`, `+02`, `+0200`, `+02:00`, `-05:30:15` |
//!
//! The calendar is the Gregorian one, carried on in both directions. There is no year 0: before the year 1 comes the year 1 BC.
//! Reading is strict. Nothing is trimmed, rounded or carried over, and what does not exist is not read.

mod parse;
mod write;

pub use parse::{
    parse_any_date, parse_any_instant, parse_any_time, parse_any_timestamp, parse_date, parse_instant, parse_time,
    parse_timestamp, parse_wide_instant, parse_wide_timestamp,
};
pub use write::{write_date, write_instant, write_time, write_timestamp, write_wide};

/// The date behind all dates.
pub const DATE_INFINITY: i32 = i32::MAX;

/// The date before all dates.
pub const DATE_NEGATIVE_INFINITY: i32 = i32::MIN;

/// The timestamp or instant behind all others.
pub const INFINITY: i64 = i64::MAX;

/// The timestamp or instant before all others.
pub const NEGATIVE_INFINITY: i64 = i64::MIN;

/// Microseconds in a day.
pub const DAY_MICROS: i64 = 86_400_000_000;

/// The days of a calendar that repeats.
const ERA_DAYS: i64 = 146_097;
/// From 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i64 = 719_468;

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Counted through: 0 is the year 1 BC, -1 is 2 BC.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// From 1.
    pub day: u32,
}

/// The day that lies so many days after 1970-01-01.
pub fn civil(days: i64) -> Civil {
    // The calendar repeats every 400 years; counting them from a 1 March puts the leap day last.
    let shifted = days + EPOCH_DAYS;
    let era = shifted.div_euclid(ERA_DAYS);
    let day_of_era = shifted.rem_euclid(ERA_DAYS);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    Civil { year: era * 400 + year_of_era + i64::from(month <= 2), month: month as u32, day: day as u32 }
}

/// Days since 1970-01-01; `None` where there is no such day. Years are counted through, as in [`Civil`].
pub fn days(civil: Civil) -> Option<i64> {
    let Civil { year, month, day } = civil;
    if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    let year = year.checked_sub(i64::from(month <= 2))?;
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year.div_euclid(400).checked_mul(ERA_DAYS)?.checked_add(day_of_era - EPOCH_DAYS)
}

/// Days in a month from 1 to 12 of a year that is counted through, as in [`Civil`].
pub fn days_in_month(year: i64, month: u32) -> u32 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A date, from days since 1970-01-01.
pub fn date(days: i32) -> String {
    written(|out| write_date(days, out))
}

/// A time of day, from microseconds since midnight. Negative ones get a sign, and hours may pass 24.
pub fn time(micros: i64) -> String {
    written(|out| write_time(micros, out))
}

/// A timestamp, from microseconds since 1970-01-01 00:00:00.
pub fn timestamp(micros: i64) -> String {
    written(|out| write_timestamp(micros, out))
}

/// An instant, from microseconds since 1970-01-01 00:00:00 UTC.
pub fn instant(micros: i64) -> String {
    written(|out| write_instant(micros, out))
}

fn written(write: impl FnOnce(&mut String)) -> String {
    let mut out = String::with_capacity(32);
    write(&mut out);
    out
}

#[cfg(test)]
mod tests;
