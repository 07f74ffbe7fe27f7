//! Numbers in one normal form, whatever they were written as: the ground of canonical equality and of key order.

use std::cmp::Ordering;

use super::digits::{Digits, Room, Written};

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
        Written::of_int(value, &mut Room::default()).into()
    }

    /// The double as people write it: the shortest digits that read back as the same double.
    pub(super) fn from_real_as_written(value: f64) -> Self {
        Written::of_real(value, &mut Room::default()).into()
    }

    /// The exact value of the double, all its up to 767 digits.
    pub(super) fn from_real_exactly(value: f64) -> Self {
        if value.is_finite() {
            return Self::parse(&format!("{value:.800e}")).expect("BUG: a finite double prints as a number");
        }
        Self::from_real_as_written(value)
    }

    /// As [`Written::parse`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        Written::parse(text).map(Self::from)
    }
}

impl From<Written<'_>> for Number {
    fn from(written: Written<'_>) -> Self {
        match written {
            Written::NegativeInfinity => Self::NegativeInfinity,
            Written::Infinity => Self::Infinity,
            Written::Nan => Self::Nan,
            Written::Finite(Digits { negative, head, tail, exponent }) => {
                Self::Finite(Finite { negative, digits: [head, tail].concat(), exponent })
            }
        }
    }
}

impl Finite {
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
