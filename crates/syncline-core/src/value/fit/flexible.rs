//! Values of every kind as cells of SQLite, which has whole numbers, doubles, text and bytes.

use super::super::number::Number;
use super::super::{Coercion, ValueRef, looks_numeric, short};
use super::{Misfit, notation};

/// The cell that a column with this coercion keeps when it is given the value.
///
/// A cell is chosen so that it means the value again to whoever sees the column as of the value's kind, for the column may
/// turn it into another one: text that looks like a number into that number, a whole double into an integer.
pub(super) fn fit<'v>(
    value: ValueRef<'v>,
    coercion: Coercion,
    scratch: &'v mut String,
) -> Result<ValueRef<'v>, Misfit> {
    let takes_text_for_numbers = matches!(coercion, Coercion::Integer | Coercion::Real | Coercion::Numeric);
    match value {
        ValueRef::Null | ValueRef::Bytes(_) => Ok(value),
        ValueRef::Text(text) if takes_text_for_numbers && looks_numeric(text) => {
            Err(Misfit("the column would turn the text into a number".into()))
        }
        ValueRef::Text(_) => Ok(value),
        ValueRef::Bool(_) | ValueRef::Int(_) | ValueRef::Real(_) | ValueRef::Decimal(_)
            if coercion == Coercion::Text =>
        {
            notation::write(value, scratch);
            Ok(ValueRef::Text(scratch.as_bytes()))
        }
        ValueRef::Bool(truth) => int(i64::from(truth), coercion),
        ValueRef::Int(number) => int(number, coercion),
        ValueRef::Real(number) => Ok(real(number, coercion)),
        ValueRef::Decimal(digits) if takes_text_for_numbers => decimal(digits, coercion),
        ValueRef::Decimal(digits) => Ok(ValueRef::Text(digits.as_bytes())),
        ValueRef::Json(text) if takes_text_for_numbers && looks_numeric(text.as_bytes()) => {
            json_number(text, coercion, scratch)
        }
        // They may be huge, and are text already.
        ValueRef::Json(text) => Ok(ValueRef::Text(text.as_bytes())),
        ValueRef::Other { text, .. } if !takes_text_for_numbers || !looks_numeric(text.as_bytes()) => {
            Ok(ValueRef::Text(text.as_bytes()))
        }
        value => {
            notation::write(value, scratch);
            if takes_text_for_numbers && looks_numeric(scratch.as_bytes()) {
                return Err(Misfit("the column would turn the value into a number".into()));
            }
            Ok(ValueRef::Text(scratch.as_bytes()))
        }
    }
}

fn int<'v>(number: i64, coercion: Coercion) -> Result<ValueRef<'v>, Misfit> {
    if coercion != Coercion::Real {
        return Ok(ValueRef::Int(number));
    }
    let real = number as f64;
    if real as i128 == i128::from(number) {
        return Ok(ValueRef::Real(real));
    }
    Err(Misfit("the column would round the number".into()))
}

/// NaN would be stored as NULL; as text it is itself. Whole doubles that an integer stands for become that.
fn real<'v>(number: f64, coercion: Coercion) -> ValueRef<'v> {
    // Where SQLite turns a double into an integer, it does so below 2^51 for certain and above 2^63 for certain not; in
    // between both are the same number, and either cell is read alike.
    const SURE: f64 = 2_251_799_813_685_248.0;
    if number.is_nan() {
        return ValueRef::Text(b"NaN");
    }
    let becomes_int = matches!(coercion, Coercion::Integer | Coercion::Numeric);
    if becomes_int && number.fract() == 0.0 && number.abs() < SURE {
        return ValueRef::Int(number as i64);
    }
    ValueRef::Real(number)
}

/// As a number, if no digit is lost by that.
fn decimal(digits: &str, coercion: Coercion) -> Result<ValueRef<'_>, Misfit> {
    // Few digits are never lost.
    if let Some(written) = short::read(digits) {
        return Ok(if coercion != Coercion::Real && !digits.contains('.') {
            ValueRef::Int(written as i64)
        } else {
            real(written, coercion)
        });
    }
    let lost = || Misfit("the column would lose digits of the number".into());
    match Number::parse(digits).ok_or_else(lost)? {
        // The word looks like no number, so it stays what it is; as a double it would be NULL.
        Number::Nan => Ok(ValueRef::Text(digits.as_bytes())),
        Number::Infinity => Ok(ValueRef::Real(f64::INFINITY)),
        Number::NegativeInfinity => Ok(ValueRef::Real(f64::NEG_INFINITY)),
        number => {
            if coercion != Coercion::Real
                && let Ok(int) = whole(digits).parse::<i64>()
            {
                return Ok(ValueRef::Int(int));
            }
            let written: f64 = digits.parse().map_err(|_| lost())?;
            if !written.is_finite() || Number::from_real_as_written(written) != number {
                return Err(lost());
            }
            Ok(real(written, coercion))
        }
    }
}

/// The number without a fraction that is zero.
fn whole(digits: &str) -> &str {
    match digits.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
        _ => digits,
    }
}

/// A document that is a number and nothing else, which the column turns into that number: only where it is the same text when
/// it is read again.
fn json_number<'v>(text: &str, coercion: Coercion, scratch: &mut String) -> Result<ValueRef<'v>, Misfit> {
    let mut is_again = |cell: ValueRef<'_>| {
        notation::write(cell, scratch);
        scratch == text
    };
    if coercion != Coercion::Real
        && let Ok(int) = text.parse::<i64>()
        && is_again(ValueRef::Int(int))
    {
        return Ok(ValueRef::Int(int));
    }
    match text.parse::<f64>() {
        Ok(real) if stays_real(real, coercion) && is_again(ValueRef::Real(real)) => Ok(ValueRef::Real(real)),
        _ => Err(Misfit("the column would turn the JSON into a number that is written in another way".into())),
    }
}

/// Whether the column keeps the double as it is for certain. The sign of a zero is lost on SQLite's way to the disk.
fn stays_real(number: f64, coercion: Coercion) -> bool {
    const BEYOND_INTEGERS: f64 = 9_223_372_036_854_775_808.0;
    match coercion {
        Coercion::Integer | Coercion::Numeric => number.fract() != 0.0 || number.abs() > BEYOND_INTEGERS,
        _ => number != 0.0 || number.is_sign_positive(),
    }
}
