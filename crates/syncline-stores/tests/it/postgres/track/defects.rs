//! What befalls a log: it is noticed, and positions from before are none any more. The application's statements go through.

use super::*;

/// What somebody does to a tracked table `t`, and what is said of it.
const DEEDS: &[(&str, &str)] = &[
    ("DROP TRIGGER _syncline_1_insert ON t", "definition or its triggers"),
    (
        "ALTER TABLE t DISABLE TRIGGER ALL; INSERT INTO t VALUES (9); ALTER TABLE t ENABLE TRIGGER ALL",
        "definition or its triggers",
    ),
    (
        "ALTER TABLE t DISABLE TRIGGER _syncline_1_insert; INSERT INTO t VALUES (9);
         ALTER TABLE t ENABLE ALWAYS TRIGGER _syncline_1_insert",
        "definition or its triggers",
    ),
    ("ALTER TABLE t ALTER COLUMN a TYPE int USING a + 1", "definition or its triggers"),
    ("ALTER TABLE t ALTER a TYPE smallint; ALTER TABLE t ALTER a TYPE int", "definition or its triggers"),
    (
        "ALTER TABLE t SET UNLOGGED; ALTER TABLE t SET LOGGED; ALTER TABLE t ALTER a TYPE int USING 0",
        "definition or its triggers",
    ),
    ("ALTER TABLE t ADD COLUMN extra int DEFAULT 3", "definition or its triggers"),
    ("ALTER TABLE t RENAME COLUMN id TO number; INSERT INTO t VALUES (50, 1)", "definition or its triggers"),
    (
        "ALTER TABLE t RENAME COLUMN a TO aa; UPDATE t SET aa = 2; DELETE FROM t WHERE id = 1",
        "definition or its triggers",
    ),
    ("ALTER TABLE t DROP COLUMN a; UPDATE t SET id = id; DELETE FROM t WHERE id = 1", "definition or its triggers"),
    ("ALTER TABLE t ALTER COLUMN id TYPE numeric; INSERT INTO t VALUES (1e30, 1)", "definition or its triggers"),
    ("DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, a int)", "not there any more"),
    ("ALTER TABLE t RENAME TO other; INSERT INTO other VALUES (9)", "not there any more"),
    ("DROP TABLE _syncline_log_1; INSERT INTO t VALUES (9); UPDATE t SET id = 10 WHERE id = 9", "its log was removed"),
    ("TRUNCATE _syncline_log_1", "its log was emptied"),
    ("DELETE FROM _syncline_log_1; INSERT INTO t VALUES (50, 1), (51, 2)", "does not reach back"),
    ("CREATE TABLE heir () INHERITS (t)", "definition or its triggers"),
];

