//! Change tracking: whatever is written, and however, the log names every row that is not what it was.

mod defects;
mod worlds;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt;
use rusqlite::Connection;
use syncline_core::change::TableTask;
use syncline_core::error::Code;
use syncline_core::store::{Consumer, LogPosition, Store, Tracking, Window};
use syncline_core::value::{RowBatch, Value, ValueRef};

use super::desk::{Desk, int, owned, task, text};

/// The rows of a table by their keys, as another program sees them.
type Rows = BTreeMap<String, Vec<Value>>;

/// Keys as text, which tells them apart as the log is to tell them apart.
fn named<'v>(cells: impl Iterator<Item = ValueRef<'v>>) -> String {
    format!("{:?}", cells.collect::<Vec<_>>())
}

fn rows(conn: &Connection, task: &TableTask) -> Rows {
    let columns: Vec<_> = task.column_names().map(|name| format!("\"{name}\"")).collect();
    let sql = format!("SELECT {} FROM \"{}\"", columns.join(", "), task.table.name);
    let mut statement = conn.prepare(&sql).unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        let cells: Vec<Value> = (0..task.columns.len()).map(|at| owned(row.get_ref(at).unwrap())).collect();
        Ok((named(task.key.iter().map(|at| cells[*at].as_ref())), cells))
    };
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

/// The keys whose rows are not what they were.
fn changed(before: &Rows, after: &Rows) -> BTreeSet<String> {
    before.keys().chain(after.keys()).filter(|key| before.get(*key) != after.get(*key)).cloned().collect()
}

/// Where the log of a table ends.
async fn end(store: &dyn Store, table: &str) -> LogPosition {
    let logs = store.snapshot().await.unwrap().logs().await.unwrap().unwrap();
    assert_eq!(logs.defects, BTreeMap::new());
    logs.ends[table].clone()
}

/// The touched keys, each with whether a row has it.
async fn touched(store: &dyn Store, task: &TableTask, since: &LogPosition) -> BTreeMap<String, bool> {
    let mut view = store.snapshot().await.unwrap();
    match view.window(task, since).await.unwrap() {
        Window::Empty => return BTreeMap::new(),
        Window::Entries { count, .. } => assert!(count > 0),
        Window::Cut(why) => panic!("{why}"),
    }
    let batches: Vec<_> = view.touched(task, since).await.unwrap().try_collect().await.unwrap();
    let mut touched = BTreeMap::new();
    for batch in batches {
        for (key, digest) in batch.keys.rows().zip(&batch.digests) {
            assert_eq!(touched.insert(named(key.iter()), digest.is_some()), None, "a key came twice");
        }
    }
    touched
}

/// Tables with everything by which one row can take away another.
const SHOP: &str = "
    CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, a, b, UNIQUE (name));
    CREATE UNIQUE INDEX sum ON t (a + b DESC); CREATE UNIQUE INDEX live ON t (b) WHERE a > 10;
    INSERT INTO t VALUES (1, 'Ann', 1, 2), (2, 'Bob', 11, 5), (3, 'Cid', NULL, 5), (-1, 'Nil', 7, 7);
    CREATE TABLE w (x TEXT COLLATE NOCASE, y INT, note UNIQUE, PRIMARY KEY (y, x)) WITHOUT ROWID;
    INSERT INTO w VALUES ('a', 1, 'n1'), ('b', 1, 'n2'), ('a', 2, 'n3');
    CREATE TABLE u (code TEXT NOT NULL UNIQUE, note);
    INSERT INTO u VALUES ('p', 1), ('q', 2), ('r', 3);
    CREATE TABLE child (id INTEGER PRIMARY KEY, t REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE);
    INSERT INTO child VALUES (10, 1), (11, 1), (12, 2), (13, NULL);
    CREATE TABLE \"new\" (\"old\" INTEGER PRIMARY KEY, \"new\" UNIQUE, \"select\");
    INSERT INTO \"new\" VALUES (1, 1, 'x'), (2, 2, 'y');
    CREATE TRIGGER app AFTER UPDATE ON u BEGIN UPDATE child SET t = NULL WHERE id = 13; DELETE FROM child WHERE id = 12; END;
";

