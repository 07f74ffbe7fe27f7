//! Reading dates and times, from left to right.

use super::{Civil, DATE_INFINITY, DATE_NEGATIVE_INFINITY, DAY_MICROS, INFINITY, NEGATIVE_INFINITY, days};

/// More digits than the year of any value has.
const YEAR_DIGITS_MAX: usize = 7;
/// The same of a day that may lie anywhere: as many as are read as one number.
const ANY_YEAR_DIGITS_MAX: usize = 9;
/// Digits of a second that count.
const FRACTION_DIGITS: usize = 6;
/// Zones lie less than 16 hours off, as PostgreSQL has it.
const ZONE_HOURS_MAX: i64 = 15;

/// Days since 1970-01-01; `None` for what is not a date, or lies beyond those that 32 bits hold.
pub fn parse_date(text: &str) -> Option<i32> {
    match text {
        "infinity" => return Some(DATE_INFINITY),
        "-infinity" => return Some(DATE_NEGATIVE_INFINITY),
        _ => {}
    }
    let mut reader = Reader { rest: text.as_bytes(), is_lax: false };
    let civil = reader.day()?;
    let days = i32::try_from(reader.end(civil)?).ok()?;
    Some(days).filter(|days| !matches!(*days, DATE_INFINITY | DATE_NEGATIVE_INFINITY))
}

/// Microseconds since midnight, from 0 to 24 hours; `None` for what is not a time of day.
pub fn parse_time(text: &str) -> Option<i64> {
    let mut reader = Reader { rest: text.as_bytes(), is_lax: false };
    let micros = reader.time()?;
    reader.rest.is_empty().then_some(micros)
}

/// Microseconds since 1970-01-01 00:00:00; `None` for what is not a timestamp, or has a zone, or lies beyond those that
/// 64 bits hold.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    infinite(text).or_else(|| narrow(parse_wide_timestamp(text)?))
}

/// Microseconds since 1970-01-01 00:00:00 UTC; `None` for what is not a timestamp with a zone, or lies beyond those that
/// 64 bits hold.
pub fn parse_instant(text: &str) -> Option<i64> {
    infinite(text).or_else(|| narrow(parse_wide_instant(text)?))
}

/// As [`parse_timestamp`], of a finite one that need not fit 64 bits.
pub fn parse_wide_timestamp(text: &str) -> Option<i128> {
    wide(text, false, |_| Some(0))
}

/// As [`parse_instant`], of a finite one that need not fit 64 bits.
pub fn parse_wide_instant(text: &str) -> Option<i128> {
    wide(text, false, |reader| reader.zone())
}

/// Days since 1970-01-01 of a day however far off. A time of that day may stand behind it, which does not count.
pub fn parse_any_date(text: &str) -> Option<i64> {
    let mut reader = Reader { rest: text.as_bytes(), is_lax: true };
    let civil = reader.day()?;
    if !matches!(reader.rest, b"" | b" BC") {
        reader.eat(b' ').or_else(|| reader.eat(b'T'))?;
        reader.time()?;
    }
    reader.end(civil)
}

/// Microseconds since midnight of a time that may lie behind the end of the day. Of a second's digits those count that there is
/// room for.
pub fn parse_any_time(text: &str) -> Option<i64> {
    let mut reader = Reader { rest: text.as_bytes(), is_lax: true };
    let micros = reader.clock()?;
    reader.rest.is_empty().then_some(micros)
}

/// As [`parse_wide_timestamp`], of one however far off, or of a day alone, which is its first instant. Of a second's digits those
/// count that there is room for.
pub fn parse_any_timestamp(text: &str) -> Option<i128> {
    let day = || {
        let mut reader = Reader { rest: text.as_bytes(), is_lax: true };
        let civil = reader.day()?;
        Some(i128::from(reader.end(civil)?) * i128::from(DAY_MICROS))
    };
    wide(text, true, |_| Some(0)).or_else(day)
}

/// As [`parse_wide_instant`], of one however far off. Of a second's digits those count that there is room for.
pub fn parse_any_instant(text: &str) -> Option<i128> {
    wide(text, true, |reader| reader.zone())
}

