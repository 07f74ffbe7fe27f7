//! Writing to a real server, beside others who write to it.

mod disturbed;
mod given;
mod refused;
mod rights;
mod sizes;

use std::sync::Arc;

use syncline_core::change::{
    Applied, ApplyMode, ChangeBatch, DeleteBatch, Expectation, Mapped, PutBatch, Refusal, RowDigest, TableTask,
};
use syncline_core::checkpoint::Checkpoint;
use syncline_core::error::Result;
use syncline_core::schema::{Column, ForeignKey, Generated, Key, TableSchema};
use syncline_core::store::{Store, Transaction, Writer};
use syncline_core::value::{Forms, Kind, RowBatch, Value, exact};
use syncline_stores::postgres::{ConnectOptions, PostgresStore};
use syncline_stores::server::Password;
use syncline_testkit::postgres::{Database, fresh_database};

const INT: Kind = Kind::Int { bits: 64 };
const TEXT: Kind = Kind::Text { max_chars: None, padded: false };

/// A database of the test's own, and a store that writes to it.
struct Desk {
    database: Database<'static>,
    store: PostgresStore,
}

impl Desk {
    async fn new(script: &str) -> Self {
        let database = fresh_database();
        database.psql(script);
        let store = PostgresStore::open(options(&database), None, true).await.unwrap();
        Self { database, store }
    }

    /// As a role of its own without any rights but those that `script` gives to `$role`.
    async fn of_role(script: &str) -> Self {
        let database = fresh_database();
        let role = format!("role_of_{}", database.name());
        database.psql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'pw'; GRANT CREATE ON SCHEMA public TO {role};"));
        database.psql(&script.replace("$role", &role));
        let user = ConnectOptions { user: role, password: Some(Password::new("pw")), ..options(&database) };
        let store = PostgresStore::open(user, None, true).await.unwrap();
        Self { database, store }
    }

    async fn writer(&self) -> Box<dyn Writer> {
        self.store.writer().await.unwrap()
    }

    /// Cells of a query without their NULLs, rows on lines.
    fn shown(&self, query: &str) -> String {
        self.database.psql(query).trim_end().to_owned()
    }
}

fn options(database: &Database<'_>) -> ConnectOptions {
    ConnectOptions { database: database.name().to_owned(), ..super::options(database.cluster()) }
}

/// A task for all of these columns, of which the first is the key.
fn task(table: &str, columns: &[(&str, Kind)]) -> TableTask {
    let column = |(name, kind): &(&str, Kind)| Column {
        name: (*name).to_owned(),
        declared_type: String::new(),
        kind: kind.clone(),
        nullable: true,
        default: None,
        collation: String::new(),
        generated: Generated::No,
        expression: None,
    };
    let table = TableSchema {
        name: table.to_owned(),
        engine: "postgres",
        columns: columns.iter().map(column).collect(),
        key: Some(Key { columns: vec![0], is_rowid: false, collations: Vec::new() }),
        ..TableSchema::default()
    };
    TableTask {
        columns: (0..columns.len()).collect(),
        key: vec![0],
        table: Arc::new(table),
        mapped: Mapped::default(),
        forms: Forms::default(),
    }
}

fn batch(width: usize, rows: &[Vec<Value>]) -> RowBatch {
    let mut batch = RowBatch::new(width);
    rows.iter().for_each(|row| batch.push_row(row.iter().map(Value::as_ref)).unwrap());
    batch
}

fn digest(row: &[Value]) -> RowDigest {
    RowDigest(exact::digest_row(row.iter().map(Value::as_ref), &mut Vec::new()))
}

fn put(rows: &[Vec<Value>], expectations: Vec<Expectation>) -> ChangeBatch {
    let width = rows.first().map_or(1, Vec::len);
    ChangeBatch::Put(PutBatch { rows: batch(width, rows), expectations, ..PutBatch::default() })
}

fn inserts(rows: &[Vec<Value>]) -> ChangeBatch {
    put(rows, vec![Expectation::Absent; rows.len()])
}