const TABLES: [&str; 5] = ["t", "w", "u", "child", "new"];

async fn tracked() -> Desk {
    let desk = Desk::with(SHOP);
    let tables = TABLES.map(str::to_owned);
    let installed = desk.store().await.install(&tables).await.unwrap();
    assert_eq!((installed.begun.len(), installed.refused.len()), (TABLES.len(), 0), "{installed:?}");
    desk
}

/// Runs statements as an application does, and looks whether the logs name all that they have changed.
async fn carries(desk: &Desk, application: &Connection, sql: &str) -> usize {
    let store = desk.store().await;
    let schema = desk.schema().await;
    let tasks = TABLES.map(|table| task(schema.table(table).unwrap()));
    let mut before = Vec::new();
    for task in &tasks {
        before.push((end(&store, &task.table.name).await, rows(application, task)));
    }
    application.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut all = 0;
    for (task, (since, before)) in tasks.iter().zip(before) {
        let (after, touched) = (rows(application, task), touched(&store, task, &since).await);
        for key in changed(&before, &after) {
            let found =
                touched.get(&key).unwrap_or_else(|| panic!("{sql}: {} {key} is not in the log", task.table.name));
            assert_eq!(*found, after.contains_key(&key), "{sql}: {} {key}", task.table.name);
            all += 1;
        }
    }
    all
}

fn application(desk: &Desk, recursive: bool) -> Connection {
    let conn = desk.other();
    conn.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    conn.pragma_update(None, "recursive_triggers", recursive).unwrap();
    conn
}

/// Statements, and how many rows each makes another.
const STATEMENTS: &[(&str, usize)] = &[
    ("INSERT INTO t VALUES (4, 'Dan', 100, 100)", 1),
    ("UPDATE t SET a = 101 WHERE id = 4", 1),
    ("DELETE FROM t WHERE id = 4", 1),
    // Two rows go for one that comes, each because of another index.
    ("INSERT OR REPLACE INTO t VALUES (9, 'ANN', 11, 5)", 5),
    ("REPLACE INTO w VALUES ('A', 9, 'n1')", 2),
    ("REPLACE INTO w VALUES ('B', 1, 'n9')", 2),
    ("UPDATE OR REPLACE w SET note = 'n3' WHERE y = 1 AND x = 'b'", 2),
    ("UPDATE OR REPLACE t SET a = 2, b = 1 WHERE id = -1", 1),
    ("INSERT INTO t (id, name, a, b) VALUES (3, 'x', 8, 9) ON CONFLICT (id) DO UPDATE SET name = excluded.name", 1),
    ("INSERT OR IGNORE INTO u VALUES ('p', 9)", 0),
    ("UPDATE u SET note = note + 1 WHERE code = 'q'", 1),
    // Row numbers that are no key.
    ("REPLACE INTO u (rowid, code, note) VALUES (1, 's', 4)", 2),
    ("UPDATE OR REPLACE u SET rowid = 2 WHERE rowid = 1", 1),
    // Keys that swap their rows, keys that change, and keys that another takes.
    ("UPDATE t SET id = -id WHERE id IN (1, -1)", 0),
    ("UPDATE t SET id = id + 100", 6),
    ("INSERT INTO w VALUES ('q', 7, 'n7')", 1),
    ("UPDATE w SET x = upper(x)", 2),
    ("UPDATE OR REPLACE \"new\" SET \"old\" = 1 WHERE \"old\" = 2", 2),
    ("INSERT OR REPLACE INTO \"new\" VALUES (5, 2, 'z')", 2),
    // By the names that the row number has besides.
    ("UPDATE \"new\" SET _rowid_ = 70 WHERE \"old\" = 5", 2),
    ("UPDATE \"new\" SET (\"select\", oid) = ('v', 71) WHERE rowid = 70", 2),
    ("INSERT INTO \"new\" VALUES (71, 99, 'w') ON CONFLICT (\"old\") DO UPDATE SET rowid = 5", 2),
    ("BEGIN; DELETE FROM child; ROLLBACK", 0),
    ("BEGIN; SAVEPOINT s; DELETE FROM u; ROLLBACK TO s; INSERT INTO u VALUES ('k', 0); COMMIT", 1),
    ("DELETE FROM child", 1),
];

