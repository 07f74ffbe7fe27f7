use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use syncline_core::value::Value;

use super::super::Dialect;
use syncline_core::value::ValueRef;

fn evaluated(conn: &Connection, value: &Value) -> Value {
    let sql = format!("SELECT {}", Dialect::Sqlite.literal(value.as_ref()));
    conn.query_row(&sql, [], |row| {
        Ok(match row.get_ref(0)? {
            rusqlite::types::ValueRef::Null => Value::Null,
            rusqlite::types::ValueRef::Integer(value) => Value::Int(value),
            rusqlite::types::ValueRef::Real(value) => Value::Real(value),
            rusqlite::types::ValueRef::Text(bytes) => Value::Text(bytes.to_vec()),
            rusqlite::types::ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        })
    })
    .unwrap()
}

fn sqlite_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_filter("SQLite stores no NaN", |value| !value.is_nan()).prop_map(Value::Real),
        any::<String>().prop_map(Value::text),
        "['\"\u{0}\n;-]{0,6}".prop_map(Value::text),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_literal_is_the_value_it_was_made_of(value in sqlite_value()) {
        let conn = Connection::open_in_memory().unwrap();
        prop_assert_eq!(evaluated(&conn, &value), value);
    }

    #[test]
    fn a_quoted_name_is_the_name(name in "[^\u{0}]{1,40}") {
        let conn = Connection::open_in_memory().unwrap();
        let quoted = Dialect::Sqlite.identifier(&name).unwrap();
        conn.execute_batch(&format!("CREATE TABLE t({quoted})")).unwrap();
        let found: Cell = conn.query_row("SELECT name FROM pragma_table_info('t')", [], |row| row.get(0)).unwrap();
        prop_assert_eq!(found, Cell::Text(name));
    }
}

#[test]
fn the_ends_of_the_ranges_are_kept() {
    let conn = Connection::open_in_memory().unwrap();
    let values = [
        Value::Int(i64::MIN),
        Value::Int(i64::MAX),
        Value::Real(f64::INFINITY),
        Value::Real(f64::NEG_INFINITY),
        Value::Real(f64::MAX),
        Value::Real(f64::MIN_POSITIVE),
        Value::Real(f64::from_bits(1)),
        Value::Real(-0.0),
        Value::Real(0.1),
        Value::Real(9_007_199_254_740_993.0),
    ];
    for value in &values {
        assert_eq!(&evaluated(&conn, value), value);
    }
}

#[test]
fn control_characters_are_written_as_bytes() {
    let literal = |text: &str| Dialect::Sqlite.literal(ValueRef::Text(text.as_bytes()));
    assert_eq!(literal("a\nb\t"), "'a\nb\t'");
    assert_eq!(literal("a\r\n"), "CAST(X'610D0A' AS TEXT)");
    for control in (0..0x20).chain([0x7f]).filter(|byte| !matches!(byte, b'\n' | b'\t')) {
        assert_eq!(literal(&char::from(control).to_string()), format!("CAST(X'{control:02X}' AS TEXT)"));
    }
}