async fn window(desk: &Desk, task: &TableTask, since: &LogPosition) -> Window {
    store(desk).await.snapshot().await.unwrap().window(task, since).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_to_a_log_is_noticed_and_mended() {
    for (deed, said) in DEEDS {
        let desk = Desk::with("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1), (2, 2)");
        let store = store(&desk).await;
        store.install(&["t".to_owned()]).await.unwrap();
        desk.database.psql("UPDATE t SET a = 5 WHERE id = 1");
        let (since, task) = (end(&desk, "t").await, desk.task("t").await);
        assert_eq!(window(&desk, &task, &since).await, Window::Empty);
        desk.database.psql(deed);
        let Window::Cut(why) = window(&desk, &task, &since).await else { panic!("{deed} was not noticed") };
        assert!(why.contains(said), "{deed}: {why}");
        if desk.view().await.schema().await.unwrap().table("t").is_none() {
            continue;
        }
        store.install(&["t".to_owned()]).await.unwrap();
        let task = desk.task("t").await;
        assert!(
            matches!(window(&desk, &task, &since).await, Window::Cut(_)),
            "{deed}: earlier positions are none any more"
        );
        let since = end(&desk, "t").await;
        desk.database.psql("INSERT INTO t VALUES (77); DELETE FROM t");
        assert!(!touched(&desk, &task, &since).await.unwrap().is_empty(), "{deed}");
        assert_eq!(store.remove(None).await.unwrap(), ["t"]);
        assert_eq!(desk.database.rows("SELECT 1 FROM pg_proc WHERE proname LIKE '\\_syncline%'").len(), 0, "{deed}");
    }
}

use syncline_core::store::Snapshot;

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_come_and_go_are_noticed() {
    let desk = Desk::with(SHOP);
    install(&desk).await;
    let task = desk.task("parted").await;
    for deed in [
        "CREATE TABLE more (id int, at date, v text, PRIMARY KEY (id, at)); INSERT INTO more VALUES (7, '2026-03-01', 'x');
         ALTER TABLE parted ATTACH PARTITION more FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')",
        "ALTER TABLE parted DETACH PARTITION more",
        "ALTER TABLE parted_a DISABLE TRIGGER ALL; INSERT INTO parted VALUES (70, '2026-01-05', 'x'); ALTER TABLE parted_a ENABLE TRIGGER ALL",
    ] {
        let since = end(&desk, "parted").await;
        desk.database.psql(deed);
        assert!(matches!(window(&desk, &task, &since).await, Window::Cut(_)), "{deed}");
        install(&desk).await;
    }
    // A new partition brings its triggers along, but for TRUNCATE's.
    let since = end(&desk, "parted").await;
    desk.database.psql(
        "CREATE TABLE parted_c PARTITION OF parted FOR VALUES FROM ('2026-05-01') TO ('2026-06-01');
         INSERT INTO parted_c VALUES (8, '2026-05-01', 'x'); TRUNCATE parted_c",
    );
    assert!(matches!(window(&desk, &task, &since).await, Window::Cut(_)));
}

/// Each row of a partition is logged by itself, and a migration may come in between.
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_partitions_cost_no_numbers_and_their_migrations_stop_nobody() {
    let desk = Desk::with(SHOP);
    install(&desk).await;
    let number = || desk.database.psql("SELECT pg_current_xact_id()").trim().parse::<u64>().unwrap();
    let before = number();
    desk.database.psql("INSERT INTO parted SELECT i, '2026-01-05', 'x' FROM generate_series(1000, 1999) AS i");
    let taken = number() - before;
    assert!(taken < 100, "{taken} transactions for a thousand rows");
    let mut old = desk.database.session();
    old.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_attribute;");
    let (since, task) = (end(&desk, "parted").await, desk.task("parted").await);
    desk.database
        .psql("ALTER TABLE parted RENAME COLUMN id TO number; INSERT INTO parted VALUES (5000, '2026-01-05', 'x')");
    let (_, said) = old.run("INSERT INTO parted VALUES (5001, '2026-01-05', 'x'); COMMIT;");
    assert_eq!(said, "00000");
    assert_eq!(desk.database.psql("SELECT count(*) FROM parted WHERE number > 4999"), "2\n");
    assert!(matches!(window(&desk, &task, &since).await, Window::Cut(_)));
}

/// Labels that are exchanged give every row another meaning, and no row is written.
#[tokio::test(flavor = "multi_thread")]
async fn labels_that_are_renamed_are_noticed() {
    let desk = Desk::with(
        "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE t (id int PRIMARY KEY, a mood); INSERT INTO t VALUES (1, 'sad')",
    );
    store(&desk).await.install(&["t".to_owned()]).await.unwrap();
    let (since, task) = (end(&desk, "t").await, desk.task("t").await);
    desk.database.psql(
        "ALTER TYPE mood RENAME VALUE 'sad' TO 'x'; ALTER TYPE mood RENAME VALUE 'glad' TO 'sad'; ALTER TYPE mood RENAME VALUE 'x' TO 'glad'",
    );
    assert!(matches!(window(&desk, &task, &since).await, Window::Cut(_)));
}

/// After a crash such a table is empty, and no log says so.
#[tokio::test(flavor = "multi_thread")]
async fn unlogged_tables_are_refused() {
    let desk = Desk::with(
        "CREATE UNLOGGED TABLE gone (id int PRIMARY KEY); CREATE TABLE kept (id int PRIMARY KEY);
         CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY LIST (id); CREATE UNLOGGED TABLE part PARTITION OF parts DEFAULT",
    );
    let installed = store(&desk).await.install(&["gone", "kept", "parts"].map(str::to_owned)).await.unwrap();
    assert_eq!(installed.begun, ["kept"]);
    for (name, error) in &installed.refused {
        assert!(
            error.code() == Code::TableNotTracked && error.why().unwrap().contains("UNLOGGED"),
            "{name}: {error:?}"
        );
    }
    assert_eq!(installed.refused.len(), 2);
    // One that becomes so later.
    let (since, task) = (end(&desk, "kept").await, desk.task("kept").await);
    desk.database.psql("ALTER TABLE kept SET UNLOGGED");
    assert!(matches!(window(&desk, &task, &since).await, Window::Cut(_)));
}

/// Whoever removes our tables by hand can still get rid of the rest, and track anew.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_can_be_removed_and_made_anew() {
    for gone in [
        "_syncline_tracked",
        "_syncline_consumer",
        "_syncline_tracking",
        "_syncline_tracking, _syncline_tracked, _syncline_log_1",
    ] {
        let desk = Desk::with("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1)");
        let (store, tables) = (store(&desk).await, ["t".to_owned()]);
        for again in [false, true] {
            store.install(&tables).await.unwrap();
            desk.database.psql(&format!("DROP TABLE {gone}"));
            if again {
                assert_eq!(store.install(&tables).await.unwrap().begun, tables);
            }
            assert_eq!(store.remove(None).await.unwrap(), tables, "{gone}");
            let left = "SELECT relname::text FROM pg_class WHERE relname LIKE '\\_syncline%' UNION SELECT proname FROM pg_proc WHERE proname LIKE '\\_syncline%'";
            assert_eq!(desk.database.rows(left).len(), 0, "{gone}");
            desk.database.psql("UPDATE t SET a = a + 1");
        }
    }
}
