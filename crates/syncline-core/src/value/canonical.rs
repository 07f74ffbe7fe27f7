//! The canonical encoding: what different engines write differently and mean alike has the same bytes.
//!
//! Normalised are the scale of numbers and their kind (`10.50` = `10.5`, integer, decimal or double alike), the sign of
//! zero, and the layout of JSON (white space, key order, escapes, notation of numbers). Of a document that repeats the name
//! of a member, at any depth, the bytes count: one engine keeps both members, another one of them.
//! It cannot be decoded; it exists to be hashed and compared.

mod json;

use super::ValueRef;
use super::digits::{Digits, Room, Written};

/// What JSON begins with, unless its bytes count.
pub(super) const DOCUMENT: u8 = 14;

/// Appends the canonical encoding of one value.
///
/// Inlined where a store encodes its cells, like [`super::exact::encode`].
#[inline]
pub fn encode(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Null => out.push(0),
        ValueRef::Bool(value) => out.push(1 + u8::from(value)),
        ValueRef::Int(value) => number(Written::of_int(value, &mut Room::default()), out),
        ValueRef::Real(value) => number(Written::of_real(value, &mut Room::default()), out),
        ValueRef::Decimal(digits) => match Written::parse(digits) {
            Some(parsed) => number(parsed, out),
            None => sized(15, digits.as_bytes(), out),
        },
        ValueRef::Text(bytes) => sized(7, bytes, out),
        ValueRef::Bytes(bytes) => sized(8, bytes, out),
        ValueRef::Date(days) => tagged(9, &days.to_le_bytes(), out),
        ValueRef::Time(micros) => tagged(10, &micros.to_le_bytes(), out),
        ValueRef::Timestamp(micros) => tagged(11, &micros.to_le_bytes(), out),
        ValueRef::Instant(micros) => tagged(12, &micros.to_le_bytes(), out),
        ValueRef::Uuid(bytes) => tagged(13, &bytes, out),
        ValueRef::Json(text) => json(text, out),
        ValueRef::Other { type_name, text } => {
            sized(16, type_name.as_bytes(), out);
            sized(16, text.as_bytes(), out);
        }
    }
}

/// As [`encode`], but of JSON the bytes count.
#[inline]
pub fn encode_but_json(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Json(text) => sized(18, text.as_bytes(), out),
        value => encode(value, out),
    }
}

fn number(number: Written<'_>, out: &mut Vec<u8>) {
    match number {
        Written::Nan => out.push(4),
        Written::Infinity => out.push(5),
        Written::NegativeInfinity => out.push(6),
        Written::Finite(Digits { negative, head, tail, exponent }) => {
            let mut start = [3; 18];
            start[1] = u8::from(negative);
            start[2..10].copy_from_slice(&exponent.to_le_bytes());
            start[10..].copy_from_slice(&((head.len() + tail.len()) as u64).to_le_bytes());
            out.extend_from_slice(&start);
            out.extend_from_slice(head);
            out.extend_from_slice(tail);
        }
    }
}

/// Text that is not JSON, or is no document that means but one thing, keeps its bytes, under a tag of its own.
fn json(text: &str, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(DOCUMENT);
    if json::encode(text, out).is_none() {
        out.truncate(start);
        sized(17, text.as_bytes(), out);
    }
}

