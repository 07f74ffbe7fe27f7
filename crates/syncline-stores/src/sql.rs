//! The one place where names and values become SQL text.
//!
//! Values are bound wherever a statement can take parameters; literals are for text that people read and run.

pub(crate) mod conditions;
pub(crate) mod mysql;
mod postgres;
pub(crate) mod predicates;
mod sqlite;

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::value::ValueRef;

/// What a session of MySQL or MariaDB is set to by `sql_mode`, so that values are taken as they are written or refused: zero keys
/// and zero dates are values like others, as the application that wrote them had it.
pub const MYSQL_MODE: &str = "STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES";

/// How a database engine writes names and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
}

impl Dialect {
    /// The dialect of an engine, as [`TableSchema::engine`](syncline_core::schema::TableSchema::engine) calls it.
    pub fn of(engine: &str) -> Self {
        match engine {
            "postgres" => Dialect::Postgres,
            "mysql" => Dialect::Mysql,
            _ => Dialect::Sqlite,
        }
    }

    /// A name in quotes, whatever characters it holds.
    ///
    /// # Errors
    /// `STORE_FAILED` for a name with a NUL character, which no engine can have, and for one that is too long for the engine:
    /// PostgreSQL would cut it off, and mean another table by it.
    pub fn identifier(self, name: &str) -> Result<String> {
        if name.contains('\0') {
            let what = format!("the name {name:?} holds a NUL character, which no database allows");
            return Err(Error::new(Code::StoreFailed, what));
        }
        if let Some(why) = self.too_long(name) {
            return Err(Error::new(Code::StoreFailed, format!("the name {name} {why}")));
        }
        Ok(match self {
            Dialect::Mysql => format!("`{}`", name.replace('`', "``")),
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        })
    }

    /// Why the engine takes no name as long as this, for a person, behind the name itself: `has 70 bytes, and …`.
    pub fn too_long(self, name: &str) -> Option<String> {
        let (product, length, max, unit) = match self {
            Dialect::Sqlite => return None,
            Dialect::Postgres => ("PostgreSQL", name.len(), limits::POSTGRES_NAME_BYTES_MAX, "bytes"),
            Dialect::Mysql => ("MySQL", name.chars().count(), limits::MYSQL_NAME_CHARS_MAX, "characters"),
        };
        (length > max).then(|| format!("has {length} {unit}, and {product} takes {max}"))
    }

    /// A literal that the engine reads as exactly this value.
    ///
    /// A value of a kind that the engine has no type for is written as the engine would store it: for SQLite a truth
    /// value as 0 or 1, NaN as NULL, dates and times as their number, everything else as text. Text that is not UTF-8 or
    /// holds control characters other than newline and tab is written as its bytes, which are the same text only in
    /// databases whose encoding is UTF-8.
    ///
    /// PostgreSQL is told the type of each literal but of text, JSON and what only one engine has: these become what the
    /// column they meet is, as an enumeration or `jsonb` does not take text. Text that PostgreSQL cannot hold is written so
    /// that it refuses it, and so are times beyond a day and dates that it does not know.
    ///
    /// MySQL is told nothing of types, and reads dates and times as text, in UTC.
    pub fn literal(self, value: ValueRef<'_>) -> String {
        let mut sql = String::new();
        self.write_literal(value, &mut sql);
        sql
    }

    /// Appends the [`Dialect::literal`] of a value: of a huge one there is only one text then.
    pub fn write_literal(self, value: ValueRef<'_>, sql: &mut String) {
        match self {
            Dialect::Sqlite => sqlite::literal(value, sql),
            Dialect::Postgres => postgres::literal(value, sql),
            Dialect::Mysql => mysql::literal(value, sql),
        }
    }
}

/// Appends bytes as pairs of digits.
fn hex(bytes: &[u8], digits: &[u8; 16], sql: &mut String) {
    sql.reserve(bytes.len() * 2);
    for byte in bytes {
        sql.extend([byte >> 4, byte & 15].map(|digit| char::from(digits[usize::from(digit)])));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_nul_is_refused() {
        for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql] {
            assert_eq!(dialect.identifier("a\0b").unwrap_err().code(), Code::StoreFailed);
        }
    }

    #[test]
    fn a_name_that_postgresql_would_cut_off_is_refused() {
        let longest = "é".repeat(31) + "x";
        assert_eq!(Dialect::Postgres.identifier(&longest).unwrap(), format!("\"{longest}\""));
        let longer = longest + "x";
        assert_eq!(Dialect::Postgres.identifier(&longer).unwrap_err().code(), Code::StoreFailed);
        assert!(Dialect::Sqlite.identifier(&longer).is_ok());
        assert_eq!(Dialect::Mysql.identifier("a`b").unwrap(), "`a``b`");
        assert!(Dialect::Mysql.identifier(&"é".repeat(64)).is_ok());
        assert_eq!(Dialect::Mysql.identifier(&"é".repeat(65)).unwrap_err().code(), Code::StoreFailed);
    }
}
