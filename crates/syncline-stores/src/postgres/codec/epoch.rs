//! Days and microseconds, which PostgreSQL counts from 2000-01-01.

use syncline_core::value::calendar::{
    self, DATE_INFINITY, DATE_NEGATIVE_INFINITY, DAY_MICROS, INFINITY, NEGATIVE_INFINITY,
};

/// From 1970-01-01 to 2000-01-01.
const DAYS: i32 = 10_957;
const MICROS: i64 = DAYS as i64 * DAY_MICROS;

/// PostgreSQL's own bounds, in its own count: from 4714-11-24 BC until before 5874898-01-01 and 294277-01-01.
const DATE_FIRST: i32 = -2_451_545;
const DATE_END: i32 = 2_145_031_949;
const TIMESTAMP_FIRST: i64 = -211_813_488_000_000_000;
const TIMESTAMP_END: i64 = 9_223_371_331_200_000_000;

/// A timestamp or instant from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Microseconds since 1970, or an infinity.
    Micros(i64),
    /// Microseconds since 1970 that 64 bits do not hold.
    Beyond(i128),
}

/// Days since 1970; `None` for what no server means.
pub(super) fn date_from_server(days: i32) -> Option<i32> {
    match days {
        DATE_INFINITY | DATE_NEGATIVE_INFINITY => Some(days),
        DATE_FIRST..DATE_END => Some(days + DAYS),
        _ => None,
    }
}

/// Days since 2000; `None` for what no server takes.
pub(super) fn date_for_server(days: i32) -> Option<i32> {
    match days {
        DATE_INFINITY | DATE_NEGATIVE_INFINITY => Some(days),
        days => days.checked_sub(DAYS).filter(|days| (DATE_FIRST..DATE_END).contains(days)),
    }
}

/// `None` for what no server means.
pub(super) fn moment_from_server(micros: i64) -> Option<Moment> {
    match micros {
        INFINITY | NEGATIVE_INFINITY => Some(Moment::Micros(micros)),
        TIMESTAMP_FIRST..TIMESTAMP_END => Some(match micros.checked_add(MICROS).filter(|micros| *micros != INFINITY) {
            Some(micros) => Moment::Micros(micros),
            None => Moment::Beyond(i128::from(micros) + i128::from(MICROS)),
        }),
        _ => None,
    }
}

/// Microseconds since 2000; `None` for what no server takes.
pub(super) fn moment_for_server(moment: Moment) -> Option<i64> {
    let micros = match moment {
        Moment::Micros(micros @ (INFINITY | NEGATIVE_INFINITY)) => return Some(micros),
        Moment::Micros(micros) => i128::from(micros),
        Moment::Beyond(micros) => micros,
    };
    let micros = i64::try_from(micros - i128::from(MICROS)).ok()?;
    (TIMESTAMP_FIRST..TIMESTAMP_END).contains(&micros).then_some(micros)
}

/// A moment as PostgreSQL prints it, with its zone where it has one.
pub(super) fn write_beyond(micros: i128, has_zone: bool, out: &mut String) {
    calendar::write_wide(micros, if has_zone { "+00" } else { "" }, out);
}

/// Reads what [`write_beyond`] has written, in any notation that is read at all.
pub(super) fn read_beyond(text: &str, has_zone: bool) -> Option<Moment> {
    let read = if has_zone { calendar::parse_wide_instant } else { calendar::parse_wide_timestamp };
    read(text).map(Moment::Beyond)
}

/// Microseconds since midnight, the same on both sides; `None` for what is no time of day.
pub(super) fn time(micros: i64) -> Option<i64> {
    Some(micros).filter(|micros| (0..=DAY_MICROS).contains(micros))
}
