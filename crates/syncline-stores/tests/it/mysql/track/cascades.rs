//! Rows that go, or change, with those that they reference: the server fires no trigger for them.

use super::*;

const FAMILY: &str = "
    CREATE TABLE p (id int PRIMARY KEY, code varchar(10) COLLATE utf8mb4_general_ci UNIQUE, v int);
    CREATE TABLE a (x int, p int, y int, PRIMARY KEY (x, p), FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE);
    CREATE TABLE b (id int PRIMARY KEY, x int, p int, FOREIGN KEY (x, p) REFERENCES a (x, p) ON DELETE SET NULL ON UPDATE CASCADE);
    CREATE TABLE c (code varchar(10) COLLATE utf8mb4_general_ci, n int, PRIMARY KEY (code, n), FOREIGN KEY (code) REFERENCES p (code) ON DELETE CASCADE ON UPDATE CASCADE);
    CREATE TABLE tree (id int PRIMARY KEY, up int, p int, FOREIGN KEY (up) REFERENCES tree (id) ON DELETE CASCADE,
        FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE);
    CREATE TABLE leaf (id int PRIMARY KEY, tree int, FOREIGN KEY (tree) REFERENCES tree (id) ON DELETE CASCADE);
    CREATE TABLE ring_a (id int PRIMARY KEY, b int, KEY (b)); CREATE TABLE ring_b (id int PRIMARY KEY, a int, FOREIGN KEY (a) REFERENCES ring_a (id) ON DELETE CASCADE);
    ALTER TABLE ring_a ADD FOREIGN KEY (b) REFERENCES ring_b (id) ON DELETE CASCADE;
    INSERT INTO p SELECT seq, concat('c', seq), 0 FROM seq_1_to_10;
    INSERT INTO a SELECT seq, 1 + seq MOD 10, 0 FROM seq_1_to_30;
    INSERT INTO b SELECT seq, seq, 1 + seq MOD 10 FROM seq_1_to_30;
    INSERT INTO c SELECT concat('c', 1 + seq MOD 10), seq FROM seq_1_to_30;
    INSERT INTO tree SELECT seq, IF(seq < 4, NULL, seq DIV 2), IF(seq = 3, 7, NULL) FROM seq_1_to_30;
    INSERT INTO leaf SELECT seq, seq FROM seq_1_to_30;
    INSERT INTO ring_a VALUES (1, NULL), (2, NULL); INSERT INTO ring_b VALUES (1, 1), (2, 2); UPDATE ring_a SET b = 1 WHERE id = 2;
";

const MEMBERS: [&str; 8] = ["a", "b", "c", "leaf", "p", "ring_a", "ring_b", "tree"];

/// Statements, and how many rows each makes another.
const DEEDS: &[(&str, usize)] = &[
    ("DELETE FROM p WHERE id = 1", 1 + 3 + 3 + 3),
    ("UPDATE p SET id = 200 WHERE id = 2", 2 + 6 + 3),
    ("UPDATE p SET code = 'C3' WHERE id = 3", 1 + 6),
    ("UPDATE p SET v = 1", 9),
    ("DELETE FROM a WHERE x = 4", 2),
    ("UPDATE a SET x = 500 WHERE x = 5", 3),
    ("DELETE FROM tree WHERE id = 8", 2 * 3),
    ("DELETE FROM p WHERE id = 7", 1 + 3 + 3 + 3 + 2 * 8),
    ("REPLACE INTO p VALUES (9, 'c9', 5)", 1 + 3 + 3 + 3),
    ("SET foreign_key_checks = 0; DELETE FROM p WHERE id = 10", 1),
    ("DELETE FROM ring_a WHERE id = 1", 4),
    ("DELETE FROM p; DELETE FROM tree", 30),
];

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_go_or_change_with_others_are_named() {
    let desk = Desk::with(FAMILY);
    install(&desk, &MEMBERS).await;
    for (sql, least) in DEEDS {
        let (found, untold) = carries(&desk, &MEMBERS, sql).await;
        assert!(found >= *least, "{sql}: {found} rows were changed");
        assert_eq!(untold > 0, sql.contains("ring"), "{sql}");
    }
}

/// The tables around are not tracked, and the application has triggers that change what a statement says.
#[tokio::test(flavor = "multi_thread")]
async fn also_where_only_they_are_tracked() {
    let meddler = "CREATE TRIGGER meddler BEFORE UPDATE ON p FOR EACH ROW SET NEW.id = NEW.id + 1000, NEW.code = concat(NEW.code, 'x')";
    for trigger in ["", meddler] {
        let desk = Desk::with(FAMILY);
        desk.database.mariadb(trigger);
        install(&desk, &["b", "c", "leaf"]).await;
        if trigger.is_empty() {
            let before = end(&desk, "c").await;
            desk.database.mariadb("UPDATE p SET v = 1");
            assert_eq!(touched(&desk, &desk.task("c").await, &before).await.unwrap(), [], "none of them is concerned");
        }
        for sql in [
            "UPDATE p SET v = 7 WHERE id = 5",
            "UPDATE p SET id = 60, code = 'new' WHERE id = 6",
            "DELETE FROM p WHERE v = 0",
        ] {
            let (_, untold) = carries(&desk, &["b", "c", "leaf"], sql).await;
            assert_eq!(untold, 0, "{sql}");
        }
        // A trigger that comes later is noticed: what was logged until then said all.
        if trigger.is_empty() {
            desk.database.mariadb(meddler);
            let logs = store(&desk).await.snapshot().await.unwrap().logs().await.unwrap().unwrap();
            assert_eq!(logs.defects.keys().collect::<Vec<_>>(), ["b", "c"]);
        }
        assert_eq!(store(&desk).await.remove(None).await.unwrap(), ["b", "c", "leaf"]);
        let left = desk.database.rows("SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME LIKE '\\_syncline%'");
        assert_eq!(left.len(), 0);
    }
}

/// A child that was committed after the transaction took its view of the database goes with its parent all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_the_deleting_transaction_does_not_see_is_named() {
    let desk = Desk::with(
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE a (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE); INSERT INTO p VALUES (1)",
    );
    install(&desk, &["a", "p"]).await;
    for isolation in ["REPEATABLE READ", "READ COMMITTED", "SERIALIZABLE"] {
        let (task, mut deleting) = (desk.task("a").await, session(&desk).await);
        let say = async |conn: &mut Conn, sql: &str| conn.query_drop(sql).await.unwrap();
        say(&mut deleting, &format!("SET SESSION TRANSACTION ISOLATION LEVEL {isolation}")).await;
        say(&mut deleting, "START TRANSACTION WITH CONSISTENT SNAPSHOT").await;
        desk.database.mariadb("INSERT INTO a VALUES (1, 1)");
        let since = end(&desk, "a").await;
        say(&mut deleting, "DELETE FROM p WHERE id = 1").await;
        say(&mut deleting, "COMMIT").await;
        assert_eq!(touched(&desk, &task, &since).await.unwrap(), [(vec!["1".to_owned()], false)], "{isolation}");
        desk.database.mariadb("INSERT INTO p VALUES (1)");
    }
}
