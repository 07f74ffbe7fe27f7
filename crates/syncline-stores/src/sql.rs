//! The one place where names and values become SQL text.
//!
//! Values are bound wherever a statement can take parameters; literals are for text that people read and run.

use syncline_core::error::{Code, Error, Result};
use syncline_core::value::ValueRef;

/// How a database engine writes names and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
}

impl Dialect {
    /// A name in quotes, whatever characters it holds.
    ///
    /// # Errors
    /// `STORE_FAILED` for a name with a NUL character, which no engine can have.
    pub fn identifier(self, name: &str) -> Result<String> {
        if name.contains('\0') {
            let what = format!("the name {name:?} holds a NUL character, which no database allows");
            return Err(Error::new(Code::StoreFailed, what));
        }
        match self {
            Dialect::Sqlite => Ok(format!("\"{}\"", name.replace('"', "\"\""))),
        }
    }

    /// A literal that the engine reads as exactly this value.
    ///
    /// A value of a kind that the engine has no type for is written as the engine would store it: for SQLite a truth
    /// value as 0 or 1, NaN as NULL, dates and times as their number, everything else as text. Text that is not UTF-8 or
    /// holds control characters other than newline and tab is written as its bytes, which are the same text only in
    /// databases whose encoding is UTF-8.
    pub fn literal(self, value: ValueRef<'_>) -> String {
        let mut sql = String::new();
        self.write_literal(value, &mut sql);
        sql
    }

    /// Appends the [`Dialect::literal`] of a value: of a huge one there is only one text then.
    pub fn write_literal(self, value: ValueRef<'_>, sql: &mut String) {
        match self {
            Dialect::Sqlite => sqlite_literal(value, sql),
        }
    }
}

fn sqlite_literal(value: ValueRef<'_>, sql: &mut String) {
    match value {
        ValueRef::Null => sql.push_str("NULL"),
        ValueRef::Bool(value) => sql.push(if value { '1' } else { '0' }),
        ValueRef::Int(value) | ValueRef::Time(value) | ValueRef::Timestamp(value) | ValueRef::Instant(value) => {
            sql.push_str(&value.to_string());
        }
        ValueRef::Date(days) => sql.push_str(&days.to_string()),
        ValueRef::Real(value) => sql.push_str(&real(value)),
        ValueRef::Text(bytes) => text(bytes, sql),
        ValueRef::Bytes(bytes) => blob(bytes, sql),
        ValueRef::Uuid(bytes) => blob(&bytes, sql),
        ValueRef::Decimal(string) | ValueRef::Json(string) | ValueRef::Other { text: string, .. } => {
            text(string.as_bytes(), sql);
        }
    }
}

fn real(value: f64) -> String {
    if value.is_nan() {
        "NULL".to_owned()
    } else if value.is_infinite() {
        // SQLite has no word for infinity; a literal beyond the largest double is one.
        if value > 0.0 { "9e999".to_owned() } else { "-9e999".to_owned() }
    } else {
        // The shortest digits that give the same double back, always with a point or an exponent.
        format!("{value:?}")
    }
}

fn text(bytes: &[u8], sql: &mut String) {
    match std::str::from_utf8(bytes) {
        Ok(string) if !string.contains(is_lost_on_the_way) => {
            sql.reserve(bytes.len() + 2);
            sql.push('\'');
            for (number, part) in string.split('\'').enumerate() {
                sql.push_str(if number == 0 { "" } else { "''" });
                sql.push_str(part);
            }
            sql.push('\'');
        }
        _ => {
            sql.push_str("CAST(");
            blob(bytes, sql);
            sql.push_str(" AS TEXT)");
        }
    }
}

/// Characters that a literal in quotes may lose or that act on the terminal it is shown on: SQLite ends a statement at
/// NUL, and its shell drops the CR of a line that ends in CR LF.
fn is_lost_on_the_way(c: char) -> bool {
    c.is_ascii_control() && !matches!(c, '\n' | '\t')
}

fn blob(bytes: &[u8], sql: &mut String) {
    sql.reserve(bytes.len() * 2 + 3);
    sql.push_str("X'");
    for byte in bytes {
        sql.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])));
    }
    sql.push('\'');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::Connection;
    use rusqlite::types::Value as Cell;
    use syncline_core::value::Value;

    use super::*;

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

    #[test]
    fn a_name_with_nul_is_refused() {
        let error = Dialect::Sqlite.identifier("a\0b").unwrap_err();
        assert_eq!(error.code(), Code::StoreFailed);
    }
}
