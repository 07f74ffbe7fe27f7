//! Rows for tests, the same on every machine, with the values that break naive code.

use syncline_core::value::Value;

use crate::deterministic::Numbers;

/// A row, cell by cell.
pub type Cells = Vec<Value>;

/// The table `orders`, for [`crate::conformance::Types::fill`]: an integer key, a unique text, a checked number and the
/// kinds of cell that every engine has.
pub const ORDERS: &str = "CREATE TABLE orders (id $int PRIMARY KEY, reference $text NOT NULL UNIQUE, customer $text, \
     quantity $int NOT NULL CHECK (quantity > 0), amount $real, payload $bytes)";

/// Texts that are easily damaged: quotes, markup, spaces at the ends, line ends, letters beyond ASCII in both
/// normal forms, right to left, beyond the basic plane, what looks like a number or like NULL.
pub const AWKWARD_TEXTS: &[&str] = &[
    "",
    " ",
    "O'Brien \"the\" `tick`",
    "semi;colon -- comment /* x */",
    " leading and trailing ",
    "line\nbreak\r\nand\ttab",
    "Z\u{fc}rich",
    "Zu\u{308}rich",
    "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
    "\u{1f600}\u{1f468}\u{200d}\u{1f469}",
    "\u{fffd}\u{feff}",
    "0012.50",
    "1e3",
    "NULL",
    "%_\\",
    "$1 ?1 :a @b",
];

/// Numbers that are easily rounded.
pub const AWKWARD_REALS: &[f64] =
    &[0.0, 0.1, -0.1, 1.0 / 3.0, 12.5, -7.0, 1e-300, -1e300, 9_007_199_254_740_993.0, 123_456_789.123_456_79];

/// `count` rows of [`ORDERS`] in an order that is not the key's: negative keys, gaps, NULLs, empty and long cells.
///
/// The same seed gives the same rows; a smaller count need not be a part of a larger one.
pub fn orders(seed: u64, count: usize) -> Vec<Cells> {
    let mut numbers = Numbers::new(seed);
    let mut ids: Vec<i64> = (0..count as i64).map(|n| n * 3 - count as i64).collect();
    numbers.shuffle(&mut ids);
    ids.into_iter().map(|id| order(id, &mut numbers)).collect()
}

/// One row of [`ORDERS`] with this key; its reference is unique as long as the key is.
pub fn order(id: i64, numbers: &mut Numbers) -> Cells {
    let customer = match numbers.below(8) {
        0 => Value::Null,
        _ => Value::text(*numbers.pick(AWKWARD_TEXTS)),
    };
    let amount = match numbers.below(8) {
        0 => Value::Null,
        _ => Value::Real(*numbers.pick(AWKWARD_REALS)),
    };
    let payload = match numbers.below(8) {
        0 => Value::Null,
        1 => Value::Bytes(Vec::new()),
        2 => Value::Bytes(numbers.bytes(300)),
        _ => {
            let len = numbers.below(24) as usize;
            Value::Bytes(numbers.bytes(len))
        }
    };
    let quantity = 1 + numbers.below(1_000) as i64;
    vec![Value::Int(id), Value::text(format!("R/{id:08} \u{e9}")), customer, Value::Int(quantity), amount, payload]
}

/// The texts of [`AWKWARD_TEXTS`] and some whose order differs between bytes, letters and case: keys for order tests.
pub fn text_keys() -> Vec<Value> {
    let ordered = ["a", "B", "A", "b", "ab", "a b", "Ab", "\u{e4}", "\u{c4}", "z", "Z", "_", "10", "9", "-1"];
    AWKWARD_TEXTS.iter().chain(&ordered).map(|text| Value::text(*text)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn texts(column: usize, rows: &[Cells]) -> BTreeSet<String> {
        rows.iter().map(|row| format!("{:?}", row[column])).collect()
    }

    #[test]
    fn a_seed_gives_the_same_rows_again_and_another_seed_others() {
        assert_eq!(orders(1, 50), orders(1, 50));
        assert_ne!(orders(1, 50), orders(2, 50));
    }

    #[test]
    fn keys_and_references_are_unique_negative_too_and_not_in_order() {
        let rows = orders(3, 500);
        assert_eq!(texts(0, &rows).len(), 500);
        assert_eq!(texts(1, &rows).len(), 500);
        assert!(rows.iter().any(|row| matches!(row[0], Value::Int(id) if id < 0)));
        assert!(rows.windows(2).any(|pair| format!("{:?}", pair[0][0]) > format!("{:?}", pair[1][0])));
    }

    #[test]
    fn awkward_cells_occur() {
        let rows = orders(4, 500);
        assert!(texts(2, &rows).len() > AWKWARD_TEXTS.len(), "all texts and NULL");
        assert!(texts(4, &rows).contains("Null") && texts(5, &rows).contains("Null"));
        assert!(texts(5, &rows).contains("Bytes([])"));
        assert!(rows.iter().all(|row| matches!(row[3], Value::Int(quantity) if quantity > 0)));
    }

    #[test]
    fn text_keys_are_distinct() {
        let keys: BTreeSet<_> = text_keys().iter().map(|key| format!("{key:?}")).collect();
        assert_eq!(keys.len(), text_keys().len());
    }
}
