//! What columns of some engines hold, and those of no other.

use super::{Misfit, SPANS, fit, odd};
use crate::value::{Kind, ValueRef};

/// How far columns go beyond what fits their kinds in every engine. Each store says it of its tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// They hold what fits their kinds, and nothing else.
    #[default]
    Usual,
    /// They also hold text with NUL in it, days that do not exist, and times below zero or beyond a day, as those of MySQL do.
    Wide,
    /// Of the whole numbers of their kind they hold only those from the first to the second, both included, as columns of MySQL
    /// do that are unsigned or tiny.
    Between(i128, i128),
}

/// As [`fit`], for a column that may reach further.
///
/// # Errors
/// As [`fit`].
#[inline]
pub fn fit_within<'v>(
    value: ValueRef<'v>,
    (kind, reach): (&'v Kind, Reach),
    scratch: &'v mut String,
) -> Result<ValueRef<'v>, Misfit> {
    match reach {
        Reach::Usual => fit(value, kind, scratch),
        Reach::Wide => fit(value, kind, scratch).or_else(|why| of_its_own(value, kind).ok_or(why)),
        Reach::Between(lowest, highest) => {
            let fitted = fit(value, kind, scratch)?;
            match whole_number(fitted) {
                Some(number) if !(lowest..=highest).contains(&number) => {
                    Err(Misfit(format!("the number is not between {lowest} and {highest}").into()))
                }
                _ => Ok(fitted),
            }
        }
    }
}

/// A whole number of a column of numbers.
fn whole_number(value: ValueRef<'_>) -> Option<i128> {
    match value {
        ValueRef::Int(int) => Some(int.into()),
        ValueRef::Decimal(digits) => digits.parse().ok(),
        _ => None,
    }
}

/// The value as a column of wide reach holds it, where it fits that kind nowhere else.
fn of_its_own<'v>(value: ValueRef<'v>, kind: &Kind) -> Option<ValueRef<'v>> {
    match (kind, value) {
        // Padding around NUL is not known elsewhere, and the server would take it away.
        (Kind::Text { max_chars, padded }, ValueRef::Text(bytes)) => {
            let text = std::str::from_utf8(bytes).ok()?;
            let has_room = max_chars.is_none_or(|max| text.chars().count() <= max as usize);
            (has_room && !(*padded && text.ends_with(' '))).then_some(value)
        }
        (Kind::Timestamp { digits } | Kind::Instant { digits }, ValueRef::Other { text, .. }) => {
            odd(value, kind).filter(|_| is_kept(text, *digits))
        }
        (Kind::Date, ValueRef::Other { .. }) => odd(value, kind),
        (Kind::Time { digits }, ValueRef::Time(micros)) => {
            let unit = 10_i64.pow(6 - u32::from(*digits).min(6));
            (SPANS.contains(&micros) && micros % unit == 0).then_some(value)
        }
        _ => None,
    }
}

/// Whether a time is written as the server writes it, with all six digits of a second or none, and the column has as many: the
/// server would round, without a word, what it has no digits for.
fn is_kept(text: &str, digits: u8) -> bool {
    match text.rsplit_once('.') {
        None => true,
        Some((_, behind)) => {
            let counted = behind.trim_end_matches('0').len();
            behind.len() == 6 && (1..=usize::from(digits)).contains(&counted)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_part_of_the_kind() {
        let tiny = (&Kind::Int { bits: 16 }, Reach::Between(0, 255));
        let big = (&Kind::Decimal { limit: Some((20, 0)) }, Reach::Between(0, u64::MAX.into()));
        let fits = |value, column| fit_within(value, column, &mut String::new()).is_ok();
        let tiny = [-1, 0, 255, 256, 40_000].map(|number| fits(ValueRef::Int(number), tiny));
        assert_eq!(tiny, [false, true, true, false, false]);
        let big =
            ["-1", "18446744073709551615", "18446744073709551616"].map(|number| fits(ValueRef::Decimal(number), big));
        assert_eq!(big, [false, true, false]);
        assert!(fits(ValueRef::Null, (&Kind::Int { bits: 16 }, Reach::Between(0, 255))));
    }

    #[test]
    fn only_what_the_column_keeps_is_its_own() {
        let text = |max_chars| Kind::Text { max_chars, padded: false };
        let nul = ValueRef::Text(b"a\0b");
        assert_eq!([of_its_own(nul, &text(Some(3))), of_its_own(nul, &text(Some(2)))], [Some(nul), None]);
        assert_eq!(of_its_own(ValueRef::Text(b"\xff"), &text(None)), None);
        let day = ValueRef::Other { type_name: "date", text: "2024-02-31" };
        assert_eq!(of_its_own(day, &Kind::Date), Some(day));
        assert_eq!(of_its_own(ValueRef::Other { type_name: "inet", text: "::1" }, &Kind::Date), None);
        let moment = ValueRef::Other { type_name: "datetime", text: "2024-02-31 12:00:00.125000" };
        let fitting = [2, 3].map(|digits| of_its_own(moment, &Kind::Timestamp { digits }).is_some());
        assert_eq!(fitting, [false, true]);
        for otherwise in ["2024-02-31 12:00:00.125", "2024-02-31 12:00:00.000000"] {
            let moment = ValueRef::Other { type_name: "datetime", text: otherwise };
            assert_eq!(of_its_own(moment, &Kind::Timestamp { digits: 6 }), None, "{otherwise}");
        }
        let padded = Kind::Text { max_chars: None, padded: true };
        assert_eq!(
            [b"a\0".as_slice(), b"a\0 "].map(|text| of_its_own(ValueRef::Text(text), &padded).is_some()),
            [true, false]
        );
    }
}