fn updates(old: &[Vec<Value>], new: &[Vec<Value>]) -> ChangeBatch {
    put(new, old.iter().map(|row| Expectation::Digest(digest(row))).collect())
}

fn deletes(rows: &[Vec<Value>]) -> ChangeBatch {
    let keys: Vec<_> = rows.iter().map(|row| row[..1].to_vec()).collect();
    let expectations = rows.iter().map(|row| digest(row)).collect();
    ChangeBatch::Delete(DeleteBatch { keys: batch(1, &keys), expectations, left: Vec::new() })
}

async fn commit(transaction: Box<dyn Transaction + '_>) -> Result<()> {
    transaction.commit(&Checkpoint { run: "test".to_owned(), batch: 1 }).await
}

/// One batch in a transaction of its own.
async fn write(desk: &Desk, task: &TableTask, batch: ChangeBatch) -> Applied {
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let applied = transaction.apply(task, batch, ApplyMode::InPlace).await.unwrap();
    commit(transaction).await.unwrap();
    writer.forget("test").await.unwrap();
    applied
}

/// One load in a transaction of its own.
async fn load(desk: &Desk, task: &TableTask, rows: &[Vec<Value>]) -> Vec<Refusal> {
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let refused = transaction.load(task, batch(task.columns.len(), rows)).await.unwrap();
    commit(transaction).await.unwrap();
    writer.forget("test").await.unwrap();
    refused
}

fn reference(to: &str) -> ForeignKey {
    ForeignKey {
        columns: vec!["p".to_owned()],
        parent: to.to_owned(),
        parent_columns: vec!["id".to_owned()],
        on_delete: "NO ACTION".to_owned(),
        on_update: "NO ACTION".to_owned(),
    }
}

