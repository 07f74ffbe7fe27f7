//! Literals, read by a server.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use syncline_core::value::{Value, ValueRef, calendar};
use syncline_testkit::postgres::{Database, fresh_database};

use crate::sql::Dialect;

/// Per literal, what the server takes it for: the type, and the value as the server sends it to anybody.
fn evaluated(database: &Database<'_>, settings: &str, values: &[Value]) -> Vec<Vec<Option<String>>> {
    let rows = values.iter().map(|value| {
        let literal = Dialect::Postgres.literal(value.as_ref());
        match value {
            Value::Text(_) | Value::Json(_) => format!("SELECT encode(convert_to({literal}, 'UTF8'), 'hex')"),
            Value::Real(_) => format!("SELECT encode(float8send({literal}), 'hex')"),
            Value::Bytes(_) => format!("SELECT encode({literal}, 'hex')"),
            _ => format!("SELECT ({literal})::text"),
        }
    });
    let query = rows.collect::<Vec<_>>().join("\nUNION ALL ");
    database.rows(&format!("{settings}{query}"))
}

/// What the server ought to answer.
fn expected(value: &Value) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Decimal(digits) => digits.clone(),
        // The server knows one NaN.
        Value::Real(value) if value.is_nan() => "7ff8000000000000".to_owned(),
        Value::Real(value) => hex(&value.to_be_bytes()),
        Value::Text(bytes) | Value::Bytes(bytes) => hex(bytes),
        Value::Json(text) => hex(text.as_bytes()),
        Value::Date(days) => calendar::date(*days),
        Value::Time(micros) => calendar::time(*micros),
        Value::Timestamp(micros) => calendar::timestamp(*micros),
        Value::Instant(micros) => calendar::instant(*micros).replace("+00:00", "+00"),
        Value::Uuid(bytes) => {
            let digits = hex(bytes);
            let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
            parts.join("-")
        }
        Value::Null | Value::Other { .. } => unreachable!("not compared"),
    }
}

fn known_value() -> impl Strategy<Value = Value> {
    // From 4713 BC on, and as far as microseconds reach.
    let micros =
        || prop_oneof![-210_866_803_200_000_000_i64..9_000_000_000_000_000_000, Just(i64::MAX), Just(i64::MIN)];
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)].prop_map(Value::Int),
        "-?[1-9][0-9]{0,40}(\\.[0-9]{1,20})?".prop_map(Value::Decimal),
        any::<f64>().prop_map(Value::Real),
        Just(Value::Real(-0.0)),
        Just(Value::Real(f64::from_bits(1))),
        Just(Value::Real(f64::NEG_INFINITY)),
        "[^\u{0}]{0,40}".prop_map(Value::text),
        "['\"\\\\\r\n\t;:$x-]{0,9}".prop_map(Value::text),
        "[\u{1}-\u{7f}]{0,9}".prop_map(Value::Json),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        prop_oneof![-2_440_588..2_000_000_000_i32, Just(i32::MAX), Just(i32::MIN)]
            .prop_filter("the last day", |days| *days < 2_145_031_949 || *days == i32::MAX)
            .prop_map(Value::Date),
        (0..=calendar::DAY_MICROS).prop_map(Value::Time),
        micros().prop_map(Value::Timestamp),
        micros().prop_map(Value::Instant),
        any::<[u8; 16]>().prop_map(Value::Uuid),
    ]
}

#[test]
fn a_literal_is_the_value_it_was_made_of_whatever_the_session_is_set_to() {
    let database = fresh_database();
    let mut runner = TestRunner::deterministic();
    let drawn = prop::collection::vec(known_value(), 1_000).new_tree(&mut runner).unwrap().current();
    // What the answers look like is pinned, what literals are read by is not.
    let usual = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO';\n";
    let odd = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, DMY'; SET standard_conforming_strings = off; \
        SET backslash_quote = on; SET escape_string_warning = on; SET search_path = '';\n";
    for settings in [usual, odd] {
        let found = evaluated(&database, settings, &drawn);
        assert_eq!(found.len(), drawn.len());
        for (value, row) in drawn.iter().zip(found) {
            assert_eq!(row, [Some(expected(value))], "{value:?} {}", Dialect::Postgres.literal(value.as_ref()));
        }
    }
}

#[test]
fn what_cannot_be_held_is_refused_rather_than_changed() {
    let database = fresh_database();
    let refused =
        [Value::Text(b"a\0b".to_vec()), Value::Text(b"\xff".to_vec()), Value::Time(-1), Value::Date(i32::MIN + 1)];
    for value in refused {
        let finished = database.try_psql(&format!("SELECT {}", Dialect::Postgres.literal(value.as_ref())));
        assert_eq!(finished.code, Some(3), "{value:?}: {finished:?}");
    }
}

#[test]
fn a_text_becomes_what_its_column_is() {
    let database = fresh_database();
    let literal = |text: &str| Dialect::Postgres.literal(ValueRef::Text(text.as_bytes()));
    let json = Dialect::Postgres.literal(ValueRef::Json("{\"a\": 1}"));
    let array = Dialect::Postgres.literal(ValueRef::Other { type_name: "integer[]", text: "{1,NULL}" });
    let (mood, other) = (literal("o'k"), literal("fine"));
    database.psql(&format!(
        "CREATE TYPE mood AS ENUM ('o''k', 'fine'); CREATE TABLE t (m mood, j jsonb, a int[]);
         INSERT INTO t VALUES ({mood}, {json}, {array});
         UPDATE t SET m = {other} WHERE m = {mood} AND j = {json} AND a = {array};"
    ));
    assert_eq!(database.psql("SELECT * FROM t"), "fine|{\"a\": 1}|{1,NULL}\n");
}

#[test]
fn control_characters_are_not_shown_as_themselves() {
    let literal = |text: &str| Dialect::Postgres.literal(ValueRef::Text(text.as_bytes()));
    assert_eq!(literal("a\nb\t"), "'a\nb\t'");
    assert_eq!(literal("it's"), "'it''s'");
    assert_eq!(literal("a\r\n\\"), "E'a\\x0d\n\\\\'");
    for control in (1..0x20).chain([0x7f]).filter(|byte| !matches!(byte, b'\n' | b'\t')) {
        assert_eq!(literal(&char::from(control).to_string()), format!("E'\\x{control:02x}'"));
    }
}

#[test]
fn a_quoted_name_is_the_name() {
    let database = fresh_database();
    for name in ["a b", "a\"b", "SELECT", "Größe", "a.b", "x'; DROP TABLE t; --", "\\", "$1", " "] {
        let quoted = Dialect::Postgres.identifier(name).unwrap();
        database.psql(&format!("CREATE TABLE {quoted} ()"));
    }
    let found = database.rows("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname !~ '^(pg_|sql_)'");
    assert_eq!(found.len(), 9);
    assert!(found.contains(&vec![Some("x'; DROP TABLE t; --".to_owned())]), "{found:?}");
}
