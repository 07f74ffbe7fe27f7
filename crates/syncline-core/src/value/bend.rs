//! What a value that does not fit its column becomes, where a person has chosen that it may be changed.

mod numbers;
mod times;

use super::fit::{Reach, fit_within, write_notation};
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

/// What stands in the place of a value in a column of this kind and reach: the value itself where it fits, and also where no
/// choice can make it fit.
pub fn bent(value: ValueRef<'_>, bend: Bend, (into, reach): (&Kind, Reach)) -> Value {
    let mut scratch = String::new();
    if fit_within(value, (into, reach), &mut scratch).is_ok() {
        return value.to_owned();
    }
    let instead = match bend {
        Bend::Null => return Value::Null,
        Bend::Text => notation(value),
        Bend::Clamp => clamped(value, into, reach),
    };
    let Some(instead) = instead else { return value.to_owned() };
    match fit_within(instead.as_ref(), (into, reach), &mut scratch) {
        // As it will be read there. A cell of SQLite is read as what the value is, and not as it is stored.
        Ok(stored) if into.coercion().is_none() => stored.to_owned(),
        Ok(_) => instead.clone(),
        Err(_) => value.to_owned(),
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

/// The nearest value that a column of this kind holds; `None` where there is none, or no saying which it is.
fn clamped(value: ValueRef<'_>, into: &Kind, reach: Reach) -> Option<Value> {
    match (into, value) {
        (Kind::Int { bits }, value) => numbers::int(value, *bits).map(|nearest| numbers::within(nearest, reach)),
        (Kind::Decimal { limit }, value) => {
            numbers::decimal(value, *limit).map(|nearest| numbers::within(nearest, reach))
        }
        (Kind::Real { single }, value) => numbers::real(value, *single).map(Value::Real),
        (Kind::Flexible(coercion), value) => numbers::cell(value, *coercion),
        (Kind::Text { max_chars: Some(max), .. }, ValueRef::Text(bytes)) => {
            let text = std::str::from_utf8(bytes).ok()?;
            Some(Value::text(text.chars().take(*max as usize).collect::<String>()))
        }
        (Kind::Date, value) => times::date(value),
        (Kind::Time { digits }, value) => times::time(value, *digits, reach),
        (Kind::Timestamp { digits }, value) => times::timestamp(value, *digits),
        (Kind::Instant { digits }, value) => times::instant(value, *digits),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Coercion;
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
            (Value::text("12345.678"), numeric(5, 2), decimal("999.99")),
            (Value::text("-1e999999999"), numeric(5, 2), decimal("-999.99")),
            (Value::text("1e-999999999"), numeric(5, 2), decimal("0.00")),
            (Value::text("1.5e3"), Kind::Decimal { limit: None }, decimal("1500")),
            (Value::text("7e4"), Kind::Int { bits: 16 }, Value::Int(32_767)),
            (decimal("1e400"), Kind::Real { single: false }, Value::Real(f64::MAX)),
            (Value::text("0.123456789012"), Kind::Real { single: true }, Value::Real(0.123_456_79)),
            (Value::Real(0.123_456_789_012), Kind::Real { single: true }, Value::Real(0.123_456_79)),
        ];
        for (value, kind, expected) in cases {
            assert_eq!(bent(value.as_ref(), Bend::Clamp, (&kind, Reach::Usual)), expected, "{value:?} into {kind}");
        }
    }

    #[test]
    fn days_and_times_are_cut_and_kept_within_the_range() {
        let (time, timestamp, instant) =
            (Kind::Time { digits: 3 }, Kind::Timestamp { digits: 0 }, Kind::Instant { digits: 6 });
        let other = |type_name: &str, text: &str| Value::Other { type_name: type_name.into(), text: text.into() };
        let cases = [
            (Value::Timestamp(-1), timestamp.clone(), Value::Timestamp(-1_000_000)),
            (Value::text("1970-01-01T00:00:01.9"), timestamp.clone(), Value::Timestamp(1_000_000)),
            (Value::text("999999999-01-01"), timestamp.clone(), other("timestamp", "294276-12-31 23:59:59")),
            (Value::text("4714-11-23 23:59:59 BC"), timestamp, Value::Timestamp(-210_866_803_200_000_000)),
            (Value::text("1970-01-01 00:00:00.1234567891234Z"), instant.clone(), Value::Instant(123_456)),
            (Value::text("300000-01-01 00:00:00+02"), instant, other("timestamptz", "294276-12-31 23:59:59.999999+00")),
            (Value::Time(1_234_567), time.clone(), Value::Time(1_234_000)),
            (Value::text("10:00:00.12345678"), time.clone(), Value::Time(36_000_123_000)),
            (Value::text("25:00:00"), time, Value::Time(86_400_000_000)),
            (Value::text("1970-01-02 10:00:00"), Kind::Date, Value::Date(1)),
            (Value::text("5874898-01-01"), Kind::Date, Value::Date(2_145_042_905)),
            (Value::text("4714-11-23 BC"), Kind::Date, Value::Date(-2_440_588)),
        ];
        for (value, kind, expected) in cases {
            assert_eq!(bent(value.as_ref(), Bend::Clamp, (&kind, Reach::Usual)), expected, "{value:?} into {kind}");
        }
    }

    #[test]
    fn what_a_column_of_wide_reach_holds_stays_and_is_no_nearest_value() {
        let time = |digits| Kind::Time { digits };
        let text = Kind::Text { max_chars: Some(3), padded: false };
        let day = Value::Other { type_name: "date".into(), text: "0000-00-00".into() };
        let cases = [
            (Value::Time(-36_000_000_000), time(0), Value::Time(-36_000_000_000)),
            (Value::Time(360_000_000_000), time(0), Value::Time(360_000_000_000)),
            (Value::Time(i64::MAX), time(6), Value::Time(3_020_399_999_999)),
            (Value::Time(i64::MIN), time(0), Value::Time(-3_020_399_000_000)),
            (Value::Time(-1_500_000), time(0), Value::Time(-1_000_000)),
            (day.clone(), Kind::Date, day),
            (Value::text("a\0b"), text.clone(), Value::text("a\0b")),
            (Value::text("a\0bc"), text, Value::text("a\0b")),
        ];
        for (value, kind, expected) in cases {
            assert_eq!(bent(value.as_ref(), Bend::Clamp, (&kind, Reach::Wide)), expected, "{value:?} into {kind}");
            if value == expected {
                assert_eq!(bent(value.as_ref(), Bend::Null, (&kind, Reach::Wide)), expected, "{value:?} into {kind}");
            }
        }
    }

    #[test]
    fn a_cell_of_sqlite_takes_the_nearest_number_too() {
        let flexible = Kind::Flexible;
        let cases = [
            (Value::Int(i64::MAX), flexible(Coercion::Real), Value::Int(i64::MAX - 1_023)),
            (Value::Int(9_007_199_254_740_993), flexible(Coercion::Real), Value::Int(9_007_199_254_740_992)),
            (decimal("0.10000000000000000001"), flexible(Coercion::Numeric), decimal("0.1")),
            (decimal("9007199254740993.4"), flexible(Coercion::Numeric), decimal("9007199254740993")),
            (decimal("9007199254740993.4"), flexible(Coercion::Real), decimal("9007199254740994")),
        ];
        for (value, kind, expected) in cases {
            assert_eq!(bent(value.as_ref(), Bend::Clamp, (&kind, Reach::Usual)), expected, "{value:?} into {kind:?}");
        }
    }

    #[test]
    fn what_is_near_to_nothing_stays_what_it_is() {
        let cases = [
            (Value::text("many"), Kind::Decimal { limit: Some((5, 2)) }),
            (Value::text("1e999999999"), Kind::Decimal { limit: None }),
            (Value::text("yesterday"), Kind::Timestamp { digits: 6 }),
            (Value::text("2023-02-29"), Kind::Date),
            (Value::text("2024-01-01 10:00:00+02"), Kind::Timestamp { digits: 6 }),
            (Value::Int(1_700_000_000), Kind::Instant { digits: 6 }),
            (Value::Int(2), Kind::Bool),
            (Value::Int(7), Kind::Text { max_chars: Some(3), padded: false }),
            (Value::text("{"), Kind::Json { normalised: true }),
            (Value::text("12"), Kind::Flexible(Coercion::Numeric)),
        ];
        for (value, kind) in cases {
            assert_eq!(bent(value.as_ref(), Bend::Clamp, (&kind, Reach::Usual)), value, "{kind}");
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
            assert_eq!(bent(value.as_ref(), Bend::Text, (&text, Reach::Usual)), Value::text(expected));
        }
        assert_eq!(bent(ValueRef::Text(b"\xff"), Bend::Null, (&text, Reach::Usual)), Value::Null);
    }

    fn any_kind() -> impl Strategy<Value = Kind> {
        let coercions = [Coercion::Integer, Coercion::Real, Coercion::Numeric, Coercion::Text, Coercion::None];
        prop_oneof![
            prop::sample::select(vec![16, 32, 64]).prop_map(|bits| Kind::Int { bits }),
            (1..9_u32, -2..9_i32).prop_map(|limit| Kind::Decimal { limit: Some(limit) }),
            Just(Kind::Decimal { limit: None }),
            any::<bool>().prop_map(|single| Kind::Real { single }),
            (1..5_u32, any::<bool>()).prop_map(|(max, padded)| Kind::Text { max_chars: Some(max), padded }),
            Just(Kind::Date),
            (0..7_u8).prop_map(|digits| Kind::Time { digits }),
            (0..7_u8).prop_map(|digits| Kind::Timestamp { digits }),
            (0..7_u8).prop_map(|digits| Kind::Instant { digits }),
            prop::sample::select(coercions.to_vec()).prop_map(Kind::Flexible),
        ]
    }

    /// Texts that are numbers, days and times, or nearly.
    fn any_notation() -> impl Strategy<Value = Value> {
        prop_oneof![
            "-?[0-9]{1,25}(\\.[0-9]{1,12})?(e-?[0-9]{1,3})?",
            "[0-9]{4,9}-[01][0-9]-[0-3][0-9]([ T][0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]0[0-9])?)?( BC)?",
            "[0-9]{2}:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?",
        ]
        .prop_map(Value::text)
    }

    fn any_reach() -> impl Strategy<Value = Reach> {
        prop::sample::select(vec![Reach::Usual, Reach::Wide, Reach::Between(0, 255), Reach::Between(-128, 127)])
    }

    proptest! {
        #[test]
        fn what_was_changed_fits_and_is_as_it_will_be_read(
            value in prop_oneof![any_value(), any_notation()],
            kind in any_kind(),
            at in 0..3_usize,
            reach in any_reach(),
        ) {
            let once = bent(value.as_ref(), Bend::ALL[at], (&kind, reach));
            let mut scratch = String::new();
            let fitted = fit_within(once.as_ref(), (&kind, reach), &mut scratch).map(ValueRef::to_owned);
            if once != value {
                prop_assert!(fitted.is_ok(), "{:?}", once);
                prop_assert!(kind.coercion().is_some() || fitted.as_ref() == Ok(&once), "{:?} {:?}", once, fitted);
            }
            prop_assert_eq!(&bent(once.as_ref(), Bend::ALL[at], (&kind, reach)), &once);
        }

        #[test]
        fn what_fits_is_left_alone_and_bending_ends(
            value in any_value(),
            at in 0..3_usize,
            (precision, scale) in (1..9_u32, -2..9_i32),
            reach in any_reach(),
        ) {
            let kind = Kind::Decimal { limit: Some((precision, scale)) };
            let once = bent(value.as_ref(), Bend::ALL[at], (&kind, reach));
            if fit_within(value.as_ref(), (&kind, reach), &mut String::new()).is_ok() {
                prop_assert_eq!(&once, &value);
            }
            prop_assert_eq!(&bent(once.as_ref(), Bend::ALL[at], (&kind, reach)), &once);
        }
    }
}
