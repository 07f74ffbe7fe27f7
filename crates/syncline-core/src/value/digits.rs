//! The digits of a number as they are written, without the zeros that say nothing. Nothing is allocated: every number of
//! a row that is compared across engines comes by here.

use std::fmt;

use super::short;

/// A number as it is written somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written<'t> {
    NegativeInfinity,
    Finite(Digits<'t>),
    Infinity,
    Nan,
}

/// `0.HEADTAIL x 10^exponent`, negated if `negative`. There is no zero at either end; zero has no digits, no exponent and
/// no sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digits<'t> {
    pub(super) negative: bool,
    /// ASCII digits, those in front of a point and those behind.
    pub(super) head: &'t [u8],
    pub(super) tail: &'t [u8],
    pub(super) exponent: i64,
}

impl<'t> Written<'t> {
    /// Reads `[+-]digits[.digits][e[+-]digits]`, `NaN`, `[+-]Infinity`; `None` for anything else.
    #[inline]
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        match short::plain(text.as_bytes()) {
            Some((negative, whole, fraction)) => {
                Some(Self::Finite(Digits::new(negative, whole, fraction, whole.len() as i64)))
            }
            None => Self::parse_other(text),
        }
    }

    fn parse_other(text: &'t str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        match rest {
            "NaN" => return Some(Self::Nan),
            "Infinity" => return Some(if negative { Self::NegativeInfinity } else { Self::Infinity }),
            _ => {}
        }
        let (mantissa, power) = match rest.bytes().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => (&rest.as_bytes()[..at], rest[at + 1..].parse::<i64>().ok()?),
            None => (rest.as_bytes(), 0),
        };
        let point = mantissa.iter().position(|byte| *byte == b'.');
        let (whole, fraction) = point.map_or((mantissa, &[][..]), |at| (&mantissa[..at], &mantissa[at + 1..]));
        let are_digits = whole.iter().chain(fraction).all(u8::is_ascii_digit);
        if !are_digits || whole.is_empty() && fraction.is_empty() {
            return None;
        }
        Some(Self::Finite(Digits::new(negative, whole, fraction, power.checked_add(whole.len() as i64)?)))
    }

    /// An integer. `room` is overwritten.
    #[inline]
    pub(super) fn of_int(value: i64, room: &'t mut Room) -> Self {
        let mut number = value.unsigned_abs();
        let mut at = room.bytes.len();
        while number > 0 {
            at -= 1;
            room.bytes[at] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        let digits = &room.bytes[at..];
        Self::Finite(Digits::new(value < 0, digits, &[], digits.len() as i64))
    }

    /// The double as people write it: the shortest digits that read back as the same double. `room` is overwritten.
    pub(super) fn of_real(value: f64, room: &'t mut Room) -> Self {
        use fmt::Write;
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if value.fract() == 0.0 && value.abs() < EXACT {
            // All digits of the integer are needed, but zeros at its end.
            return Self::of_int(value as i64, room);
        }
        if !value.is_finite() {
            return match value {
                value if value.is_nan() => Self::Nan,
                value if value > 0.0 => Self::Infinity,
                _ => Self::NegativeInfinity,
            };
        }
        if let Some((number, behind)) = short::digits(value.abs()) {
            return match Self::of_int(number, room) {
                Self::Finite(digits) => {
                    Self::Finite(Digits { negative: value < 0.0, exponent: digits.exponent - behind as i64, ..digits })
                }
                other => other,
            };
        }
        room.len = 0;
        write!(room, "{value:e}").expect("BUG: a double takes more room than there is");
        let text = std::str::from_utf8(&room.bytes[..room.len]).expect("BUG: a double prints as ASCII");
        Self::parse(text).expect("BUG: a finite double prints as a number")
    }
}

impl<'t> Digits<'t> {
    /// Of `0.WHOLEFRACTION x 10^exponent`.
    #[inline]
    fn new(negative: bool, whole: &'t [u8], fraction: &'t [u8], exponent: i64) -> Self {
        let (mut head, mut tail) = (trim_start(whole), trim_end(fraction));
        if head.is_empty() {
            tail = trim_start(tail);
            if tail.is_empty() {
                return Self { negative: false, head: &[], tail: &[], exponent: 0 };
            }
            // All of the fraction that is gone in front, for its end may be shorter too.
            let zeros = fraction.iter().take_while(|digit| **digit == b'0').count();
            return Self { negative, head, tail, exponent: exponent - (whole.len() + zeros) as i64 };
        }
        let exponent = exponent - (whole.len() - head.len()) as i64;
        if tail.is_empty() {
            head = trim_end(head);
        }
        Self { negative, head, tail, exponent }
    }
}

