//! Writing dates and times. Every timestamp of a row that goes into a database without a type for it comes by here, so
//! nothing goes through the machinery of formatting, and the usual years are written in one piece.

use std::ops::RangeInclusive;

use super::{Civil, DATE_INFINITY, DATE_NEGATIVE_INFINITY, DAY_MICROS, INFINITY, NEGATIVE_INFINITY, civil};

/// Days of years with up to four digits: 0001-01-01 to 9999-12-31.
const COMMON_DAYS: RangeInclusive<i64> = -719_162..=2_932_896;

/// `0000-00-00 00:00:00.000000`
const TIMESTAMP_WIDTH: usize = 26;
/// How much of it is the day, and how much all but the fraction.
const DAY_WIDTH: usize = 10;
const SECOND_WIDTH: usize = 19;

/// All numbers of two digits, one after the other.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut at = 0;
    while at < 100 {
        pairs[at] = [b'0' + (at / 10) as u8, b'0' + (at % 10) as u8];
        at += 1;
    }
    pairs
};

/// Appends what [`super::date`] returns.
pub fn write_date(days: i32, out: &mut String) {
    match days {
        DATE_INFINITY => out.push_str("infinity"),
        DATE_NEGATIVE_INFINITY => out.push_str("-infinity"),
        days => {
            let is_bc = write_day(i64::from(days), out);
            write_era(is_bc, out);
        }
    }
}

/// Appends what [`super::time`] returns.
pub fn write_time(micros: i64, out: &mut String) {
    if let Ok(micros) = u64::try_from(micros)
        && micros < 100 * 3_600_000_000
    {
        let mut text = [b':'; TIMESTAMP_WIDTH];
        let end = clock(micros, &mut text);
        return push(&text[DAY_WIDTH + 1..end], out);
    }
    if micros < 0 {
        out.push('-');
    }
    let (seconds, fraction) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    write_padded(seconds / 3600, 2, out);
    out.push(':');
    write_padded(seconds / 60 % 60, 2, out);
    out.push(':');
    write_padded(seconds % 60, 2, out);
    if fraction != 0 {
        out.push('.');
        write_padded(fraction, 6, out);
        out.truncate(out.trim_end_matches('0').len());
    }
}

/// Appends what [`super::timestamp`] returns.
pub fn write_timestamp(micros: i64, out: &mut String) {
    match micros {
        INFINITY => out.push_str("infinity"),
        NEGATIVE_INFINITY => out.push_str("-infinity"),
        micros => write_finite(micros, "", out),
    }
}

/// Appends what [`super::instant`] returns.
pub fn write_instant(micros: i64, out: &mut String) {
    match micros {
        INFINITY => out.push_str("infinity"),
        NEGATIVE_INFINITY => out.push_str("-infinity"),
        micros => write_finite(micros, "+00:00", out),
    }
}

/// Appends a timestamp that need not fit 64 bits, with a zone behind its time where one is given.
pub fn write_wide(micros: i128, zone: &str, out: &mut String) {
    let day = i128::from(DAY_MICROS);
    write_parts(micros.div_euclid(day) as i64, micros.rem_euclid(day) as i64, zone, out);
}

fn write_finite(micros: i64, zone: &str, out: &mut String) {
    let (days, time) = (micros.div_euclid(DAY_MICROS), micros.rem_euclid(DAY_MICROS));
    if !COMMON_DAYS.contains(&days) {
        return write_parts(days, time, zone, out);
    }
    let mut text = [b' '; TIMESTAMP_WIDTH];
    common_day(civil(days), &mut text);
    let end = clock(time as u64, &mut text);
    push(&text[..end], out);
    out.push_str(zone);
}

fn write_parts(days: i64, time: i64, zone: &str, out: &mut String) {
    let is_bc = write_day(days, out);
    out.push(' ');
    write_time(time, out);
    out.push_str(zone);
    write_era(is_bc, out);
}

/// Whether the era has to be written behind it.
fn write_day(days: i64, out: &mut String) -> bool {
    let civil = civil(days);
    if COMMON_DAYS.contains(&days) {
        let mut text = [0; TIMESTAMP_WIDTH];
        common_day(civil, &mut text);
        push(&text[..DAY_WIDTH], out);
        return false;
    }
    let Civil { year, month, day } = civil;
    let is_bc = year <= 0;
    write_padded(if is_bc { 1 - year } else { year } as u64, 4, out);
    out.push('-');
    write_padded(u64::from(month), 2, out);
    out.push('-');
    write_padded(u64::from(day), 2, out);
    is_bc
}

fn write_era(is_bc: bool, out: &mut String) {
    if is_bc {
        out.push_str(" BC");
    }
}

/// Writes the day into its place. Its year has up to four digits.
fn common_day(day: Civil, text: &mut [u8; TIMESTAMP_WIDTH]) {
    let Civil { year, month, day } = day;
    text[..2].copy_from_slice(&PAIRS[year as usize / 100]);
    text[2..4].copy_from_slice(&PAIRS[year as usize % 100]);
    text[4] = b'-';
    text[5..7].copy_from_slice(&PAIRS[month as usize]);
    text[7] = b'-';
    text[8..DAY_WIDTH].copy_from_slice(&PAIRS[day as usize]);
}

/// Writes less than 100 hours into their place, and returns where they end: there are no zeros behind the point.
fn clock(micros: u64, text: &mut [u8; TIMESTAMP_WIDTH]) -> usize {
    let (seconds, fraction) = ((micros / 1_000_000) as u32, (micros % 1_000_000) as u32);
    text[11..13].copy_from_slice(&PAIRS[seconds as usize / 3600]);
    text[13] = b':';
    text[14..16].copy_from_slice(&PAIRS[seconds as usize / 60 % 60]);
    text[16] = b':';
    text[17..SECOND_WIDTH].copy_from_slice(&PAIRS[seconds as usize % 60]);
    if fraction == 0 {
        return SECOND_WIDTH;
    }
    text[19] = b'.';
    text[20..22].copy_from_slice(&PAIRS[fraction as usize / 10_000]);
    text[22..24].copy_from_slice(&PAIRS[fraction as usize / 100 % 100]);
    text[24..].copy_from_slice(&PAIRS[fraction as usize % 100]);
    let zeros = text.iter().rev().take_while(|digit| **digit == b'0').count();
    TIMESTAMP_WIDTH - zeros
}

fn push(text: &[u8], out: &mut String) {
    out.push_str(std::str::from_utf8(text).expect("BUG: a digit is not ASCII"));
}

fn write_padded(mut number: u64, width: usize, out: &mut String) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while number > 0 {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    digits[at.min(digits.len() - width)..].iter().for_each(|digit| out.push(char::from(*digit)));
}
