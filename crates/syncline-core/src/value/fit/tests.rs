use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::super::strategies::{any_decimal, any_int, any_real, any_value};
use super::super::{Coercion, Value, canonical, key_order};
use super::*;

const COERCIONS: [Coercion; 5] = [Coercion::Integer, Coercion::Real, Coercion::Numeric, Coercion::Text, Coercion::None];

fn fitted(value: &Value, kind: &Kind) -> Result<Value, Misfit> {
    fit(value.as_ref(), kind, &mut String::new()).map(ValueRef::to_owned)
}

fn text(text: &str) -> Value {
    Value::text(text)
}

fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    canonical::encode(value.as_ref(), &mut out);
    out
}

fn other(text: &str) -> Value {
    Value::Other { type_name: "inet".to_owned(), text: text.to_owned() }
}

/// A kind and a value that belongs to it.
fn any_of_a_kind() -> impl Strategy<Value = (Kind, Value)> {
    let micros = || prop_oneof![-62_135_596_800_000_000_i64..253_402_300_800_000_000, Just(i64::MAX), Just(i64::MIN)];
    prop_oneof![
        any::<bool>().prop_map(|truth| (Kind::Bool, Value::Bool(truth))),
        any_int().prop_map(|int| (Kind::Int { bits: 64 }, int)),
        any_decimal().prop_map(|decimal| (Kind::Decimal { limit: None }, decimal)),
        any_real().prop_map(|real| (Kind::Real { single: false }, real)),
        any::<f32>()
            .prop_map(|single| { (Kind::Real { single: true }, Value::Real(crate::value::single::as_double(single))) }),
        any::<String>()
            .prop_map(|text| (Kind::Text { max_chars: None, padded: false }, Value::text(text.replace('\0', "")))),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| (Kind::Bytes, Value::Bytes(bytes))),
        prop_oneof![-2_000_000..2_000_000_i32, Just(i32::MAX), Just(i32::MIN)]
            .prop_map(|day| (Kind::Date, Value::Date(day))),
        (0..=86_400_000_000_i64).prop_map(|time| (Kind::Time { digits: 6 }, Value::Time(time))),
        micros().prop_map(|at| (Kind::Timestamp { digits: 6 }, Value::Timestamp(at))),
        micros().prop_map(|at| (Kind::Instant { digits: 6 }, Value::Instant(at))),
        any::<[u8; 16]>().prop_map(|uuid| (Kind::Uuid, Value::Uuid(uuid))),
        prop_oneof!["[0-9]{1,25}", "-?[0-9]{1,20}\\.[0-9]{1,10}", "\"[a-z]{0,5}\"", "\\[1, *2\\]", " 1e5 "]
            .prop_map(|text| text.parse::<String>().unwrap_or_default())
            .prop_filter("JSON", |text| serde_json::from_str::<IgnoredAny>(text).is_ok())
            .prop_map(|text| (Kind::Json { normalised: false }, Value::Json(text))),
        "[0-9.]{1,12}".prop_map(|text| (Kind::Other { type_name: "inet".to_owned() }, other(&text))),
    ]
}

proptest! {
    #[test]
    fn a_kind_stands_where_its_values_do((kind, value) in any_of_a_kind()) {
        prop_assert_eq!(key_order::kind_rank(&kind), key_order::rank(value.as_ref()));
    }

    #[test]
    fn a_cell_that_takes_a_value_means_it_again((kind, value) in any_of_a_kind(), at in 0..COERCIONS.len()) {
        let flexible = Kind::Flexible(COERCIONS[at]);
        if let Ok(cell) = fitted(&value, &flexible) {
            let again = fitted(&cell, &kind);
            prop_assert!(again.is_ok(), "{:?} as {:?}: {:?}", value, cell, again);
            let again = again.unwrap();
            prop_assert_eq!(canonical(&again), canonical(&value), "{:?} as {:?}", value, cell);
            prop_assert!(!matches!(value, Value::Json(_)) || again == value, "{:?} as {:?}", value, cell);
        }
    }

    #[test]
    fn a_column_of_text_or_without_a_type_takes_everything((_, value) in any_of_a_kind()) {
        prop_assert!(fitted(&value, &Kind::Flexible(Coercion::Text)).is_ok());
        prop_assert!(fitted(&value, &Kind::Flexible(Coercion::None)).is_ok());
    }

    #[test]
    fn what_fits_a_kind_of_its_own_is_not_changed((kind, value) in any_of_a_kind()) {
        let fitted = fitted(&value, &kind);
        prop_assert!(fitted.is_ok(), "{:?} {:?}", kind, fitted);
        prop_assert_eq!(canonical(&fitted.unwrap()), canonical(&value));
    }

    #[test]
    fn a_value_is_seen_in_its_form_or_as_it_is((kind, own) in any_of_a_kind(), other in any_value(), limit in 0..4_u32) {
        let kind = match kind {
            Kind::Text { padded, .. } => Kind::Text { max_chars: Some(limit), padded },
            Kind::Decimal { .. } => Kind::Decimal { limit: Some((limit + 2, limit as i32)) },
            Kind::Timestamp { .. } => Kind::Timestamp { digits: limit as u8 },
            kind => kind,
        };
        for value in [own, other] {
            let seen = see(value.as_ref(), &kind, &mut String::new()).to_owned();
            prop_assert_eq!(seen, fitted(&value, &kind).unwrap_or(value));
        }
    }

    #[test]
    fn fitting_twice_is_fitting_once((kind, _) in any_of_a_kind(), value in any_value()) {
        if let Ok(once) = fitted(&value, &kind) {
            prop_assert_eq!(fitted(&once, &kind), Ok(once));
        }
    }
}