fn infinite(text: &str) -> Option<i64> {
    match text {
        "infinity" => Some(INFINITY),
        "-infinity" => Some(NEGATIVE_INFINITY),
        _ => None,
    }
}

/// The outermost values stand for the infinities.
fn narrow(wide: i128) -> Option<i64> {
    i64::try_from(wide).ok().filter(|micros| !matches!(*micros, INFINITY | NEGATIVE_INFINITY))
}

fn wide(text: &str, is_lax: bool, zone: impl FnOnce(&mut Reader<'_>) -> Option<i64>) -> Option<i128> {
    let mut reader = Reader { rest: text.as_bytes(), is_lax };
    let civil = reader.day()?;
    reader.eat(b' ').or_else(|| reader.eat(b'T'))?;
    let time = reader.time()?;
    let offset = zone(&mut reader)?;
    Some(i128::from(reader.end(civil)?) * i128::from(DAY_MICROS) + i128::from(time - offset))
}

struct Reader<'t> {
    rest: &'t [u8],
    /// Years and fractions may have more digits than any value has.
    is_lax: bool,
}

impl Reader<'_> {
    /// Year, month and day as they are written. The era comes at the end of the text, so only then is known which day it is.
    fn day(&mut self) -> Option<Civil> {
        let width = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let longest = if self.is_lax { ANY_YEAR_DIGITS_MAX } else { YEAR_DIGITS_MAX };
        let has_width = width == 4 || ((5..=longest).contains(&width) && self.rest[0] != b'0');
        let year = self.number(width).filter(|year| has_width && *year > 0)?;
        self.eat(b'-')?;
        let month = self.number(2)? as u32;
        self.eat(b'-')?;
        Some(Civil { year, month, day: self.number(2)? as u32 })
    }

    fn time(&mut self) -> Option<i64> {
        self.clock().filter(|micros| *micros <= DAY_MICROS)
    }

    fn clock(&mut self) -> Option<i64> {
        let hour = self.number(2)?;
        self.eat(b':')?;
        let minute = self.number(2)?;
        let has_second = self.eat(b':').is_some();
        let second = if has_second { self.number(2)? } else { 0 };
        let fraction = if has_second && self.eat(b'.').is_some() { self.fraction()? } else { 0 };
        let micros = (hour * 3600 + minute * 60 + second) * 1_000_000 + fraction;
        (minute < 60 && second < 60).then_some(micros)
    }

    fn fraction(&mut self) -> Option<i64> {
        let width = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let counted = if self.is_lax { width.min(FRACTION_DIGITS) } else { width };
        let digits = self.number(counted).filter(|_| (1..=FRACTION_DIGITS).contains(&counted))?;
        self.rest = &self.rest[width - counted..];
        Some(digits * 10_i64.pow((FRACTION_DIGITS - counted) as u32))
    }

    /// How far the zone is ahead of UTC, in microseconds.
    fn zone(&mut self) -> Option<i64> {
        if self.eat(b'Z').is_some() {
            return Some(0);
        }
        let sign = self.eat(b'+').map(|()| 1).or_else(|| self.eat(b'-').map(|()| -1))?;
        let hours = self.number(2)?;
        let has_colon = self.eat(b':').is_some();
        let has_minutes = has_colon || self.rest.first().is_some_and(u8::is_ascii_digit);
        let minutes = if has_minutes { self.number(2)? } else { 0 };
        let seconds = if has_colon && self.eat(b':').is_some() { self.number(2)? } else { 0 };
        let is_zone = hours <= ZONE_HOURS_MAX && minutes < 60 && seconds < 60;
        is_zone.then_some(sign * (hours * 3600 + minutes * 60 + seconds) * 1_000_000)
    }

    /// The days of a date, if nothing follows but its era.
    fn end(&self, civil: Civil) -> Option<i64> {
        match self.rest {
            b"" => days(civil),
            b" BC" => days(Civil { year: 1 - civil.year, ..civil }),
            _ => None,
        }
    }

    fn number(&mut self, width: usize) -> Option<i64> {
        let digits = self.rest.get(..width).filter(|digits| width <= 9 && digits.iter().all(u8::is_ascii_digit))?;
        self.rest = &self.rest[width..];
        Some(digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[byte])?;
        Some(())
    }
}
