//! Change tracking: whatever is written, and however, the log names every row that is not what it was.

mod cascades;
mod commits;
mod defects;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use syncline_core::change::TableTask;
use syncline_core::error::Code;
use syncline_core::store::{Consumer, LogPosition, Snapshot, Store, Tracking, Window};
use syncline_core::value::ValueRef;
use syncline_stores::mysql::MysqlStore;
use syncline_stores::server::Password;

use super::desk::Desk;

/// Tables with keys of every kind that is compared in a way of its own, partitions, cascades and triggers.
const SHOP: &str = "
    CREATE TABLE t (id bigint PRIMARY KEY, name varchar(20) UNIQUE, note text);
    INSERT INTO t SELECT seq, concat('n', seq), NULL FROM seq_1_to_20;
    CREATE TABLE child (id int PRIMARY KEY, t bigint, FOREIGN KEY (t) REFERENCES t (id) ON DELETE CASCADE ON UPDATE CASCADE);
    INSERT INTO child SELECT seq, seq FROM seq_1_to_10;
    CREATE TABLE words (w varchar(20) COLLATE utf8mb4_general_ci, n decimal(10, 2), c char(4) COLLATE utf8mb4_general_ci, v int, PRIMARY KEY (n, w, c));
    INSERT INTO words VALUES ('a', 1.0, 'x', 0), ('b', 1.0, 'x', 0), ('a', 2, 'y', 0);
    CREATE TABLE odd (b varbinary(8), e enum('sad', 'ok'), s timestamp(6) NOT NULL DEFAULT '2026-01-01 00:00:00', d datetime, f double, u uuid, i inet6, bits bit(9), v text,
        PRIMARY KEY (b, e, s, d, f, u, i, bits));
    INSERT INTO odd VALUES (x'00ff', 'ok', '2026-10-25 00:30:00.5', '0000-00-00 00:00:00', 0.1, uuid(), '::1', b'101', '1');
    CREATE TABLE parted (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE COLUMNS (at)
        (PARTITION a VALUES LESS THAN ('2026-02-01'), PARTITION b VALUES LESS THAN ('2026-03-01'));
    INSERT INTO parted VALUES (1, '2026-01-05', 'x'), (2, '2026-02-05', 'y');
    CREATE TABLE `Odd ``name` (`K `` k` int PRIMARY KEY, `a'b` text, g int GENERATED ALWAYS AS (`K `` k` + 1) VIRTUAL);
    INSERT INTO `Odd ``name` (`K `` k`, `a'b`) VALUES (1, 'x');
    CREATE TABLE base (id int PRIMARY KEY, v text); INSERT INTO base VALUES (1, 'b'), (2, 'b');
    CREATE TABLE log_of_app (n int AUTO_INCREMENT PRIMARY KEY, v text);
    CREATE TRIGGER app BEFORE UPDATE ON base FOR EACH ROW UPDATE child SET t = NULL WHERE id = 9;
    CREATE TRIGGER app_after AFTER UPDATE ON base FOR EACH ROW INSERT INTO log_of_app (v) VALUES (NEW.v);
";

const TABLES: [&str; 8] = ["Odd `name", "base", "child", "log_of_app", "odd", "parted", "t", "words"];

async fn store(desk: &Desk) -> MysqlStore {
    MysqlStore::open(desk.options(), true).await.unwrap()
}

/// A session of the application.
async fn session(desk: &Desk) -> Conn {
    let (user, password) = desk.database.server().superuser();
    session_as(desk, user, password).await
}

async fn session_as(desk: &Desk, user: &str, password: &str) -> Conn {
    let opts = OptsBuilder::default()
        .ip_or_hostname(desk.database.server().host())
        .tcp_port(desk.database.server().port())
        .user(Some(user))
        .pass(Some(password))
        .db_name(Some(desk.database.name()));
    Conn::new(opts).await.unwrap()
}

async fn install(desk: &Desk, tables: &[&str]) {
    let tables: Vec<String> = tables.iter().map(|table| (*table).to_owned()).collect();
    let installed = store(desk).await.install(&tables).await.unwrap();
    assert!(installed.refused.is_empty(), "{:?}", installed.refused);
}

/// The keys of a table, each with its row, by their bytes.
fn rows(desk: &Desk, task: &TableTask) -> BTreeMap<String, String> {
    let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
    let name = |at: &usize| quoted(&task.table.columns[task.columns[*at]].name);
    let key: Vec<_> = task.key.iter().map(|at| format!("HEX(CONCAT({}))", name(at))).collect();
    let all: Vec<_> = (0..task.columns.len()).map(|at| format!("COALESCE(HEX(CONCAT({})), '-')", name(&at))).collect();
    let plain = if task.key.len() == 1 { name(&task.key[0]) } else { format!("CONCAT_WS(',', {})", key.join(", ")) };
    let table = quoted(&task.table.name);
    let sql = format!("SELECT {plain}, CONCAT_WS(',', {}) FROM {table}", all.join(", "));
    let row = |row: Vec<Option<String>>| (row[0].clone().unwrap(), row[1].clone().unwrap());
    desk.database.rows(&sql).into_iter().map(row).collect()
}

async fn end(desk: &Desk, table: &str) -> LogPosition {
    let logs = store(desk).await.snapshot().await.unwrap().logs().await.unwrap().unwrap();
    assert_eq!(logs.defects, BTreeMap::new());
    logs.ends[table].clone()
}

/// The touched keys, each with whether a row has it; `None` where the log says that it cannot tell.
async fn touched(desk: &Desk, task: &TableTask, since: &LogPosition) -> Option<Vec<(Vec<String>, bool)>> {
    let store = store(desk).await;
    let mut view = store.snapshot().await.unwrap();
    match view.window(task, since).await.unwrap() {
        Window::Empty => return Some(Vec::new()),
        Window::Entries { .. } => {}
        Window::Cut(_) => return None,
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

/// Runs statements and looks whether the logs of these tables name all that was changed. Returns how many rows were, and how
/// many tables could not tell.
async fn carries(desk: &Desk, tables: &[&str], sql: &str) -> (usize, usize) {
    let tasks = desk.tasks(tables).await;
    let mut before = Vec::new();
    for task in &tasks {
        before.push((end(desk, &task.table.name).await, rows(desk, task)));
    }
    desk.database.mariadb(sql);
    let (mut all, mut untold) = (0, 0);
    for (task, (since, before)) in tasks.iter().zip(before) {
        let (name, after) = (&task.table.name, rows(desk, task));
        let changed: BTreeSet<_> =
            before.keys().chain(after.keys()).filter(|key| before.get(*key) != after.get(*key)).collect();
        all += changed.len();
        let Some(touched) = touched(desk, task, &since).await else {
            untold += 1;
            continue;
        };
        let with_rows = touched.iter().filter(|(_, has_row)| *has_row).count();
        let (left, gone): (Vec<&String>, Vec<&String>) = changed.iter().partition(|key| after.contains_key(**key));
        assert!(with_rows >= left.len(), "{sql}: {name}: {left:?} of {touched:?}");
        assert!(touched.len() - with_rows >= gone.len(), "{sql}: {name}: {gone:?} gone of {touched:?}");
        if task.key.len() == 1 {
            for key in changed {
                let is_named = touched.iter().any(|(named, has)| named[0] == *key && *has == after.contains_key(key));
                assert!(is_named, "{sql}: {name}: {key} is not among {touched:?}");
            }
        }
    }
    (all, untold)
}

/// Statements, and how many rows each makes another.
const STATEMENTS: &[(&str, usize)] = &[
    ("INSERT INTO t VALUES (30, 'x', 'y'), (31, 'z', 'y')", 2),
    ("UPDATE t SET note = 'n' WHERE id <= 3", 3),
    ("UPDATE t SET note = note", 0),
    ("DELETE FROM t WHERE id = 1", 2),
    ("UPDATE t SET id = id + 1000 WHERE id BETWEEN 2 AND 4", 9),
    ("REPLACE INTO t VALUES (5, 'n6', 'took the place of two')", 3),
    ("REPLACE INTO t VALUES (7, 'n7', 'in place')", 1),
    ("INSERT INTO t VALUES (8, 'eight', 'z') ON DUPLICATE KEY UPDATE id = 800, note = VALUES(note)", 3),
    ("INSERT IGNORE INTO t VALUES (9, 'six', NULL), (32, 'new', NULL)", 1),
    ("DELETE t, child FROM t JOIN child ON child.t = t.id WHERE t.id = 10", 2),
    ("UPDATE t JOIN child ON child.t = t.id SET t.note = 'both', child.id = child.id + 500 WHERE t.id = 9", 3),
    (
        "START TRANSACTION; UPDATE t SET id = -id WHERE id IN (11, 12); UPDATE t SET id = 11 WHERE id = -12; UPDATE t SET id = 12 WHERE id = -11; COMMIT",
        2,
    ),
    ("START TRANSACTION; DELETE FROM t; ROLLBACK", 0),
    (
        "START TRANSACTION; INSERT INTO t VALUES (90, NULL, NULL); SAVEPOINT s; INSERT INTO t VALUES (91, NULL, NULL); ROLLBACK TO s; COMMIT",
        1,
    ),
    ("XA START 'x'; INSERT INTO t VALUES (92, NULL, NULL); XA END 'x'; XA PREPARE 'x'; XA COMMIT 'x'", 1),
    (
        "SET foreign_key_checks = 0; DELETE FROM t WHERE id = 13; SET unique_checks = 0; INSERT INTO t VALUES (94, NULL, NULL)",
        2,
    ),
    (
        "SELECT 'loaded' INTO OUTFILE 'syncline_track.txt'; LOAD DATA INFILE 'syncline_track.txt' REPLACE INTO TABLE t (name) SET id = 14",
        1,
    ),
    // Keys that are the same to their collation and not to others.
    ("UPDATE words SET w = 'A' WHERE n = 2", 2),
    ("UPDATE words SET c = 'X' WHERE w = 'b'", 2),
    ("UPDATE words SET n = 1.5 WHERE w = 'b'", 2),
    ("INSERT INTO words VALUES ('a ', 9, 'z', 0)", 1),
    ("SET sql_mode = 'ALLOW_INVALID_DATES'; UPDATE odd SET d = '2026-02-30', bits = b'111', v = '2'", 2),
    ("SET time_zone = '-05:00'; UPDATE odd SET s = s + INTERVAL 1 HOUR; UPDATE odd SET v = 'x'; DELETE FROM odd", 1),
    ("INSERT INTO parted VALUES (3, '2026-01-06', 'z'); UPDATE parted SET at = '2026-02-06' WHERE id = 1", 3),
    ("ALTER TABLE t FORCE, ALGORITHM = INPLACE", 0),
    ("UPDATE base SET v = 'all'", 4),
    ("UPDATE `Odd ``name` SET `K `` k` = 2, `a'b` = ';'", 2),
    (
        "SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'; INSERT INTO base VALUES (7, 'm'); SET SESSION sql_mode = ''; INSERT INTO base VALUES ('8x', 'm')",
        2,
    ),
    ("TRUNCATE parted", 3),
    ("ALTER TABLE parted TRUNCATE PARTITION a", 0),
    ("SET foreign_key_checks = 0; TRUNCATE t", 18),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_write_is_in_the_log() {
    let desk = Desk::with(SHOP);
    for (sql, least) in STATEMENTS {
        install(&desk, &TABLES).await;
        let (found, untold) = carries(&desk, &TABLES, sql).await;
        assert!(found >= *least, "{sql}: {found} rows were changed");
        let may_not_tell = sql.contains("TRUNCATE") || sql.contains("ALTER");
        assert_eq!(untold > 0, may_not_tell, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_leaves_the_catalog_as_it_was() {
    let catalog = "SELECT 't', TABLE_NAME, CREATE_OPTIONS FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()
        UNION ALL SELECT 'c', TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()
        UNION ALL SELECT 'g', TRIGGER_NAME, CONCAT(ACTION_STATEMENT, CREATED) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1, 2, 3";
    let desk = Desk::with(SHOP);
    let (before, store) = (desk.database.rows(catalog), store(&desk).await);
    install(&desk, &TABLES).await;
    assert!(desk.database.rows(catalog).len() > before.len());
    desk.database.mariadb("UPDATE t SET note = 'x'");
    assert_eq!(store.remove(Some(&["t".to_owned()])).await.unwrap(), ["t"]);
    assert_eq!(store.remove(None).await.unwrap().len(), TABLES.len() - 1);
    assert_eq!(desk.database.rows(catalog), before);
    assert!(store.standing().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_tracked_is_told_and_the_rest_is_tracked() {
    let desk = Desk::with(
        "CREATE TABLE bag (a int); CREATE TABLE old (id int PRIMARY KEY) ENGINE = MyISAM; CREATE TABLE mine (id int PRIMARY KEY)",
    );
    let elsewhere = Desk::with("CREATE TABLE parents (id int PRIMARY KEY)");
    desk.database.mariadb(&format!(
        "CREATE TABLE far (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES `{}`.parents (id) ON DELETE CASCADE)",
        elsewhere.database.name()
    ));
    let installed = store(&desk).await.install(&["bag", "far", "mine", "old"].map(str::to_owned)).await.unwrap();
    assert_eq!(installed.begun, ["mine"]);
    let refused: Vec<_> = installed.refused.iter().map(|(name, error)| (name.as_str(), error.code())).collect();
    assert_eq!(refused, ["bag", "far", "old"].map(|name| (name, Code::TableNotTracked)));
    for ((_, error), why) in installed.refused.iter().zip(["no key", "rows go or change with rows of", "MyISAM"]) {
        assert!(error.why().unwrap().contains(why), "{error:?}");
    }
    desk.database.mariadb("DROP TABLE far");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_rights_nothing_is_installed() {
    let desk = Desk::with("CREATE TABLE mine (id int PRIMARY KEY)");
    let (database, user) = (desk.database.name(), format!("weak_{}", desk.database.name()));
    desk.database.mariadb(&format!(
        "CREATE USER `{user}`@'%' IDENTIFIED BY 'weak'; GRANT ALL ON `{database}`.* TO `{user}`@'%'; \
         CREATE USER `{user}_w`@'%' IDENTIFIED BY 'weak'; GRANT INSERT ON `{database}`.mine TO `{user}_w`@'%'"
    ));
    let mut options = desk.options();
    (options.user, options.password) = (user.clone(), Some(Password::new("weak")));
    let weak = MysqlStore::open(options.clone(), true).await.unwrap();
    let refused = weak.install(&["mine".to_owned()]).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(refused.what().contains("PROCESS"), "{refused:?}");
    desk.database.mariadb(&format!("GRANT PROCESS ON *.* TO `{user}`@'%'"));
    let weak = MysqlStore::open(options.clone(), true).await.unwrap();
    assert_eq!(weak.install(&["mine".to_owned()]).await.unwrap().begun, ["mine"]);
    // Whoever may write to the table needs no right on its log.
    let since = end(&desk, "mine").await;
    let mut writer = session_as(&desk, &format!("{user}_w"), "weak").await;
    writer.query_drop("INSERT INTO mine VALUES (1)").await.unwrap();
    assert_eq!(touched(&desk, &desk.task("mine").await, &since).await.unwrap(), [(vec!["1".to_owned()], true)]);
    weak.remove(None).await.unwrap();
    desk.database.mariadb(&format!("DROP USER `{user}`@'%', `{user}_w`@'%'"));
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_purged_behind_the_slowest_reader() {
    let desk = Desk::with(SHOP);
    install(&desk, &["t"]).await;
    let store = store(&desk).await;
    let count = || {
        let sql = "SELECT (SELECT count(*) FROM _syncline_log_1), (SELECT count(*) FROM _syncline_inbox_1)";
        desk.database.rows(sql)[0].iter().map(|cell| cell.clone().unwrap()).collect::<Vec<_>>().join(" ")
    };
    let read = async |link: &str| {
        store.sequence().await.unwrap();
        let positions = [("t".to_owned(), end(&desk, "t").await)].into();
        store.acknowledge(&Consumer { link: link.to_owned(), label: format!("to {link}"), positions }).await.unwrap();
    };
    desk.database.mariadb("INSERT INTO t SELECT seq, concat('m', seq), NULL FROM seq_1000_to_26000");
    read("slow").await;
    assert_eq!(count(), "1 0", "the mark of the batch that a position names stays");
    desk.database.mariadb("UPDATE t SET note = 'x' WHERE id BETWEEN 1000 AND 1099");
    read("fast").await;
    assert_eq!(count(), "102 0", "the slow one has not read them");
    let standing = store.standing().await.unwrap().unwrap();
    let behind: Vec<_> = standing.consumers.iter().map(|consumer| (&*consumer.label, consumer.behind)).collect();
    assert_eq!(behind, [("to fast", 0), ("to slow", 100)]);
    read("slow").await;
    assert_eq!(count(), "1 0");
    assert_eq!(store.standing().await.unwrap().unwrap().consumers.iter().map(|c| c.behind).sum::<u64>(), 0);
}