#[test]
fn text_is_read_where_it_is_the_notation_of_a_value() {
    let digits = 6;
    let cases = [
        (Kind::Bool, text("t"), Value::Bool(true)),
        (Kind::Int { bits: 16 }, text("-7"), Value::Int(-7)),
        (Kind::Date, text("2024-02-29"), Value::Date(19_782)),
        (Kind::Timestamp { digits }, text("1970-01-01T00:00:01.5"), Value::Timestamp(1_500_000)),
        (Kind::Timestamp { digits }, text("1970-01-02"), Value::Timestamp(86_400_000_000)),
        (Kind::Timestamp { digits }, text("infinity"), Value::Timestamp(i64::MAX)),
        (Kind::Instant { digits }, text("1970-01-01 01:00:00+01"), Value::Instant(0)),
        (Kind::Instant { digits }, text("1970-01-01 00:00:00"), Value::Instant(0)),
        (Kind::Decimal { limit: Some((4, 2)) }, text("10.50"), Value::Decimal("10.50".to_owned())),
        (
            Kind::Uuid,
            text("00000000-0000-0000-0000-00000000000F"),
            Value::Uuid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15]),
        ),
        (Kind::Text { max_chars: Some(2), padded: true }, text("\u{e9}\u{e9}   "), text("\u{e9}\u{e9}")),
    ];
    for (kind, given, expected) in cases {
        assert_eq!(fitted(&given, &kind), Ok(expected), "{given:?} as {kind}");
    }
}

