//! Change tracking: whatever is written, and however, the log names every row that is not what it was.

mod commits;
mod defects;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt;
use syncline_core::change::TableTask;
use syncline_core::error::Code;
use syncline_core::store::{Consumer, LogPosition, Store, Tracking, Window};
use syncline_core::value::ValueRef;
use syncline_stores::postgres::PostgresStore;

use super::desk::Desk;

/// Tables with keys of every kind that is compared in a way of its own, partitions, heirs, cascades and triggers.
const SHOP: &str = "
    CREATE EXTENSION IF NOT EXISTS citext;
    CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TABLE t (id bigint PRIMARY KEY, name text UNIQUE, note text);
    INSERT INTO t SELECT i, 'n' || i, NULL FROM generate_series(1, 20) AS i;
    CREATE TABLE child (id int PRIMARY KEY, t bigint REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE);
    INSERT INTO child SELECT i, i FROM generate_series(1, 10) AS i;
    CREATE TABLE words (w citext, f text COLLATE folded, n numeric, PRIMARY KEY (n, w, f));
    INSERT INTO words VALUES ('a', 'a', 1.0), ('b', 'a', 1.0), ('a', 'a', 2);
    CREATE TABLE odd (u uuid, i inet, m mood, b char(4), d timestamptz, v text, PRIMARY KEY (u, i, m, b, d));
    INSERT INTO odd VALUES ('00000000-0000-0000-0000-000000000001', '10.0.0.1/32', 'ok', 'x', '2026-01-01 00:00:00.123456+02', '1');
    CREATE TABLE parted (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    CREATE TABLE parted_b PARTITION OF parted FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
    INSERT INTO parted VALUES (1, '2026-01-05', 'x'), (2, '2026-02-05', 'y');
    CREATE TABLE base (id int PRIMARY KEY, v text); CREATE TABLE heir (w text, PRIMARY KEY (id)) INHERITS (base);
    INSERT INTO base VALUES (1, 'b'), (2, 'b'); INSERT INTO heir VALUES (10, 'h', 'h');
    CREATE TABLE \"Odd \"\"name\" (\"K \"\" k\" int PRIMARY KEY, \"$syncline$\" text); INSERT INTO \"Odd \"\"name\" VALUES (1, 'x');
    CREATE FUNCTION app() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE child SET t = NULL WHERE id = 9; RETURN NEW; END $$;
    CREATE TRIGGER app BEFORE UPDATE ON base FOR EACH ROW EXECUTE FUNCTION app();
";

const TABLES: [&str; 8] = ["Odd \"name", "base", "child", "heir", "odd", "parted", "t", "words"];

async fn store(desk: &Desk) -> PostgresStore {
    PostgresStore::open(desk.options(), Some("public"), true).await.unwrap()
}

async fn install(desk: &Desk) {
    let installed = store(desk).await.install(&TABLES.map(str::to_owned)).await.unwrap();
    assert!(installed.refused.is_empty(), "{:?}", installed.refused);
}

/// The keys of a table, each with its row, as the server prints both.
fn rows(desk: &Desk, task: &TableTask) -> BTreeMap<String, String> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let key: Vec<_> = task.key.iter().map(|at| quoted(&task.table.columns[task.columns[*at]].name)).collect();
    let sql =
        format!("SELECT ROW({})::text, x::text FROM {}{} AS x", key.join(", "), only(task), quoted(&task.table.name));
    let row = |row: Vec<Option<String>>| (row[0].clone().unwrap(), row[1].clone().unwrap());
    desk.database.rows(&sql).into_iter().map(row).collect()
}

fn only(task: &TableTask) -> &'static str {
    if task.table.name == "parted" { "" } else { "ONLY " }
}

async fn end(desk: &Desk, table: &str) -> LogPosition {
    let logs = store(desk).await.snapshot().await.unwrap().logs().await.unwrap().unwrap();
    assert_eq!(logs.defects, BTreeMap::new());
    logs.ends[table].clone()
}

/// The touched keys as the server would print them, each with whether a row has it.
async fn touched(desk: &Desk, task: &TableTask, since: &LogPosition) -> Option<Vec<(Vec<String>, bool)>> {
    let store = store(desk).await;
    let mut view = store.snapshot().await.unwrap();
    match view.window(task, since).await.unwrap() {
        Window::Empty => return Some(Vec::new()),
        Window::Entries { .. } => {}
        Window::Cut(why) => {
            assert!(why.contains("TRUNCATE"), "{why}");
            return None;
        }
    }
    let batches: Vec<_> = view.touched(task, since).await.unwrap().try_collect().await.unwrap();
    let mut touched = Vec::new();
    for batch in batches {
        for (key, digest) in batch.keys.rows().zip(&batch.digests) {
            touched.push((key.iter().map(shown).collect(), digest.is_some()));
        }
    }
    let keys: BTreeSet<_> = touched.iter().map(|(key, _): &(Vec<String>, bool)| key.clone()).collect();
    assert_eq!(keys.len(), touched.len(), "a key came twice: {touched:?}");
    Some(touched)
}