fn ints(rows: impl IntoIterator<Item = [i64; 2]>) -> Vec<Vec<Value>> {
    rows.into_iter().map(|row| row.into_iter().map(Value::Int).collect()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_behind() {
    let desk = Desk::new("CREATE TABLE t (id int8 PRIMARY KEY, n int8)").await;
    let task = task("t", &[("id", INT), ("n", INT)]);
    let objects = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1";
    let before = desk.shown(objects);
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let applied = transaction.apply(&task, inserts(&ints([[1, 1], [2, 2]])), ApplyMode::InPlace).await.unwrap();
    assert_eq!(applied.inserted, 2);
    commit(transaction).await.unwrap();
    assert_eq!(writer.checkpoints().await.unwrap().len(), 1);
    assert_ne!(desk.shown(objects), before, "the checkpoint");
    writer.forget("test").await.unwrap();
    assert_eq!(desk.shown(objects), before);
    assert!(desk.store.writer().await.is_err_and(|error| error.code().name() == "STORE_LOCKED"), "one at a time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_durable_whatever_the_server_says() {
    let desk = Desk::new("CREATE TABLE t (id int8 PRIMARY KEY, n int8)").await;
    desk.database.psql(&format!("ALTER DATABASE {} SET synchronous_commit = off", desk.database.name()));
    desk.database.psql(
        "CREATE TABLE seen (how text); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO public.seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$; \
         CREATE FUNCTION probe(int8) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO public.seen VALUES (current_setting('synchronous_commit')); RETURN true; END $$; \
         ALTER TABLE t ADD CHECK (public.probe(n))",
    );
    let desk = Desk { store: PostgresStore::open(options(&desk.database), None, true).await.unwrap(), ..desk };
    write(&desk, &task("t", &[("id", INT), ("n", INT)]), inserts(&ints([[1, 1]]))).await;
    assert_eq!(desk.shown("SELECT DISTINCT how FROM seen"), "on");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_are_given_out_begin_behind_those_that_rows_bring() {
    let desk = Desk::new(
        "CREATE TABLE a (id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int8); \
         CREATE TABLE s (id serial8 PRIMARY KEY, n int8); \
         CREATE TABLE d (id int8 GENERATED BY DEFAULT AS IDENTITY (INCREMENT BY -1) PRIMARY KEY, n int8)",
    )
    .await;
    for (table, new) in [("a", "43"), ("s", "43"), ("d", "-8")] {
        let task = task(table, &[("id", INT), ("n", INT)]);
        assert!(load(&desk, &task, &ints([[42, 1], [-7, 2]])).await.is_empty());
        let given = desk.shown(&format!("INSERT INTO {table} (n) VALUES (3) RETURNING id"));
        assert_eq!(given.lines().next(), Some(new), "{table}");
        let mut writer = desk.writer().await;
        let mut transaction = writer.begin().await.unwrap();
        let here = new.parse().unwrap();
        assert_eq!(transaction.sequence(table).await.unwrap(), Some(here));
        transaction.restore_sequence(table, None).await.unwrap();
        assert_eq!(transaction.sequence(table).await.unwrap(), None);
        drop(transaction);
        let mut transaction = writer.begin().await.unwrap();
        assert_eq!(transaction.sequence(table).await.unwrap(), Some(here), "undone with its transaction");
        transaction.restore_sequence(table, Some(here * 2)).await.unwrap();
        commit(transaction).await.unwrap();
        let next = here * 2 + if here > 0 { 1 } else { -1 };
        let given = desk.shown(&format!("INSERT INTO {table} (n) VALUES (4) RETURNING id"));
        assert_eq!(given.lines().next(), Some(&*next.to_string()), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_hold_what_was_stored_whatever_was_sent() {
    let desk = Desk::new(
        "CREATE TABLE t (id int8 PRIMARY KEY, price numeric(10, 2), doc jsonb, net inet, code char(4), few int4[], \
         kept text DEFAULT 'k')",
    )
    .await;
    let other = |type_name: &str| Kind::Other { type_name: type_name.to_owned() };
    let mut task = task(
        "t",
        &[
            ("id", INT),
            ("price", Kind::Decimal { limit: Some((10, 2)) }),
            ("doc", Kind::Json { normalised: true }),
            ("net", other("inet")),
            ("code", Kind::Text { max_chars: Some(4), padded: true }),
            ("few", other("integer[]")),
            ("kept", TEXT),
        ],
    );
    let row = |id, price: &str, doc: &str, few: &str| -> Vec<Value> {
        vec![
            Value::Int(id),
            Value::Decimal(price.to_owned()),
            Value::Json(doc.to_owned()),
            Value::text("10.0.0.1"),
            Value::text("ab"),
            Value::text(few),
        ]
    };
    let stored = |id, price: &str, doc: &str, few: &str| -> Vec<Value> {
        let other =
            |type_name: &str, text: &str| Value::Other { type_name: type_name.to_owned(), text: text.to_owned() };
        vec![
            Value::Int(id),
            Value::Decimal(price.to_owned()),
            Value::Json(doc.to_owned()),
            other("inet", "10.0.0.1"),
            Value::text("ab  "),
            other("integer[]", few),
            Value::text("k"),
        ]
    };
    task.columns.pop();
    task.mapped.kept = vec![6];
    let first = write(&desk, &task, inserts(&[row(1, "1.5", r#"{"b": 1, "a": 2}"#, "{1,2}")])).await;
    assert_eq!(first.inserted, 1);
    let old = stored(1, "1.50", r#"{"a": 2, "b": 1}"#, "{1,2}");
    assert_eq!(first.images[0].after, Some(digest(&old)));
    let new = [row(1, "2", "[1,2]", "{}")];
    let second = write(&desk, &task, put(&new, vec![Expectation::Digest(digest(&old[..6]))])).await;
    assert_eq!((second.updated, second.moved.len()), (1, 0));
    assert_eq!(exact::decode_owned(second.images[0].before.as_ref().unwrap()).unwrap(), old);
    let expected = stored(1, "2.00", "[1, 2]", "{}");
    assert_eq!(second.images[0].after, Some(digest(&expected)));
    assert_eq!(desk.shown("SELECT * FROM t"), "1|2.00|[1, 2]|10.0.0.1|ab  |{}|k");
}
