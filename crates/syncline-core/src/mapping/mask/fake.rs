//! Values that look like the ones they replace.
//!
//! | value | becomes |
//! |---|---|
//! | text like `ada@shop.example` | another address at `example.com` |
//! | a date or a time in digits | another one that exists, written in the same way, of the same century |
//! | other text | text of the same shape: letters for letters, digits for digits, the rest as it is |
//! | a whole number | one with as many digits and the same sign; 0 and 1 stay flags |
//! | another number | one with as many digits, its point and its sign in the same places |
//! | bytes | as many other bytes |
//!
//! No two texts that are no addresses become the same, nor do two rows of bytes; addresses carry 64 bits of a hash. Numbers
//! may meet.

use super::MaskKey;
use super::dates::{date_like, is_date};
use super::shuffle::{shuffled, shuffled_bytes};
use crate::value::{Value, ValueRef, looks_numeric};

/// Reserved for examples by RFC 2606: mail to it reaches nobody.
const DOMAIN: &str = "example.com";

/// Whole doubles from here on are no 64-bit integers, so a column of integers keeps them as doubles.
const LARGE: f64 = 9.3e18;

/// The fake for a value that is not NULL.
pub(super) fn fake(value: ValueRef<'_>, key: &MaskKey) -> Value {
    match value {
        ValueRef::Text(bytes) => Value::Text(match std::str::from_utf8(bytes) {
            Ok(text) if is_address(text) => address(text, key).into_bytes(),
            Ok(text) => date_like(text, key).unwrap_or_else(|| text_like(text, key)).into_bytes(),
            Err(_) => shuffled_bytes(bytes, key),
        }),
        ValueRef::Int(number) => Value::Int(whole(number, key)),
        ValueRef::Real(number) => Value::Real(real(number, key)),
        ValueRef::Bytes(bytes) => Value::Bytes(shuffled_bytes(bytes, key)),
        // Kinds that no store has yet: nothing of the value may pass.
        ValueRef::Bool(_) => Value::Bool(whole(1, key) == 1),
        _ => Value::Null,
    }
}

/// One `@` with something on both sides and a point behind it, and no space.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let is_plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c == '@' || c.is_whitespace());
    is_plain(local) && is_plain(domain) && domain.contains('.')
}

fn address(text: &str, key: &MaskKey) -> String {
    let digest = key.digest("address", ValueRef::Text(text.as_bytes()));
    format!("user-{}@{DOMAIN}", &digest.to_hex().as_str()[..16])
}

/// Exchanges characters until the text looks like a number just as much as before: a column of numbers would turn `1a5`
/// into something else if it became `1e5`. Nor may it become a date, which another date becomes already. Walking on keeps
/// different texts different.
fn text_like(text: &str, key: &MaskKey) -> String {
    let was_numeric = looks_numeric(text.as_bytes());
    let mut fake = shuffled(text, key);
    while looks_numeric(fake.as_bytes()) != was_numeric || is_date(&fake) {
        fake = shuffled(&fake, key);
    }
    fake
}

fn whole(number: i64, key: &MaskKey) -> i64 {
    let size = number.unsigned_abs();
    let (low, high) = match size {
        0 | 1 => (0, 1),
        2..=9 => (2, 9),
        _ => {
            let low = 10_u64.pow(size.ilog10());
            (low, low.saturating_mul(10).saturating_sub(1).min(i64::MAX.unsigned_abs()))
        }
    };
    let mut bytes = [0; 8];
    key.stream("whole", ValueRef::Int(number)).fill(&mut bytes);
    let fake = low + u64::from_le_bytes(bytes) % (high - low + 1);
    let fake = i64::try_from(fake).unwrap_or(i64::MAX);
    if number < 0 { -fake } else { fake }
}

fn real(number: f64, key: &MaskKey) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return number;
    }
    // A whole one gets what the integer equal to it gets, so that the two stay equal.
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return whole(number as i64, key) as f64;
    }
    let shown = format!("{number:?}");
    let (digits, exponent) = shown.split_at(shown.find('e').unwrap_or(shown.len()));
    let mut stream = key.stream("real", ValueRef::Real(number));
    let mut fake = String::new();
    let last = digits.rfind(|c: char| c.is_ascii_digit() && c != '0');
    let mut has_begun = false;
    for (at, c) in digits.char_indices() {
        let mut byte = [0];
        stream.fill(&mut byte);
        // Neither the first digit nor the last becomes 0, so that size and places stay.
        let is_end = !has_begun || Some(at) == last;
        fake.push(match c {
            '0' if !has_begun || last.is_none_or(|last| at > last) => c,
            '0'..='9' if is_end => char::from(b'1' + byte[0] % 9),
            '0'..='9' => char::from(b'0' + byte[0] % 10),
            other => other,
        });
        has_begun |= c.is_ascii_digit() && c != '0';
    }
    parsed(&fake, exponent, number)
}

/// The number that was put together; should its size have pushed it out of range, or its fraction out of sight, it
/// begins with 1.
fn parsed(digits: &str, exponent: &str, number: f64) -> f64 {
    let read = |digits: &str| format!("{digits}{exponent}").parse::<f64>().unwrap_or(0.0);
    let is_large = |number: f64| number.abs() >= LARGE;
    let is_like = |fake: f64| {
        let is_whole = |number: f64| number.fract() == 0.0;
        fake.is_finite() && is_whole(fake) == is_whole(number) && is_large(fake) == is_large(number)
    };
    let first = digits.find(|c: char| ('1'..='9').contains(&c)).unwrap_or(0);
    let smaller = format!("{}1{}", &digits[..first], digits.get(first + 1..).unwrap_or_default());
    let tries = [read(digits), read(&smaller)];
    let usual = if is_large(number) { LARGE } else { 1.5 };
    tries.into_iter().find(|fake| is_like(*fake)).unwrap_or(number.signum() * usual)
}