#[test]
fn what_would_be_changed_does_not_fit() {
    let cases = [
        (Kind::Bool, Value::Int(2)),
        (Kind::Int { bits: 16 }, Value::Int(32_768)),
        (Kind::Int { bits: 64 }, Value::Real(0.5)),
        (Kind::Int { bits: 64 }, text("007")),
        (Kind::Int { bits: 64 }, text("abc")),
        (Kind::Decimal { limit: Some((4, 2)) }, Value::Decimal("100.5".to_owned())),
        (Kind::Decimal { limit: Some((4, 2)) }, Value::Decimal("1.005".to_owned())),
        (Kind::Decimal { limit: Some((4, 2)) }, Value::Real(f64::INFINITY)),
        (Kind::Real { single: false }, Value::Int(9_007_199_254_740_993)),
        (Kind::Real { single: true }, Value::Real(0.123_456_789)),
        (Kind::Text { max_chars: None, padded: false }, Value::Int(5)),
        (Kind::Text { max_chars: None, padded: false }, text("a\0b")),
        (Kind::Text { max_chars: None, padded: false }, Value::Text(vec![0xff])),
        (Kind::Text { max_chars: Some(2), padded: false }, text("abc")),
        (Kind::Bytes, text("abc")),
        (Kind::Date, text("2024-02-30")),
        (Kind::Date, text("2024-02-29 12:00:00")),
        (Kind::Timestamp { digits: 0 }, Value::Timestamp(500_000)),
        (Kind::Timestamp { digits: 6 }, text("2024-02-29 12:00:00+01")),
        (Kind::Timestamp { digits: 6 }, Value::Int(1_700_000_000)),
        (Kind::Json { normalised: true }, text("{")),
        (Kind::Json { normalised: true }, Value::Json(r#"[{"a":1,"a":2}]"#.to_owned())),
        (Kind::Enum { labels: vec!["a".to_owned()] }, text("b")),
        (Kind::Flexible(Coercion::Numeric), text("12")),
        (Kind::Flexible(Coercion::Numeric), Value::Decimal("1234567890.1234567890".to_owned())),
        (Kind::Flexible(Coercion::Real), Value::Int(9_007_199_254_740_993)),
    ];
    for (kind, value) in cases {
        assert!(fitted(&value, &kind).is_err(), "{value:?} as {kind}");
    }
}

#[test]
fn a_document_that_is_a_number_becomes_one_only_where_it_is_the_same_text_again() {
    let cell = |text: &str, coercion| fitted(&Value::Json(text.to_owned()), &Kind::Flexible(coercion)).ok();
    for coercion in [Coercion::Numeric, Coercion::Integer] {
        for int in ["0", "1", "-17", "9223372036854775807", "-9223372036854775808", "9007199254740993"] {
            assert_eq!(cell(int, coercion), Some(Value::Int(int.parse().unwrap())), "{int}");
        }
        for real in ["1.5", "-0.25", "1e-7", "1e20", "1.7976931348623157e308"] {
            assert_eq!(cell(real, coercion), Some(Value::Real(real.parse().unwrap())), "{real}");
        }
        for lost in [
            "1.0",
            "1.50",
            "1e2",
            "1E20",
            "1e16",
            "-0",
            "-0.0",
            " 1 ",
            "1\n",
            "0.00001",
            "1e400",
            "9223372036854775808",
        ] {
            assert_eq!(cell(lost, coercion), None, "{lost}");
        }
    }
    assert_eq!(cell("1.0", Coercion::Real), Some(Value::Real(1.0)));
    for lost in ["1", "1.50", "-0", "-0.0", "1e400"] {
        assert_eq!(cell(lost, Coercion::Real), None, "{lost}");
    }
    for text in ["1.50", " 1 ", "1e400", "-0"] {
        assert_eq!(cell(text, Coercion::Text), Some(self::text(text)));
        assert_eq!(cell(text, Coercion::None), Some(self::text(text)));
    }
}

#[test]
fn times_beyond_64_bits_are_text_in_one_notation() {
    let other = |type_name: &str, text: &str| Value::Other { type_name: type_name.to_owned(), text: text.to_owned() };
    let seen = |text: &str, kind: Kind| {
        fit(ValueRef::Text(text.as_bytes()), &kind, &mut String::new()).map(|value| value.to_owned())
    };
    let (timestamp, instant) = (Kind::Timestamp { digits: 6 }, Kind::Instant { digits: 6 });
    let last = "294276-12-31 23:59:59.999999";
    assert_eq!(seen(last, timestamp.clone()), Ok(other("timestamp", last)));
    assert_eq!(seen("294276-12-31T23:59:59.5", timestamp.clone()), Ok(other("timestamp", "294276-12-31 23:59:59.5")));
    assert_eq!(seen(&format!("{last}+00:00"), instant.clone()), Ok(other("timestamptz", &format!("{last}+00"))));
    assert!(seen("294276-12-31 23:59:59-01:00", instant.clone()).is_err());
    for beyond in ["294277-01-01 00:00:00", "1000000-01-01 00:00:00"] {
        assert!(seen(beyond, timestamp.clone()).is_err() && seen(beyond, instant.clone()).is_err(), "{beyond}");
    }
    assert!(seen(last, Kind::Timestamp { digits: 5 }).is_err());
}

#[test]
fn days_that_do_not_exist_are_seen_as_what_they_are() {
    let seen = |text: &str, kind: &Kind| see(ValueRef::Text(text.as_bytes()), kind, &mut String::new()).to_owned();
    let odd = |type_name: &str, text: &str| Value::Other { type_name: type_name.to_owned(), text: text.to_owned() };
    let (stamp, instant) = (Kind::Timestamp { digits: 6 }, Kind::Instant { digits: 6 });
    assert_eq!(seen("0000-00-00", &Kind::Date), odd("date", "0000-00-00"));
    assert_eq!(seen("2024-02-31", &Kind::Date), odd("date", "2024-02-31"));
    assert_eq!(seen("2024-00-10 10:00:00", &stamp), odd("datetime", "2024-00-10 10:00:00"));
    assert_eq!(seen("0000-00-00 00:00:00", &instant), odd("timestamp", "0000-00-00 00:00:00"));
    for text in ["2024-13-01", "2024-02-32", "24-00-00", "0000-00-00 ", "yesterday", "0000-00", "0000-00-00-00"] {
        assert_eq!(seen(text, &Kind::Date), Value::text(text));
    }
    let time = Kind::Time { digits: 6 };
    for (text, micros) in
        [("-01:00:00", -3_600_000_000), ("25:00:00.5", 90_000_500_000), ("838:59:59", 3_020_399_000_000)]
    {
        assert_eq!(seen(text, &time), Value::Time(micros), "{text}");
    }
    for text in ["839:00:00", "1:00:00", "25:60:00", "25:0", "25", "-", "--1:00:00"] {
        assert_eq!(seen(text, &time), Value::text(text));
    }
    assert_eq!(seen("0000-00-00 25", &stamp), Value::text("0000-00-00 25"));
    assert!(fit(ValueRef::Text(b"0000-00-00"), &Kind::Date, &mut String::new()).is_err());
}

#[test]
fn truth_values_are_small_numbers_where_there_are_none() {
    let mut scratch = String::new();
    assert_eq!(fit(ValueRef::Bool(true), &Kind::Int { bits: 16 }, &mut scratch), Ok(ValueRef::Int(1)));
    assert!(fit(ValueRef::Int(2), &Kind::Bool, &mut scratch).is_err());
}
