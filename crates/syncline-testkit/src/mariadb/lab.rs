//! The lab for MariaDB and MySQL: a database of its own on the server that all tests share, and another program's
//! connection.

mod cells;
mod objects;

use std::sync::Arc;
use std::thread;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Row};
use syncline_core::store::Store;
use syncline_core::value::Value;

use self::cells::Declared;
use super::place::Place;
use super::{Database, Server, samples};
use crate::conformance::{Fixture, Lab, Pending, Traits, Types};

/// Opens the store under test on a database.
pub type Open = for<'a> fn(&'a Database<'static>) -> BoxFuture<'a, Arc<dyn Store>>;

/// One fresh database of MariaDB or MySQL. Its texts are in the order of their bytes, unless a column says otherwise.
pub struct MariadbLab {
    /// There until the lab goes.
    database: Option<Database<'static>>,
    open: Open,
}

impl Drop for MariadbLab {
    /// On a thread of its own: a database goes only once the transactions that have looked at it have ended, and the
    /// suite's own task may be in the middle of one.
    fn drop(&mut self) {
        let database = self.database.take();
        thread::spawn(move || drop(database));
    }
}

impl MariadbLab {
    /// A lab with an empty database of its own.
    pub fn new(open: Open) -> Self {
        let server = Server::shared();
        // By bytes, a space at the end too.
        let collation = if server.is_mariadb() { "utf8mb4_nopad_bin" } else { "utf8mb4_0900_bin" };
        let database = server.database_with(&format!("CHARACTER SET utf8mb4 COLLATE {collation}"));
        Self { database: Some(database), open }
    }

    /// The lab as the suite's factory returns it.
    pub fn boxed(open: Open) -> Box<dyn Lab> {
        Box::new(Self::new(open))
    }

    /// The database.
    pub fn database(&self) -> &Database<'static> {
        self.database.as_ref().expect("BUG: a lab without its database")
    }

    async fn other_program(&self) -> Conn {
        let (database, server) = (self.database(), self.database().server());
        let (user, password) = server.superuser();
        let opts = OptsBuilder::default().user(Some(user)).db_name(Some(database.name())).init(SETTINGS.to_vec());
        let opts = match &server.place {
            // What a check does to passwords is no matter to it.
            Place::Private(_) => opts.socket(Some(server.socket().display().to_string())),
            Place::Elsewhere(_) => {
                opts.ip_or_hostname(server.host()).tcp_port(server.port()).pass(Some(password)).prefer_socket(false)
            }
        };
        Conn::new(opts).await.unwrap()
    }
}

/// The suite's statements are standard SQL. What a value is read as depends on these, too. Others' locks are waited for as
/// long as an application would.
const SETTINGS: [&str; 3] = [
    "SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,\
     ALLOW_INVALID_DATES'",
    "SET time_zone = '+00:00'",
    "SET innodb_lock_wait_timeout = 20, lock_wait_timeout = 20",
];

async fn run(conn: &mut Conn, sql: &str) {
    conn.query_drop(sql).await.unwrap_or_else(|why| panic!("{sql}: {why}"));
}

/// What stands behind the last statement is none.
fn statements(sql: &str) -> &str {
    sql.trim_end().trim_end_matches(';')
}

/// A transaction that is open as long as its connection is.
struct Uncommitted(Conn);

#[async_trait]
impl Pending for Uncommitted {
    async fn commit(self: Box<Self>) {
        let Self(mut conn) = *self;
        run(&mut conn, "COMMIT").await;
        conn.disconnect().await.unwrap();
    }
}

#[async_trait]
impl Lab for MariadbLab {
    async fn open(&self) -> Arc<dyn Store> {
        (self.open)(self.database()).await
    }

    async fn run_sql(&self, sql: &str) {
        let mut conn = self.other_program().await;
        // One transaction, up to a statement that changes the schema: that commits.
        run(&mut conn, &format!("START TRANSACTION; {}; COMMIT", statements(sql))).await;
        conn.disconnect().await.unwrap();
    }

    async fn insert(&self, table: &str, rows: &[Vec<Value>]) {
        let mut conn = self.other_program().await;
        run(&mut conn, "SET foreign_key_checks = 0; START TRANSACTION").await;
        cells::insert(&mut conn, table, rows).await;
        run(&mut conn, "COMMIT").await;
        conn.disconnect().await.unwrap();
    }

