//! Cells and names of every kind, there and back.

use syncline_core::change::{ApplyMode, ChangeBatch, Expectation, PutBatch, Reason};
use syncline_core::checkpoint::Checkpoint;
use syncline_core::schema::SchemaStep;
use syncline_core::store::Store;
use syncline_core::value::Value;

use super::desk::{Desk, batch, int, scan, task_of, text};

fn cells() -> Vec<Value> {
    vec![
        Value::Null,
        int(i64::MIN),
        int(i64::MAX),
        int(0),
        Value::Real(0.1),
        Value::Real(f64::INFINITY),
        Value::Real(f64::NEG_INFINITY),
        Value::Real(f64::MIN_POSITIVE),
        text(""),
        text("abc"),
        text("a\0b"),
        text("\u{1f600}'\"\n"),
        Value::Text(vec![0xff, 0xfe, 0x00, 0x80]),
        Value::Bytes(Vec::new()),
        Value::Bytes(vec![0, 1, 255]),
    ]
}

/// Loads and applies the rows into a copy of the table in another database, and reads them back on both ways.
async fn carry(definition: &str, rows: &[Vec<Value>]) {
    let source = Desk::with(definition);
    let target = Desk::with("");
    let from = source.store().await;
    let schema = from.snapshot().await.unwrap().schema().await.unwrap();
    let table = schema.tables[0].clone();
    let name = table.name.clone();
    for is_load in [true, false] {
        let to = target.store().await;
        let mut writer = to.writer().await.unwrap();
        let mut transaction = writer.begin().await.unwrap();
        transaction.define(&[SchemaStep::CreateTable(table.clone())]).await.unwrap();
        let task = super::desk::task(&table);
        if is_load {
            transaction.load(&task, batch(rows)).await.unwrap();
        } else {
            let expectations = vec![Expectation::Absent; rows.len()];
            let put = ChangeBatch::Put(PutBatch { rows: batch(rows), expectations, ..PutBatch::default() });
            let applied = transaction.apply(&task, put.clone(), ApplyMode::InPlace).await.unwrap();
            assert_eq!((applied.inserted, applied.moved.len()), (rows.len() as u64, 0));
        }
        transaction.commit(&Checkpoint { run: "r".to_owned(), batch: 1 }).await.unwrap();
        writer.forget("r").await.unwrap();

        let mut snapshot = to.snapshot().await.unwrap();
        let task = task_of(&mut snapshot, &name).await;
        let mut read = scan(&mut snapshot, &task).await;
        let order = |row: &Vec<Value>| syncline_core::value::exact::encode_row(row.iter().map(Value::as_ref));
        read.sort_by_key(order);
        let mut expected = rows.to_vec();
        expected.sort_by_key(order);
        assert_eq!(read, expected, "{definition}");
        drop(snapshot);

        let mut transaction = writer.begin().await.unwrap();
        transaction.define(&[SchemaStep::DropTable(name.clone())]).await.unwrap();
        transaction.commit(&Checkpoint { run: "r".to_owned(), batch: 1 }).await.unwrap();
        writer.forget("r").await.unwrap();
    }
}

#[tokio::test]
async fn every_cell_is_what_it_was() {
    let numbered: Vec<_> = cells().into_iter().zip(1..).map(|(cell, id)| vec![int(id), cell]).collect();
    for definition in [
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a BLOB)",
        "CREATE TABLE t (id INT PRIMARY KEY NOT NULL, a) WITHOUT ROWID",
        "CREATE TABLE t (id TEXT NOT NULL UNIQUE, a ANY) STRICT",
    ] {
        let rows: Vec<_> = if definition.contains("TEXT") {
            numbered.iter().zip(1..).map(|(row, id)| vec![text(&format!("{id}")), row[1].clone()]).collect()
        } else {
            numbered.clone()
        };
        carry(definition, &rows).await;
    }
}

