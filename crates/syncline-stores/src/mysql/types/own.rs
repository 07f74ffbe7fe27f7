//! Values that columns of this engine hold, and those of no other.

use syncline_core::change::TableTask;
use syncline_core::value::{Kind, ValueRef, fit};

use crate::fitted::Fitter;
use crate::mysql::connect::{Product, Version};

/// The value as a column of this kind holds it here, where it fits that kind nowhere else: text with NUL in it, days that do
/// not exist, and times below zero or beyond a day.
fn of_its_own<'v>(value: ValueRef<'v>, kind: &Kind) -> Option<ValueRef<'v>> {
    match (kind, value) {
        // Padding around NUL is not known elsewhere, and the server would take it away.
        (Kind::Text { max_chars, padded }, ValueRef::Text(bytes)) => {
            let text = std::str::from_utf8(bytes).ok()?;
            let has_room = max_chars.is_none_or(|max| text.chars().count() <= max as usize);
            (has_room && !(*padded && text.ends_with(' '))).then_some(value)
        }
        (Kind::Timestamp { digits } | Kind::Instant { digits }, ValueRef::Other { text, .. }) => {
            fit::odd(value, kind).filter(|_| is_kept(text, *digits))
        }
        (Kind::Date, ValueRef::Other { .. }) => fit::odd(value, kind),
        (Kind::Time { digits }, ValueRef::Time(micros)) => {
            let unit = 10_i64.pow(6 - u32::from(*digits).min(6));
            (fit::SPANS.contains(&micros) && micros % unit == 0).then_some(value)
        }
        _ => None,
    }
}

/// Gives values the form in which these columns of a table hold them.
pub(in crate::mysql) fn fitter(task: &TableTask, columns: &[usize]) -> Fitter {
    // MariaDB keeps a zero without its sign.
    let has_one_zero = Version::parse(&task.table.server).product == Product::MariaDb;
    Fitter::of(task, columns).with_own(of_its_own).with_one_zero(has_one_zero)
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
