//! The one order in which both sides of a comparison are read: numbers, UUIDs, bytes and times by value, text by bytes.
//!
//! Kinds that an engine may mix in one column stand in SQLite's order: NULL, numbers, text, bytes. The order is total,
//! so that two sorted streams can be merged whatever they hold.

use std::cmp::Ordering;

use super::number::Number;
use super::{Kind, Row, ValueRef};

/// Compares two keys cell by cell.
pub fn compare_keys<'a, 'b>(
    a: impl IntoIterator<Item = ValueRef<'a>>,
    b: impl IntoIterator<Item = ValueRef<'b>>,
) -> Ordering {
    let mut b = b.into_iter();
    for left in a {
        let Some(right) = b.next() else { return Ordering::Greater };
        match compare(left, right) {
            Ordering::Equal => {}
            decided => return decided,
        }
    }
    if b.next().is_some() { Ordering::Less } else { Ordering::Equal }
}

/// Compares two keys as they stand in batches. Most keys are one integer, and for those this is one comparison: a merge of
/// two tables compares each key twice.
#[inline]
pub fn compare_key_rows(a: Row<'_>, b: Row<'_>) -> Ordering {
    if a.width() == 1
        && b.width() == 1
        && let (ValueRef::Int(a), ValueRef::Int(b)) = (a.get(0), b.get(0))
    {
        return a.cmp(&b);
    }
    compare_keys(a.iter(), b.iter())
}

/// Compares two cells. Numbers of different kinds that mean the same are equal: `1`, `1.0` and `1.00`.
pub fn compare(a: ValueRef<'_>, b: ValueRef<'_>) -> Ordering {
    use ValueRef as V;
    match (a, b) {
        (V::Int(a), V::Int(b)) => a.cmp(&b),
        (V::Text(a), V::Text(b)) | (V::Bytes(a), V::Bytes(b)) => a.cmp(b),
        (V::Int(a), V::Real(b)) => int_and_real(a, b),
        (V::Real(a), V::Int(b)) => int_and_real(b, a).reverse(),
        (V::Bool(a), V::Bool(b)) => a.cmp(&b),
        (V::Date(a), V::Date(b)) => a.cmp(&b),
        (V::Time(a), V::Time(b)) | (V::Timestamp(a), V::Timestamp(b)) | (V::Instant(a), V::Instant(b)) => a.cmp(&b),
        (V::Uuid(a), V::Uuid(b)) => a.cmp(&b),
        (V::Json(a), V::Json(b)) => a.cmp(b),
        (V::Other { type_name: a, text: x }, V::Other { type_name: b, text: y }) => a.cmp(b).then_with(|| x.cmp(y)),
        (V::Real(a), V::Real(b)) => reals(a, b),
        _ => rank(a).cmp(&rank(b)).then_with(|| match (number(a), number(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => Ordering::Equal,
        }),
    }
}

pub(super) fn rank(value: ValueRef<'_>) -> u8 {
    match value {
        ValueRef::Null => 0,
        ValueRef::Bool(_) => 1,
        ValueRef::Int(_) | ValueRef::Decimal(_) | ValueRef::Real(_) => 2,
        ValueRef::Date(_) => 3,
        ValueRef::Time(_) => 4,
        ValueRef::Timestamp(_) => 5,
        ValueRef::Instant(_) => 6,
        ValueRef::Uuid(_) => 7,
        ValueRef::Text(_) => 8,
        ValueRef::Json(_) => 9,
        ValueRef::Other { .. } => 10,
        ValueRef::Bytes(_) => 11,
    }
}

/// Where the values of a column of this kind stand among those of other kinds, as in [`compare`].
pub fn kind_rank(kind: &Kind) -> u8 {
    match kind {
        // Each cell has a rank of its own.
        Kind::Flexible(_) => 0,
        Kind::Bool => 1,
        Kind::Int { .. } | Kind::Decimal { .. } | Kind::Real { .. } => 2,
        Kind::Date => 3,
        Kind::Time { .. } => 4,
        Kind::Timestamp { .. } => 5,
        Kind::Instant { .. } => 6,
        Kind::Uuid => 7,
        Kind::Text { .. } | Kind::Enum { .. } => 8,
        Kind::Json { .. } => 9,
        Kind::Other { .. } => 10,
        Kind::Bytes => 11,
    }
}

/// NaN is equal to itself and after every other number; zeros are equal whatever their sign.
fn reals(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Exact, where converting the integer to a double would round it.
fn int_and_real(int: i64, real: f64) -> Ordering {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    if real.is_nan() || real >= TWO_TO_63 {
        return Ordering::Less;
    }
    if real < -TWO_TO_63 {
        return Ordering::Greater;
    }
    let whole = real.floor();
    int.cmp(&(whole as i64)).then(if real > whole { Ordering::Less } else { Ordering::Equal })
}

/// A decimal that cannot be read as a number sorts with NaN: it is still in a fixed place.
pub(super) fn number(value: ValueRef<'_>) -> Option<Number> {
    match value {
        ValueRef::Int(value) => Some(Number::from_int(value)),
        ValueRef::Real(value) => Some(Number::from_real_exactly(value)),
        ValueRef::Decimal(digits) => Some(Number::parse(digits).unwrap_or(Number::Nan)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Value;
    use super::super::strategies::{any_decimal, any_int, any_real, any_value};
    use super::*;

    fn order(a: &Value, b: &Value) -> Ordering {
        compare(a.as_ref(), b.as_ref())
    }

    #[test]
    fn large_integers_are_not_rounded_against_doubles() {
        assert_eq!(compare(ValueRef::Int(i64::MAX), ValueRef::Real(9_223_372_036_854_775_808.0)), Ordering::Less);
        assert_eq!(
            compare(ValueRef::Int(9_007_199_254_740_993), ValueRef::Real(9_007_199_254_740_992.0)),
            Ordering::Greater
        );
        assert_eq!(compare(ValueRef::Int(-1), ValueRef::Real(-0.5)), Ordering::Less);
        assert_eq!(compare(ValueRef::Decimal("1.50"), ValueRef::Real(1.5)), Ordering::Equal);
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in any_value(), b in any_value(), c in any_value()) {
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            prop_assert_eq!(order(&a, &a), Ordering::Equal);
            if order(&a, &b).is_le() && order(&b, &c).is_le() {
                prop_assert!(order(&a, &c).is_le());
            }
        }

        #[test]
        fn numbers_of_all_kinds_are_in_one_order(
            a in prop_oneof![any_int(), any_real(), any_decimal()],
            b in prop_oneof![any_int(), any_real(), any_decimal()],
            c in prop_oneof![any_int(), any_real(), any_decimal()],
        ) {
            if order(&a, &b).is_le() && order(&b, &c).is_le() {
                prop_assert!(order(&a, &c).is_le(), "{:?} {:?} {:?}", a, b, c);
            }
        }
    }
}