/// Room for the digits of an integer or a double.
#[derive(Debug, Default)]
pub(super) struct Room {
    bytes: [u8; 32],
    len: usize,
}

impl fmt::Write for Room {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[inline]
fn trim_start(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    &digits[zeros..]
}

#[inline]
fn trim_end(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
    &digits[..digits.len() - zeros]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::strategies::{any_int, any_real};
    use super::super::{Value, canonical};
    use super::*;

    /// The bytes of the canonical encoding, by way of strings: what it was written as at first.
    fn slow(text: &str) -> Option<Vec<u8>> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        match (rest, negative) {
            ("NaN", _) => return Some(vec![4]),
            ("Infinity", _) => return Some(vec![5 + u8::from(negative)]),
            _ => {}
        }
        let (mantissa, power) = match rest.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut exponent = power.checked_add(whole.len() as i64)?;
        while digits.starts_with('0') {
            digits.remove(0);
            exponent -= 1;
        }
        while digits.ends_with('0') {
            digits.pop();
        }
        let (negative, exponent) = if digits.is_empty() { (false, 0) } else { (negative, exponent) };
        let mut out = vec![3, u8::from(negative)];
        out.extend(exponent.to_le_bytes());
        out.extend((digits.len() as u64).to_le_bytes());
        out.extend(digits.as_bytes());
        Some(out)
    }

    fn encoded(value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        canonical::encode(value.as_ref(), &mut out);
        out
    }

    #[test]
    fn zeros_are_left_out_wherever_they_are() {
        for text in ["0", "-0.00", "000", "100", "0100.00", "0.0010", "-10.010", ".5", "5.", "00.050e3", "1e-400", "+7"]
        {
            let value = Value::Decimal(text.to_owned());
            assert_eq!(encoded(&value), slow(text).unwrap(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn decimals_have_the_bytes_they_had(text in "[+-]?[0-9]{0,30}(\\.[0-9]{0,30})?([eE][+-]?[0-9]{1,3})?") {
            match slow(&text) {
                Some(bytes) => prop_assert_eq!(encoded(&Value::Decimal(text)), bytes),
                None => prop_assert_eq!(Written::parse(&text), None),
            }
        }

        #[test]
        fn zeros_of_decimals_do_too(text in "-?0{0,3}[01]{0,4}0{0,3}(\\.0{0,3}[01]{0,4}0{0,3})?") {
            prop_assert_eq!(Written::parse(&text).is_some(), slow(&text).is_some());
            if let Some(bytes) = slow(&text) {
                prop_assert_eq!(encoded(&Value::Decimal(text)), bytes);
            }
        }

        #[test]
        fn what_is_no_number_is_none(text in any::<String>()) {
            prop_assert_eq!(Written::parse(&text).is_some(), slow(&text).is_some());
        }

        #[test]
        fn integers_have_the_bytes_they_had(value in any_int()) {
            let Value::Int(int) = value else { panic!("an integer was expected") };
            prop_assert_eq!(encoded(&value), slow(&int.to_string()).unwrap());
            let zeros = int / 1_000_000 * 1_000_000;
            prop_assert_eq!(encoded(&Value::Int(zeros)), slow(&zeros.to_string()).unwrap());
        }

        #[test]
        fn doubles_have_the_bytes_they_had(value in prop_oneof![
            any_real(),
            any::<i64>().prop_map(|whole| Value::Real(whole as f64)),
            short_real().prop_map(Value::Real),
            // Beside those of few digits.
            short_real().prop_map(|real| Value::Real(f64::from_bits(real.to_bits() + 1))),
        ]) {
            let Value::Real(real) = value else { panic!("a double was expected") };
            let text = match real {
                real if real.is_nan() => "NaN".to_owned(),
                real if real.is_infinite() => if real > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
                real => format!("{real:e}"),
            };
            prop_assert_eq!(encoded(&value), slow(&text).unwrap());
        }
    }

    fn short_real() -> impl Strategy<Value = f64> {
        (-1_000_000_000_000_000..1_000_000_000_000_000_i64, 0..18_i32, 0..16_u32)
            .prop_map(|(number, power, shorter)| format!("{}e-{power}", number / 10_i64.pow(shorter)).parse().unwrap())
    }
}
