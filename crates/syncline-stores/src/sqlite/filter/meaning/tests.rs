//! Columns that are seen as of a kind, against an evaluator that knows each value as a whole number and nothing of SQLite.

use std::sync::Arc;

use proptest::prelude::*;
use rusqlite::Connection;
use syncline_core::change::TableTask;
use syncline_core::mapping::Condition;
use syncline_core::mapping::filter::{Comparison, Operand};
use syncline_core::value::calendar;

use super::super::super::{schema, snapshot};
use super::*;
use crate::sqlite::snapshot::select;
use crate::sqlite::types::Encoding;

/// Declared as a file of ours has them, and what they are seen as.
fn kinds() -> [(&'static str, Kind); 8] {
    [
        ("DECIMAL TEXT(30,4)", Kind::Decimal { limit: Some((30, 4)) }),
        ("DECIMAL TEXT(20,0)", Kind::Decimal { limit: Some((20, 0)) }),
        ("DATE", Kind::Date),
        ("TIME", Kind::Time { digits: 6 }),
        ("TIMESTAMP", Kind::Timestamp { digits: 6 }),
        ("TIMESTAMPTZ", Kind::Instant { digits: 6 }),
        ("UUID", Kind::Uuid),
        ("BOOLEAN", Kind::Bool),
    ]
}

/// The value that a number stands for, of a kind; the greater the number, the greater the value.
fn value(kind: &Kind, number: i64) -> Value {
    let wide = i128::from(number) * 1_000_000_000_001;
    match kind {
        Kind::Decimal { limit: Some((_, 4)) } => {
            let sign = if wide < 0 { "-" } else { "" };
            let digits = wide.unsigned_abs();
            Value::Decimal(format!("{sign}{}.{:04}", digits / 10_000, digits % 10_000))
        }
        Kind::Decimal { .. } => Value::Decimal(format!("{}", (wide + (1 << 62)) * 4)),
        Kind::Date => Value::Date(i32::try_from(number * 1_000).unwrap()),
        Kind::Time { .. } => Value::Time((number + 2_000) * 20_000_001),
        Kind::Timestamp { .. } => Value::Timestamp(number * 100_000_000_000_501),
        Kind::Instant { .. } => Value::Instant(number * 100_000_000_000_501),
        Kind::Uuid => Value::Uuid(u128::try_from(wide + (1 << 100)).unwrap().to_be_bytes()),
        _ => Value::Bool(number > 0),
    }
}

/// What a number is to the evaluator: truth values are but two.
fn rank(kind: &Kind, number: i64) -> i64 {
    if *kind == Kind::Bool { i64::from(number > 0) } else { number }
}

/// As it is typed in a filter, in one notation or another.
fn typed(kind: &Kind, number: i64) -> Value {
    let notation = |value: &Value| {
        let mut text = String::new();
        fit::write_notation(value.as_ref(), &mut text);
        text
    };
    match value(kind, number) {
        Value::Decimal(digits) => Value::Decimal(digits),
        Value::Bool(truth) if number % 2 == 0 => Value::Int(i64::from(truth)),
        Value::Uuid(bytes) if number % 2 == 0 => Value::text(notation(&Value::Uuid(bytes)).to_uppercase()),
        Value::Timestamp(micros) if number % 2 == 0 => Value::text(calendar::timestamp(micros).replacen(' ', "T", 1)),
        other @ Value::Bool(_) => other,
        other => Value::text(notation(&other)),
    }
}

fn holds(sign: Comparison, order: std::cmp::Ordering) -> bool {
    crate::sql::predicates::holds(sign, order)
}

const SIGNS: [Comparison; 6] = [
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
];

/// The rows that a condition lets in, by their places.
fn selected(conn: &Connection, condition: Condition) -> Vec<usize> {
    let Ok(schema) = schema::read(conn) else { panic!("the schema cannot be read") };
    let mut task = TableTask::whole(Arc::clone(schema.table("t").unwrap()));
    task.mapped.filter = Some(Arc::new(condition));
    let Ok(encoding) = Encoding::of(conn) else { panic!("no encoding") };
    let sql = format!("SELECT id FROM t{} ORDER BY id", select::filtered(&task, encoding).unwrap());
    let mut statement = conn.prepare(&sql).unwrap_or_else(|error| panic!("{sql}\n{error}"));
    let found = statement.query_map([], |row| row.get::<_, u32>(0)).unwrap();
    found.map(|at| at.unwrap() as usize).collect()
}

/// A file with this column, which holds what a run would have written.
fn file(encoding: &str, (declared, kind): &(&str, Kind), rows: &[Option<i64>]) -> Connection {
    let mut conn = Connection::open_in_memory().unwrap();
    let table = format!("PRAGMA encoding = '{encoding}'; CREATE TABLE t (id INTEGER PRIMARY KEY, c {declared})");
    conn.execute_batch(&table).unwrap();
    assert!(snapshot::register_functions(&mut conn).is_ok());
    let coercion = types::coercion(declared, false);
    for (at, number) in rows.iter().enumerate() {
        let value = number.map_or(Value::Null, |number| value(kind, number));
        let (of_column, mut scratch) = (Kind::Flexible(coercion), String::new());
        let cell = Dialect::Sqlite.literal(fit::fit(value.as_ref(), &of_column, &mut scratch).unwrap());
        conn.execute_batch(&format!("INSERT INTO t VALUES ({at}, {cell})")).unwrap();
    }
    conn
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn a_file_and_the_evaluator_agree(
        which in 0_usize..8,
        rows in prop::collection::vec(prop::option::weighted(0.8, -700_i64..700), 1..9),
        near in prop::collection::vec((any::<prop::sample::Index>(), -1_i64..2), 1..4),
        sign in prop::sample::select(SIGNS.to_vec()),
        (is_list, is_negated, is_reversed) in any::<(bool, bool, bool)>(),
        encoding in prop::sample::select(vec!["UTF-8", "UTF-16le"]),
    ) {
        let of = &kinds()[which];
        let kind = &of.1;
        let conn = file(encoding, of, &rows);
        let asked: Vec<i64> = near.iter().map(|(at, step)| rows[at.index(rows.len())].unwrap_or(0) + step).collect();
        let seen = || Operand::Seen { column: "c".to_owned(), kind: kind.clone() };
        let condition = if is_list {
            Condition::In { operand: seen(), values: asked.iter().map(|number| typed(kind, *number)).collect() }
        } else {
            let literal = Operand::Value(typed(kind, asked[0]));
            let (left, right) = if is_reversed { (literal, seen()) } else { (seen(), literal) };
            Condition::Compare { left, comparison: sign, right }
        };
        let condition = if is_negated { Condition::Not(Box::new(condition)) } else { condition };
        let is_in = |number: i64| {
            let order = |asked: i64| rank(kind, number).cmp(&rank(kind, asked));
            let is_so = match is_list {
                true => asked.iter().any(|asked| order(*asked).is_eq()),
                false if is_reversed => holds(sign, order(asked[0]).reverse()),
                false => holds(sign, order(asked[0])),
            };
            is_so != is_negated
        };
        let expected: Vec<usize> = (0..rows.len()).filter(|at| rows[*at].is_some_and(is_in)).collect();
        let shown = format!("{condition:?}");
        prop_assert_eq!(selected(&conn, condition), expected, "{}\n{:?}", shown, rows);
    }
}

#[test]
fn padding_is_taken_away_before_anything_is_compared() {
    for encoding in ["UTF-8", "UTF-16be"] {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(&format!("PRAGMA encoding = '{encoding}'")).unwrap();
        let mut conn = conn;
        assert!(snapshot::register_functions(&mut conn).is_ok());
        conn.execute_batch(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, c CHAR(5) COLLATE NOCASE); \
             INSERT INTO t VALUES (0, 'ab'), (1, 'ab   '), (2, 'AB '), (3, NULL), (4, 'ab!')",
        )
        .unwrap();
        let kind = Kind::Text { max_chars: Some(5), padded: true };
        let seen = || Operand::Seen { column: "c".to_owned(), kind: kind.clone() };
        let compare = |comparison, text: &str| Condition::Compare {
            left: seen(),
            comparison,
            right: Operand::Value(Value::text(text)),
        };
        assert_eq!(selected(&conn, compare(Comparison::Equal, "ab")), [0, 1]);
        assert_eq!(selected(&conn, compare(Comparison::Equal, "ab ")), [0_usize; 0]);
        assert_eq!(selected(&conn, compare(Comparison::Less, "ab ")), [0, 1, 2]);
        assert_eq!(selected(&conn, compare(Comparison::Greater, "ab")), [4]);
        let listed = Condition::In { operand: seen(), values: vec![Value::text("AB"), Value::text("ab ")] };
        assert_eq!(selected(&conn, listed), [2]);
    }
}

#[test]
fn a_power_of_ten_becomes_digits() {
    let cases =
        [("1e3", "1000.0"), ("-1.5e1", "-15.0"), ("1.25e-3", "0.00125"), ("1.234e+2", "123.4"), ("12e0", "12.0")];
    for (typed, digits) in cases {
        assert_eq!(expanded(typed), digits);
    }
}
