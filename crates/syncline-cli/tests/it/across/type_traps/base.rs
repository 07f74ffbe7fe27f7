//! A database of any engine, looked at without any of the code that is tested.

use std::collections::BTreeMap;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use syncline_testkit::{mariadb, postgres};

use crate::scene::Scene;

/// The cells of one table by the number of their row. SQLite's show their storage class by how they are written.
pub(super) type Cells = BTreeMap<i64, String>;

/// One database.
pub(super) enum Base {
    /// A file of the scene.
    File(&'static str),
    /// A database of the test's PostgreSQL, and the variable of the scene that names it.
    Postgres(&'static str, postgres::Database<'static>),
    /// A database of the test's MariaDB, likewise.
    Mariadb(&'static str, mariadb::Database<'static>),
}

/// A session that takes everything MariaDB can hold, and says the same of it whatever the server is set to.
const SESSION: &str = "SET sql_mode = 'ALLOW_INVALID_DATES,ANSI_QUOTES,NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00';";

/// Shows the column `v` of the table that is named last, each type so that no byte of it is hidden: text in quotes, or its bytes
/// where there are characters that cannot be seen; floats with all digits of the number that they are.
const SHOWN: &str = "SET @shown = (SELECT CASE
        WHEN data_type = 'bit' THEN concat('concat(char(98, 39), lpad(bin(v), ', numeric_precision, ', ''0''), char(39))')
        WHEN data_type REGEXP 'binary|blob|point|geometry' THEN 'concat(char(120, 39), lower(hex(v)), char(39))'
        WHEN data_type = 'float' THEN 'cast(v AS double)'
        WHEN data_type REGEXP 'text|char|enum|set' THEN 'if(v REGEXP ''[[:cntrl:]]'',
            concat(''text x'', char(39), lower(hex(convert(v USING utf8mb4))), char(39)),
            concat(char(39), convert(v USING utf8mb4), char(39)))'
        ELSE 'v' END
    FROM information_schema.columns WHERE table_schema = database() AND column_name = 'v' AND table_name = @of);
    EXECUTE IMMEDIATE concat('SELECT id, ', @shown, ' FROM ', @of, ' ORDER BY id');";

impl Base {
    /// A new database of PostgreSQL.
    pub(super) fn postgres(variable: &'static str) -> Self {
        Base::Postgres(variable, postgres::fresh_database())
    }

    /// A new database of MariaDB.
    pub(super) fn mariadb(variable: &'static str) -> Self {
        Base::Mariadb(variable, mariadb::fresh_database())
    }

    pub(super) fn is_postgres(&self) -> bool {
        matches!(self, Base::Postgres(..))
    }

    /// The scene in which it can be reached.
    pub(super) fn added_to(&self, scene: Scene) -> Scene {
        match self {
            Base::File(_) => scene,
            Base::Postgres(variable, database) => scene.with_variable(variable, &database.url()),
            Base::Mariadb(variable, database) => scene.with_variable(variable, &database.url()),
        }
    }

    /// How the command line names it.
    pub(super) fn place(&self) -> String {
        match self {
            Base::File(name) => (*name).to_owned(),
            Base::Postgres(variable, _) | Base::Mariadb(variable, _) => format!("env:{variable}"),
        }
    }

    pub(super) fn run(&self, scene: &Scene, statements: &str) {
        match self {
            Base::File(name) => scene.sql(name, statements),
            Base::Postgres(_, database) => drop(database.psql(statements)),
            Base::Mariadb(_, database) => drop(database.mariadb(&format!("{SESSION} {statements}"))),
        }
    }

    /// What a query finds, a line a row, `|` between its cells.
    pub(super) fn lines(&self, scene: &Scene, query: &str) -> Vec<String> {
        match self {
            Base::File(name) => scene.rows(name, query),
            Base::Postgres(_, database) => lines(database.rows(query)),
            Base::Mariadb(_, database) => lines(database.rows(&format!("{SESSION} {query}"))),
        }
    }

    /// The column `v` of a table, as the engine's own words for it.
    pub(super) fn cells(&self, scene: &Scene, table: &str) -> Cells {
        match self {
            Base::File(name) => by_driver(&Connection::open(scene.path(name)).unwrap(), table),
            Base::Postgres(_, database) => {
                // A cast adds the width of the network to an address, which is not in its own words.
                let cell =
                    "CASE WHEN pg_typeof(v) = 'inet'::regtype AND v IS NOT NULL THEN format('%s', v) ELSE v::text END";
                by_number(database.rows(&format!("SET timezone = 'UTC'; SELECT id, {cell} FROM {table} ORDER BY id")))
            }
            Base::Mariadb(_, database) => by_number(database.rows(&format!("{SESSION} SET @of = '{table}'; {SHOWN}"))),
        }
    }
}

fn lines(rows: Vec<Vec<Option<String>>>) -> Vec<String> {
    let shown = |cell: Option<String>| cell.unwrap_or_else(|| "NULL".to_owned());
    rows.into_iter().map(|row| row.into_iter().map(shown).collect::<Vec<_>>().join("|")).collect()
}

/// Rows of a number and a cell.
fn by_number(rows: Vec<Vec<Option<String>>>) -> Cells {
    let cell = |mut row: Vec<Option<String>>| {
        let cell = row.pop().unwrap().unwrap_or_else(|| "NULL".to_owned());
        (row.pop().unwrap().unwrap().parse().unwrap(), cell)
    };
    rows.into_iter().map(cell).collect()
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
