//! What a value that does not fit its column becomes, where a person has chosen that it may be changed.

use super::fit::{fit, write_notation};
use super::number::Number;
use super::{Kind, Value, ValueRef};

/// What becomes of a value that does not fit. Without a choice its row is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bend {
    /// NULL stands in its place.
    Null,
    /// The nearest value that fits: a number is rounded and kept within the limits, a text and the digits of a second are cut.
    Clamp,
    /// Its notation, in a column of text.
    Text,
}

impl Bend {
    /// Every choice.
    pub const ALL: [Bend; 3] = [Bend::Null, Bend::Clamp, Bend::Text];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Bend::Null => "null",
            Bend::Clamp => "clamp",
            Bend::Text => "text",
        }
    }
}

/// What stands in the place of a value in a column of this kind: the value itself where it fits, and also where no choice can
/// make it fit.
pub fn bent(value: ValueRef<'_>, bend: Bend, into: &Kind) -> Value {
    let mut scratch = String::new();
    if fit(value, into, &mut scratch).is_ok() {
        return value.to_owned();
    }
    let instead = match bend {
        Bend::Null => return Value::Null,
        Bend::Text => notation(value),
        Bend::Clamp => clamped(value, into),
    };
    match instead {
        Some(instead) if fit(instead.as_ref(), into, &mut scratch).is_ok() => instead,
        _ => value.to_owned(),
    }
}

