//! Columns of numbers compared with a number of any size and any digits.

use std::cmp::Ordering;

use syncline_core::mapping::filter::Comparison;
use syncline_core::value::{Kind, Value, ValueRef, single};

use crate::sql::Dialect;
use crate::sql::predicates::{holds, sign};

/// A condition, or what it is for all values but NULL.
type Written = Result<String, bool>;

/// Digits that a column of whole numbers has, at most.
const INT_DIGITS: i64 = 20;

/// Digits in all and behind the point of the numbers that a column holds; `None` where it holds none.
pub(super) fn limit(kind: &Kind) -> Option<(i64, i64)> {
    match kind {
        Kind::Int { .. } => Some((INT_DIGITS, 0)),
        Kind::Decimal { limit: Some((digits, behind)) } => Some((i64::from(*digits), i64::from(*behind))),
        Kind::Real { .. } => Some((0, 0)),
        _ => None,
    }
}

/// A number as it was typed.
pub(super) struct Number {
    is_negative: bool,
    /// Without zeros at either end; none for zero.
    digits: Vec<u8>,
    /// How many of them stand before the point; fewer than none where zeros follow it.
    point: i64,
    nearest: f64,
}

/// The number that a value is.
pub(super) fn of(value: &Value) -> Option<Number> {
    let text = match value {
        Value::Int(number) => number.to_string(),
        Value::Decimal(digits) => digits.clone(),
        Value::Real(number) if number.is_finite() => format!("{number:e}"),
        _ => return None,
    };
    let nearest = text.parse::<f64>().ok()?;
    let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let is_negative = mantissa.starts_with('-');
    let (whole, behind) = mantissa.trim_start_matches(['-', '+']).split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.trim_start_matches(['-', '+']);
    let all: Vec<u8> = whole.bytes().chain(behind.bytes()).collect();
    let first = all.iter().position(|digit| *digit != b'0').unwrap_or(all.len());
    let last = all.iter().rposition(|digit| *digit != b'0').map_or(first, |at| at + 1);
    // A power that is no number of 64 bits is one of a number that is as good as zero, or was refused as infinite.
    let power = power.parse::<i64>().unwrap_or(i64::MIN / 2);
    let point = (whole.len() as i64 - first as i64).saturating_add(power);
    Some(Number { is_negative, digits: all[first..last].to_vec(), point, nearest })
}

/// A column of whole or decimal numbers with so many digits.
pub(super) fn against_digits(name: &str, (all, behind): (i64, i64), comparison: Comparison, of: &Number) -> Written {
    let beyond = if of.is_negative { Ordering::Greater } else { Ordering::Less };
    if of.point > all - behind && !of.digits.is_empty() {
        return Err(holds(comparison, beyond));
    }
    let (floor, is_exact) = of.floor(behind);
    match comparison {
        _ if is_exact => Ok(format!("{name} {} {floor}", sign(comparison))),
        Comparison::Less | Comparison::LessOrEqual => Ok(format!("{name} <= {floor}")),
        Comparison::Greater | Comparison::GreaterOrEqual => Ok(format!("{name} > {floor}")),
        Comparison::Equal | Comparison::NotEqual => Err(comparison == Comparison::NotEqual),
    }
}

/// A column of floating-point numbers, each of which is the shortest digits that are read as it.
pub(super) fn against_reals(name: &str, is_single: bool, comparison: Comparison, of: &Number) -> Written {
    let nearest = of.nearest;
    bounded(
        name,
        comparison,
        [first(is_single, |number| number >= nearest), first(is_single, |number| number > nearest)],
    )
}

/// A column of floating-point numbers compared by something of them that grows along with them: the first of them at which it
/// is what it is compared with or more, and the first at which it is more.
pub(super) fn bounded(name: &str, comparison: Comparison, [from, behind]: [Option<f64>; 2]) -> Written {
    let number = |number: f64| Dialect::Mysql.literal(ValueRef::Real(number));
    let below = |end: Option<f64>| end.map(|end| format!("{name} < {}", number(end))).ok_or(true);
    let above = |end: Option<f64>| end.map(|end| format!("{name} >= {}", number(end))).ok_or(false);
    match comparison {
        Comparison::Less => below(from),
        Comparison::LessOrEqual => below(behind),
        Comparison::Greater => above(behind),
        Comparison::GreaterOrEqual => above(from),
        Comparison::Equal | Comparison::NotEqual if from == behind => Err(comparison == Comparison::NotEqual),
        Comparison::Equal => match behind {
            Some(_) => Ok(format!("({} AND {})", above(from).unwrap_or_default(), below(behind).unwrap_or_default())),
            None => above(from),
        },
        Comparison::NotEqual => match behind {
            Some(_) => Ok(format!("({} OR {})", below(from).unwrap_or_default(), above(behind).unwrap_or_default())),
            None => below(from),
        },
    }
}

/// The first number of the column, in their order, for which this is so, as what it is stored as; it is so for all that follow.
pub(super) fn first(is_single: bool, is_so: impl Fn(f64) -> bool) -> Option<f64> {
    if is_single {
        let stored = |at: i64| f32::from_bits(bits(at, 1 << 31) as u32);
        let found = sought(i64::from(f32::MAX.to_bits()), |at| is_so(single::as_double(stored(at))))?;
        return Some(f64::from(stored(found)));
    }
    let stored = |at: i64| f64::from_bits(bits(at, 1 << 63));
    sought(f64::MAX.to_bits() as i64, |at| is_so(stored(at))).map(stored)
}

