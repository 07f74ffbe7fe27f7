//! The lab for PostgreSQL: a database of its own on the server that all tests share, and another program's connection.

mod extremes;
mod objects;
mod text;

use std::sync::Arc;
use std::thread;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::future::BoxFuture;
use syncline_core::store::Store;
use syncline_core::value::Value;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::samples::USER_TYPES;
use super::{Database, SUPERUSER, fresh_database, samples};
use crate::conformance::{Fixture, Lab, Pending, Traits, Types};

/// Opens the store under test on a database.
pub type Open = for<'a> fn(&'a Database<'static>) -> BoxFuture<'a, Arc<dyn Store>>;

/// One fresh PostgreSQL database. It has the collation C.UTF-8, by which texts are in the order of their bytes.
pub struct PostgresLab {
    /// There until the lab goes.
    database: Option<Database<'static>>,
    open: Open,
}

impl Drop for PostgresLab {
    /// On a thread of its own: a database goes only once all sessions of the server have taken note, and the suite's own
    /// task may be in the middle of opening one.
    fn drop(&mut self) {
        let database = self.database.take();
        thread::spawn(move || drop(database));
    }
}

impl PostgresLab {
    /// A lab with an empty database of its own.
    pub fn new(open: Open) -> Self {
        Self { database: Some(fresh_database()), open }
    }

    /// The lab as the suite's factory returns it.
    pub fn boxed(open: Open) -> Box<dyn Lab> {
        Box::new(Self::new(open))
    }

    /// The database.
    pub fn database(&self) -> &Database<'static> {
        self.database.as_ref().expect("BUG: a lab without its database")
    }

    async fn other_program(&self) -> Client {
        let database = self.database();
        let cluster = database.cluster();
        let mut config = tokio_postgres::Config::new();
        config.host_path(cluster.socket()).port(cluster.port()).user(SUPERUSER).dbname(database.name());
        let (client, connection) = config.connect(NoTls).await.unwrap();
        // It ends once the client is dropped.
        tokio::spawn(connection);
        run(&client, SETTINGS).await;
        client
    }
}

/// What a type is printed as depends on these. Others' locks are waited for as long as an application would.
const SETTINGS: &str = "SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET timezone = 'UTC'; \
     SET extra_float_digits = 1; SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET xmloption = 'content'; \
     SET lock_timeout = '20s'";

async fn run(client: &Client, sql: &str) {
    client.batch_execute(sql).await.unwrap_or_else(|why| panic!("{sql}: {}", words(&why)));
}

/// The server's words: those of the driver say only that it has some.
fn words(why: &tokio_postgres::Error) -> String {
    why.as_db_error().map_or_else(|| why.to_string(), ToString::to_string)
}

/// What the server calls types, as a column's definition has it.
async fn type_names(client: &Client, types: &[(Type, i32)]) -> Vec<String> {
    let names: Vec<_> =
        types.iter().map(|(kind, modifier)| format!("format_type({}, {modifier})", kind.oid())).collect();
    // With its schema, unless it is the server's own.
    let sql = format!("BEGIN; SET LOCAL search_path = pg_catalog; SELECT {}; COMMIT", names.join(", "));
    let messages = client.simple_query(&sql).await.unwrap();
    let row = messages.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let row = row.unwrap();
    (0..types.len()).map(|at| row.get(at).unwrap().to_owned()).collect()
}

/// A transaction that is open as long as its connection is.
struct Uncommitted(Client);

#[async_trait]
impl Pending for Uncommitted {
    async fn commit(self: Box<Self>) {
        run(&self.0, "COMMIT").await;
    }
}

#[async_trait]
impl Lab for PostgresLab {
    async fn open(&self) -> Arc<dyn Store> {
        (self.open)(self.database()).await
    }

    async fn run_sql(&self, sql: &str) {
        // Statements sent together are one transaction.
        run(&self.other_program().await, sql).await;
    }

    async fn insert(&self, table: &str, rows: &[Vec<Value>]) {
        let client = self.other_program().await;
        // Neither triggers nor references, which are triggers here.
        run(&client, "SET session_replication_role = 'replica'").await;
        let copy = format!("COPY \"{table}\" FROM STDIN");
        let sink = client.copy_in(&copy).await.unwrap_or_else(|why| panic!("{copy}: {}", words(&why)));
        let mut sink = std::pin::pin!(sink);
        for row in rows {
            // The server may have said by now what it has against a row; it is told below.
            let _ = sink.send(Bytes::from(text::line(row))).await;
        }
        sink.finish().await.unwrap_or_else(|why| panic!("{table}: {}", words(&why)));
    }

