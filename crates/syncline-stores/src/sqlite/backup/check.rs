//! Whether a database is whole.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ffi};
use syncline_core::error::{Code, Error};
use syncline_core::limits;
use syncline_core::store::Extent;

use super::size;
use crate::sqlite::Access;
use crate::sqlite::connect::failure::{Attempt, Doing, Failure};
use crate::sqlite::connect::{self, Place, Role};

/// Opens the file anew and reads all of it.
///
/// # Errors
/// `STORE_CORRUPT`.
pub(super) fn whole_file(path: &Path, lock_wait: Duration) -> Attempt<Extent> {
    let place = Place::find(path, Access::Read, lock_wait)?;
    let conn = connect::open(&place, Role::Reader, |conn| conn.busy_timeout(lock_wait))?;
    let found = whole(&conn).map_err(|failure| Failure::Said(failure.into_error(path, Doing::Reading)));
    // The connection goes first: with it go the files that a write-ahead log needs beside the database.
    drop(conn);
    found
}

/// Reads everything in the connection's view.
///
/// # Errors
/// `STORE_CORRUPT`, with the first words of SQLite's report.
pub(super) fn whole(conn: &Connection) -> Attempt<Extent> {
    // Rows that break a CHECK are the application's; they are no damage, and came by means that SQLite offers.
    conn.execute_batch("PRAGMA ignore_check_constraints = ON")?;
    let report = match report(conn, "integrity_check") {
        // An index may be ordered by a collation or a function that only the application has. Its order cannot be checked
        // without it; everything else can.
        Err(error) if is_unknown_name(&error) => {
            conn.collation_needed(stand_in)?;
            report(conn, "quick_check")
        }
        report => report,
    }?;
    if report != ["ok"] {
        let found = match report.len() {
            0 => "SQLite's check ended without a word".to_owned(),
            _ => report.join("; "),
        };
        let path = conn.path().unwrap_or_default().to_owned();
        return Err(Error::new(Code::StoreCorrupt, format!("{path} is damaged")).because(found).into());
    }
    if size(conn)? == 0 {
        let path = conn.path().unwrap_or_default().to_owned();
        return Err(Error::new(Code::NotADatabase, format!("{path} is empty"))
            .because("a backup has one page at least, even that of a database without tables")
            .into());
    }
    Ok(Extent { bytes: size(conn)?, tables: tables(conn)? })
}

/// Tables, SQLite's own left out.
pub(super) fn tables(conn: &Connection) -> rusqlite::Result<u64> {
    let count =
        "SELECT count(*) FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    conn.query_row(count, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

fn report(conn: &Connection, check: &str) -> rusqlite::Result<Vec<String>> {
    let mut lines = conn.prepare(&format!("PRAGMA main.{check}({})", limits::SAMPLE_ROWS))?;
    lines.query_map([], |row| row.get(0))?.collect()
}

/// The quick check compares nothing, but opens indexes, for which every collation must be known.
fn stand_in(conn: &Connection, name: &str) -> rusqlite::Result<()> {
    conn.create_collation(name, |a, b| a.cmp(b))
}

/// Whether SQLite does not know a function or a collation that the schema names.
fn is_unknown_name(error: &rusqlite::Error) -> bool {
    let code = match error {
        rusqlite::Error::SqlInputError { error, .. } => Some(error.extended_code),
        other => other.sqlite_extended_error_code(),
    };
    matches!(code, Some(ffi::SQLITE_ERROR | ffi::SQLITE_ERROR_MISSING_COLLSEQ))
}

#[cfg(test)]
mod tests {
    use rusqlite::functions::FunctionFlags;

    use super::*;

    #[test]
    fn names_of_the_application_are_no_damage() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let of_application = Connection::open(&path).unwrap();
        let flags = FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_UTF8;
        of_application.create_scalar_function("odd", 1, flags, |context| Ok(context.get::<i64>(0)? % 2)).unwrap();
        of_application.create_collation("backwards", |a, b| b.cmp(a)).unwrap();
        for table in [
            "CREATE TABLE sorted (s TEXT COLLATE backwards PRIMARY KEY) WITHOUT ROWID; INSERT INTO sorted VALUES ('a'), ('b')",
            "CREATE TABLE indexed (id INTEGER PRIMARY KEY); CREATE INDEX i ON indexed (odd(id)); INSERT INTO indexed VALUES (1)",
            "CREATE TABLE checked (c CHECK (odd(c) = 1)); INSERT INTO checked VALUES (1)",
            "CREATE TABLE partly (id INTEGER PRIMARY KEY); CREATE INDEX p ON partly (id) WHERE odd(id); INSERT INTO partly VALUES (1)",
            "CREATE TABLE computed (id INTEGER PRIMARY KEY, o AS (odd(id))); INSERT INTO computed VALUES (1)",
            "CREATE TABLE kept (id INTEGER PRIMARY KEY, o AS (odd(id)) STORED UNIQUE); INSERT INTO kept VALUES (1)",
        ] {
            of_application.execute_batch(table).unwrap();
            let found = whole_file(&path, Duration::ZERO);
            assert!(found.is_ok(), "{table}: {found:?} {:?}", report(&Connection::open(&path).unwrap(), "quick_check"));
        }
    }
}
