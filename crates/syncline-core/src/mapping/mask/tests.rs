use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::value::looks_numeric;
use crate::value::strategies::{any_int, any_real, any_text};

fn mask(kind: MaskKind) -> Mask {
    Mask::new(kind, Arc::new(MaskKey::new([7; 32])))
}

fn fake(text: &str) -> String {
    let Value::Text(bytes) = mask(MaskKind::Fake).apply(ValueRef::Text(text.as_bytes())) else { panic!("text") };
    String::from_utf8(bytes).unwrap()
}

fn text(mask: &Mask, value: Value) -> String {
    let Value::Text(bytes) = mask.apply(value.as_ref()) else { panic!("text") };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn masks_are_the_same_for_ever() {
    // Whoever changes these changes every masked database there is.
    let found = [
        Value::text(fake("ada@shop.example")),
        Value::text(fake("+49 (30) 901820")),
        Value::text(fake("Ada Lovelace")),
        mask(MaskKind::Hash).apply(ValueRef::Text(b"ada")),
        mask(MaskKind::Fake).apply(ValueRef::Int(48_210)),
        mask(MaskKind::Fake).apply(ValueRef::Real(-12.75)),
    ];
    let expected = [
        Value::text("user-7469b8799a5c22c5@example.com"),
        Value::text("+06 (13) 676725"),
        Value::text("Njp Psvroztg"),
        Value::text("b2d2bfd2eb3dd248c484a4901b0f38fc"),
        Value::Int(60_479),
        Value::Real(-74.65),
    ];
    assert_eq!(found[..], expected[..]);
}

#[test]
fn another_key_gives_other_masks() {
    let other = |kind| Mask::new(kind, Arc::new(MaskKey::new([8; 32])));
    for kind in [MaskKind::Fake, MaskKind::Hash] {
        let value = Value::text("Ada Lovelace");
        assert_ne!(mask(kind.clone()).apply(value.as_ref()), other(kind).apply(value.as_ref()));
    }
}

#[test]
fn the_key_is_never_shown() {
    assert_eq!(format!("{:?}", MaskKey::new([7; 32])), "MaskKey(…)");
}

#[test]
fn the_last_four_characters_stay() {
    let last4 = mask(MaskKind::Last4);
    assert_eq!(text(&last4, Value::text("4111111111111234")), "************1234");
    assert_eq!(text(&last4, Value::text("aéßöü")), "*éßöü");
    assert_eq!(text(&last4, Value::text("1234")), "****");
    assert_eq!(text(&last4, Value::text("")), "");
    assert_eq!(text(&last4, Value::Int(123_456)), "**3456");
    assert_eq!(last4.apply(ValueRef::Bytes(b"secret")), Value::Bytes(b"**cret".to_vec()));
}

#[test]
fn rules_are_read() {
    let rule = parse("customers.email = Fake").unwrap();
    assert_eq!((rule.table.as_str(), rule.column.as_str(), rule.kind), ("customers", "email", MaskKind::Fake));
    assert_eq!(parse("a.b=text:").unwrap().kind, MaskKind::Text(String::new()));
    assert_eq!(parse("a.b=text: x=fake ").unwrap().kind, MaskKind::Text(" x=fake ".to_owned()));
    for wrong in ["", "a", "a.b", "a=fake", "a.b=", "a.b=md5", "a.b=text", "a.b.c=fake", "a.b=t\u{e9}xt:"] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn texts_of_one_shape_never_meet() {
    let made: HashSet<String> = (0..10_000).map(|n| fake(&format!("{n:04}"))).collect();
    assert_eq!(made.len(), 10_000);
    let made: HashSet<String> = ('a'..='z').flat_map(|a| ('0'..='9').map(move |b| fake(&format!("1{a}{b}")))).collect();
    assert_eq!(made.len(), 260);
}

#[test]
fn an_address_stays_one() {
    let masked = fake("Ada.Lovelace+x@mail.shop.example");
    assert!(masked.ends_with("@example.com"), "{masked}");
    for other in ["@", "a@b", "a b@c.d", "a@b@c.d", "@b.c"] {
        assert!(!fake(other).ends_with("example.com"), "{other}");
    }
}

proptest! {
    #[test]
    fn text_keeps_its_shape(original in "[a-z0-9A-Z \\-éß€]{0,12}") {
        let masked = fake(&original);
        prop_assert_eq!(original.chars().count(), masked.chars().count());
        for (a, b) in original.chars().zip(masked.chars()) {
            prop_assert_eq!(a.is_ascii_digit(), b.is_ascii_digit());
            prop_assert_eq!(a.is_ascii_lowercase(), b.is_ascii_lowercase());
            prop_assert_eq!(a.is_ascii(), b.is_ascii());
            prop_assert!(a.is_ascii_alphanumeric() || !a.is_ascii() || a == b);
        }
        prop_assert_eq!(looks_numeric(original.as_bytes()), looks_numeric(masked.as_bytes()));
    }

    #[test]
    fn whole_numbers_keep_their_size(number in any_int()) {
        let Value::Int(original) = number else { unreachable!() };
        let Value::Int(masked) = mask(MaskKind::Fake).apply(number.as_ref()) else { panic!("a whole number") };
        prop_assert_eq!(original.unsigned_abs().to_string().len(), masked.unsigned_abs().to_string().len());
        prop_assert!(original >= 0 || masked <= 0);
    }

    #[test]
    fn other_numbers_keep_their_sign_and_stay_finite_and_broken(number in any_real()) {
        let Value::Real(original) = number else { unreachable!() };
        let Value::Real(masked) = mask(MaskKind::Fake).apply(number.as_ref()) else { panic!("a number") };
        prop_assert_eq!(original.is_finite(), masked.is_finite());
        if original.is_finite() && original != 0.0 {
            prop_assert!(masked == 0.0 || original.signum() == masked.signum(), "{} {}", original, masked);
            prop_assert_eq!(original.fract() == 0.0, masked.fract() == 0.0, "{} {}", original, masked);
        }
    }

    #[test]
    fn equal_numbers_stay_equal(number in -1_000_000_000_000_i64..1_000_000_000_000) {
        let fake = mask(MaskKind::Fake);
        let Value::Int(whole) = fake.apply(ValueRef::Int(number)) else { panic!("a whole number") };
        prop_assert_eq!(fake.apply(ValueRef::Real(number as f64)), Value::Real(whole as f64));
        let hash = mask(MaskKind::Hash);
        prop_assert_eq!(hash.apply(ValueRef::Real(number as f64)), hash.apply(ValueRef::Int(number)));
    }

    #[test]
    fn null_stays_null_and_masks_depend_on_the_value_only(value in any_text()) {
        for kind in [MaskKind::Fake, MaskKind::Hash, MaskKind::Last4, MaskKind::Null, MaskKind::Text("x".into())] {
            let mask = mask(kind);
            prop_assert_eq!(mask.apply(ValueRef::Null), Value::Null);
            prop_assert_eq!(mask.apply(value.as_ref()), mask.apply(value.as_ref()));
        }
    }
}
