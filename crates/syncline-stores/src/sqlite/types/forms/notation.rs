//! The one notation that a number has in a key which is stored as text.

use syncline_core::value::fit::fit;
use syncline_core::value::{Coercion, Kind, ValueRef};

/// The cell for a decimal in a key. In a column that keeps numbers it is a number where no digit is lost by that, as it
/// is whoever wrote it; else text. What is no number is left as it is.
pub(super) fn key_of_decimal<'v>(
    value: ValueRef<'v>,
    limit: Option<(u32, i32)>,
    coercion: Coercion,
    scratch: &'v mut String,
) -> ValueRef<'v> {
    if coercion == Coercion::None
        && let Some(number) = as_number(value)
    {
        return number;
    }
    match value {
        ValueRef::Int(number) => write(&number.to_string(), limit, scratch),
        ValueRef::Decimal(digits) => write(digits, limit, scratch),
        value => return value,
    }
    ValueRef::Text(scratch.as_bytes())
}

fn as_number(value: ValueRef<'_>) -> Option<ValueRef<'static>> {
    match fit(value, &Kind::Flexible(Coercion::Numeric), &mut String::new()) {
        Ok(ValueRef::Int(number)) => Some(ValueRef::Int(number)),
        Ok(ValueRef::Real(number)) => Some(ValueRef::Real(number)),
        _ => None,
    }
}

/// Without zeros in front, and with as many digits behind the point as the column has, or as are needed where it has no
/// number of them: as PostgreSQL writes the first, and could write the second.
fn write(digits: &str, limit: Option<(u32, i32)>, out: &mut String) {
    out.clear();
    if !digits.ends_with(|last: char| last.is_ascii_digit()) {
        // Not a number, or infinite.
        return out.push_str(digits);
    }
    let (sign, plain) = digits.strip_prefix('-').map_or(("", digits), |plain| ("-", plain));
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let (whole, needed) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    if !(whole.is_empty() && needed.is_empty()) {
        out.push_str(sign);
    }
    out.push_str(if whole.is_empty() { "0" } else { whole });
    let width = limit.map_or(0, |(_, behind)| usize::try_from(behind).unwrap_or(0)).max(needed.len());
    if width > 0 {
        out.push('.');
        out.push_str(needed);
        out.extend(std::iter::repeat_n('0', width - needed.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(digits: &str, limit: Option<(u32, i32)>) -> String {
        let mut out = "before".to_owned();
        write(digits, limit, &mut out);
        out
    }

    #[test]
    fn each_number_has_one_notation() {
        for (digits, free, money) in [
            ("10.50", "10.5", "10.50"),
            ("10.5", "10.5", "10.50"),
            ("007", "7", "7.00"),
            ("-0.00", "0", "0.00"),
            ("-0.10", "-0.1", "-0.10"),
            ("100", "100", "100.00"),
            ("0.125", "0.125", "0.125"),
            ("NaN", "NaN", "NaN"),
            ("-Infinity", "-Infinity", "-Infinity"),
        ] {
            assert_eq!((written(digits, None), written(digits, Some((9, 2)))), (free.to_owned(), money.to_owned()));
        }
        assert_eq!(written("1200", Some((4, -2))), "1200");
    }

    #[test]
    fn a_column_that_keeps_numbers_gets_one_where_nothing_is_lost() {
        let cell = |value| key_of_decimal(value, None, Coercion::None, &mut String::new()).to_owned();
        assert_eq!(cell(ValueRef::Decimal("1.00")).as_ref(), ValueRef::Int(1));
        assert_eq!(cell(ValueRef::Decimal("1.50")).as_ref(), ValueRef::Real(1.5));
        let long = "12345678901234567890.5";
        assert_eq!(cell(ValueRef::Decimal(long)).as_ref(), ValueRef::Text(long.as_bytes()));
    }
}
