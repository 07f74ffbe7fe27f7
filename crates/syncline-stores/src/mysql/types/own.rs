//! Values that columns of this engine hold, and those of no other.

use syncline_core::value::{Kind, ValueRef, fit};

/// The value as a column of this kind holds it here, where it fits that kind nowhere else: text with NUL in it, and days that do
/// not exist.
pub(crate) fn of_its_own<'v>(value: ValueRef<'v>, kind: &Kind) -> Option<ValueRef<'v>> {
    match (kind, value) {
        (Kind::Text { max_chars, padded }, ValueRef::Text(bytes)) => {
            let text = std::str::from_utf8(bytes).ok()?;
            let text = if *padded { text.trim_end_matches(' ') } else { text };
            let has_room = max_chars.is_none_or(|max| text.chars().count() <= max as usize);
            has_room.then_some(ValueRef::Text(text.as_bytes()))
        }
        // The server would round what the column has no digits for, without a word.
        (Kind::Timestamp { digits } | Kind::Instant { digits }, ValueRef::Other { text, .. }) => {
            let behind = text.rsplit_once('.').map_or(0, |(_, behind)| behind.trim_end_matches('0').len());
            fit::odd(value, kind).filter(|_| behind <= usize::from(*digits))
        }
        (Kind::Date, ValueRef::Other { .. }) => fit::odd(value, kind),
        _ => None,
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
    }
}
