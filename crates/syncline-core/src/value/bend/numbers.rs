//! The nearest number that a column holds. A text is one where it is written like one, with an exponent or without.

use super::super::fit::Reach;
use super::super::number::{Finite, Number};
use super::super::{Coercion, Value, ValueRef};

/// Digits before the point of a decimal, at most, where its column sets no limit: what has more is not written out.
const DIGITS_MAX: i64 = 131_072;

/// From here on not every whole number is a double.
const DOUBLES_ARE_WHOLE: f64 = 9_007_199_254_740_992.0;

/// A whole number of so many bits.
pub(super) fn int(value: ValueRef<'_>, bits: u8) -> Option<Value> {
    let highest = i128::from(i64::MAX >> (64 - u32::from(bits)));
    let nearest = match number(value)? {
        Number::Nan => return None,
        Number::Infinity => highest,
        Number::NegativeInfinity => -highest - 1,
        // Of more digits than any of them has.
        Number::Finite(finite) if finite.exponent > 19 => {
            if finite.negative {
                -highest - 1
            } else {
                highest
            }
        }
        Number::Finite(finite) => rounded(&finite, 0).parse().ok()?,
    };
    i64::try_from(nearest.clamp(-highest - 1, highest)).ok().map(Value::Int)
}

/// Of the whole numbers that a column holds, the one that is nearest to this one.
pub(super) fn within(nearest: Value, reach: Reach) -> Value {
    match (nearest, reach) {
        (Value::Int(int), Reach::Between(lowest, highest)) => {
            let kept = i128::from(int).clamp(lowest, highest);
            i64::try_from(kept).map_or(Value::Int(int), Value::Int)
        }
        (Value::Decimal(digits), Reach::Between(lowest, highest)) => match digits.parse::<i128>() {
            Ok(number) => Value::Decimal(number.clamp(lowest, highest).to_string()),
            Err(_) => Value::Decimal(digits),
        },
        (nearest, _) => nearest,
    }
}

/// A decimal of so many digits, so many of them behind the point.
pub(super) fn decimal(value: ValueRef<'_>, limit: Option<(u32, i32)>) -> Option<Value> {
    let number = number(value)?;
    let Some((precision, scale)) = limit else { return unlimited(&number) };
    let before = i64::from(precision) - i64::from(scale);
    let highest = |negative: bool| {
        let sign = if negative { "-" } else { "" };
        Some(Value::Decimal(format!("{sign}{}", point(false, &vec![b'9'; precision as usize], scale))))
    };
    match number {
        Number::Nan => Some(Value::Decimal("NaN".to_owned())),
        Number::Infinity => highest(false),
        Number::NegativeInfinity => highest(true),
        Number::Finite(finite) if finite.exponent > before => highest(finite.negative),
        Number::Finite(finite) => {
            let digits = rounded(&finite, scale);
            match Number::parse(&digits)? {
                Number::Finite(rounded) if rounded.exponent > before => highest(finite.negative),
                _ => Some(Value::Decimal(digits)),
            }
        }
    }
}

/// A number that is written in another way, all of its digits kept.
fn unlimited(number: &Number) -> Option<Value> {
    Some(Value::Decimal(match number {
        Number::Nan => "NaN".to_owned(),
        Number::Infinity => "Infinity".to_owned(),
        Number::NegativeInfinity => "-Infinity".to_owned(),
        Number::Finite(finite) if finite.digits.is_empty() => "0".to_owned(),
        Number::Finite(finite) => {
            let behind = (finite.digits.len() as i64 - finite.exponent).max(0);
            let is_short = finite.exponent <= DIGITS_MAX && behind <= DIGITS_MAX;
            rounded(finite, i32::try_from(behind).ok().filter(|_| is_short)?)
        }
    }))
}