    async fn query(&self, sql: &str) -> Vec<Vec<Value>> {
        let client = self.other_program().await;
        let statement = client.prepare(sql).await.unwrap_or_else(|why| panic!("{sql}: {}", words(&why)));
        let columns: Vec<_> = statement.columns().iter().map(|it| (it.type_().clone(), it.type_modifier())).collect();
        let names = type_names(&client, &columns).await;
        // As the server prints a cell.
        let messages = client.simple_query(sql).await.unwrap_or_else(|why| panic!("{sql}: {}", words(&why)));
        let cell = |at: usize, text: Option<&str>| text::value(text, &columns[at].0, &names[at]);
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => Some((0..columns.len()).map(|at| cell(at, row.get(at))).collect()),
            _ => None,
        };
        messages.into_iter().filter_map(row).collect()
    }

    async fn hold_lock(&self) -> Box<dyn Send> {
        let client = self.other_program().await;
        // Whoever would write waits; readers do not.
        let tables = "SELECT format('LOCK TABLE %s IN EXCLUSIVE MODE', string_agg(oid::regclass::text, ', ')) \
             FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')";
        let lock = client.query_one(tables, &[]).await.unwrap().get::<_, String>(0);
        run(&client, &format!("BEGIN; {lock}")).await;
        Box::new(client)
    }

    async fn begin(&self, sql: &str) -> Box<dyn Pending> {
        let client = self.other_program().await;
        run(&client, &format!("BEGIN; {sql}")).await;
        Box::new(Uncommitted(client))
    }

    fn types(&self) -> Types {
        Types { int: "bigint", text: "text", real: "double precision", bytes: "bytea", short_bytes: "bytea" }
    }

    fn traits(&self) -> Traits {
        Traits {
            one_writer: false,
            tells_positions: false,
            counts_given_numbers: false,
            constraints_are_indexes: false,
            counts_from_rows: false,
            tells_copies_apart: true,
            silences_triggers: true,
            restores: true,
        }
    }

    fn sql(&self, fixture: Fixture) -> Option<String> {
        let sql = match fixture {
            Fixture::Objects => objects::QUERY,
            Fixture::OtherCollation => OTHER_COLLATION,
            Fixture::Audit => AUDIT,
            Fixture::Tickets => {
                "CREATE TABLE tickets (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, n bigint)"
            }
            Fixture::ImplicitReference => {
                "CREATE TABLE shipments (id bigint PRIMARY KEY, order_id bigint REFERENCES orders)"
            }
            Fixture::SampleTypes => USER_TYPES,
            // A column has one type, a key no NULL, and a row no number that it keeps or could be given again.
            Fixture::MixedKey | Fixture::NullableKey | Fixture::Clustered | Fixture::SeatNumbers => return None,
        };
        Some(sql.to_owned())
    }

    fn sample_values(&self) -> Vec<(&'static str, Vec<Value>)> {
        let version = self.database().psql("SHOW server_version_num").trim().parse().unwrap();
        let samples = samples::samples().into_iter().map(|sample| {
            let values = sample.cells.into_iter().map(|(_, value)| value);
            (sample.column, values.chain([Value::Null]).collect())
        });
        // A value that is alone has no neighbour to change places with.
        let extremes = extremes::extremes(version).into_iter().map(|(column, mut values)| {
            values.push(Value::Null);
            (column, values)
        });
        samples.chain(extremes).collect()
    }
}

/// A rule by which texts are alike that differ in case only, and which knows no LIKE.
const OTHER_COLLATION: &str = "\
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE labels (label text COLLATE any_case NOT NULL PRIMARY KEY, n bigint)";

/// BEFORE and AFTER both, so that neither kind can fire unseen.
const AUDIT: &str = "\
CREATE TABLE audited (id bigint PRIMARY KEY, n bigint);
CREATE TABLE audit (what text);
CREATE FUNCTION audited_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO public.audit VALUES (lower(TG_WHEN || ' ' || TG_OP));
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audited_insert_before BEFORE INSERT ON audited FOR EACH ROW EXECUTE FUNCTION audited_note();
CREATE TRIGGER audited_insert AFTER INSERT ON audited FOR EACH ROW EXECUTE FUNCTION audited_note();
CREATE TRIGGER audited_update_before BEFORE UPDATE ON audited FOR EACH ROW EXECUTE FUNCTION audited_note();
CREATE TRIGGER audited_update AFTER UPDATE ON audited FOR EACH ROW EXECUTE FUNCTION audited_note();
CREATE TRIGGER audited_delete_before BEFORE DELETE ON audited FOR EACH ROW EXECUTE FUNCTION audited_note();
CREATE TRIGGER audited_delete AFTER DELETE ON audited FOR EACH ROW EXECUTE FUNCTION audited_note()";

#[cfg(test)]
mod tests;
