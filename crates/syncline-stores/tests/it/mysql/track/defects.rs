//! What befalls a log: it is noticed, and positions from before are none any more. The application's statements go through.

use super::*;

/// What somebody does to a tracked table `t`, and what is said of it.
const DEEDS: &[(&str, &str)] = &[
    ("DROP TRIGGER _syncline_1_insert; INSERT INTO t VALUES (9, 1)", "definition or its triggers"),
    ("ALTER TABLE t ADD COLUMN extra int DEFAULT 3", "definition or its triggers"),
    (
        "ALTER TABLE t RENAME COLUMN id TO number; INSERT INTO t VALUES (50, 1); DELETE FROM t",
        "definition or its triggers",
    ),
    (
        "ALTER TABLE t RENAME COLUMN a TO aa; UPDATE t SET aa = 2; DELETE FROM t WHERE id = 1",
        "definition or its triggers",
    ),
    ("ALTER TABLE t DROP COLUMN a; UPDATE t SET id = id; DELETE FROM t WHERE id = 1", "definition or its triggers"),
    (
        "ALTER TABLE t MODIFY a varchar(20); UPDATE t SET a = 'xyz'; UPDATE t SET a = 'abc'; DELETE FROM t",
        "definition or its triggers",
    ),
    (
        "ALTER TABLE t MODIFY id varchar(20); INSERT INTO t VALUES ('xyz', 1); UPDATE t SET id = 'x' WHERE id = 'xyz'",
        "definition or its triggers",
    ),
    (
        "ALTER TABLE t MODIFY id bigint; INSERT INTO t VALUES (5000000000, 1); UPDATE t SET a = 7",
        "definition or its triggers",
    ),
    ("ALTER TABLE t ENGINE = MyISAM; ALTER TABLE t ENGINE = InnoDB", "TRUNCATE, or made anew"),
    ("DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, a int)", "definition or its triggers"),
    ("RENAME TABLE t TO other; INSERT INTO other VALUES (9, 1)", "not there any more"),
    (
        "DROP TABLE _syncline_log_1; INSERT INTO t VALUES (9, 1); UPDATE t SET id = 10 WHERE id = 9",
        "its log was removed",
    ),
    (
        "DROP TABLE _syncline_inbox_1; INSERT INTO t VALUES (9, 1); UPDATE t SET id = 10 WHERE id = 9; DELETE FROM t",
        "its log was removed",
    ),
    ("TRUNCATE _syncline_log_1", "its log was emptied"),
    ("DELETE FROM _syncline_log_1 WHERE batch = (SELECT MAX(batch) FROM _syncline_log_1)", "does not reach back"),
    ("TRUNCATE t", "TRUNCATE"),
    ("TRUNCATE t; INSERT INTO t VALUES (1, 5), (2, 2)", "TRUNCATE"),
    (
        "CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (5), (2);
         ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p (id) ON DELETE CASCADE; DELETE FROM p",
        "definition or its triggers",
    ),
];

async fn window(desk: &Desk, task: &TableTask, since: &LogPosition) -> Window {
    store(desk).await.snapshot().await.unwrap().window(task, since).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_to_a_log_is_noticed_and_mended() {
    for (deed, said) in DEEDS {
        let desk = Desk::with("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1), (2, 2)");
        let store = store(&desk).await;
        install(&desk, &["t"]).await;
        desk.database.mariadb("UPDATE t SET a = 5 WHERE id = 1");
        store.sequence().await.unwrap();
        let (since, task) = (end(&desk, "t").await, desk.task("t").await);
        assert_eq!(window(&desk, &task, &since).await, Window::Empty);
        desk.database.mariadb(deed);
        let Window::Cut(why) = window(&desk, &task, &since).await else { panic!("{deed} was not noticed") };
        assert!(why.contains(said), "{deed}: {why}");
        if desk.view().await.schema().await.unwrap().table("t").is_none() {
            continue;
        }
        install(&desk, &["t"]).await;
        let task = desk.task("t").await;
        if !deed.contains("WHERE batch") {
            let window = window(&desk, &task, &since).await;
            assert!(matches!(window, Window::Cut(_)), "{deed}: earlier positions are none any more");
        }
        let since = end(&desk, "t").await;
        let key = &task.table.columns[task.columns[task.key[0]]].name;
        desk.database.mariadb(&format!("INSERT INTO t ({key}) VALUES (77); DELETE FROM t"));
        assert!(!touched(&desk, &task, &since).await.unwrap().is_empty(), "{deed}");
        assert_eq!(store.remove(None).await.unwrap(), ["t"]);
        let left = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE '\\_syncline%'";
        assert_eq!(desk.database.rows(left).len(), 0, "{deed}");
    }
}

/// Installing is no transaction here: what a process that died has begun is begun again, and removed whole.
#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_was_cut_off_is_begun_again() {
    let desk = Desk::with("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1)");
    install(&desk, &["t"]).await;
    for state in [
        "UPDATE _syncline_tracked SET signature = ''",
        "UPDATE _syncline_tracked SET signature = ''; DROP TRIGGER _syncline_1_update; DROP TRIGGER _syncline_1_delete",
        "UPDATE _syncline_tracked SET signature = ''; DROP TABLE _syncline_log_1",
        "DROP TRIGGER _syncline_1_insert; DROP TABLE _syncline_log_1, _syncline_inbox_1; DELETE FROM _syncline_tracked",
        "DROP TABLE _syncline_tracking",
        "DROP TABLE _syncline_tracking, _syncline_consumer",
    ] {
        desk.database.mariadb(state);
        desk.database.mariadb("UPDATE t SET a = a + 1");
        install(&desk, &["t"]).await;
        let since = end(&desk, "t").await;
        desk.database.mariadb("UPDATE t SET a = a + 1");
        assert_eq!(touched(&desk, &desk.task("t").await, &since).await.unwrap().len(), 1, "{state}");
    }
    desk.database.mariadb("DROP TABLE _syncline_tracking");
    store(&desk).await.remove(None).await.unwrap();
    let left = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE '\\_syncline%'
        UNION SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()";
    assert_eq!(desk.database.rows(left).len(), 0);
}
