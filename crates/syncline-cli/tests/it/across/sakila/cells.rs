//! Cells as the engines' own shells print them, brought to the same text by SQL where the engines print in other ways.

use syncline_testkit::postgres::Database;

use crate::across::Server;

/// Tables and their columns, with the type of each.
fn columns(server: &Server) -> Vec<(String, Vec<(String, String)>)> {
    let listed = server.by_psql(
        "SELECT relname, attname, format_type(atttypid, atttypmod) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped ORDER BY relname, attnum",
    );
    let mut tables: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in listed {
        let [table, column, declared] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
        if tables.last().is_none_or(|(last, _)| last != table) {
            tables.push((table.to_owned(), Vec::new()));
        }
        let columns = &mut tables.last_mut().unwrap().1;
        columns.push((column.to_owned(), declared.to_owned()));
    }
    tables
}

/// Panics unless each table of the server is in the file, cell by cell, and the file is sound.
pub(crate) fn assert_as_in_file(server: &Server, file: &str) {
    let tables = columns(server);
    assert_eq!(tables.len(), 21);
    for (table, columns) in tables {
        let of = |in_server: bool| -> Vec<String> {
            columns.iter().map(|(column, declared)| cell(column, declared, in_server)).collect()
        };
        // Of a table that others inherit from, its own rows.
        let here = server.by_psql(&format!("SELECT {} FROM ONLY {table}", of(true).join(", ")));
        let there = server.by_sqlite3(file, &format!("SELECT {} FROM {table}", of(false).join(", ")));
        assert_equal(&table, lines(here), lines(there));
    }
    assert_eq!(server.by_sqlite3(file, "PRAGMA integrity_check"), ["ok"]);
    assert_eq!(server.by_sqlite3(file, "PRAGMA foreign_key_check"), Vec::<String>::new());
}

/// A cell in a text that both shells print alike.
fn cell(column: &str, declared: &str, in_server: bool) -> String {
    match (declared, in_server) {
        // SQLite has 1 and 0.
        ("boolean", true) => format!("{column}::int"),
        // SQLite keeps so many digits as a number, and prints none behind the point that are 0.
        (declared, true) if declared.starts_with("numeric") => format!("{column}::float8"),
        // The blanks that fill it up are none of its value, says PostgreSQL.
        (declared, true) if declared.starts_with("character(") => format!("{column}::text"),
        ("bytea", true) => format!("encode({column}, 'hex')"),
        ("bytea", false) => format!("CASE WHEN {column} NOTNULL THEN lower(hex({column})) END"),
        _ => column.to_owned(),
    }
}

/// Panics unless each table of the one database is in the other, row by row.
pub(crate) fn assert_same(one: &Database<'_>, other: &Database<'_>) {
    let tables =
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1";
    let (here, there) = (one.psql(tables), other.psql(tables));
    assert_eq!(here, there);
    for table in here.lines() {
        let rows = |database: &Database<'_>| {
            let rows = database.rows(&format!("SELECT t::text FROM ONLY public.{table} AS t"));
            rows.into_iter().map(|row| row[0].clone().unwrap()).collect()
        };
        assert_equal(table, lines(rows(one)), lines(rows(other)));
    }
    assert_eq!(other.psql("SELECT relname FROM pg_class WHERE relname LIKE '%syncline%'"), "");
}

/// Rows in an order that depends on no collation.
fn lines(mut rows: Vec<String>) -> Vec<String> {
    rows.sort_unstable();
    rows
}

fn assert_equal(table: &str, here: Vec<String>, there: Vec<String>) {
    assert_eq!(here.len(), there.len(), "rows of {table}");
    for (here, there) in here.iter().zip(&there) {
        assert_eq!(here, there, "{table}");
    }
}