    async fn query(&self, sql: &str) -> Vec<Vec<Value>> {
        let mut conn = self.other_program().await;
        let statement = conn.prep(sql).await.unwrap_or_else(|why| panic!("{sql}: {why}"));
        let rows: Vec<Row> = conn.exec(&statement, ()).await.unwrap_or_else(|why| panic!("{sql}: {why}"));
        let columns = statement.columns();
        let mut declared = Vec::new();
        for column in &*columns {
            declared.push(Declared::of(&mut conn, column).await);
        }
        conn.disconnect().await.unwrap();
        let row = |row: Row| {
            let cells = row.unwrap().into_iter().zip(&*columns).zip(&declared);
            cells.map(|((cell, column), declared)| cells::value(cell, column, declared)).collect()
        };
        rows.into_iter().map(row).collect()
    }

    async fn hold_lock(&self) -> Box<dyn Send> {
        let mut conn = self.other_program().await;
        let sql = "SELECT table_name FROM information_schema.tables \
             WHERE table_schema = database() AND table_type = 'BASE TABLE'";
        let tables: Vec<String> = conn.query(sql).await.unwrap();
        run(&mut conn, "START TRANSACTION").await;
        for table in tables {
            // Every row, and the places between and behind them. Whoever would write waits; readers do not.
            run(&mut conn, &format!("SELECT * FROM {} FOR UPDATE", cells::identifier(&table))).await;
        }
        Box::new(conn)
    }

    async fn begin(&self, sql: &str) -> Box<dyn Pending> {
        let mut conn = self.other_program().await;
        run(&mut conn, &format!("START TRANSACTION; {}", statements(sql))).await;
        Box::new(Uncommitted(conn))
    }

    fn types(&self) -> Types {
        Types { int: "bigint", text: "varchar(255)", real: "double", bytes: "longblob", short_bytes: "varbinary(255)" }
    }

    fn traits(&self) -> Traits {
        Traits {
            one_writer: false,
            tells_positions: false,
            counts_given_numbers: false,
            constraints_are_indexes: true,
            counts_from_rows: true,
            tells_copies_apart: false,
            silences_triggers: false,
            restores: true,
        }
    }

    fn sql(&self, fixture: Fixture) -> Option<String> {
        let sql = match fixture {
            Fixture::Objects => return Some(objects::query(self.database().server().is_mariadb())),
            Fixture::OtherCollation => {
                "CREATE TABLE labels (label varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci \
                 NOT NULL PRIMARY KEY, n bigint)"
            }
            Fixture::Audit => AUDIT,
            Fixture::Tickets => "CREATE TABLE tickets (id bigint AUTO_INCREMENT PRIMARY KEY, n bigint)",
            // Every table is stored by its key, and none has row numbers.
            Fixture::Clustered => "CREATE TABLE clustered (code varchar(255) PRIMARY KEY, n bigint)",
            // A column has one type, a key no NULL, a reference its columns, and a row no number that it keeps.
            Fixture::MixedKey
            | Fixture::NullableKey
            | Fixture::ImplicitReference
            | Fixture::SeatNumbers
            | Fixture::SampleTypes => return None,
        };
        Some(sql.to_owned())
    }

    fn sample_values(&self) -> Vec<(&'static str, Vec<Value>)> {
        let samples = samples::samples(self.database().server().is_mariadb()).into_iter();
        let values =
            |cells: Vec<(String, Value)>| cells.into_iter().map(|(_, value)| value).chain([Value::Null]).collect();
        samples.map(|sample| (sample.column, values(sample.cells))).collect()
    }

    fn can_be_key(&self, column: &str) -> bool {
        // Of all others a part at most.
        !["text", "blob", "geometry", "linestring"].iter().any(|long| column.contains(long))
    }
}

/// BEFORE and AFTER both, so that neither kind can fire unseen.
const AUDIT: &str = "\
CREATE TABLE audited (id bigint PRIMARY KEY, n bigint);
CREATE TABLE audit (what text);
CREATE TRIGGER audited_insert_before BEFORE INSERT ON audited FOR EACH ROW INSERT INTO audit VALUES ('before insert');
CREATE TRIGGER audited_insert AFTER INSERT ON audited FOR EACH ROW INSERT INTO audit VALUES ('insert');
CREATE TRIGGER audited_update_before BEFORE UPDATE ON audited FOR EACH ROW INSERT INTO audit VALUES ('before update');
CREATE TRIGGER audited_update AFTER UPDATE ON audited FOR EACH ROW INSERT INTO audit VALUES ('update');
CREATE TRIGGER audited_delete_before BEFORE DELETE ON audited FOR EACH ROW INSERT INTO audit VALUES ('before delete');
CREATE TRIGGER audited_delete AFTER DELETE ON audited FOR EACH ROW INSERT INTO audit VALUES ('delete')";

#[cfg(test)]
mod tests;
