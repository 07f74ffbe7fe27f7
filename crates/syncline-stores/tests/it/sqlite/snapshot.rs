//! Views: what they see, where they stand, and how rows are found in them.

use futures_util::StreamExt;
use syncline_core::checkpoint::Checkpoint;
use syncline_core::limits;
use syncline_core::schema::SchemaStep;
use syncline_core::store::{Position, Store};
use syncline_core::value::Value;
use syncline_stores::SqliteStore;

use super::desk::{Desk, batch, fetch, int, scan, task_of, text};

const MANY: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, a);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) INSERT INTO t SELECT i, i FROM n";

#[tokio::test]
async fn a_stream_dropped_early_frees_the_view_for_the_next_call() {
    let desk = Desk::with(MANY);
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let task = task_of(&mut snapshot, "t").await;
    for _ in 0..20 {
        let mut stream = snapshot.scan(&task).await.unwrap();
        let first = stream.next().await.unwrap().unwrap();
        assert_eq!(first.len(), limits::STREAM_ROWS);
    }
    drop(snapshot.scan(&task).await.unwrap());
    assert_eq!(snapshot.count(&task).await.unwrap(), 20_000);
    assert_eq!(scan(&mut snapshot, &task).await.len(), 20_000);
}

#[tokio::test]
async fn wide_rows_close_a_batch_early() {
    let desk = Desk::with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20) INSERT INTO t SELECT i, zeroblob(1000000) FROM n",
    );
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let task = task_of(&mut snapshot, "t").await;
    let batches: Vec<_> = snapshot.scan(&task).await.unwrap().map(Result::unwrap).collect().await;
    assert_eq!(batches.iter().map(|batch| batch.len()).collect::<Vec<_>>(), [5, 5, 5, 5]);
}

#[tokio::test]
async fn keys_are_found_by_value_and_only_when_they_are_the_same_key() {
    let desk = Desk::with(
        "CREATE TABLE t (k PRIMARY KEY, n); INSERT INTO t VALUES (1, 'i'), ('1', 't'), (x'31', 'b'), (2.5, 'r')",
    );
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let task = task_of(&mut snapshot, "t").await;
    let keys = [Value::Real(2.5), Value::Real(1.0), text("1"), int(3), Value::Bytes(b"1".to_vec()), Value::Null];
    let keys = batch(&keys.map(|key| vec![key]));
    let found: Vec<_> = fetch(&mut snapshot, &task, &keys).await.into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(found, ["r", "i", "t", "b"].map(text));
}

#[tokio::test]
async fn a_key_condition_uses_the_index_whatever_its_collation() {
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000)
                INSERT INTO t SELECT 'k' || i, i FROM n";
    let desk = Desk::with(&format!("CREATE TABLE t (k TEXT, n, PRIMARY KEY (k COLLATE NOCASE)); {rows}"));
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let task = task_of(&mut snapshot, "t").await;
    let keys: Vec<_> = (1..=50_000).map(|at| vec![text(&format!("k{at}"))]).collect();
    // Without the index this reads 2,500 million rows.
    assert_eq!(fetch(&mut snapshot, &task, &batch(&keys)).await.len(), 50_000);
}

#[tokio::test]
async fn columns_named_like_the_row_number_do_not_hide_rows() {
    for columns in ["rowid", "rowid, _rowid_", "rowid TEXT, oid, _ROWID_", "\"RowId\", OID"] {
        let desk = Desk::with(&format!("CREATE TABLE t (k NOT NULL UNIQUE, {columns})"));
        desk.other().execute_batch("INSERT INTO t (k, rowid) VALUES (1, 7), (2, 7)").unwrap();
        let store = desk.store().await;
        let mut snapshot = store.snapshot().await.unwrap();
        let task = task_of(&mut snapshot, "t").await;
        assert_eq!(scan(&mut snapshot, &task).await.len(), 2, "{columns}");
    }
}

async fn position(store: &SqliteStore) -> Position {
    store.snapshot().await.unwrap().position().await.unwrap()
}

#[tokio::test]
async fn positions_differ_after_commits_of_others_and_not_after_our_own() {
    for mode in ["DELETE", "WAL"] {
        let desk = Desk::with(&format!("PRAGMA journal_mode = {mode}; CREATE TABLE t (a)"));
        let store = desk.store().await;
        let first = position(&store).await;
        assert_eq!(position(&store).await, first, "{mode}");

        let mut writer = store.writer().await.unwrap();
        for batch in 1..=3 {
            let transaction = writer.begin().await.unwrap();
            transaction.commit(&Checkpoint { run: "r".to_owned(), batch }).await.unwrap();
        }
        writer.forget("r").await.unwrap();
        assert_eq!(position(&store).await, first, "{mode}: our own commits count");
        let mut transaction = writer.begin().await.unwrap();
        transaction.define(&[SchemaStep::DropTable("t".to_owned())]).await.unwrap();
        drop(transaction);
        assert_eq!(position(&store).await, first, "{mode}: our own rollback counts");

        let mut seen = vec![first];
        for _ in 0..3 {
            desk.other().execute_batch("INSERT INTO t VALUES (1)").unwrap();
            let now = position(&store).await;
            assert!(!seen.contains(&now), "{mode}: a commit of another program went unnoticed");
            seen.push(now);
        }
        // A commit of ours in between hides none of theirs.
        let transaction = writer.begin().await.unwrap();
        transaction.commit(&Checkpoint { run: "r".to_owned(), batch: 4 }).await.unwrap();
        desk.other().execute_batch("INSERT INTO t VALUES (1)").unwrap();
        writer.forget("r").await.unwrap();
        assert!(!seen.contains(&position(&store).await), "{mode}");
        drop(writer);
        assert_ne!(position(&desk.store().await).await, position(&store).await, "{mode}: two stores share a position");
    }
}

#[tokio::test]
async fn a_view_does_not_see_what_comes_after_it() {
    let desk =
        Desk::with("PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    desk.other().execute_batch("INSERT INTO t VALUES (2); CREATE TABLE later (a)").unwrap();
    let schema = snapshot.schema().await.unwrap();
    assert!(schema.table("later").is_none());
    let task = task_of(&mut snapshot, "t").await;
    assert_eq!(scan(&mut snapshot, &task).await, [[int(1)]]);
}
