//! What is in a database, seen without a line of Syncline's code.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use super::world::TABLES;

/// A connection as any other program has one: it waits for locks, and checks no foreign keys.
pub(crate) fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(30)).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection
}

/// Brings everything into the file itself, so that it can be copied. Nobody else may have it open.
pub(crate) fn settled(path: &Path) {
    open(path).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

/// All that SQLite's own `.dump` would show, line by line: definitions, rows in their order with the hidden row
/// numbers, and what AUTOINCREMENT remembers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dump(Vec<String>);

impl Dump {
    /// The dump of a database; that of a missing one is empty.
    pub(crate) fn of(path: &Path) -> Self {
        if !path.exists() {
            return Self(Vec::new());
        }
        let connection = open(path);
        // SQLite never drops its own tables, so one that a load has brought in stays, empty.
        let objects = "SELECT type, name, sql, sql LIKE '%WITHOUT ROWID' FROM sqlite_schema
             WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid";
        let mut statement = connection.prepare(objects).unwrap();
        let object = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        let found: Vec<(String, String, String, bool)> =
            statement.query_map([], object).unwrap().collect::<Result<_, _>>().unwrap();
        let mut lines: Vec<String> = found.iter().map(|(_, _, sql, _)| sql.clone()).collect();
        for (_, table, _, has_no_rowid) in found.iter().filter(|(kind, ..)| kind == "table") {
            lines.extend(rows(&connection, table, !has_no_rowid));
        }
        if exists(&connection, "sqlite_sequence") {
            lines.extend(rows(&connection, "sqlite_sequence", false));
        }
        Self(lines)
    }

    /// Panics with the first lines that differ unless `self`, which is there now, is `expected`.
    pub(crate) fn must_be(&self, expected: &Self, what: &str) {
        if self == expected {
            return;
        }
        let differing = self.0.iter().zip(&expected.0).enumerate().filter(|(_, (found, wanted))| found != wanted);
        let shown: Vec<_> = differing.take(5).map(|(at, (f, w))| format!("{at}: found {f}\n   wanted {w}")).collect();
        panic!("{what}: {} lines, {} wanted\n{}", self.0.len(), expected.0.len(), shown.join("\n"));
    }
}

/// The rows of a table in the order in which it keeps them.
fn rows(connection: &Connection, table: &str, has_rowid: bool) -> Vec<String> {
    let columns: Vec<String> = {
        let statement = connection.prepare(&format!("SELECT * FROM \"{table}\" LIMIT 0")).unwrap();
        statement.column_names().map(|name| format!("quote(\"{name}\")")).collect::<Vec<_>>()
    };
    let number = if has_rowid { "rowid || ': ' || " } else { "" };
    let order = match table {
        _ if has_rowid || table == "sqlite_sequence" => "rowid".to_owned(),
        _ => (1..=columns.len()).map(|at| at.to_string()).collect::<Vec<_>>().join(", "),
    };
    let mut statement = connection
        .prepare(&format!(
            "SELECT '{table} ' || {number}{} FROM (SELECT {}* FROM \"{table}\" ORDER BY {order})",
            columns.join(" || ', ' || "),
            if has_rowid { "rowid, " } else { "" },
        ))
        .unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

pub(crate) fn exists(connection: &Connection, table: &str) -> bool {
    let sql = "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1";
    connection.query_row(sql, [table], |_| Ok(())).optional().unwrap().is_some()
}

fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|why| panic!("{sql}: {why}"))
}

/// Panics unless every table holds the same rows on both sides, none twice, and the target is sound and clean.
pub(crate) fn check_equal(source: &Path, target: &Path) {
    let connection = open(target);
    connection.execute("ATTACH ?1 AS source", [source.to_str().unwrap()]).unwrap();
    for table in &TABLES {
        let name = table.name;
        let ours = format!("SELECT * FROM main.{name}");
        let theirs = format!("SELECT * FROM source.{name}");
        for (here, there, what) in [(&ours, &theirs, "too many"), (&theirs, &ours, "missing")] {
            let rows = number(&connection, &format!("SELECT count(*) FROM ({here} EXCEPT {there})"));
            assert_eq!(rows, 0, "{name}: {rows} rows {what} in the target");
        }
        let [in_target, in_source] =
            ["main", "source"].map(|side| number(&connection, &format!("SELECT count(*) FROM {side}.{name}")));
        assert_eq!(in_target, in_source, "rows of {name} in the target and in the source");
    }
    check_sound(&connection);
}

/// Panics unless the target is sound and nothing of Syncline is left in it.
pub(crate) fn check_sound(connection: &Connection) {
    let sound: String = connection.query_row("PRAGMA main.integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let dangling = connection.prepare("PRAGMA main.foreign_key_check").unwrap().exists([]).unwrap();
    assert!(!dangling, "rows reference nothing");
    let left = "SELECT count(*) FROM main.sqlite_schema WHERE name LIKE '\\_syncline%' ESCAPE '\\'";
    assert_eq!(number(connection, left), 0, "something of Syncline is left in the target");
}

/// Unique values that two rows have exchanged between these databases.
pub(crate) fn exchanges(old: &Path, new: &Path) -> i64 {
    let connection = open(old);
    connection.execute("ATTACH ?1 AS new", [new.to_str().unwrap()]).unwrap();
    let sql = "SELECT count(*) FROM main.customers AS a JOIN new.customers AS b ON b.email = a.email AND b.id > a.id
         JOIN main.customers AS c ON c.id = b.id JOIN new.customers AS d ON d.id = a.id WHERE d.email = c.email";
    number(&connection, sql)
}
