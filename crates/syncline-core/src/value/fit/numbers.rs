//! Numbers, from one kind of number into another.

use super::super::number::Number;
use super::super::{Kind, ValueRef, short, single as singles};
use super::{Misfit, not, notation, plain};

/// As whole numbers of so many bits.
pub(super) fn int(value: ValueRef<'_>, bits: u8) -> Result<ValueRef<'_>, Misfit> {
    let int = match value {
        ValueRef::Int(int) => Some(int),
        // Where an engine has no truth values, they are the numbers 0 and 1.
        ValueRef::Bool(truth) => Some(truth.into()),
        ValueRef::Real(real) => whole(real),
        ValueRef::Decimal(digits) => whole_digits(digits),
        // Only the notation that a number is written in: 007 may be no number.
        ValueRef::Text(text) => {
            plain(text).and_then(|text| text.parse().ok().filter(|int: &i64| int.to_string() == text))
        }
        _ => None,
    };
    let int = int.ok_or_else(|| not(value, &Kind::Int { bits }))?;
    let room = 64 - u32::from(bits.clamp(1, 64));
    if int << room >> room == int {
        return Ok(ValueRef::Int(int));
    }
    Err(Misfit(format!("the number is out of the range of {bits} bits").into()))
}

/// As decimal digits within a limit.
pub(super) fn decimal<'v>(
    value: ValueRef<'v>,
    limit: Option<(u32, i32)>,
    scratch: &'v mut String,
) -> Result<ValueRef<'v>, Misfit> {
    let value = match value {
        ValueRef::Int(_) if limit.is_none() => return Ok(value),
        ValueRef::Int(int) => {
            notation::write(ValueRef::Int(int), scratch);
            return within(scratch, limit).map(|()| value);
        }
        ValueRef::Decimal(_) => value,
        ValueRef::Real(real) => {
            scratch.clear();
            match real {
                real if real.is_finite() => {
                    use std::fmt::Write;
                    if short::write(real, scratch).is_none() {
                        write!(scratch, "{real}").expect("BUG: writing to a string failed");
                    }
                }
                real => notation::real(real, scratch),
            }
            ValueRef::Decimal(scratch)
        }
        ValueRef::Text(text) => match plain(text).filter(|text| is_decimal(text)) {
            Some(text) => ValueRef::Decimal(text),
            None => return Err(not(value, &Kind::Decimal { limit: None })),
        },
        _ => return Err(not(value, &Kind::Decimal { limit: None })),
    };
    if let ValueRef::Decimal(digits) = value {
        within(digits, limit)?;
    }
    Ok(value)
}

/// As floating-point numbers.
pub(super) fn real(value: ValueRef<'_>, single: bool) -> Result<ValueRef<'_>, Misfit> {
    let real = match value {
        ValueRef::Real(real) => Some(real),
        ValueRef::Int(int) => Some(int as f64).filter(|real| *real as i128 == i128::from(int)),
        ValueRef::Decimal(digits) => as_written(digits),
        ValueRef::Text(text) => plain(text).and_then(as_written),
        _ => None,
    };
    let real = real.ok_or_else(|| match value {
        ValueRef::Int(_) | ValueRef::Decimal(_) => Misfit("a floating-point number would round the number".into()),
        value => not(value, &Kind::Real { single }),
    })?;
    if !single {
        return Ok(ValueRef::Real(real));
    }
    let short = singles::as_double(real as f32);
    if short == real || f64::from(real as f32) == real || real.is_nan() {
        return Ok(ValueRef::Real(short));
    }
    Err(Misfit("a floating-point number of 32 bits would round the number".into()))
}

fn whole(real: f64) -> Option<i64> {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    (real.fract() == 0.0 && (-TWO_TO_63..TWO_TO_63).contains(&real)).then_some(real as i64)
}

fn whole_digits(digits: &str) -> Option<i64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    fraction.bytes().all(|digit| digit == b'0').then(|| whole.parse().ok())?
}

/// The double that means exactly this when it is written; `None` where digits would be lost.
fn as_written(digits: &str) -> Option<f64> {
    if let Some(real) = short::read(digits) {
        return Some(real);
    }
    let number = Number::parse(digits)?;
    let real = match digits {
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        digits => digits.parse().ok()?,
    };
    (Number::from_real_as_written(real) == number).then_some(real)
}

/// Whether a text is a number in the notation of decimals: `-12.50`, `NaN`, `Infinity`, `-Infinity`.
pub(super) fn is_decimal(text: &str) -> bool {
    if matches!(text, "NaN" | "Infinity" | "-Infinity") {
        return true;
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(whole) && are_digits(fraction)
}

/// Whether so many digits are enough, as PostgreSQL counts them: of `0.DIGITS x 10^exponent`, none may stand beyond either end.
fn within(digits: &str, limit: Option<(u32, i32)>) -> Result<(), Misfit> {
    let Some((precision, scale)) = limit else { return Ok(()) };
    let Some((count, exponent)) = extent(digits) else {
        return match digits {
            "NaN" => Ok(()),
            _ => Err(Misfit("a column with a limit of digits holds no infinity".into())),
        };
    };
    if count == 0 {
        return Ok(());
    }
    let (precision, scale) = (i64::from(precision), i64::from(scale));
    if exponent > precision - scale {
        return Err(Misfit(format!("the number has more than {} digits before the point", precision - scale).into()));
    }
    if count - exponent > scale {
        return Err(Misfit(format!("the number has more than {scale} digits behind the point").into()));
    }
    Ok(())
}

/// How many digits a finite number has without zeros at either end, and its exponent as `0.DIGITS x 10^exponent`.
fn extent(digits: &str) -> Option<(i64, i64)> {
    let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    if unsigned.bytes().any(|byte| !byte.is_ascii_digit() && byte != b'.') {
        // An exponent, or no number at all: rare enough to be read in full.
        return match Number::parse(digits)? {
            Number::Finite(finite) => Some((finite.digits.len() as i64, finite.exponent)),
            _ => None,
        };
    }
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    let total = (whole.len() + fraction.len()) as i64;
    let leading = all().take_while(|digit| *digit == b'0').count() as i64;
    if leading == total {
        return Some((0, 0));
    }
    let trailing = all().rev().take_while(|digit| *digit == b'0').count() as i64;
    Some((total - leading - trailing, whole.len() as i64 - leading))
}