/// A double, or one of 32 bits. Only what is infinite becomes infinite.
pub(super) fn real(value: ValueRef<'_>, single: bool) -> Option<f64> {
    let limit = if single { f64::from(f32::MAX) } else { f64::MAX };
    let real = match value {
        ValueRef::Real(real) => real,
        ValueRef::Int(int) => int as f64,
        value => match number(value)? {
            Number::Nan => f64::NAN,
            Number::Infinity => f64::INFINITY,
            Number::NegativeInfinity => f64::NEG_INFINITY,
            Number::Finite(_) => written(value)?.parse::<f64>().ok()?.clamp(-limit, limit),
        },
    };
    let within = if real.is_finite() { real.clamp(-limit, limit) } else { real };
    Some(if single { f64::from(within as f32) } else { within })
}

/// A number as a column of SQLite keeps it. What it would make of texts is no number that is near to them.
pub(super) fn cell(value: ValueRef<'_>, coercion: Coercion) -> Option<Value> {
    match (value, coercion) {
        (ValueRef::Int(int), Coercion::Real) => Some(Value::Int(whole(int))),
        (ValueRef::Decimal(_), Coercion::Integer | Coercion::Real | Coercion::Numeric) => {
            let real = real(value, false)?;
            if coercion != Coercion::Real
                && real.abs() >= DOUBLES_ARE_WHOLE
                && let Number::Finite(finite) = number(value)?
                && finite.exponent <= 19
                && let Ok(int) = rounded(&finite, 0).parse::<i64>()
            {
                return Some(Value::Decimal(int.to_string()));
            }
            Some(Value::Decimal(if real == 0.0 { "0".to_owned() } else { real.to_string() }))
        }
        _ => None,
    }
}

/// The nearest whole number that is a double, and no more than 64 bits hold.
fn whole(int: i64) -> i64 {
    const LAST_BELOW_THE_END: i64 = i64::MAX - 1_023;
    let real = int as f64;
    if real as i128 > i128::from(i64::MAX) { LAST_BELOW_THE_END } else { real as i64 }
}

fn number(value: ValueRef<'_>) -> Option<Number> {
    match value {
        ValueRef::Int(int) => Some(Number::from_int(int)),
        ValueRef::Real(real) => Some(Number::from_real_as_written(real)),
        value => Number::parse(written(value)?),
    }
}

fn written(value: ValueRef<'_>) -> Option<&str> {
    match value {
        ValueRef::Decimal(digits) => Some(digits),
        ValueRef::Text(text) => std::str::from_utf8(text).ok(),
        _ => None,
    }
}

/// With so many digits behind the point, halves away from zero, as engines round when they are asked to.
fn rounded(finite: &Finite, scale: i32) -> String {
    // 0.DIGITS x 10^exponent: so many of the digits stand before the border.
    let kept = finite.exponent + i64::from(scale);
    let mut digits: Vec<u8> = match usize::try_from(kept) {
        Ok(kept) => finite.digits.iter().copied().chain(std::iter::repeat(b'0')).take(kept).collect(),
        Err(_) => Vec::new(),
    };
    let is_up = usize::try_from(kept).is_ok_and(|kept| finite.digits.get(kept).is_some_and(|digit| *digit >= b'5'));
    if is_up {
        add_one(&mut digits);
    }
    point(finite.negative, &digits, scale)
}

fn add_one(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit == b'9' {
            *digit = b'0';
        } else {
            *digit += 1;
            return;
        }
    }
    digits.insert(0, b'1');
}

/// Whole digits with the point moved to the left, or zeros put behind them.
fn point(negative: bool, digits: &[u8], scale: i32) -> String {
    let mut text = String::from_utf8_lossy(digits).into_owned();
    if let Ok(behind) = usize::try_from(scale) {
        if text.len() <= behind {
            text.insert_str(0, &"0".repeat(behind + 1 - text.len()));
        }
        if behind > 0 {
            text.insert(text.len() - behind, '.');
        }
    } else if !text.is_empty() {
        text.push_str(&"0".repeat(usize::try_from(-scale).unwrap_or_default()));
    } else {
        text.push('0');
    }
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if negative && !is_zero { format!("-{text}") } else { text }
}