fn tagged(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

#[inline]
fn sized(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    let mut start = [tag; 9];
    start[1..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(&start);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::strategies::any_value;
    use super::*;

    fn canonical(value: ValueRef<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        encode(value, &mut out);
        out
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        let same = [
            (ValueRef::Decimal("10.50"), ValueRef::Decimal("10.5")),
            (ValueRef::Decimal("10.5"), ValueRef::Real(10.5)),
            (ValueRef::Int(10), ValueRef::Decimal("10.000")),
            (ValueRef::Real(-0.0), ValueRef::Int(0)),
            (ValueRef::Real(0.1), ValueRef::Decimal("0.1")),
            (ValueRef::Json(r#"{"b": 1.0, "a": "\u0041"}"#), ValueRef::Json(r#"{"a":"A","b":1}"#)),
            (ValueRef::Json("[123456789012345678901234567890]"), ValueRef::Json("[1.2345678901234567890123456789e29]")),
        ];
        for (a, b) in same {
            assert_eq!(canonical(a), canonical(b), "{a:?} = {b:?}");
        }
    }

    #[test]
    fn what_means_something_else_is_not() {
        let different = [
            (ValueRef::Text(b"1"), ValueRef::Int(1)),
            (ValueRef::Text(b""), ValueRef::Null),
            (ValueRef::Json("[1,2]"), ValueRef::Json("[2,1]")),
            (ValueRef::Json(r#""1""#), ValueRef::Json("1")),
            (ValueRef::Json("{}x"), ValueRef::Json("{}")),
            (ValueRef::Json(r#"{"a":1,"a":2}"#), ValueRef::Json(r#"{"a":2}"#)),
            (ValueRef::Json(r#"{"a":1,"a":2}"#), ValueRef::Json(r#"{"a":2,"a":1}"#)),
            (ValueRef::Json(r#"{"a":1,"a":1}"#), ValueRef::Json(r#"{"a":1}"#)),
            (ValueRef::Json(r#"{"a":1,"\u0061":2}"#), ValueRef::Json(r#"{"a":2}"#)),
            (ValueRef::Json(r#"[0,{"x":[{"a":1,"b":0,"a":2}]}]"#), ValueRef::Json(r#"[0,{"x":[{"b":0,"a":2}]}]"#)),
            (ValueRef::Json(r#"{"x":{"a":1,"a":2},"x":0}"#), ValueRef::Json(r#"{"x":0}"#)),
            (ValueRef::Int(9_007_199_254_740_993), ValueRef::Int(9_007_199_254_740_992)),
        ];
        for (a, b) in different {
            assert_ne!(canonical(a), canonical(b), "{a:?} <> {b:?}");
        }
    }

    fn but_json(value: ValueRef<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        encode_but_json(value, &mut out);
        out
    }

    #[test]
    fn json_as_it_is_written_differs_by_its_bytes() {
        for (a, b) in [
            (r#"{"b": 1}"#, r#"{"b":1}"#),
            ("[1.0]", "[1]"),
            (" [1]", "[1]"),
            (r#""A""#, r#""\u0041""#),
            ("10.50", "10.5"),
            (" -3", "-3"),
            ("-0", "0"),
        ] {
            assert_eq!(canonical(ValueRef::Json(a)), canonical(ValueRef::Json(b)), "{a} = {b}");
            assert_ne!(but_json(ValueRef::Json(a)), but_json(ValueRef::Json(b)), "{a} <> {b}");
        }
        assert_ne!(but_json(ValueRef::Json("[1]")), but_json(ValueRef::Text(b"[1]")));
        assert_ne!(but_json(ValueRef::Json("{")), but_json(ValueRef::Json("[")));
    }

    proptest! {
        #[test]
        fn all_but_json_is_encoded_alike(value in any_value()) {
            if !matches!(value, super::super::Value::Json(_)) {
                prop_assert_eq!(but_json(value.as_ref()), canonical(value.as_ref()));
            }
        }

        #[test]
        fn equal_values_have_equal_bytes_and_trailing_zeros_do_not_count(value in any_value(), zeros in "0{0,6}") {
            prop_assert_eq!(canonical(value.as_ref()), canonical(value.clone().as_ref()));
            if let super::super::Value::Decimal(digits) = &value && digits.bytes().all(|b| b != b'N' && b != b'I') {
                let longer = if digits.contains('.') { format!("{digits}{zeros}") } else { format!("{digits}.0{zeros}") };
                prop_assert_eq!(canonical(value.as_ref()), canonical(ValueRef::Decimal(&longer)));
            }
        }

        #[test]
        fn integers_differ_as_their_bytes_do(a in any::<i64>(), b in any::<i64>()) {
            prop_assert_eq!(canonical(ValueRef::Int(a)) == canonical(ValueRef::Int(b)), a == b);
        }
    }
}