#[tokio::test]
async fn what_a_column_does_not_convert_it_keeps() {
    let integer = [text("abc"), text("12abc"), Value::Bytes(b"12".to_vec()), Value::Real(1.5), int(7), Value::Null];
    let rows: Vec<_> = integer.iter().cloned().zip(1..).map(|(cell, id)| vec![int(id), cell]).collect();
    carry("CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER)", &rows).await;
    carry("CREATE TABLE t (id INTEGER PRIMARY KEY, a NUMERIC)", &rows).await;
    let texts = [text("1"), text("1.0"), text("1e5"), Value::Bytes(b"12".to_vec()), Value::Null];
    let rows: Vec<_> = texts.iter().cloned().zip(1..).map(|(cell, id)| vec![int(id), cell]).collect();
    carry("CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR(1))", &rows).await;
}

#[tokio::test]
async fn hostile_names_are_only_names() {
    let long = "x".repeat(1_000);
    let names = [
        "select",
        "a\"b",
        "a'b; DROP TABLE t; --",
        "line\nbreak",
        "\u{1f600}",
        " ",
        "[x]",
        "`x`",
        "ROWID",
        "a.b",
        &long,
    ];
    for name in names {
        let quoted = name.replace('"', "\"\"");
        let definition =
            format!("CREATE TABLE \"{quoted}\" (\"{quoted}\" INTEGER PRIMARY KEY, \"{quoted}2\" TEXT UNIQUE)");
        carry(&definition, &[vec![int(1), text("a")], vec![int(2), text("b")]]).await;
    }
}

#[tokio::test]
async fn definitions_in_every_kind_of_quotes_are_created_again() {
    for definition in [
        "CREATE TABLE [t] ([id] INTEGER PRIMARY KEY, `a` CHECK (\"a\" <> 'x'))",
        "CREATE TABLE `t` (id INTEGER PRIMARY KEY AUTOINCREMENT, a DEFAULT (abs(-1)))",
        "CREATE TABLE 't' (id INTEGER PRIMARY KEY, a, b AS (a + id) STORED, c AS (b) VIRTUAL, UNIQUE (a, b))",
        "CREATE TABLE t (id INTEGER, a COLLATE NOCASE REFERENCES t (id), PRIMARY KEY (id)) STRICT, WITHOUT ROWID",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a CHECK (a <> \"no column, so a string\"))",
    ] {
        // STRICT wants types.
        let definition = if definition.contains("STRICT") {
            definition.replace("a COLLATE", "a INT COLLATE")
        } else {
            definition.to_owned()
        };
        carry(&definition, &[vec![int(1), int(1)], vec![int(2), int(1)]]).await;
    }
}

#[tokio::test]
async fn text_that_utf16_would_change_is_refused() {
    let desk = Desk::with("PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let task = task_of(&mut snapshot, "t").await;
    drop(snapshot);
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let fine = batch(&[vec![int(1), text("\u{ffff}\u{feff}a\0\u{1d4b3}")]]);
    transaction.load(&task, fine.clone()).await.unwrap();
    let broken = batch(&[vec![int(2), Value::Text(vec![0xff])]]);
    assert_eq!(transaction.load(&task, broken).await.unwrap()[0].reason, Reason::Type);
    transaction.commit(&Checkpoint { run: "r".to_owned(), batch: 1 }).await.unwrap();
    let mut snapshot = store.snapshot().await.unwrap();
    assert_eq!(scan(&mut snapshot, &task).await, [[int(1), text("\u{ffff}\u{feff}a\0\u{1d4b3}")]]);
}

#[tokio::test]
async fn nan_is_refused_because_sqlite_would_store_null() {
    let desk = Desk::with("CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
    let store = desk.store().await;
    let task = super::desk::task(desk.schema().await.table("t").unwrap());
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let refused = transaction.load(&task, batch(&[vec![int(1), Value::Real(f64::NAN)]])).await.unwrap();
    assert_eq!(refused[0].reason, Reason::Type);
}