/// Numbers in their order: those below zero, the largest first, then those from zero on.
fn bits(at: i64, sign: u64) -> u64 {
    if at < 0 { (-1 - at) as u64 | sign } else { at as u64 }
}

/// The first place for which this is so.
fn sought(last: i64, is_so: impl Fn(i64) -> bool) -> Option<i64> {
    let (mut low, mut high) = (-1 - last, last);
    if !is_so(high) {
        return None;
    }
    while low < high {
        // Rounded down, whatever the signs.
        let middle = (low >> 1) + (high >> 1) + (low & high & 1);
        if is_so(middle) { high = middle } else { low = middle + 1 }
    }
    Some(low)
}

impl Number {
    /// The largest number of so many digits behind the point that is not above it, and whether it is it.
    fn floor(&self, behind: i64) -> (String, bool) {
        let kept = usize::try_from(self.point.saturating_add(behind)).unwrap_or(0);
        let is_exact = kept >= self.digits.len();
        let zeros = usize::try_from(self.point.saturating_neg().clamp(0, behind)).unwrap_or(0);
        let mut digits = vec![b'0'; zeros];
        digits.extend(self.digits.iter().take(kept));
        let whole = usize::try_from(self.point).unwrap_or(0);
        let length = whole + usize::try_from(behind).unwrap_or(0);
        digits.resize(length.max(digits.len()), b'0');
        if self.is_negative && !is_exact {
            increase(&mut digits);
        }
        let mut text = String::from_utf8_lossy(&digits).into_owned();
        let at = text.len() - usize::try_from(behind).unwrap_or(0).min(text.len());
        if behind > 0 {
            text.insert(at, '.');
        }
        if at == 0 {
            text.insert(0, '0');
        }
        if self.is_negative {
            text.insert(0, '-');
        }
        (text, is_exact)
    }
}

/// One more in the last place.
fn increase(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Number {
        of(&Value::Decimal(text.to_owned())).unwrap()
    }

    #[test]
    fn numbers_are_cut_off_downwards() {
        let cases = [
            ("12", 0, "12", true),
            ("1e3", 0, "1000", true),
            (".5", 0, "0", false),
            ("-0.5", 0, "-1", false),
            ("10.50", 1, "10.5", true),
            ("10.50", 3, "10.500", true),
            ("0.019", 2, "0.01", false),
            ("-0.019", 2, "-0.02", false),
            ("-9.99", 1, "-10.0", false),
            ("1e-99999999999999999999", 2, "0.00", false),
            ("-1e-400", 2, "-0.01", false),
            ("0", 2, "0.00", true),
            ("-0.0", 0, "0", true),
            ("000120.0", 0, "120", true),
            ("5e-2", 2, "0.05", true),
        ];
        for (text, behind, floor, is_exact) in cases {
            let (found, exact) = decimal(text).floor(behind);
            assert_eq!(
                (found.trim_start_matches('-').to_owned(), exact),
                (floor.trim_start_matches('-').to_owned(), is_exact),
                "{text}"
            );
            assert!(
                floor.starts_with('-') == found.starts_with('-') || decimal(text).digits.is_empty(),
                "{text}: {found}"
            );
        }
    }

    #[test]
    fn a_number_beyond_all_of_a_column_is_above_or_below_it() {
        let of = |text: &str, comparison| against_digits("c", (5, 2), comparison, &decimal(text));
        assert_eq!(of("1000", Comparison::Less), Err(true));
        assert_eq!(of("-1e300", Comparison::Less), Err(false));
        assert_eq!(of("999.999", Comparison::Less), Ok("c <= 999.99".to_owned()));
        assert_eq!(of("-999.999", Comparison::Greater), Ok("c > -1000.00".to_owned()));
        assert_eq!(of("1.005", Comparison::Equal), Err(false));
        assert_eq!(of("1.005", Comparison::NotEqual), Err(true));
        assert_eq!(of("1.00", Comparison::NotEqual), Ok("c <> 1.00".to_owned()));
    }

    #[test]
    fn a_float_is_compared_by_the_digits_that_it_stands_for() {
        let of = |text: &str, comparison| against_reals("c", true, comparison, &decimal(text));
        let stored = f64::from(0.1_f32);
        assert_eq!(of("0.1", Comparison::GreaterOrEqual), Ok(format!("c >= {stored:e}")));
        let next = f64::from(f32::from_bits(0.1_f32.to_bits() + 1));
        assert_eq!(of("0.1", Comparison::Greater), Ok(format!("c >= {next:e}")));
        assert_eq!(of("0.1", Comparison::Equal), Ok(format!("(c >= {stored:e} AND c < {next:e})")));
        assert_eq!(
            of("0.10000001", Comparison::Equal),
            Ok(format!("(c >= {next:e} AND c < {:e})", f64::from(f32::from_bits(0.1_f32.to_bits() + 2))))
        );
        assert_eq!(of("0.100000001", Comparison::Equal), Err(false));
        assert_eq!(of("1e39", Comparison::Less), Err(true));
        assert_eq!(of("-1e39", Comparison::Less), Ok(format!("c < {:e}", f64::from(f32::MIN))));
        let double = |text: &str, comparison| against_reals("c", false, comparison, &decimal(text));
        assert_eq!(double("0.1", Comparison::Less), Ok("c < 1e-1".to_owned()));
        assert_eq!(double("0", Comparison::GreaterOrEqual), Ok("c >= -0e0".to_owned()));
    }
}
