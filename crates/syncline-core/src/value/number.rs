//! Numbers in one normal form, whatever they were written as: the ground of canonical equality and of key order.

use std::cmp::Ordering;

/// A number without its accidents of notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Number {
    NegativeInfinity,
    Finite(Finite),
    Infinity,
    Nan,
}

/// `0.DIGITS x 10^exponent`, negated if `negative`; zero has no digits and is never negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finite {
    pub(super) negative: bool,
    /// ASCII digits without zeros at either end.
    pub(super) digits: Vec<u8>,
    pub(super) exponent: i64,
}

impl Number {
    pub(super) fn from_int(value: i64) -> Self {
        Self::parse(&value.to_string()).expect("BUG: an integer prints as a number")
    }

    /// The double as people write it: the shortest digits that read back as the same double.
    pub(super) fn from_real_as_written(value: f64) -> Self {
        Self::from_real(value, |finite| format!("{finite:e}"))
    }

    /// The exact value of the double, all its up to 767 digits.
    pub(super) fn from_real_exactly(value: f64) -> Self {
        Self::from_real(value, |finite| format!("{finite:.800e}"))
    }

    /// Reads `[+-]digits[.digits][e[+-]digits]`, `NaN`, `[+-]Infinity`; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
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
        let (mantissa, power) = match rest.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut digits = Vec::with_capacity(whole.len() + fraction.len());
        digits.extend_from_slice(whole.as_bytes());
        digits.extend_from_slice(fraction.as_bytes());
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        Some(Self::Finite(Finite::normal(negative, digits, power.checked_add(whole.len() as i64)?)))
    }

    fn from_real(value: f64, print: impl Fn(f64) -> String) -> Self {
        if value.is_nan() {
            Self::Nan
        } else if value.is_infinite() {
            if value > 0.0 { Self::Infinity } else { Self::NegativeInfinity }
        } else {
            Self::parse(&print(value)).expect("BUG: a finite double prints as a number")
        }
    }
}

impl Finite {
    fn normal(negative: bool, mut digits: Vec<u8>, exponent: i64) -> Self {
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..leading);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Self { negative: false, digits, exponent: 0 };
        }
        Self { negative, digits, exponent: exponent - leading as i64 }
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

impl Ord for Number {
    /// By value; NaN is equal to itself and greater than all others.
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |number: &Number| match number {
            Number::NegativeInfinity => 0,
            Number::Finite(_) => 1,
            Number::Infinity => 2,
            Number::Nan => 3,
        };
        match (self, other) {
            (Number::Finite(a), Number::Finite(b)) => match (a.negative, b.negative) {
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => a.magnitude(b),
                (true, true) => b.magnitude(a),
            },
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notation_does_not_matter() {
        for (a, b) in [("10.50", "10.5"), ("-0.00", "0"), ("1e3", "1000"), ("0.001", "1e-3"), ("+7", "007")] {
            assert_eq!(Number::parse(a), Number::parse(b), "{a} = {b}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", ".", "1.2.3", "1e", "0x10", "١", "1 ", "nan"] {
            assert_eq!(Number::parse(text), None, "{text:?}");
        }
    }
}