#[tokio::test]
async fn every_way_to_write_is_in_the_log() {
    for recursive in [false, true] {
        let desk = tracked().await;
        let application = application(&desk, recursive);
        for (sql, least) in STATEMENTS {
            let found = carries(&desk, &application, sql).await;
            assert!(found >= *least, "{sql}: {found} rows were changed");
        }
    }
}

#[tokio::test]
async fn only_the_tables_that_are_touched_have_anything_to_tell() {
    let desk = tracked().await;
    let store = desk.store().await;
    let (of_t, of_u) = (end(&store, "t").await, end(&store, "u").await);
    desk.other().execute_batch("UPDATE t SET a = 3 WHERE id = 1; UPDATE t SET a = 4 WHERE id = 1").unwrap();
    let schema = desk.schema().await;
    let tasks = ["t", "u"].map(|table| task(schema.table(table).unwrap()));
    let mut view = store.snapshot().await.unwrap();
    assert!(matches!(view.window(&tasks[0], &of_t).await.unwrap(), Window::Entries { count: 2.., .. }));
    assert_eq!(view.window(&tasks[1], &of_u).await.unwrap(), Window::Empty);
    assert_eq!(touched(&store, &tasks[0], &of_t).await.len(), 1, "a key is told once");
}

#[tokio::test]
async fn a_view_tells_of_nothing_that_was_committed_after_it() {
    let desk = Desk::with("PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
    let store = desk.store().await;
    store.install(&["t".to_owned()]).await.unwrap();
    let since = end(&store, "t").await;
    let task = task(desk.schema().await.table("t").unwrap());
    desk.other().execute_batch("INSERT INTO t VALUES (1, 1)").unwrap();
    let mut view = store.snapshot().await.unwrap();
    let logs = view.logs().await.unwrap().unwrap();
    desk.other().execute_batch("INSERT INTO t VALUES (2, 2); DELETE FROM t WHERE id = 1").unwrap();
    let batches: Vec<_> = view.touched(&task, &since).await.unwrap().try_collect().await.unwrap();
    assert_eq!(batches.iter().map(|batch| batch.keys.len()).sum::<usize>(), 1);
    assert!(batches[0].digests[0].is_some(), "as the row was in that view");
    assert_eq!(touched(&store, &task, &logs.ends["t"]).await.len(), 2, "and the next window has the rest");
}

#[tokio::test]
async fn removal_leaves_the_catalog_as_it_was() {
    let catalog = "SELECT rowid, type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid";
    let desk = Desk::with(SHOP);
    let (before, store) = (desk.query(catalog), desk.store().await);
    for _ in 0..2 {
        store.install(&TABLES.map(str::to_owned)).await.unwrap();
        assert!(desk.query(catalog).len() > before.len());
        desk.other().execute_batch("UPDATE t SET a = 3 WHERE id = 1").unwrap();
        assert_eq!(store.remove(Some(&["u".to_owned()])).await.unwrap(), ["u"]);
        assert_eq!(store.standing().await.unwrap().unwrap().tables.len(), 4);
        assert_eq!(store.remove(None).await.unwrap(), ["child", "new", "t", "w"]);
        assert_eq!(desk.query(catalog), before);
        assert!(store.standing().await.unwrap().is_none());
    }
    assert_eq!(store.remove(None).await.unwrap(), [] as [&str; 0]);
}

#[tokio::test]
async fn what_cannot_be_tracked_is_told_and_the_rest_is_tracked() {
    let desk = Desk::with(
        "CREATE TABLE bag (a, b); CREATE TABLE t (id INTEGER PRIMARY KEY, a);
         CREATE VIEW v AS SELECT 1 AS one; CREATE TABLE \"odd \"\" ' -- name\" (\"k ]\"\" '\" TEXT PRIMARY KEY NOT NULL, \"v;\")",
    );
    let store = desk.store().await;
    let names = ["bag", "t", "v", "missing", "odd \" ' -- name"].map(str::to_owned);
    let installed = store.install(&names).await.unwrap();
    assert_eq!(installed.begun, ["t", "odd \" ' -- name"]);
    let refused: Vec<_> = installed.refused.iter().map(|(name, error)| (name.as_str(), error.code())).collect();
    assert_eq!(refused, ["bag", "v", "missing"].map(|name| (name, Code::TableNotTracked)));
    desk.other().execute_batch("INSERT INTO \"odd \"\" ' -- name\" VALUES ('x', 1)").unwrap();
    let again = store.install(&names).await.unwrap();
    assert_eq!((again.begun.len(), again.renewed.len(), again.kept.len()), (0, 0, 2));
}

#[tokio::test]
async fn keys_and_old_rows_are_kept_bit_for_bit() {
    let desk =
        Desk::with("CREATE TABLE t (k PRIMARY KEY NOT NULL, i INT, r REAL, x TEXT, n NUMERIC, b BLOB) WITHOUT ROWID");
    let store = desk.store().await;
    store.install(&["t".to_owned()]).await.unwrap();
    desk.other()
        .execute_batch(
            "INSERT INTO t VALUES (x'00ff', 9223372036854775807, 1e308, CAST(x'ff00' AS TEXT), 0.1, zeroblob(3)),
                 ('k', 'text', -0.0, '1', 1.0, NULL), (1.5, 1, 2, 3, '4', 5);
             DELETE FROM t",
        )
        .unwrap();
    let kept = desk.query("SELECT k0, o0, o1, o2, o3, o4 FROM _syncline_log_1 WHERE op = 'D' ORDER BY k0");
    assert_eq!(kept[0][1..5], [int(1), Value::Real(2.0), text("3"), int(4)]);
    assert_eq!(kept[1][..2], [text("k"), text("text")]);
    assert_eq!(kept[2][0], Value::Bytes(vec![0, 255]));
    assert_eq!(kept[2][3], Value::Text(vec![255, 0]));
    assert_eq!(kept[2][1], int(i64::MAX));
}

#[tokio::test]
async fn logs_are_purged_behind_the_slowest_reader() {
    let desk = tracked().await;
    let store = desk.store().await;
    let entries = || desk.query("SELECT count(*) FROM _syncline_log_4")[0][0].clone();
    let insert = |sql: &str| desk.other().execute_batch(sql).unwrap();
    let read = async |link: &str| {
        let positions = [("t".to_owned(), end(&store, "t").await)].into();
        store.acknowledge(&Consumer { link: link.to_owned(), label: format!("to {link}"), positions }).await.unwrap();
    };
    assert_eq!(desk.query("SELECT id FROM _syncline_tracked WHERE name = 't'"), [[int(1)]]);
    let count = || desk.query("SELECT count(*) FROM _syncline_log_1")[0][0].clone();
    insert(
        "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 25099) INSERT INTO t SELECT i, i, i, i FROM n",
    );
    assert_eq!(count(), int(25_001));
    read("slow").await;
    assert_eq!(count(), int(1), "the entry that a position names stays");
    insert("UPDATE t SET a = a WHERE id < 200");
    read("fast").await;
    let Value::Int(left) = count() else { panic!("a count") };
    let touched = left - 1;
    assert!(touched > 100, "the slow one has not read them");
    let standing = store.standing().await.unwrap().unwrap();
    let behind: Vec<_> = standing.consumers.iter().map(|consumer| (&*consumer.label, consumer.behind)).collect();
    assert_eq!(behind, [("to fast", 0), ("to slow", touched.unsigned_abs())]);
    read("slow").await;
    assert_eq!((count(), entries()), (int(1), int(1)));
}

#[tokio::test]
async fn dropping_a_tracked_column_says_what_to_do() {
    let desk = tracked().await;
    let error = desk.other().execute_batch("ALTER TABLE u DROP COLUMN note").unwrap_err();
    assert!(error.to_string().contains("syncline untrack first"), "{error}");
    desk.store().await.remove(Some(&["u".to_owned()])).await.unwrap();
    desk.other().execute_batch("DROP TRIGGER app; ALTER TABLE u DROP COLUMN note").unwrap();
}

fn batch(keys: &[Value]) -> RowBatch {
    let mut batch = RowBatch::new(1);
    keys.iter().for_each(|key| batch.push_row([key.as_ref()]).unwrap());
    batch
}
