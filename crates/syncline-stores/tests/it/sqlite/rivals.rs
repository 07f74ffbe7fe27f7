//! Rows in the way of others, in whatever SQLite makes values unique by.

use syncline_core::store::Store;
use syncline_core::value::{Value, exact};

use super::desk::{Desk, batch, int, task, text};

/// The keys of rows in the way of these, as integers.
async fn rivals(desk: &Desk, rows: &[Vec<Value>]) -> Vec<Vec<Vec<Value>>> {
    let task = task(desk.schema().await.table("t").unwrap());
    let store = desk.store().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let before = desk.query("SELECT * FROM t");
    let rivals = transaction.rivals(&task, &batch(rows)).await.unwrap();
    assert_eq!(transaction.rivals(&task, &batch(rows)).await.unwrap(), rivals, "asking changes nothing");
    transaction.commit(&syncline_core::checkpoint::Checkpoint { run: "run".to_owned(), batch: 1 }).await.unwrap();
    assert_eq!(desk.query("SELECT * FROM t"), before);
    rivals.iter().map(|keys| keys.iter().map(|key| exact::decode_owned(key).unwrap()).collect()).collect()
}

#[tokio::test]
async fn conditions_expressions_and_collations_count() {
    let desk = Desk::with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, a, b, UNIQUE (name));
         CREATE UNIQUE INDEX sum ON t (a + b); CREATE UNIQUE INDEX live ON t (b) WHERE a > 10;
         INSERT INTO t VALUES (1, 'Ann', 1, 2), (2, 'Bob', 11, 5), (3, 'Cid', NULL, 5)",
    );
    let row = |id, name: &str, a, b| vec![int(id), text(name), int(a), int(b)];
    let rows = [
        row(9, "ANN", 100, 100),
        row(9, "x", 3, 0),
        row(9, "x", 12, 5),
        row(9, "x", 2, 5),
        row(9, "ann", 12, 5),
        row(2, "bob", 11, 5),
        row(2, "cid", 1, 2),
    ];
    let one = |id| vec![vec![int(id)]];
    let found = rivals(&desk, &rows).await;
    assert_eq!(found[..4], [one(1), one(1), one(2), vec![]]);
    let mut both = found[4..].to_vec();
    both.iter_mut().for_each(|keys| keys.sort_by_key(|key| format!("{key:?}")));
    assert_eq!(both, [[one(1), one(2)].concat(), vec![], [one(1), one(3)].concat()]);
}

#[tokio::test]
async fn clauses_of_the_table_and_its_triggers_do_nothing() {
    let desk = Desk::with(
        "CREATE TABLE t (id TEXT PRIMARY KEY, u UNIQUE ON CONFLICT REPLACE, w UNIQUE ON CONFLICT IGNORE) WITHOUT ROWID;
         CREATE TABLE log (id); CREATE TRIGGER x AFTER DELETE ON t BEGIN INSERT INTO log VALUES (old.id); END;
         CREATE TRIGGER y AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (old.id); END;
         INSERT INTO t VALUES ('a', 1, 1), ('b', 2, 2)",
    );
    let rows = [vec![text("c"), int(1), int(9)], vec![text("b"), int(3), int(1)]];
    assert_eq!(rivals(&desk, &rows).await, [[[text("a")]], [[text("a")]]]);
    assert_eq!(desk.query("SELECT * FROM log"), [] as [Vec<Value>; 0]);
}
