//! How cells stand to each other that are seen as of some kind, where the engine that holds them cannot tell.

use std::cmp::Ordering;

use crate::value::calendar::{self, DAY_MICROS};
use crate::value::key_order::{self, kind_rank};
use crate::value::{Kind, ValueRef, fit};

/// Whole numbers below it, either side of zero, are seconds since 1970; the others are milliseconds.
const SECONDS_END: i64 = 100_000_000_000;

/// A day and the microseconds of its time, as they are written: so days that do not exist have their place too.
type Written = (i64, u32, u32, i64);

/// How two cells compare, each seen as of its kind; `None` where either is NULL.
///
/// Cells that are equal when they are seen as of a kind are the same to every filter, however they are stored. One that is not of
/// the kind is equal to none of it.
pub fn order((a, of_a): (ValueRef<'_>, &Kind), (b, of_b): (ValueRef<'_>, &Kind)) -> Option<Ordering> {
    let (mut left, mut right) = (String::new(), String::new());
    let (a, b) = (fit::see(a, of_a, &mut left), fit::see(b, of_b, &mut right));
    if a == ValueRef::Null || b == ValueRef::Null {
        return None;
    }
    let ranks = kind_rank(of_a).cmp(&kind_rank(of_b));
    if ranks.is_ne() {
        return Some(ranks);
    }
    Some(match (written(a), written(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => key_order::compare(a, b),
    })
}

/// The point in time that a cell is which is seen as of a kind, in milliseconds since 1970; `None` for what is none. One without
/// end is the first or the last there is.
pub fn millis(cell: ValueRef<'_>, kind: &Kind) -> Option<i64> {
    let mut scratch = String::new();
    let micros = match fit::see(cell, kind, &mut scratch) {
        ValueRef::Int(number) if -SECONDS_END < number && number < SECONDS_END => return Some(number * 1_000),
        ValueRef::Int(number) => return Some(number),
        ValueRef::Date(i32::MIN) | ValueRef::Timestamp(i64::MIN) | ValueRef::Instant(i64::MIN) => {
            return Some(i64::MIN);
        }
        ValueRef::Date(i32::MAX) | ValueRef::Timestamp(i64::MAX) | ValueRef::Instant(i64::MAX) => {
            return Some(i64::MAX);
        }
        ValueRef::Date(days) => i128::from(days) * i128::from(DAY_MICROS),
        ValueRef::Timestamp(micros) | ValueRef::Instant(micros) => i128::from(micros),
        ValueRef::Other { text, .. } => wide(text)?,
        _ => return None,
    };
    // Rounded, as both servers' columns of times are compared.
    Some(i64::try_from((micros + 500).div_euclid(1_000)).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX }))
}

fn written(value: ValueRef<'_>) -> Option<Written> {
    let micros = match value {
        ValueRef::Date(i32::MIN) | ValueRef::Timestamp(i64::MIN) | ValueRef::Instant(i64::MIN) => {
            return Some((i64::MIN, 0, 0, 0));
        }
        ValueRef::Date(i32::MAX) | ValueRef::Timestamp(i64::MAX) | ValueRef::Instant(i64::MAX) => {
            return Some((i64::MAX, 0, 0, 0));
        }
        ValueRef::Date(days) => i128::from(days) * i128::from(DAY_MICROS),
        ValueRef::Timestamp(micros) | ValueRef::Instant(micros) => i128::from(micros),
        ValueRef::Other { text, type_name: "timestamp" | "timestamptz" | "date" | "datetime" } => match wide(text) {
            Some(micros) => micros,
            None => return odd(text),
        },
        _ => return None,
    };
    let day = i128::from(DAY_MICROS);
    let civil = calendar::civil(i64::try_from(micros.div_euclid(day)).ok()?);
    Some((civil.year, civil.month, civil.day, i64::try_from(micros.rem_euclid(day)).ok()?))
}

/// Microseconds since 1970 of a time that 64 bits do not hold.
fn wide(text: &str) -> Option<i128> {
    calendar::parse_wide_instant(text).or_else(|| calendar::parse_wide_timestamp(text))
}

/// A day of MySQL that does not exist, such as `0000-00-00`.
fn odd(text: &str) -> Option<Written> {
    let (day, time) = text.split_once(' ').unwrap_or((text, "00:00:00"));
    let mut parts = day.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    Some((year.parse().ok()?, month.parse().ok()?, day.parse().ok()?, calendar::parse_time(time)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    const TIME: Kind = Kind::Timestamp { digits: 6 };

    fn texts(a: &str, b: &str, kind: &Kind) -> Option<Ordering> {
        order((Value::text(a).as_ref(), kind), (Value::text(b).as_ref(), kind))
    }

    #[test]
    fn times_are_in_the_order_of_time_whatever_their_notation() {
        let ascending = [
            "-infinity",
            "4713-01-01 00:00:00 BC",
            "0000-00-00 00:00:00",
            "0001-01-01",
            "2024-01-01",
            "2024-01-01T00:00:00.5",
            "2024-02-29 00:00:00",
            "2024-02-31 00:00:00",
            "2024-03-01",
            "9999-12-31 23:59:59.999999",
            "10000-01-01 00:00:00",
            "294276-12-31 23:59:59",
            "infinity",
        ];
        for (at, a) in ascending.iter().enumerate() {
            for (other, b) in ascending.iter().enumerate() {
                assert_eq!(texts(a, b, &TIME), Some(at.cmp(&other)), "{a} {b}");
            }
        }
        assert_eq!(texts("2024-01-01", "2024-01-01T00:00:00.000", &TIME), Some(Ordering::Equal));
    }

    #[test]
    fn digits_beyond_a_double_count() {
        let kind = Kind::Decimal { limit: Some((30, 2)) };
        assert_eq!(texts("9", "10", &kind), Some(Ordering::Less));
        assert_eq!(texts("18446744073709551615", "18446744073709551614.99", &kind), Some(Ordering::Greater));
        assert_eq!(texts("10.50", "10.5", &kind), Some(Ordering::Equal));
        let number = order((Value::text("7").as_ref(), &kind), (ValueRef::Int(7), &Kind::Decimal { limit: None }));
        assert_eq!(number, Some(Ordering::Equal));
    }

    #[test]
    fn null_leaves_it_open() {
        assert_eq!(order((ValueRef::Null, &TIME), (ValueRef::Text(b"2024-01-01"), &TIME)), None);
    }

    #[test]
    fn points_in_time_are_rounded_to_the_millisecond() {
        let of = |text: &str| millis(Value::text(text).as_ref(), &TIME);
        assert_eq!(of("1970-01-01 00:00:00.0005"), Some(1));
        assert_eq!(of("1969-12-31 23:59:59.9994"), Some(-1));
        assert_eq!(of("infinity"), Some(i64::MAX));
        assert_eq!(of("0000-00-00 00:00:00"), None);
        assert_eq!(of("yesterday"), None);
    }
}
