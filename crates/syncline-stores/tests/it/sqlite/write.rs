//! What only SQLite's transactions have to fear: hostile definitions, conflict clauses, row numbers, half-done work.

use std::sync::Arc;
use std::time::Duration;

use syncline_core::change::{
    Applied, ApplyMode, ChangeBatch, DeleteBatch, Expectation, PutBatch, Reason, RowDigest, TableTask,
};
use syncline_core::checkpoint::Checkpoint;
use syncline_core::error::Code;
use syncline_core::schema::{Index, SchemaStep, TableSchema};
use syncline_core::store::Store;
use syncline_core::value::{Value, exact};

use super::desk::{Desk, batch, int, task, text};

fn mark(batch: u64) -> Checkpoint {
    Checkpoint { run: "run".to_owned(), batch }
}

fn digest(row: &[Value]) -> RowDigest {
    RowDigest(exact::digest_row(row.iter().map(Value::as_ref), &mut Vec::new()))
}

fn put(rows: &[(Vec<Value>, Option<Vec<Value>>)]) -> ChangeBatch {
    let expectation =
        |seen: &Option<Vec<Value>>| seen.as_ref().map_or(Expectation::Absent, |row| Expectation::Digest(digest(row)));
    let expectations = rows.iter().map(|(_, seen)| expectation(seen)).collect();
    let rows: Vec<_> = rows.iter().map(|(row, _)| row.clone()).collect();
    ChangeBatch::Put(PutBatch { rows: batch(&rows), expectations, ..PutBatch::default() })
}

async fn the_task(desk: &Desk, table: &str) -> TableTask {
    task(desk.schema().await.table(table).unwrap())
}

/// What became of a batch, or why its only row was refused.
async fn apply(desk: &Desk, change: &ChangeBatch) -> Result<Applied, Reason> {
    let task = the_task(desk, "t").await;
    let store = desk.store().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let applied = transaction.apply(&task, change.clone(), ApplyMode::InPlace).await.unwrap();
    transaction.commit(&mark(1)).await.unwrap();
    writer.forget("run").await.unwrap();
    applied.refused.first().map_or(Ok(applied.clone()), |refusal| Err(refusal.reason))
}

#[tokio::test]
async fn conflict_clauses_of_the_table_neither_remove_nor_drop_rows() {
    for clause in ["REPLACE", "IGNORE", "FAIL", "ROLLBACK"] {
        let desk = Desk::with(&format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY ON CONFLICT {clause}, a UNIQUE ON CONFLICT {clause},
                             b NOT NULL ON CONFLICT {clause} DEFAULT 'default');
             INSERT INTO t VALUES (1, 'x', 'b'), (2, 'y', 'b')"
        ));
        let before = desk.query("SELECT * FROM t");
        let taken = put(&[(vec![int(3), text("x"), text("b")], None)]);
        assert_eq!(apply(&desk, &taken).await.unwrap_err(), Reason::Unique, "{clause}");
        let seen = vec![int(2), text("y"), text("b")];
        let taken = put(&[(vec![int(2), text("x"), text("b")], Some(seen))]);
        assert_eq!(apply(&desk, &taken).await.unwrap_err(), Reason::Unique, "{clause}");
        let null = put(&[(vec![int(3), text("z"), Value::Null], None)]);
        assert_eq!(apply(&desk, &null).await.unwrap_err(), Reason::NotNull, "{clause}");
        assert_eq!(desk.query("SELECT * FROM t"), before, "{clause}");
    }
}