fn shown(cell: ValueRef<'_>) -> String {
    match cell {
        ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
        ValueRef::Int(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// Runs statements and looks whether the logs name all that they have changed: how many rows are not what they were, how many are
/// gone, and how many there are as which the log does not know them.
async fn carries(desk: &Desk, sql: &str) -> usize {
    let tasks = desk.tasks(&TABLES).await;
    let mut before = Vec::new();
    for task in &tasks {
        before.push((end(desk, &task.table.name).await, rows(desk, task)));
    }
    desk.database.psql(sql);
    let mut all = 0;
    for (task, (since, before)) in tasks.iter().zip(before) {
        let (name, after) = (&task.table.name, rows(desk, task));
        let changed: BTreeSet<_> =
            before.keys().chain(after.keys()).filter(|key| before.get(*key) != after.get(*key)).collect();
        all += changed.len();
        let Some(touched) = touched(desk, task, &since).await else {
            continue;
        };
        let with_rows = touched.iter().filter(|(_, has_row)| *has_row).count();
        let (left, gone): (Vec<&String>, Vec<&String>) = changed.iter().partition(|key| after.contains_key(**key));
        assert!(with_rows >= left.len(), "{sql}: {name}: {left:?} of {touched:?}");
        assert!(touched.len() - with_rows >= gone.len(), "{sql}: {name}: {gone:?} gone of {touched:?}");
        // Keys of one plain column are known by what they say.
        if task.key.len() == 1 {
            for key in changed {
                let plain = key.trim_matches(['(', ')', '"']);
                let is_named = touched.iter().any(|(named, has)| named[0] == plain && *has == after.contains_key(key));
                assert!(is_named, "{sql}: {name}: {key} is not among {touched:?}");
            }
        }
    }
    all
}

/// Statements, and how many rows each makes another.
const STATEMENTS: &[(&str, usize)] = &[
    ("INSERT INTO t VALUES (30, 'x', 'y'), (31, 'z', 'y')", 2),
    ("UPDATE t SET note = 'n' WHERE id <= 3", 3),
    ("UPDATE t SET note = note", 0),
    ("DELETE FROM t WHERE id = 1", 2),
    ("UPDATE t SET id = id + 1000 WHERE id BETWEEN 2 AND 4", 9),
    ("INSERT INTO t VALUES (5, 'five', 'z') ON CONFLICT (id) DO UPDATE SET note = excluded.note", 1),
    ("INSERT INTO t VALUES (6, 'six') ON CONFLICT DO NOTHING", 0),
    (
        "MERGE INTO t USING (VALUES (7, 'm'), (70, 'new')) AS s (id, note) ON t.id = s.id
      WHEN MATCHED THEN UPDATE SET note = s.note WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.note, s.note)",
        2,
    ),
    ("WITH gone AS (DELETE FROM t WHERE id = 8 RETURNING id) INSERT INTO child SELECT id + 500, NULL FROM gone", 3),
    ("COPY t FROM PROGRAM 'printf \"80,copied,\\n81,too,\\n\"' WITH (FORMAT csv)", 2),
    (
        "BEGIN; UPDATE t SET id = -id WHERE id IN (10, 11); UPDATE t SET id = 10 WHERE id = -11; UPDATE t SET id = 11 WHERE id = -10; COMMIT",
        2,
    ),
    ("BEGIN; DELETE FROM t; ROLLBACK", 0),
    ("BEGIN; INSERT INTO t VALUES (90); SAVEPOINT s; INSERT INTO t VALUES (91); ROLLBACK TO s; COMMIT", 1),
    (
        "DO $$ BEGIN INSERT INTO t VALUES (92); BEGIN INSERT INTO t VALUES (93); RAISE 'x'; EXCEPTION WHEN OTHERS THEN NULL; END; END $$",
        1,
    ),
    (
        "SET session_replication_role = replica; UPDATE t SET note = 'replica' WHERE id = 12; DELETE FROM t WHERE id = 13",
        2,
    ),
    // Keys that are the same to their type and not to others.
    ("UPDATE words SET w = 'A' WHERE n = 2", 2),
    ("UPDATE words SET f = 'A' WHERE w = 'b'", 2),
    ("UPDATE words SET n = 1.5 WHERE w = 'b'", 2),
    (
        "UPDATE odd SET i = '10.0.0.0/8', v = '2'; INSERT INTO odd VALUES (gen_random_uuid(), '::1', 'sad', 'y ', 'infinity', '')",
        3,
    ),
    ("INSERT INTO parted VALUES (3, '2026-01-06', 'z'); UPDATE parted SET at = '2026-02-06' WHERE id = 1", 3),
    (
        "INSERT INTO parted_b VALUES (4, '2026-02-07', 'leaf'); UPDATE parted_b SET v = 'leaf' WHERE id = 2; COPY parted_a FROM PROGRAM 'echo 9,2026-01-09,x' WITH (FORMAT csv)",
        3,
    ),
    ("TRUNCATE parted_b", 3),
    ("DELETE FROM parted", 2),
    // Of tables that inherit, each has its own rows.
    ("UPDATE base SET v = 'all'", 4),
    ("DELETE FROM base WHERE id = 10; INSERT INTO heir VALUES (11, 'a', 'b')", 2),
    ("UPDATE \"Odd \"\"name\" SET \"K \"\" k\" = 2, \"$syncline$\" = '$syncline$'", 2),
    ("TRUNCATE t CASCADE", 20),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_write_is_in_the_log() {
    let desk = Desk::with(SHOP);
    install(&desk).await;
    for (sql, least) in STATEMENTS {
        let found = carries(&desk, sql).await;
        assert!(found >= *least, "{sql}: {found} rows were changed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_leaves_the_catalog_as_it_was() {
    let catalog = "SELECT 'r', relname::text, oid::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT 'p', proname::text, oid::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT 't', tgname::text, oid::text FROM pg_trigger UNION ALL SELECT 'd', objid::text, refobjid::text FROM pg_depend
        WHERE refclassid = 'pg_class'::regclass ORDER BY 1, 2, 3";
    let desk = Desk::with(SHOP);
    let (before, store) = (desk.database.rows(catalog), store(&desk).await);
    install(&desk).await;
    assert!(desk.database.rows(catalog).len() > before.len());
    desk.database.psql("UPDATE t SET note = 'x'");
    assert_eq!(store.remove(Some(&["t".to_owned()])).await.unwrap(), ["t"]);
    assert_eq!(store.remove(None).await.unwrap().len(), TABLES.len() - 1);
    assert_eq!(desk.database.rows(catalog), before);
    assert!(store.standing().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_tracked_is_told_and_the_rest_is_tracked() {
    let desk = Desk::with(
        "CREATE TABLE bag (a int); CREATE TABLE mine (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY);
         DROP ROLE IF EXISTS weak_tracker; CREATE ROLE weak_tracker LOGIN PASSWORD 'weak'; GRANT CREATE, USAGE ON SCHEMA public TO weak_tracker;
         ALTER TABLE mine OWNER TO weak_tracker; GRANT SELECT ON other, bag TO weak_tracker",
    );
    let mut options = desk.options();
    options.user = "weak_tracker".to_owned();
    options.password = Some(syncline_stores::server::Password::new("weak"));
    let store = PostgresStore::open(options, Some("public"), true).await.unwrap();
    let installed = store.install(&["bag", "mine", "other"].map(str::to_owned)).await.unwrap();
    assert_eq!(installed.begun, ["mine"]);
    let refused: Vec<_> = installed.refused.iter().map(|(name, error)| (name.as_str(), error.code())).collect();
    assert_eq!(refused, ["bag", "other"].map(|name| (name, Code::TableNotTracked)));
    assert!(installed.refused[1].1.why().unwrap().contains("permission denied"), "{:?}", installed.refused[1]);
    // Whoever may write to the table needs no right on its log.
    desk.database.psql(
        "DROP ROLE IF EXISTS weak_writer; CREATE ROLE weak_writer; GRANT INSERT ON mine TO weak_writer; SET ROLE weak_writer;
         INSERT INTO mine VALUES (1); RESET ROLE; REVOKE ALL ON mine FROM weak_writer; DROP ROLE weak_writer",
    );
    store.remove(None).await.unwrap();
    desk.database.psql("DROP OWNED BY weak_tracker; DROP ROLE weak_tracker");
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_purged_behind_the_slowest_reader() {
    let desk = Desk::with(SHOP);
    install(&desk).await;
    let store = store(&desk).await;
    let id = desk.database.rows("SELECT id FROM _syncline_tracked WHERE name = 't'")[0][0].clone().unwrap();
    let count = || desk.database.rows(&format!("SELECT count(*) FROM _syncline_log_{id}"))[0][0].clone().unwrap();
    let read = async |link: &str| {
        let positions = [("t".to_owned(), end(&desk, "t").await)].into();
        store.acknowledge(&Consumer { link: link.to_owned(), label: format!("to {link}"), positions }).await.unwrap();
    };
    desk.database.psql("INSERT INTO t SELECT i, 'm' || i FROM generate_series(1000, 26000) AS i");
    read("slow").await;
    assert_eq!(count(), "1", "one entry of the transaction that a position names stays");
    desk.database.psql("UPDATE t SET note = 'x' WHERE id BETWEEN 1000 AND 1099");
    read("fast").await;
    assert_eq!(count(), "101", "the slow one has not read them");
    let standing = store.standing().await.unwrap().unwrap();
    let behind: Vec<_> = standing.consumers.iter().map(|consumer| (&*consumer.label, consumer.behind)).collect();
    assert_eq!(behind, [("to fast", 0), ("to slow", 100)]);
    read("slow").await;
    assert_eq!(count(), "1");
    assert_eq!(store.standing().await.unwrap().unwrap().consumers.iter().map(|c| c.behind).sum::<u64>(), 0);
}
