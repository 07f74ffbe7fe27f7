//! What SQLite keeps beside the cells, and what keeps it from attaching a file.

use std::sync::Arc;

use syncline_core::checkpoint::Checkpoint;
use syncline_core::schema::SchemaStep;
use syncline_core::store::Store;
use syncline_core::value::Value;

use super::desk::{Desk, int, task_of};

/// Takes `table` over from one desk's database into the other's, and commits.
async fn adopt(source: &Desk, target: &Desk, table: &str) -> Option<u64> {
    let mut view = source.store().await.snapshot().await.unwrap();
    let task = task_of(&mut view, table).await;
    let store = target.store().await;
    let mut writer = store.writer().await.unwrap();
    let mut tx = writer.begin().await.unwrap();
    tx.define(&[SchemaStep::CreateTable(Arc::clone(&task.table))]).await.unwrap();
    let adopted = tx.adopt(&task.table, &*view.shared().unwrap()).await.unwrap();
    tx.commit(&Checkpoint { run: "r_1".to_owned(), batch: 1 }).await.unwrap();
    adopted
}

#[tokio::test]
async fn row_numbers_and_sequences_come_along() {
    let source = Desk::with(
        "CREATE TABLE plain (a TEXT PRIMARY KEY);
         INSERT INTO plain (rowid, a) VALUES (7, 'seven'), (3, 'three');
         CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, a UNIQUE);
         INSERT INTO counted VALUES (41, 'x'), (90, 'y'); DELETE FROM counted WHERE id = 90;",
    );
    let target = Desk::with("");
    assert_eq!(adopt(&source, &target, "plain").await, Some(2));
    assert_eq!(adopt(&source, &target, "counted").await, Some(1));
    assert_eq!(
        target.query("SELECT rowid, a FROM plain ORDER BY 1"),
        [[int(3), Value::text("three")], [int(7), Value::text("seven")]]
    );
    assert_eq!(target.query("SELECT id FROM counted WHERE a = 'x'"), [[int(41)]]);
    assert_eq!(target.query("SELECT seq FROM sqlite_sequence"), [[int(41)]], "as the rows have made it");
    assert_eq!(target.query("PRAGMA integrity_check"), [[Value::text("ok")]]);
}

#[tokio::test]
async fn names_and_cells_are_anything() {
    let name = "o'\"rders; --";
    let quoted = "\"o'\"\"rders; --\"";
    let source = Desk::with(&format!(
        "CREATE TABLE {quoted} (\"k\"\"ey\" PRIMARY KEY, v INTEGER) WITHOUT ROWID;
         INSERT INTO {quoted} VALUES (1, 'text in a number column'), (x'00ff', -0.0), ('a', NULL), (1.5, 9223372036854775807);"
    ));
    let target = Desk::with("");
    assert_eq!(adopt(&source, &target, name).await, Some(4));
    let all = format!("SELECT * FROM {quoted}");
    assert_eq!(target.query(&all), source.query(&all));
}

#[tokio::test]
async fn text_in_another_encoding_is_left_to_loading() {
    let source =
        Desk::with("PRAGMA encoding = 'UTF-16'; CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
    let target = Desk::with("CREATE TABLE other (a)");
    assert_eq!(adopt(&source, &target, "t").await, None);
    assert_eq!(target.query("SELECT count(*) FROM t"), [[int(0)]]);
}

#[tokio::test]
async fn a_file_that_took_the_place_of_the_source_is_not_taken_for_it() {
    let source = Desk::with("CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
    let target = Desk::with("");
    let mut view = source.store().await.snapshot().await.unwrap();
    let task = task_of(&mut view, "t").await;
    std::fs::rename(source.path(), source.file("moved.db")).unwrap();
    source.other().execute_batch("CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (666)").unwrap();
    let store = target.store().await;
    let mut writer = store.writer().await.unwrap();
    let mut tx = writer.begin().await.unwrap();
    tx.define(&[SchemaStep::CreateTable(Arc::clone(&task.table))]).await.unwrap();
    assert_eq!(tx.adopt(&task.table, &*view.shared().unwrap()).await.unwrap(), None);
}
