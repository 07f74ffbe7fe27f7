//! The lab for SQLite: a database file in a scratch directory, and another program's connection to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use rusqlite::types::{ToSqlOutput, ValueRef as Sql};
use rusqlite::{Connection, params_from_iter};
use syncline_core::store::Store;
use syncline_core::value::Value;

use crate::conformance::{Fixture, Lab, Pending, Traits, Types};
use crate::process::Scratch;

/// Opens the store under test on a database file.
pub type Open = fn(PathBuf) -> BoxFuture<'static, Arc<dyn Store>>;

/// One fresh SQLite database in WAL mode: with a rollback journal a snapshot keeps others from committing, and what
/// it must not see could not happen.
pub struct SqliteLab {
    directory: Scratch,
    open: Open,
}

impl SqliteLab {
    /// A lab with an empty database of its own.
    pub fn new(open: Open) -> Self {
        let lab = Self { directory: Scratch::new(), open };
        lab.other_program().pragma_update(None, "journal_mode", "wal").unwrap();
        lab
    }

    /// The lab as the suite's factory returns it.
    pub fn boxed(open: Open) -> Box<dyn Lab> {
        Box::new(Self::new(open))
    }

    /// The database file.
    pub fn path(&self) -> PathBuf {
        self.directory.join("lab.db")
    }

    fn other_program(&self) -> Connection {
        connect(&self.path())
    }
}

/// A connection as any other program has one: it waits for locks, and checks no foreign keys.
pub fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection
}