fn notation(value: ValueRef<'_>) -> Option<Value> {
    let mut text = String::new();
    match value {
        ValueRef::Null => None,
        ValueRef::Bytes(bytes) => Some(Value::text(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())),
        // What is no text there, such as NUL and broken UTF-8, is shown as it is shown everywhere.
        ValueRef::Text(bytes) => Some(Value::text(String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}"))),
        value => {
            write_notation(value, &mut text);
            Some(Value::text(text))
        }
    }
}

fn clamped(value: ValueRef<'_>, into: &Kind) -> Option<Value> {
    match (into, value) {
        (Kind::Int { bits }, value) => {
            let highest = i128::from(i64::MAX >> (64 - u32::from(*bits)));
            let rounded = rounded(value, 0)?;
            let int = match rounded.as_str() {
                "Infinity" => highest,
                "-Infinity" => -highest - 1,
                digits => digits.parse().unwrap_or(if digits.starts_with('-') { i128::MIN } else { i128::MAX }),
            };
            i64::try_from(int.clamp(-highest - 1, highest)).ok().map(Value::Int)
        }
        (Kind::Decimal { limit: Some((precision, scale)) }, value) => {
            let digits = rounded(value, *scale)?;
            let rounded = Value::Decimal(digits.clone());
            if fit(rounded.as_ref(), into, &mut String::new()).is_ok() {
                return Some(rounded);
            }
            let sign = if digits.starts_with('-') { "-" } else { "" };
            Some(Value::Decimal(format!("{sign}{}", highest(*precision, *scale))))
        }
        (Kind::Real { single }, ValueRef::Int(_) | ValueRef::Decimal(_) | ValueRef::Real(_)) => {
            let real: f64 = match value {
                ValueRef::Real(real) => real,
                ValueRef::Int(int) => int as f64,
                ValueRef::Decimal(digits) => digits.parse().ok()?,
                _ => return None,
            };
            let limit = if *single { f64::from(f32::MAX) } else { f64::MAX };
            let within = if real.is_finite() { real.clamp(-limit, limit) } else { real };
            Some(Value::Real(if *single { f64::from(within as f32) } else { within }))
        }
        (Kind::Text { max_chars: Some(max), .. }, ValueRef::Text(bytes)) => {
            let text = std::str::from_utf8(bytes).ok()?;
            Some(Value::text(text.chars().take(*max as usize).collect::<String>()))
        }
        (Kind::Time { digits }, ValueRef::Time(micros)) => Some(Value::Time(cut(micros, *digits))),
        (Kind::Timestamp { digits }, ValueRef::Timestamp(micros)) => Some(Value::Timestamp(cut(micros, *digits))),
        (Kind::Instant { digits }, ValueRef::Instant(micros)) => Some(Value::Instant(cut(micros, *digits))),
        _ => None,
    }
}

/// Without the digits of a second beyond these.
fn cut(micros: i64, digits: u8) -> i64 {
    let unit = 10_i64.pow(6 - u32::from(digits.min(6)));
    micros.div_euclid(unit) * unit
}

/// A number with so many digits behind the point, halves away from zero, as engines round when they are asked to; `None` for
/// what is no number.
fn rounded(value: ValueRef<'_>, scale: i32) -> Option<String> {
    let number = match value {
        ValueRef::Int(int) => Number::from_int(int),
        ValueRef::Real(real) => Number::from_real_as_written(real),
        ValueRef::Decimal(digits) => Number::parse(digits)?,
        _ => return None,
    };
    match number {
        Number::Nan => None,
        Number::Infinity => Some("Infinity".to_owned()),
        Number::NegativeInfinity => Some("-Infinity".to_owned()),
        Number::Finite(finite) => {
            // 0.DIGITS x 10^exponent: so many of the digits stand before the border.
            let kept = finite.exponent + i64::from(scale);
            let mut digits: Vec<u8> = match usize::try_from(kept) {
                Ok(kept) => finite.digits.iter().copied().chain(std::iter::repeat(b'0')).take(kept).collect(),
                Err(_) => Vec::new(),
            };
            let is_up =
                usize::try_from(kept).is_ok_and(|kept| finite.digits.get(kept).is_some_and(|digit| *digit >= b'5'));
            if is_up {
                add_one(&mut digits);
            }
            Some(point(finite.negative, &digits, scale))
        }
    }
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

/// The highest number of so many digits, with so many of them behind the point.
fn highest(precision: u32, scale: i32) -> String {
    point(false, &vec![b'9'; precision as usize], scale)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::strategies::any_value;
    use super::*;

    fn decimal(text: &str) -> Value {
        Value::Decimal(text.to_owned())
    }

    #[test]
    fn the_nearest_value_that_fits_is_taken() {
        let numeric = |precision, scale| Kind::Decimal { limit: Some((precision, scale)) };
        let text = |max| Kind::Text { max_chars: Some(max), padded: false };
        let cases = [
            (Value::Int(40_000), Kind::Int { bits: 16 }, Value::Int(32_767)),
            (Value::Int(-40_000), Kind::Int { bits: 16 }, Value::Int(-32_768)),
            (Value::Real(2.5), Kind::Int { bits: 64 }, Value::Int(3)),
            (Value::Real(-1e300), Kind::Int { bits: 64 }, Value::Int(i64::MIN)),
            (decimal("1.005"), numeric(5, 2), decimal("1.01")),
            (decimal("-1.004"), numeric(5, 2), decimal("-1.00")),
            (decimal("0.004"), numeric(5, 2), decimal("0.00")),
            (decimal("999.999"), numeric(5, 2), decimal("999.99")),
            (decimal("-1e9"), numeric(5, 2), decimal("-999.99")),
            (decimal("1250"), numeric(3, -2), decimal("1300")),
            (Value::Real(f64::INFINITY), numeric(3, 1), decimal("99.9")),
            (Value::text("grün"), text(3), Value::text("grü")),
            (Value::Timestamp(-1), Kind::Timestamp { digits: 0 }, Value::Timestamp(-1_000_000)),
        ];
        for (value, kind, expected) in cases {
            assert_eq!(bent(value.as_ref(), Bend::Clamp, &kind), expected, "{value:?} into {kind}");
        }
    }

    #[test]
    fn text_takes_what_is_no_text() {
        let text = Kind::Text { max_chars: None, padded: false };
        let cases = [
            (Value::Int(5), "5"),
            (Value::Real(5.0), "5.0"),
            (Value::Bytes(vec![1, 255]), "01ff"),
            (Value::text("a\0b"), "a\u{fffd}b"),
        ];
        for (value, expected) in cases {
            assert_eq!(bent(value.as_ref(), Bend::Text, &text), Value::text(expected));
        }
        assert_eq!(bent(ValueRef::Text(b"\xff"), Bend::Null, &text), Value::Null);
    }

    proptest! {
        #[test]
        fn what_fits_is_left_alone_and_bending_ends(value in any_value(), at in 0..3_usize, precision in 1..9_u32, scale in -2..9_i32) {
            let kind = Kind::Decimal { limit: Some((precision, scale)) };
            let once = bent(value.as_ref(), Bend::ALL[at], &kind);
            if fit(value.as_ref(), &kind, &mut String::new()).is_ok() {
                prop_assert_eq!(&once, &value);
            }
            prop_assert_eq!(&bent(once.as_ref(), Bend::ALL[at], &kind), &once);
        }
    }
}