#[tokio::test]
async fn refusals_carry_the_words_of_the_database() {
    let desk = Desk::with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a CONSTRAINT positive CHECK (a > 0) UNIQUE); INSERT INTO t VALUES (1, 1)",
    );
    let task = the_task(&desk, "t").await;
    let store = desk.store().await;
    let mut writer = store.writer().await.unwrap();
    for (row, reason, words) in [
        (vec![int(2), int(-1)], Reason::Check, "CHECK constraint failed: positive"),
        (vec![int(2), int(1)], Reason::Unique, "UNIQUE constraint failed: t.a"),
        (vec![text("x"), int(9)], Reason::Type, "datatype mismatch"),
    ] {
        let mut transaction = writer.begin().await.unwrap();
        let applied = transaction.apply(&task, put(&[(row, None)]), ApplyMode::InPlace).await.unwrap();
        assert_eq!((applied.refused[0].reason, applied.refused[0].words.as_str()), (reason, words));
    }
}

#[tokio::test]
async fn what_sqlite_would_change_is_refused_by_both_lanes() {
    let desk = Desk::with("CREATE TABLE t (a INTEGER, k TEXT, u UNIQUE CHECK (u > 0), PRIMARY KEY (k, a))");
    let task = the_task(&desk, "t").await;
    let store = desk.store().await;
    let mut writer = store.writer().await.unwrap();
    let nan = vec![int(3), text("k"), Value::Real(f64::NAN)];
    let mut transaction = writer.begin().await.unwrap();
    let applied = transaction.apply(&task, put(&[(nan.clone(), None)]), ApplyMode::InPlace).await.unwrap();
    let loaded = transaction.load(&task, batch(&[nan])).await.unwrap();
    for refusal in applied.refused.iter().chain(&loaded) {
        assert_eq!((refusal.reason, refusal.words.as_str()), (Reason::Type, "SQLite would store NaN as NULL"));
    }
    assert_eq!((applied.refused.len(), loaded.len()), (1, 1));
}

#[tokio::test]
async fn a_key_that_is_equal_but_not_the_same_is_rewritten() {
    let desk = Desk::with("CREATE TABLE t (k PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x'), (2, 'y')");
    let changes = put(&[
        (vec![Value::Real(1.0), text("x")], Some(vec![int(1), text("x")])),
        (vec![int(2), text("z")], Some(vec![int(2), text("y")])),
    ]);
    assert_eq!(apply(&desk, &changes).await.unwrap().updated, 2);
    assert_eq!(desk.query("SELECT k, a FROM t ORDER BY k"), [[Value::Real(1.0), text("x")], [int(2), text("z")]]);
}

#[tokio::test]
async fn a_row_that_differs_only_in_the_case_of_its_key_is_another_row() {
    let desk = Desk::with(
        "CREATE TABLE t (a TEXT COLLATE NOCASE, b INT, n, PRIMARY KEY (a, b)); INSERT INTO t VALUES ('a', 1, 'old')",
    );
    let seen = vec![text("a"), int(1), text("old")];
    let other = put(&[(vec![text("A"), int(1), text("new")], Some(seen.clone()))]);
    let applied = apply(&desk, &other).await.unwrap();
    assert_eq!((applied.written(), applied.moved.len()), (0, 1));
    let insert = put(&[(vec![text("A"), int(1), text("new")], None)]);
    assert_eq!(apply(&desk, &insert).await.unwrap_err(), Reason::Unique);
    let same = put(&[(vec![text("a"), int(1), text("new")], Some(seen))]);
    assert_eq!(apply(&desk, &same).await.unwrap().updated, 1);
    assert_eq!(desk.query("SELECT * FROM t"), [[text("a"), int(1), text("new")]]);
}

#[tokio::test]
async fn generated_columns_follow_what_is_written() {
    let desk = Desk::with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b AS (a * 2) STORED, c AS (a * 3)); INSERT INTO t VALUES (1, 1)",
    );
    let changes = put(&[(vec![int(1), int(5)], Some(vec![int(1), int(1)])), (vec![int(2), int(7)], None)]);
    let applied = apply(&desk, &changes).await.unwrap();
    assert_eq!((applied.updated, applied.inserted), (1, 1));
    assert_eq!(desk.query("SELECT * FROM t"), [[1, 5, 10, 15].map(int), [2, 7, 14, 21].map(int)]);
}

