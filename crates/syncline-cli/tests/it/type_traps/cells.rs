//! What a database holds, by a plain query: storage class and bytes of every cell.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::scene::Scene;

/// Longer cells are shown as length and hash.
const SHOWN_BYTES: usize = 512;

/// The rows of every table, in an order of their own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cells(BTreeMap<String, Vec<Vec<String>>>);

impl Cells {
    /// Rows of a table that the other has not, or not as often.
    pub(super) fn differing(&self, other: &Cells, table: &str) -> u64 {
        let (ours, mut theirs) = (&self.0[table], other.0[table].clone());
        let mut is_missing = |row: &&Vec<String>| match theirs.iter().position(|other| other == *row) {
            Some(at) => theirs.swap_remove(at).is_empty(),
            None => true,
        };
        ours.iter().filter(&mut is_missing).count() as u64
    }

    /// Rows that none of the others has.
    pub(super) fn strays(&self, others: &[&Cells]) -> Vec<&Vec<String>> {
        let known = |table: &String, row: &Vec<String>| {
            others.iter().any(|other| other.0.get(table).is_some_and(|rows| rows.contains(row)))
        };
        self.0.iter().flat_map(|(table, rows)| rows.iter().filter(move |row| !known(table, row))).collect()
    }
}

/// Everything in a database of the scene but SQLite's own tables. What AUTOINCREMENT remembers is in.
pub(super) fn cells(scene: &Scene, database: &str) -> Cells {
    let connection = Connection::open(scene.path(database)).unwrap();
    let rows_of = |table: &String| {
        let mut statement = connection.prepare(&format!("SELECT * FROM {}", quoted(table))).unwrap();
        let width = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            found.push((0..width).map(|column| shown(row.get_ref(column).unwrap())).collect::<Vec<_>>());
        }
        found.sort();
        found
    };
    Cells(
        tables(&connection)
            .into_iter()
            .map(|table| {
                let rows = rows_of(&table);
                (table, rows)
            })
            .collect(),
    )
}

/// What every column is declared as.
pub(super) fn columns(scene: &Scene, database: &str) -> Vec<String> {
    let connection = Connection::open(scene.path(database)).unwrap();
    let mut found = Vec::new();
    for table in tables(&connection) {
        let sql = "SELECT json_array(name, type, \"notnull\", dflt_value, pk, hidden) FROM pragma_table_xinfo(?1)";
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.query_map([&table], |row| row.get::<_, String>(0)).unwrap();
        found.extend(columns.map(|column| format!("{table} {}", column.unwrap())));
        let kind =
            "SELECT ' wr=' || wr || ' strict=' || strict FROM pragma_table_list WHERE schema = 'main' AND name = ?1";
        found.push(table.clone() + &connection.query_row(kind, [&table], |row| row.get::<_, String>(0)).unwrap());
    }
    found
}

fn tables(connection: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND (name = 'sqlite_sequence' OR name NOT LIKE 'sqlite\\_%' ESCAPE '\\')";
    let mut statement = connection.prepare(sql).unwrap();
    let mut tables: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    tables.sort();
    tables
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// As `typeof()` and `hex()` would show it; doubles by their bits, which no printing loses.
fn shown(cell: ValueRef<'_>) -> String {
    match cell {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(value) => format!("integer {value}"),
        ValueRef::Real(value) => format!("real {:016x}", value.to_bits()),
        ValueRef::Text(bytes) => format!("text {}", hex(bytes)),
        ValueRef::Blob(bytes) => format!("blob {}", hex(bytes)),
    }
}

fn hex(bytes: &[u8]) -> String {
    if bytes.len() > SHOWN_BYTES {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        return format!("of {} bytes, hash {:016x}", bytes.len(), hasher.finish());
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
