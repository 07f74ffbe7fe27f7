//! Cells as bytes that are in the order of the cells: [`super::key_order`], for engines that sort by bytes.
//!
//! First comes the rank of the kind of value, then
//!
//! | value | bytes |
//! |---|---|
//! | number | 0 to 5: minus infinity, negative, zero, positive, infinity, NaN; of a finite one the exponent of ten with its sign turned over, the digits, 0. All but the first is turned over in a negative one |
//! | truth, day, time, UUID | as many bytes as it has, the highest first, the sign turned over |
//! | text, bytes, JSON | as they are |
//! | what one engine has | name of the type, 0, text |
//!
//! Nothing marks the end of a cell, so only single cells can be compared.

use super::ValueRef;
use super::key_order::{number, rank};
use super::number::Number;

/// Overwrites `out` with bytes that are to those of another cell as the cells are to each other.
pub fn encode(cell: ValueRef<'_>, out: &mut Vec<u8>) {
    out.clear();
    out.push(rank(cell));
    match cell {
        ValueRef::Null => {}
        ValueRef::Bool(value) => out.push(u8::from(value)),
        ValueRef::Int(_) | ValueRef::Decimal(_) | ValueRef::Real(_) => {
            append_number(&number(cell).expect("BUG: a number is none"), out);
        }
        ValueRef::Date(days) => out.extend_from_slice(&(days ^ i32::MIN).to_be_bytes()),
        ValueRef::Time(micros) | ValueRef::Timestamp(micros) | ValueRef::Instant(micros) => {
            out.extend_from_slice(&signed(micros));
        }
        ValueRef::Uuid(bytes) => out.extend_from_slice(&bytes),
        ValueRef::Text(bytes) | ValueRef::Bytes(bytes) => out.extend_from_slice(bytes),
        ValueRef::Json(text) => out.extend_from_slice(text.as_bytes()),
        ValueRef::Other { type_name, text } => {
            out.extend_from_slice(type_name.as_bytes());
            out.push(0);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

fn append_number(number: &Number, out: &mut Vec<u8>) {
    let finite = match number {
        Number::NegativeInfinity => return out.push(0),
        Number::Infinity => return out.push(4),
        Number::Nan => return out.push(5),
        Number::Finite(finite) => finite,
    };
    out.push(match (finite.digits.is_empty(), finite.negative) {
        (true, _) => return out.push(2),
        (false, true) => 1,
        (false, false) => 3,
    });
    let start = out.len();
    out.extend_from_slice(&signed(finite.exponent));
    out.extend_from_slice(&finite.digits);
    out.push(0);
    if finite.negative {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

fn signed(number: i64) -> [u8; 8] {
    (number ^ i64::MIN).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Value;
    use super::super::key_order::compare;
    use super::super::strategies::{any_decimal, any_int, any_real, any_value};
    use super::*;

    fn bytes(value: &Value) -> Vec<u8> {
        let mut out = vec![99];
        encode(value.as_ref(), &mut out);
        out
    }

    #[test]
    fn numbers_are_in_order_and_notations_are_equal() {
        let rising = ["-Infinity", "-100", "-20", "-2", "-1.5", "-1", "-0.01", "0", "0.01", "1", "1.05", "1.5", "20"];
        for pair in rising.windows(2) {
            let [low, high] = [0, 1].map(|at| Value::Decimal(pair[at].to_owned()));
            assert!(bytes(&low) < bytes(&high), "{pair:?}");
        }
        for (a, b) in [("1", "1.00"), ("-0", "0.0"), ("NaN", "none")] {
            assert_eq!(bytes(&Value::Decimal(a.to_owned())), bytes(&Value::Decimal(b.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn bytes_are_in_the_order_of_the_cells(a in any_value(), b in any_value()) {
            prop_assert_eq!(bytes(&a).cmp(&bytes(&b)), compare(a.as_ref(), b.as_ref()));
        }

        #[test]
        fn bytes_of_numbers_are_too(
            a in prop_oneof![any_int(), any_real(), any_decimal()],
            b in prop_oneof![any_int(), any_real(), any_decimal()],
        ) {
            prop_assert_eq!(bytes(&a).cmp(&bytes(&b)), compare(a.as_ref(), b.as_ref()));
        }
    }
}