#[tokio::test]
async fn an_exchange_keeps_row_numbers_and_new_rows_stay_clear_of_them() {
    let desk = Desk::with(
        "CREATE TABLE t (k TEXT PRIMARY KEY, u UNIQUE);
         INSERT INTO t (rowid, k, u) VALUES (3, 'a', 1), (7, 'b', 2), (9, 'c', 3), (12, 'gone', 9)",
    );
    let task = the_task(&desk, "t").await;
    let gone = [text("gone"), int(9)];
    let digest = RowDigest(exact::digest_row(gone.iter().map(Value::as_ref), &mut Vec::new()));
    let keys = batch(&[vec![text("gone")]]);
    let leaves = ChangeBatch::Delete(DeleteBatch { keys, expectations: vec![digest], left: Vec::new() });
    let first = put(&[
        (vec![text("new"), int(4)], None),
        (vec![text("a"), int(2)], Some(vec![text("a"), int(1)])),
        (vec![text("moved"), int(5)], Some(vec![text("moved"), int(6)])),
    ]);
    let second = put(&[
        (vec![text("b"), int(3)], Some(vec![text("b"), int(2)])),
        (vec![text("c"), int(1)], Some(vec![text("c"), int(3)])),
    ]);
    let store = desk.store().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let mut images = 0;
    for change in [&first, &second] {
        let applied = transaction.apply(&task, change.clone(), ApplyMode::Displace).await.unwrap();
        assert_eq!(applied.written(), 0);
        images += applied.images.len();
    }
    assert_eq!(transaction.apply(&task, leaves, ApplyMode::Displace).await.unwrap().deleted, 1);
    let mut total = Applied::default();
    for change in [&first, &second] {
        let applied = transaction.apply(&task, change.clone(), ApplyMode::Place).await.unwrap();
        total.inserted += applied.inserted;
        total.updated += applied.updated;
        images += applied.images.len();
        assert!(applied.moved.is_empty());
    }
    assert_eq!((total.inserted, total.updated, images), (1, 3, 4));
    transaction.commit(&mark(1)).await.unwrap();
    let rows = desk.query("SELECT rowid, k, u FROM t ORDER BY rowid");
    // The number of the row that went stays free: undo gives it back.
    let expected =
        [(3, "a", 2), (7, "b", 3), (9, "c", 1), (13, "new", 4)].map(|(n, k, u)| vec![int(n), text(k), int(u)]);
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn a_place_that_was_given_away_does_not_keep_a_row_out() {
    let desk = Desk::with("CREATE TABLE t (k TEXT PRIMARY KEY); INSERT INTO t (rowid, k) VALUES (5, 'a')");
    let rows = batch(&[vec![text("b")], vec![text("c")]]);
    let places = vec![Some(5), Some(2)];
    let change =
        ChangeBatch::Put(PutBatch { rows, expectations: vec![Expectation::Absent; 2], places, keys: Vec::new() });
    assert_eq!(apply(&desk, &change).await.unwrap().inserted, 2);
    let numbers = desk.query("SELECT rowid, k FROM t ORDER BY rowid");
    assert_eq!(numbers, [[int(2), text("c")], [int(5), text("a")], [int(6), text("b")]]);
}

#[tokio::test]
async fn deletes_of_rows_with_every_kind_of_key() {
    for definition in
        ["k INTEGER PRIMARY KEY, n", "k TEXT COLLATE NOCASE PRIMARY KEY, n", "k PRIMARY KEY, rowid, oid, _rowid_"]
    {
        let desk = Desk::with(&format!("CREATE TABLE t ({definition}); INSERT INTO t (k) VALUES (1), (2), (3)"));
        let task = the_task(&desk, "t").await;
        let store = desk.store().await;
        let rows = super::desk::scan(&mut store.snapshot().await.unwrap(), &task).await;
        let key = vec![rows[1][0].clone()];
        let delete = ChangeBatch::Delete(DeleteBatch {
            keys: batch(&[key]),
            expectations: vec![digest(&rows[1])],
            left: Vec::new(),
        });
        assert_eq!(apply(&desk, &delete).await.unwrap().deleted, 1, "{definition}");
        assert_eq!(desk.query("SELECT count(*) FROM t"), [[int(2)]]);
    }
}

fn table_like(name: &str, definition: &str) -> SchemaStep {
    SchemaStep::CreateTable(Arc::new(TableSchema {
        name: name.to_owned(),
        definition: definition.to_owned(),
        ..TableSchema::default()
    }))
}

fn index_like(table: &str, name: &str, definition: &str) -> SchemaStep {
    let (name, definition) = (name.to_owned(), definition.to_owned());
    let index = Index { name, unique: false, columns: Vec::new(), partial: false, definition };
    SchemaStep::CreateIndex { table: table.to_owned(), index }
}

#[tokio::test]
async fn a_definition_that_does_anything_else_is_refused() {
    let desk = Desk::with("CREATE TABLE victim (a); INSERT INTO victim VALUES ('here')");
    let attach = format!("ATTACH '{}' AS other", desk.file("stolen.db").display());
    let steps = [
        table_like("t", "DROP TABLE victim"),
        table_like("t", "DELETE FROM victim"),
        table_like("t", "CREATE TABLE t (a); DROP TABLE victim"),
        table_like("t", "CREATE TABLE t AS SELECT a FROM victim"),
        table_like("t", "CREATE TABLE other (a)"),
        table_like("t", "CREATE TEMP TABLE t (a)"),
        table_like("t", "CREATE TABLE temp.t (a)"),
        table_like("t", "CREATE VIEW t AS SELECT 1"),
        table_like("t", "CREATE VIRTUAL TABLE t USING fts5 (a)"),
        table_like("t", "CREATE TRIGGER t AFTER INSERT ON victim BEGIN DELETE FROM victim; END"),
        table_like("t", "PRAGMA writable_schema = ON"),
        table_like("t", "ALTER TABLE victim RENAME TO t"),
        table_like("t", "INSERT INTO sqlite_master VALUES ('table', 't', 't', 0, 'x')"),
        table_like("t", "UPDATE sqlite_master SET name = 't'"),
        table_like("t", "COMMIT"),
        table_like("t", "SAVEPOINT t"),
        table_like("t", "VACUUM INTO 'stolen.db'"),
        table_like("t", "REINDEX"),
        table_like("t", "SELECT load_extension('x')"),
        table_like("victim", "CREATE TABLE IF NOT EXISTS victim (a)"),
        table_like("Victim", "CREATE TABLE IF NOT EXISTS Victim (a)"),
        table_like("victim", "REINDEX"),
        table_like("t", &attach),
        table_like("t", ""),
        table_like("t", "-- nothing"),
        index_like("victim", "i", "CREATE INDEX other ON victim (a)"),
        index_like("other", "i", "CREATE INDEX i ON victim (a)"),
        index_like("victim", "i", "CREATE INDEX i ON victim (a); DROP TABLE victim"),
        index_like("victim", "i", "CREATE TABLE i (a)"),
        index_like("victim", "i", "DROP TABLE victim"),
    ];
    let store = desk.store().await;
    let mut writer = store.writer().await.unwrap();
    let objects = desk.query("SELECT * FROM sqlite_schema");
    for step in &steps {
        let mut transaction = writer.begin().await.unwrap();
        let error = transaction.define(std::slice::from_ref(step)).await.err().unwrap_or_else(|| panic!("{step:?}"));
        assert_eq!(error.code(), Code::StoreFailed, "{step:?}");
        drop(transaction);
        // Whatever the definition did, the next one is carried out in a transaction of its own.
        let mut transaction = writer.begin().await.unwrap();
        transaction.define(&[table_like("fine", "CREATE TABLE fine (a)")]).await.unwrap();
    }
    drop(writer);
    // Closing waits for the last rollback, which removes the journal.
    drop(store);
    assert_eq!(desk.query("SELECT * FROM sqlite_schema"), objects);
    assert_eq!(desk.query("SELECT a FROM victim"), [[text("here")]]);
    assert_eq!(desk.files(), ["desk.db"]);
}

#[tokio::test]
async fn definitions_of_every_kind_are_carried_out() {
    let desk = Desk::with("CREATE TABLE victim (a)");
    let store = desk.store().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let steps = [
        table_like(
            "t",
            "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a UNIQUE CHECK (length(a) > 0), b AS (a || 'x'))",
        ),
        table_like("w", "CREATE TABLE \"w\" (a TEXT PRIMARY KEY, b REFERENCES t) WITHOUT ROWID"),
        index_like("t", "expr", "CREATE UNIQUE INDEX expr ON t (lower(a), b) WHERE a IS NOT NULL"),
        index_like("T", "desc", "CREATE INDEX [desc] ON T (a COLLATE NOCASE DESC)"),
        SchemaStep::DropTable("victim".to_owned()),
    ];
    transaction.define(&steps).await.unwrap();
    transaction.commit(&mark(1)).await.unwrap();
    writer.forget("run").await.unwrap();
    drop(writer);
    let names = desk.query("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name");
    assert_eq!(names, ["desc", "expr", "t", "w"].map(|name| vec![text(name)]));
}

#[tokio::test]
async fn dropped_work_leaves_nothing_and_no_lock() {
    let desk = Desk::with("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let task = the_task(&desk, "t").await;
    let store = desk.store().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(&task, batch(&[vec![int(1)]])).await.unwrap();
    drop(transaction);

    // A future dropped before it is done: the transaction it may have begun is gone when the next one begins.
    let rows: Vec<_> = (0..50_000).map(|id| vec![int(id)]).collect();
    let rows = batch(&rows);
    for _ in 0..5 {
        let work = async {
            let mut transaction = writer.begin().await.unwrap();
            transaction.load(&task, rows.clone()).await.unwrap();
            std::future::pending::<()>().await;
        };
        assert!(tokio::time::timeout(Duration::from_millis(3), work).await.is_err());
    }
    let begin = futures_util::FutureExt::now_or_never(writer.begin());
    assert!(begin.is_none_or(|begun| begun.is_ok()));
    writer.begin().await.unwrap().commit(&mark(1)).await.unwrap();
    writer.forget("run").await.unwrap();
    desk.other().execute_batch("INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(desk.query("SELECT count(*) FROM t"), [[int(1)]]);
}

#[tokio::test]
async fn a_view_of_a_database_with_a_rollback_journal_holds_up_a_commit_and_nothing_is_lost() {
    let desk = Desk::with("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let task = the_task(&desk, "t").await;
    let store = desk.store().await;
    let snapshot = store.snapshot().await.unwrap();
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(&task, batch(&[vec![int(1)]])).await.unwrap();
    assert_eq!(transaction.commit(&mark(1)).await.unwrap_err().code(), Code::StoreLocked);
    assert!(writer.checkpoints().await.unwrap().is_empty());
    drop(snapshot);
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(&task, batch(&[vec![int(1)]])).await.unwrap();
    transaction.commit(&mark(1)).await.unwrap();
    assert_eq!(desk.query("SELECT id FROM t"), [[int(1)]]);
}

#[tokio::test]
async fn checkpoints_come_and_go_with_their_runs() {
    let desk = Desk::with("CREATE TABLE t (a)");
    let store = desk.store().await;
    let mut writer = store.writer().await.unwrap();
    assert!(writer.checkpoints().await.unwrap().is_empty());
    for (run, batch) in [("new", 1), ("old", 1), ("old", 2), ("new", 2)] {
        let transaction = writer.begin().await.unwrap();
        transaction.commit(&Checkpoint { run: run.to_owned(), batch }).await.unwrap();
    }
    let seen: Vec<_> = writer.checkpoints().await.unwrap().into_iter().map(|it| (it.run, it.batch)).collect();
    assert_eq!(seen, [("old".to_owned(), 2), ("new".to_owned(), 2)]);
    for run in ["old", "old", "nobody", "new", "new"] {
        writer.forget(run).await.unwrap();
    }
    assert_eq!(desk.query("SELECT name FROM sqlite_schema"), [[text("t")]]);
}

#[tokio::test]
async fn orphans_are_those_that_sqlite_itself_would_report() {
    let desk = Desk::with(
        "CREATE TABLE words (w TEXT COLLATE NOCASE PRIMARY KEY); INSERT INTO words VALUES ('One'), ('5');
         CREATE TABLE numbers (n INTEGER PRIMARY KEY); INSERT INTO numbers VALUES (5);
         CREATE TABLE t (id INTEGER PRIMARY KEY, word REFERENCES words, number TEXT REFERENCES numbers, gone REFERENCES nowhere);
         INSERT INTO t VALUES (1, 'ONE', '5', NULL), (2, 5, '05', NULL), (3, 'two', 'x', NULL), (4, NULL, NULL, NULL),
                              (5, '05', '5.5', 1), (6, 5.0, '6', NULL), (7, x'35', '7', NULL)",
    );
    let mut expected = desk.query("SELECT rowid, fkid FROM pragma_foreign_key_check('t') ORDER BY fkid, rowid");
    let task = the_task(&desk, "t").await;
    let store = desk.store().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    // SQLite numbers references from the last to the first.
    let mut found = Vec::new();
    for (key, id) in task.table.foreign_keys.iter().rev().zip(0..) {
        let orphans = transaction.orphans(&task, key, None, 10).await.unwrap();
        let all: Vec<_> = (1..=7).map(|id| vec![int(id)]).collect();
        let by_key = transaction.orphans(&task, key, Some(&batch(&all)), 10).await.unwrap();
        assert_eq!(orphans.count, by_key.count);
        assert_eq!(orphans.keys.len() as u64, orphans.count);
        found.extend(super::desk::rows_of([&orphans.keys]).into_iter().map(|row| vec![row[0].clone(), int(id)]));
    }
    expected.sort_by_key(|row| format!("{row:?}"));
    found.sort_by_key(|row| format!("{row:?}"));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn sequences_are_read_and_put_back() {
    let desk = Desk::with("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a); CREATE TABLE p (a)");
    let task = the_task(&desk, "t").await;
    let store = desk.store().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    assert_eq!(transaction.sequence("t").await.unwrap(), None);
    transaction.load(&task, batch(&[vec![int(41), int(0)]])).await.unwrap();
    assert_eq!(transaction.sequence("T").await.unwrap(), Some(41));
    assert_eq!(transaction.clear(&task).await.unwrap(), 1);
    transaction.restore_sequence("t", Some(7)).await.unwrap();
    assert_eq!(transaction.sequence("t").await.unwrap(), Some(7));
    transaction.restore_sequence("t", None).await.unwrap();
    transaction.restore_sequence("t", None).await.unwrap();
    assert_eq!(transaction.sequence("t").await.unwrap(), None);
    assert_eq!(transaction.sequence("p").await.unwrap(), None);
}

#[tokio::test]
async fn a_thousand_columns_are_written_and_updated() {
    let names: Vec<_> = (0..999).map(|at| format!("c{at}")).collect();
    let desk = Desk::with(&format!("CREATE TABLE t (id INTEGER PRIMARY KEY, {})", names.join(", ")));
    let row = |value: i64| -> Vec<Value> { (0..1_000).map(|at| int(if at == 0 { 1 } else { value })).collect() };
    assert_eq!(apply(&desk, &put(&[(row(1), None)])).await.unwrap().inserted, 1);
    assert_eq!(apply(&desk, &put(&[(row(2), Some(row(1)))])).await.unwrap().updated, 1);
    assert_eq!(desk.query("SELECT * FROM t"), [row(2)]);
}
