//! A database of either engine, looked at without any of the code that is tested.

use std::collections::BTreeMap;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use syncline_testkit::postgres::{Database, fresh_database};

use crate::scene::Scene;

/// The cells of one table by the number of their row. SQLite's show their storage class by how they are written.
pub(super) type Cells = BTreeMap<i64, String>;

/// One database.
pub(super) enum Base {
    /// A file of the scene.
    File(&'static str),
    /// A database of the test's server, and the variable of the scene that names it.
    Server(&'static str, Database<'static>),
}

impl Base {
    /// A new database on the server.
    pub(super) fn server(variable: &'static str) -> Self {
        Base::Server(variable, fresh_database())
    }

    /// The scene in which it can be reached.
    pub(super) fn added_to(&self, scene: Scene) -> Scene {
        match self {
            Base::File(_) => scene,
            Base::Server(variable, database) => scene.with_variable(variable, &database.url()),
        }
    }

    /// How the command line names it.
    pub(super) fn place(&self) -> String {
        match self {
            Base::File(name) => (*name).to_owned(),
            Base::Server(variable, _) => format!("env:{variable}"),
        }
    }

    pub(super) fn run(&self, scene: &Scene, statements: &str) {
        match self {
            Base::File(name) => scene.sql(name, statements),
            Base::Server(_, database) => drop(database.psql(statements)),
        }
    }

    /// What a query finds, a line a row, `|` between its cells.
    pub(super) fn lines(&self, scene: &Scene, query: &str) -> Vec<String> {
        match self {
            Base::File(name) => scene.rows(name, query),
            Base::Server(_, database) => {
                let shown = |cell: Option<String>| cell.unwrap_or_else(|| "NULL".to_owned());
                let line = |row: Vec<_>| row.into_iter().map(shown).collect::<Vec<_>>().join("|");
                database.rows(query).into_iter().map(line).collect()
            }
        }
    }

    /// The column `v` of a table, as the engine's own words for it.
    pub(super) fn cells(&self, scene: &Scene, table: &str) -> Cells {
        match self {
            Base::File(name) => by_driver(&Connection::open(scene.path(name)).unwrap(), table),
            Base::Server(_, database) => {
                // A cast adds the width of the network to an address, which is not in its own words.
                let cell =
                    "CASE WHEN pg_typeof(v) = 'inet'::regtype AND v IS NOT NULL THEN format('%s', v) ELSE v::text END";
                let query = format!("SET timezone = 'UTC'; SELECT id, {cell} FROM {table} ORDER BY id");
                let cell = |mut row: Vec<Option<String>>| {
                    let cell = row.pop().unwrap().unwrap_or_else(|| "NULL".to_owned());
                    (row.pop().unwrap().unwrap().parse().unwrap(), cell)
                };
                database.rows(&query).into_iter().map(cell).collect()
            }
        }
    }
}

fn by_driver(connection: &Connection, table: &str) -> Cells {
    let mut statement = connection.prepare(&format!("SELECT id, v FROM {table}")).unwrap();
    let cells = statement.query_map([], |row| Ok((row.get(0)?, shown(row.get_ref(1)?)))).unwrap();
    cells.map(Result::unwrap).collect()
}

/// Text and bytes as in SQL; doubles always with a point or an exponent, so that 1 and 1.0 are two.
fn shown(cell: ValueRef<'_>) -> String {
    match cell {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(value) => value.to_string(),
        ValueRef::Real(value) => format!("{value:?}"),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => format!("'{text}'"),
            Err(_) => format!("text x'{}'", hex(bytes)),
        },
        ValueRef::Blob(bytes) => format!("x'{}'", hex(bytes)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