/// The rows of a query, exactly as stored.
pub fn query(connection: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = connection.prepare(sql).unwrap_or_else(|why| panic!("{sql}: {why}"));
    let width = statement.column_count();
    let rows = statement.query_map([], |row| (0..width).map(|at| Ok(value(row.get_ref(at)?))).collect()).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Inserts rows with values for all columns, in one transaction.
pub fn insert(connection: &mut Connection, table: &str, rows: &[Vec<Value>]) {
    let transaction = connection.transaction().unwrap();
    for row in rows {
        let places = vec!["?"; row.len()].join(", ");
        let sql = format!("INSERT INTO \"{table}\" VALUES ({places})");
        let mut statement = transaction.prepare_cached(&sql).unwrap();
        statement.execute(params_from_iter(row.iter().map(parameter))).unwrap_or_else(|why| panic!("{table}: {why}"));
    }
    transaction.commit().unwrap();
}

/// A transaction that is open as long as its connection is.
struct Uncommitted(Connection);

#[async_trait]
impl Pending for Uncommitted {
    async fn commit(self: Box<Self>) {
        self.0.execute_batch("COMMIT").unwrap();
    }
}

#[async_trait]
impl Lab for SqliteLab {
    async fn open(&self) -> Arc<dyn Store> {
        (self.open)(self.path()).await
    }

    async fn run_sql(&self, sql: &str) {
        let script = format!("BEGIN IMMEDIATE;\n{sql};\nCOMMIT;");
        self.other_program().execute_batch(&script).unwrap_or_else(|why| panic!("{sql}: {why}"));
    }

    async fn insert(&self, table: &str, rows: &[Vec<Value>]) {
        insert(&mut self.other_program(), table, rows);
    }

    async fn query(&self, sql: &str) -> Vec<Vec<Value>> {
        query(&self.other_program(), sql)
    }

    async fn hold_lock(&self) -> Box<dyn Send> {
        self.begin("").await
    }

    async fn begin(&self, sql: &str) -> Box<dyn Pending> {
        let connection = self.other_program();
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {sql}")).unwrap_or_else(|why| panic!("{sql}: {why}"));
        Box::new(Uncommitted(connection))
    }

    fn types(&self) -> Types {
        Types { int: "INTEGER", text: "TEXT", real: "REAL", bytes: "BLOB", short_bytes: "BLOB" }
    }

    fn traits(&self) -> Traits {
        Traits {
            one_writer: true,
            tells_positions: true,
            counts_given_numbers: true,
            constraints_are_indexes: false,
            counts_from_rows: false,
            tells_copies_apart: true,
            silences_triggers: true,
            restores: true,
        }
    }

    fn sql(&self, fixture: Fixture) -> Option<String> {
        let sql = match fixture {
            Fixture::Objects => "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2",
            Fixture::OtherCollation => {
                "CREATE TABLE labels (label TEXT COLLATE NOCASE NOT NULL PRIMARY KEY, n INTEGER)"
            }
            Fixture::MixedKey => "CREATE TABLE mixed (k NOT NULL PRIMARY KEY, n INTEGER)",
            Fixture::NullableKey => "CREATE TABLE loose (k TEXT PRIMARY KEY, n INTEGER)",
            Fixture::Clustered => "CREATE TABLE clustered (code TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID",
            Fixture::Audit => AUDIT,
            Fixture::Tickets => "CREATE TABLE tickets (id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER)",
            Fixture::ImplicitReference => {
                "CREATE TABLE shipments (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders)"
            }
            Fixture::SeatNumbers => "SELECT rowid, code, seat, note FROM seats ORDER BY rowid",
            Fixture::SampleTypes => return None,
        };
        Some(sql.to_owned())
    }

    fn sample_values(&self) -> Vec<(&'static str, Vec<Value>)> {
        let ints = [0, 1, -1, 127, -32_768, 1 << 47, i64::MAX, i64::MIN].map(Value::Int);
        let reals = [0.0, -0.0, 0.1, 5e-324, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, 9_007_199_254_740_992.0, 3.0];
        let reals = reals.map(Value::Real);
        let texts =
            [&b""[..], b"a\0b", b"\0", b"\xff\xfe", b"\xf0\x9f\x98", b"12", b"1e5", b" x ", "Z\u{fc}rich".as_bytes()];
        let texts = texts.map(|text| Value::Text(text.to_vec()));
        let bytes = [&b""[..], b"\0", b"text", &[0xff; 300]].map(|bytes| Value::Bytes(bytes.to_vec()));
        let all = [&ints[..], &reals, &texts, &bytes, &[Value::Null]].concat();
        let fractions = [0.1, 5e-324, f64::MAX, f64::INFINITY, f64::NEG_INFINITY].map(Value::Real);
        vec![
            ("", all),
            ("BLOB", [&texts[..], &bytes].concat()),
            ("TEXT", [&texts[..], &bytes].concat()),
            ("INTEGER", [&ints[..], &fractions, &bytes].concat()),
            ("REAL", fractions.iter().chain(&bytes).cloned().chain([Value::Real(3.0), Value::Null]).collect()),
            ("NUMERIC", [&ints[..], &fractions, &bytes].concat()),
        ]
    }
}

/// BEFORE and AFTER both, so that neither kind can fire unseen.
const AUDIT: &str = "\
CREATE TABLE audited (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE audit (what TEXT);
CREATE TRIGGER audited_insert_before BEFORE INSERT ON audited BEGIN INSERT INTO audit VALUES ('before insert'); END;
CREATE TRIGGER audited_insert AFTER INSERT ON audited BEGIN INSERT INTO audit VALUES ('insert'); END;
CREATE TRIGGER audited_update_before BEFORE UPDATE ON audited BEGIN INSERT INTO audit VALUES ('before update'); END;
CREATE TRIGGER audited_update AFTER UPDATE ON audited BEGIN INSERT INTO audit VALUES ('update'); END;
CREATE TRIGGER audited_delete_before BEFORE DELETE ON audited BEGIN INSERT INTO audit VALUES ('before delete'); END;
CREATE TRIGGER audited_delete AFTER DELETE ON audited BEGIN INSERT INTO audit VALUES ('delete'); END";

fn value(cell: Sql<'_>) -> Value {
    match cell {
        Sql::Null => Value::Null,
        Sql::Integer(value) => Value::Int(value),
        Sql::Real(value) => Value::Real(value),
        Sql::Text(bytes) => Value::Text(bytes.to_vec()),
        Sql::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

fn parameter(value: &Value) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match value {
        Value::Null => Sql::Null,
        Value::Int(value) => Sql::Integer(*value),
        Value::Real(value) => Sql::Real(*value),
        Value::Text(bytes) => Sql::Text(bytes),
        Value::Bytes(bytes) => Sql::Blob(bytes),
        other => panic!("SQLite has no value like {other:?}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab() -> SqliteLab {
        SqliteLab::new(|_| Box::pin(async { panic!("no store is opened here") }))
    }

    #[tokio::test]
    async fn sample_values_are_held_unchanged() {
        let lab = lab();
        for (at, (column, values)) in lab.sample_values().into_iter().enumerate() {
            lab.run_sql(&format!("CREATE TABLE kind_{at} (id INTEGER PRIMARY KEY, v {column})")).await;
            let rows: Vec<_> = values.into_iter().zip(0..).map(|(value, id)| vec![Value::Int(id), value]).collect();
            lab.insert(&format!("kind_{at}"), &rows).await;
            assert_eq!(lab.query(&format!("SELECT id, v FROM kind_{at} ORDER BY id")).await, rows, "{column}");
        }
    }

    #[tokio::test]
    async fn fixtures_are_statements_that_sqlite_takes() {
        let lab = lab();
        lab.run_sql(&lab.types().fill(crate::fixtures::ORDERS)).await;
        lab.insert("orders", &crate::fixtures::orders(1, 100)).await;
        use Fixture::{Audit, Clustered, ImplicitReference, MixedKey, NullableKey, OtherCollation, Tickets};
        for fixture in [Audit, Clustered, ImplicitReference, MixedKey, NullableKey, OtherCollation, Tickets] {
            lab.run_sql(&lab.sql(fixture).unwrap()).await;
        }
        lab.run_sql("INSERT INTO audited VALUES (1, 1); UPDATE audited SET n = 2; DELETE FROM audited").await;
        assert_eq!(lab.query("SELECT count(*) FROM audit").await, [[Value::Int(6)]]);
        assert_eq!(lab.query("SELECT count(*) FROM orders").await, [[Value::Int(100)]]);
        assert!(!lab.query(&lab.sql(Fixture::Objects).unwrap()).await.is_empty());
    }

    #[tokio::test]
    async fn a_held_lock_keeps_others_from_writing_until_it_is_dropped() {
        let lab = lab();
        lab.run_sql("CREATE TABLE t (a)").await;
        let lock = lab.hold_lock().await;
        let other = lab.other_program();
        other.busy_timeout(Duration::ZERO).unwrap();
        assert!(other.execute_batch("INSERT INTO t VALUES (1)").is_err());
        drop(lock);
        lab.run_sql("INSERT INTO t VALUES (1)").await;
    }
}
